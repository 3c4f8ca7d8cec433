"""Convert LlamaIndex's metadata filters to the assistant's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.adapters import deep_copied

Filters = MetadataFilters | Mapping[str, Any]

_OPERATORS = {
    FilterOperator.EQ: "$eq",
    FilterOperator.NE: "$ne",
    FilterOperator.GT: "$gt",
    FilterOperator.GTE: "$gte",
    FilterOperator.LT: "$lt",
    FilterOperator.LTE: "$lte",
    FilterOperator.IN: "$in",
    FilterOperator.NIN: "$nin",
}
_CONDITIONS = {FilterCondition.AND: "$and", FilterCondition.OR: "$or", None: "$and"}


def to_filter(filters: Filters | None) -> dict[str, Any] | None:
    """Return a filter such as `{"$and": [{"year": {"$gte": 2024}}, ...]}`. A dict is copied; an empty filter becomes None.

    Raises:
        InvalidRequestError: `filters` has another type, or an operator or condition that the assistant does not have.
    """
    if isinstance(filters, MetadataFilters):
        return deep_copied(_to_group(filters))
    if filters is not None and not isinstance(filters, Mapping):
        raise InvalidRequestError(
            f"filters is a {type(filters).__name__}: pass MetadataFilters, or a dict such as "
            '{"year": {"$gte": 2024}}'
        )
    return deep_copied(dict(filters)) if filters else None


def to_guard(guard_filter: Filters | None) -> Mapping[str, Any] | None:
    """Return a guard as a filter. Empty `MetadataFilters` become `{}`, which is refused later; None would turn the guard off."""
    if isinstance(guard_filter, MetadataFilters):
        return to_filter(guard_filter) or {}
    return guard_filter


def _to_group(filters: MetadataFilters) -> dict[str, Any] | None:
    condition = _CONDITIONS.get(filters.condition)
    if condition is None:
        raise InvalidRequestError(f"the assistant has no condition {filters.condition!r} in filters: use and, or")
    parts = [_to_group(part) if isinstance(part, MetadataFilters) else _to_comparison(part) for part in filters.filters]
    found = [part for part in parts if part is not None]
    return {condition: found} if len(found) > 1 else next(iter(found), None)


def _to_comparison(part: MetadataFilter) -> dict[str, Any]:
    operator = _OPERATORS.get(part.operator)
    if operator is None:
        known = ", ".join(known.value for known in _OPERATORS)
        raise InvalidRequestError(
            f"filter on {part.key!r}: the assistant has no operator {part.operator.value!r}; use {known}"
        )
    return {part.key: {operator: part.value}}
