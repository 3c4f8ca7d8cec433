"""The metadata filter language, checked before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .errors import InvalidRequestError

_LOGICAL = ("$and", "$or")
_NUMERIC = ("$gt", "$gte", "$lt", "$lte")
_OPERATORS = ("$eq", "$ne", *_NUMERIC, "$in", "$nin", "$exists", "$not")
_MAX_DEPTH = 64


def validate_filter(filter: Mapping[str, Any] | None) -> None:  # noqa: A002 - the service's word
    """Check a metadata filter and name the path of what is wrong.

    The language: `{"genre": "comedy"}`, `{"year": {"$gte": 2020}}`, `{"genre": {"$in": ["comedy", "drama"]}}`,
    `{"$or": [{...}, {...}]}`, `{"$not": {...}}`, `{"genre": {"$exists": True}}`. Several fields at one level mean AND.
    None and `{}` mean no filter.

    Raises:
        InvalidRequestError: With the path, such as `filter.genre: a list needs $in`.

    Source: https://docs.pinecone.io/guides/assistant/files-overview and FilterExpression of assistant_data 2026-04.
    """
    if filter is not None:
        _check_expression(filter, "filter", 0)


def _fail(path: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{path}: {problem}")


def _check_expression(expression: Any, path: str, depth: int) -> None:
    if not isinstance(expression, Mapping):
        raise _fail(path, f'needs an object such as {{"genre": "comedy"}}, got {type(expression).__name__}')
    if depth > _MAX_DEPTH:
        raise _fail("filter", f"nested deeper than {_MAX_DEPTH} levels")
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
            raise _fail(below, f'{key} stands inside a field, such as {{"genre": {{"{key}": ...}}}}')
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
        raise _fail("filter", f"nested deeper than {_MAX_DEPTH} levels")
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
    if isinstance(value, float) and not math.isfinite(value):
        raise _fail(path, f"{value} is no JSON number")


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _fail(path, f"{text!r} has a lone surrogate at character {error.start}: it is not valid text") from error
