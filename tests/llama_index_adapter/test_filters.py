"""Conversion of LlamaIndex's metadata filters to the assistant's."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.vector_stores import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index.indices.managed.pinecone_assistant import to_filter
from pinecone_assistant_client import InvalidRequestError, validate_filter

SUPPORTED = {
    FilterOperator.EQ: "$eq",
    FilterOperator.NE: "$ne",
    FilterOperator.GT: "$gt",
    FilterOperator.GTE: "$gte",
    FilterOperator.LT: "$lt",
    FilterOperator.LTE: "$lte",
    FilterOperator.IN: "$in",
    FilterOperator.NIN: "$nin",
}


@pytest.mark.parametrize(("operator", "name"), SUPPORTED.items(), ids=[o.value for o in SUPPORTED])
def test_each_operator_has_its_counterpart(operator: FilterOperator, name: str) -> None:
    value: Any = [2020, 2024] if name in ("$in", "$nin") else 2020
    found = to_filter(MetadataFilters(filters=[MetadataFilter(key="year", value=value, operator=operator)]))
    assert found == {"year": {name: value}}
    validate_filter(found)


@pytest.mark.parametrize("operator", [operator for operator in FilterOperator if operator not in SUPPORTED])
def test_other_operators_raise_and_are_named(operator: FilterOperator) -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key="tags", value="a", operator=operator)])
    with pytest.raises(
        InvalidRequestError, match=f"filter on 'tags': the assistant has no operator '{operator.value}'"
    ):
        to_filter(filters)


def test_the_condition_not_raises_and_is_named() -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key="a", value=1)], condition=FilterCondition.NOT)
    with pytest.raises(InvalidRequestError, match=r"no condition .*not"):
        to_filter(filters)


def test_groups_nest() -> None:
    filters = MetadataFilters(
        filters=[
            MetadataFilter(key="resource", value="encyclopedia"),
            MetadataFilters(
                filters=[
                    MetadataFilter(key="year", value=2020, operator=FilterOperator.LT),
                    MetadataFilter(key="year", value=2023, operator=FilterOperator.GT),
                ],
                condition=FilterCondition.OR,
            ),
            MetadataFilters(filters=[]),
        ]
    )
    found = to_filter(filters)
    assert found == {
        "$and": [
            {"resource": {"$eq": "encyclopedia"}},
            {"$or": [{"year": {"$lt": 2020}}, {"year": {"$gt": 2023}}]},
        ]
    }
    validate_filter(found)


@pytest.mark.parametrize(
    "filters", [None, {}, MetadataFilters(filters=[]), MetadataFilters(filters=[MetadataFilters(filters=[])])]
)
def test_empty_is_no_filter(filters: Any) -> None:
    assert to_filter(filters) is None


def test_a_dict_passes_as_it_is() -> None:
    filters = {"$or": [{"year": {"$gte": 2024}}, {"resource": "encyclopedia"}]}
    assert to_filter(filters) == filters


def test_no_condition_means_and() -> None:
    filters = MetadataFilters(
        filters=[MetadataFilter(key="a", value=1), MetadataFilter(key="b", value=2)], condition=None
    )
    assert to_filter(filters) == {"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}
