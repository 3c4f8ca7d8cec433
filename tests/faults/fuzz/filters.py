"""Any value at all as a metadata filter."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from pinecone_assistant_client.errors import InvalidRequestError
from pinecone_assistant_client.filters import validate_filter

TEXTS = st.text(max_size=3) | st.sampled_from(["\ud800", "a\udfff"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KEYS = (
    st.sampled_from(
        [
            "genre",
            "year",
            "",
            "$and",
            "$or",
            "$not",
            "$eq",
            "$ne",
            "$gt",
            "$gte",
            "$lt",
            "$lte",
            "$in",
            "$nin",
            "$exists",
            "$regex",
            "$",
            "a.b",
            "ä",
        ]
    )
    | TEXTS
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
FILTERS = st.dictionaries(KEYS, VALUES, max_size=3) | VALUES


def check_filter(value: Any) -> bool:
    """Check that a filter is accepted and valid JSON, or refused by its path. Return whether it was accepted."""
    try:
        validate_filter(value)
    except InvalidRequestError as error:
        if not str(error).startswith("filter"):
            raise AssertionError("the error does not begin with the path") from error
        return False
    if value is not None:
        assert json.loads(json.dumps(value, allow_nan=False)) == value
        json.dumps(value, ensure_ascii=False).encode()
        msgspec.json.encode(value)
    return True
