"""The metadata filter language, checked before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from .errors import InvalidRequestError

_LOGICAL = ("$and", "$or")
_NUMERIC = ("$gt", "$gte", "$lt", "$lte")
_OPERATORS = ("$eq", "$ne", *_NUMERIC, "$in", "$nin", "$exists", "$not")
_MAX_DEPTH = 64
_MAX_SHOWN_BITS = 256
_T = TypeVar("_T")


def validate_filter(filter: Mapping[str, Any] | None, *, name: str = "filter") -> None:  # noqa: A002 - the API's name
    """Check a metadata filter; an error names the path of the wrong part.

    The language: `{"genre": "comedy"}`, `{"year": {"$gte": 2020}}`, `{"genre": {"$in": ["comedy", "drama"]}}`,
    `{"$or": [{...}, {...}]}`, `{"$not": {...}}`, `{"genre": {"$exists": True}}`. Several fields at one level mean AND.
    None and `{}` mean no filter.

    Args:
        filter: The filter. It is not changed.
        name: The name of the option that has the filter. The paths in errors begin with it.

    Raises:
        InvalidRequestError: With the path, such as `filter.genre: a list needs $in`.

    Source: https://docs.pinecone.io/guides/assistant/files-overview and FilterExpression of assistant_data 2026-04.
    """
    if filter is not None:
        _check_expression(filter, name, 0)


def checked_guard(guard_filter: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a deep copy of a guard, or None if there is none.

    Raises:
        InvalidRequestError: It is not a valid filter, or a part of it is empty and so guards nothing.
    """
    validate_filter(guard_filter, name="guard_filter")
    if guard_filter is None:
        return None
    if _has_an_empty_part(guard_filter):
        raise _fail(
            "guard_filter",
            'it is empty or has an empty part, which lets every file through: pass a filter such as {"tenant": "acme"}, '
            "or leave guard_filter out",
        )
    return deep_copied(dict(guard_filter), name="guard_filter")


def guarded(filter: Mapping[str, Any] | None, guard: Mapping[str, Any] | None) -> Mapping[str, Any] | None:  # noqa: A002 - the API's name
    """Return the filter to send: `{"$and": [guard, filter]}`, or the only one of the two that is set.

    Raises:
        InvalidRequestError: The filter is not valid.
    """
    if guard is None:
        return filter
    validate_filter(filter)  # before it is wrapped, so that paths in errors fit the caller's filter
    return {"$and": [guard, filter]} if filter else guard


def deep_copied(value: _T, *, name: str = "filter") -> _T:
    """Return a copy that shares no dict and no list with the original; any mapping becomes a dict.

    Raises:
        InvalidRequestError: The value is nested too deeply, or contains itself.
    """
    copied: _T = _copied(value, name, 0)
    return copied


