"""Metadata filters, compiled to parametrised SQL.

The language: `$eq $ne $gt $gte $lt $lte $in $nin $exists $and $or $not`; a bare scalar means `$eq`, several fields at
one level mean AND, and a list field matches when any of its elements does. A negation matches exactly the files that its
operand does not match, so `$ne` and `$nin` also match files that lack the field.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import ServiceError, invalid

# SQLite's parser has a stack of 100 before version 3.46, and a level takes up to six places of it: `(x AND (y OR `.
MAX_DEPTH = 10
MAX_LIST = 10_000
# SQLite refuses expressions of more than 1,000 levels (a row of ANDs is one for each) and more than 32,766 parameters.
MAX_COMPARISONS = 500
MAX_PARAMETERS = 32_000

_COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_FIELD_OPERATORS = ("$eq", "$ne", *_COMPARISONS, "$in", "$nin", "$exists", "$not")
_LOGICAL_OPERATORS = ("$and", "$or", "$not")

Parameter = str | float


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition over a row of `files` under the alias `f`, and its parameters."""

    sql: str = "1"
    parameters: tuple[Parameter, ...] = ()


def compile_filter(value: object) -> Condition:
    """The SQL condition for a metadata filter; None and {} match every file.

    Raises:
        ServiceError: 400, naming the path of the mistake, such as `filter.genre.$in[1]`.
    """
    if value is None:
        return Condition()
    condition = _compile_level(value, "filter", 0)
    if condition.sql.count("EXISTS") > MAX_COMPARISONS or len(condition.parameters) > MAX_PARAMETERS:
        raise invalid(
            f"filter: too large; at most {MAX_COMPARISONS} comparisons of {MAX_PARAMETERS} values are allowed"
        )
    return condition


def typed_value(value: object) -> tuple[str, Parameter] | None:
    """The kind ("s", "n" or "b") and the stored form of a metadata scalar; None if it is not a scalar."""
    if isinstance(value, bool):
        return "b", float(value)
    if isinstance(value, str):
        return "s", value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return ("n", number) if math.isfinite(number) else None
    return None


def _compile_level(value: object, path: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise invalid(f"{path}: nested more than {MAX_DEPTH} levels deep")
    if not isinstance(value, dict):
        raise invalid(f"{path}: must be an object, not {_name_of(value)}")
    parts = []
    for key, operand in value.items():
        here = f"{path}.{key}"
        if key in ("$and", "$or"):
            parts.append(_compile_list(key, operand, here, depth))
        elif key == "$not":
            parts.append(_negate(_compile_level(operand, here, depth + 1)))
        elif key.startswith("$"):
            raise _operator_error(key, here)
        else:
            parts.append(_compile_field(key, operand, here, depth))
    return _join(parts, "AND")


def _compile_list(operator: str, operand: object, path: str, depth: int) -> Condition:
    if not isinstance(operand, list) or not operand:
        raise invalid(f"{path}: must be a non-empty list of objects")
    parts = [_compile_level(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(operand)]
    return _join(parts, "AND" if operator == "$and" else "OR")


def _compile_field(field: str, operand: object, path: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise invalid(f"{path}: nested more than {MAX_DEPTH} levels deep")
    if not isinstance(operand, dict):
        if isinstance(operand, list):
            raise invalid(f"{path}: a list of values must be given with $in")
        return _compare(field, "$eq", operand, path)
    if not operand:
        raise invalid(f"{path}: must hold at least one operator")
    parts = []
    for operator, value in operand.items():
        here = f"{path}.{operator}"
        if operator == "$not":
            if not isinstance(value, dict):
                raise invalid(f"{here}: must be an object with operators, not {_name_of(value)}")
            parts.append(_negate(_compile_field(field, value, here, depth + 1)))
        elif operator in _FIELD_OPERATORS:
            parts.append(_compare(field, operator, value, here))
        else:
            raise invalid(f"{here}: unknown operator; valid operators are {', '.join(_FIELD_OPERATORS)}")
    return _join(parts, "AND")


def _compare(field: str, operator: str, value: object, path: str) -> Condition:
    if operator == "$exists":
        if not isinstance(value, bool):
            raise invalid(f"{path}: must be true or false, not {_name_of(value)}")
        exists = _any_element("1", (field,))
        return exists if value else _negate(exists)
    if operator in ("$in", "$nin"):
        found = _any_element(*_membership(field, value, path))
        return found if operator == "$in" else _negate(found)
    typed = typed_value(value)
    if operator in _COMPARISONS:
        if typed is None or typed[0] != "n":
            raise invalid(f"{path}: must be a number, not {_name_of(value)}")
        return _any_element(f"m.kind = 'n' AND m.value {_COMPARISONS[operator]} ?", (field, typed[1]))
    if typed is None:
        raise invalid(f"{path}: must be a string, a number or a boolean, not {_name_of(value)}")
    equal = _any_element("m.kind = ? AND m.value = ?", (field, *typed))
    return equal if operator == "$eq" else _negate(equal)


def _membership(field: str, value: object, path: str) -> tuple[str, tuple[Parameter, ...]]:
    if not isinstance(value, list):
        raise invalid(f"{path}: must be a list of strings or numbers, not {_name_of(value)}")
    if len(value) > MAX_LIST:
        raise invalid(f"{path}: has {len(value)} values; at most {MAX_LIST} are allowed")
    by_kind: dict[str, list[Parameter]] = {"s": [], "n": []}
    for index, item in enumerate(value):
        typed = typed_value(item)
        if typed is None or typed[0] == "b":
            raise invalid(f"{path}[{index}]: must be a string or a number, not {_name_of(item)}")
        by_kind[typed[0]].append(typed[1])
    alternatives = [
        f"(m.kind = '{kind}' AND m.value IN ({', '.join('?' * len(values))}))"
        for kind, values in by_kind.items()
        if values
    ]
    return f"({' OR '.join(alternatives) or '0'})", (field, *by_kind["s"], *by_kind["n"])


def _any_element(test: str, parameters: tuple[Parameter, ...]) -> Condition:
    # The test is written in this module; every value in it is a parameter.
    sql = f"EXISTS (SELECT 1 FROM file_metadata m WHERE m.file = f.row AND m.key = ? AND {test})"  # noqa: S608
    return Condition(sql, parameters)


def _negate(condition: Condition) -> Condition:
    return Condition(f"NOT {condition.sql}", condition.parameters)


def _join(parts: list[Condition], word: str) -> Condition:
    if len(parts) < 2:
        return parts[0] if parts else Condition()
    parameters = tuple(parameter for part in parts for parameter in part.parameters)
    return Condition("(" + f" {word} ".join(part.sql for part in parts) + ")", parameters)


def _operator_error(operator: str, path: str) -> ServiceError:
    if operator in _FIELD_OPERATORS:
        return invalid(f'{path}: {operator} must be under a field, as in {{"genre": {{"{operator}": ...}}}}')
    return invalid(f"{path}: unknown operator; valid operators here are {', '.join(_LOGICAL_OPERATORS)}")


def _name_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