def _copied(value: Any, name: str, depth: int) -> Any:
    if depth > 2 * _MAX_DEPTH:  # twice, because an operator's list is a level here but not in a filter
        raise _fail(name, f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {key: _copied(part, name, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_copied(part, name, depth + 1) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


def _has_an_empty_part(expression: Mapping[str, Any]) -> bool:
    parts = [part for key in _LOGICAL for part in expression.get(key, ())]
    if "$not" in expression:
        parts.append(expression["$not"])
    return not expression or any(map(_has_an_empty_part, parts))


def check_number(value: float, path: str) -> None:
    """Raise if the service cannot store a number exactly. Filters and metadata are checked with it.

    The service keeps numbers as 64-bit floats. It rounds an integer that does not fit exactly, such as an
    id of 19 digits, without an error, and then the neighbours of that integer match too.

    Args:
        value: The number.
        path: Where it is, such as `filter.user_id`.

    Raises:
        InvalidRequestError: With the path.
    """
    if not isinstance(value, int):
        if not math.isfinite(value):
            raise _fail(path, f"{value} is not a JSON number")
        return
    try:
        is_held = int(float(value)) == value
    except OverflowError:
        is_held = False
    if not is_held:
        bits = value.bit_length()
        shown = f"{value}" if bits <= _MAX_SHOWN_BITS else f"an integer of {bits} bits"
        raise _fail(
            path, f"{shown} does not fit into a 64-bit float exactly, so other numbers would match too: use a string"
        )


def _fail(path: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{path}: {problem}")


def _check_expression(expression: Any, path: str, depth: int) -> None:
    if not isinstance(expression, Mapping):
        raise _fail(path, f'needs an object such as {{"genre": "comedy"}}, got {type(expression).__name__}')
    if depth > _MAX_DEPTH:
        raise _fail(path.partition(".")[0], f"nested deeper than {_MAX_DEPTH} levels")
    for key, value in expression.items():
        if not isinstance(key, str):
            raise _fail(path, f"field names are strings, got {key!r}")
        _check_text(key, path)
        below = f"{path}.{key}"
        if key in _LOGICAL:
            if not isinstance(value, (list, tuple)) or not value:
                raise _fail(below, "needs a list of filters that is not empty")
            for index, part in enumerate(value):
                _check_expression(part, f"{below}[{index}]", depth + 1)
        elif key == "$not":
            _check_expression(value, below, depth + 1)
        elif key in _OPERATORS:
            raise _fail(below, f'{key} belongs inside a field, such as {{"genre": {{"{key}": ...}}}}')
        elif key.startswith("$"):
            raise _fail(below, f"unknown operator {key}; known: {', '.join((*_LOGICAL, *_OPERATORS))}")
        elif not key:
            raise _fail(path, "a field name is empty")
        else:
            _check_field(value, below, depth + 1)


def _check_field(value: Any, path: str, depth: int) -> None:
    if not isinstance(value, Mapping):
        _check_scalar(value, path)
        return
    if depth > _MAX_DEPTH:
        raise _fail(path.partition(".")[0], f"nested deeper than {_MAX_DEPTH} levels")
    if not value:
        raise _fail(path, 'needs a value or an operator such as {"$eq": "comedy"}')
    for operator, operand in value.items():
        if isinstance(operator, str):
            _check_text(operator, path)
        below = f"{path}.{operator}"
        if operator not in _OPERATORS:
            hint = f"known: {', '.join(_OPERATORS)}"
            if not str(operator).startswith("$"):
                hint = "metadata is flat, so a field's value is a scalar or an operator"
            raise _fail(below, f"unknown operator {operator!r}; {hint}")
        if operator in _NUMERIC:
            if isinstance(operand, bool) or not isinstance(operand, (int, float)):
                raise _fail(below, f"compares numbers, got {operand!r}")
            _check_scalar(operand, below)
        elif operator in ("$in", "$nin"):
            if not isinstance(operand, (list, tuple)) or not operand:
                raise _fail(below, "needs a list of strings or numbers that is not empty")
            for index, item in enumerate(operand):
                if isinstance(item, bool) or not isinstance(item, (str, int, float)):
                    raise _fail(f"{below}[{index}]", f"lists hold strings or numbers, got {item!r}")
                _check_scalar(item, f"{below}[{index}]")
        elif operator == "$exists":
            if not isinstance(operand, bool):
                raise _fail(below, f"needs true or false, got {operand!r}")
        elif operator == "$not":
            _check_field(operand, below, depth + 1)
        else:
            _check_scalar(operand, below)


def _check_scalar(value: Any, path: str) -> None:
    if value is None:
        raise _fail(path, 'null matches nothing; to ask whether a field is set use {"$exists": false}')
    if isinstance(value, (list, tuple, set)):
        raise _fail(path, "a list needs $in")
    if not isinstance(value, (str, bool, int, float)):
        raise _fail(path, f"needs a string, number or boolean, got {type(value).__name__}")
    if isinstance(value, str):
        _check_text(value, path)
    elif not isinstance(value, bool):
        check_number(value, path)


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _fail(path, f"{text!r} has a lone surrogate at character {error.start}: it is not valid text") from error
