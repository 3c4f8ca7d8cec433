"""The metadata filter language: all of it is accepted, and an error names the path of the wrong part."""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import InvalidRequestError, validate_filter
from pinecone_assistant_client.filters import check_number, checked_guard, deep_copied


def said(bad: Any) -> str:
    """The error of a filter, without the pointer to the docs."""
    with pytest.raises(InvalidRequestError) as caught:
        validate_filter(bad)
    return str(caught.value).removesuffix("; see docs/errors.md#invalidrequesterror")


GOOD: list[Any] = [
    None,
    {},
    {"genre": "comedy"},
    {"genre": ""},
    {"year": 2020},
    {"score": 1.5},
    {"score": -0.0},
    {"is_new": True},
    {"id": 2**53},
    {"id": {"$in": [-(2**53), 2**53 + 2, 2**60]}},
    {"genre": "comedy", "year": 2020},
    {"genre": {"$eq": "comedy"}},
    {"year": {"$eq": 2020}},
    {"is_new": {"$eq": False}},
    {"genre": {"$ne": "comedy"}},
    {"year": {"$gt": 2000}},
    {"year": {"$gte": 2000.5}},
    {"year": {"$lt": 2000}},
    {"year": {"$lte": 2000}},
    {"year": {"$gte": 2000, "$lt": 2010}},
    {"genre": {"$in": ["comedy", "drama"]}},
    {"year": {"$in": [2000, 2001.5]}},
    {"year": {"$nin": (2000, "2001")}},
    {"genre": {"$exists": True}},
    {"genre": {"$exists": False}},
    {"genre": {"$not": {"$eq": "comedy"}}},
    {"genre": {"$not": "comedy"}},
    {"$and": [{"genre": "comedy"}]},
    {"$or": ({"genre": "comedy"}, {"year": {"$gt": 2000}})},
    {"$and": [{"$or": [{"a": 1}, {"b": 2}]}, {"$not": {"c": 3}}]},
    {"$and": [{}]},
    {"$not": {"genre": "comedy"}},
    {"$not": {"$or": [{"a": 1}]}},
    {"$and": [{"a": 1}], "b": 2},
    {"a.b": 1, "mit leer": "ä", "漢": True},
    MappingProxyType({"genre": MappingProxyType({"$in": ["a"]})}),
]


@pytest.mark.parametrize("good", GOOD, ids=repr)
def test_the_whole_language_is_accepted_and_the_filter_stays_as_it_is(good: Any) -> None:
    before = repr(good)
    validate_filter(good)
    assert repr(good) == before


NEEDS_OBJECT = 'needs an object such as {"genre": "comedy"}, got'
KNOWN_FIELD = "known: $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $not"
KNOWN_TOP = f"known: $and, $or, {KNOWN_FIELD.removeprefix('known: ')}"
FLAT = "metadata is flat, so a field's value is a scalar or an operator"
NULL = 'null matches nothing; to ask whether a field is set use {"$exists": false}'

NOT_HELD = "does not fit into a 64-bit float exactly, so other numbers would match too: use a string"
NEEDS_LIST = "needs a list of strings or numbers that is not empty"

BAD: list[tuple[Any, str]] = [
    ("genre", f"filter: {NEEDS_OBJECT} str"),
    (["genre"], f"filter: {NEEDS_OBJECT} list"),
    (7, f"filter: {NEEDS_OBJECT} int"),
    (False, f"filter: {NEEDS_OBJECT} bool"),
    ({"genre": ["comedy", "drama"]}, "filter.genre: a list needs $in"),
    ({"genre": ("comedy",)}, "filter.genre: a list needs $in"),
    ({"genre": []}, "filter.genre: a list needs $in"),
    ({"genre": {"$eq": ["comedy"]}}, "filter.genre.$eq: a list needs $in"),
    ({"genre": {"$ne": ["comedy"]}}, "filter.genre.$ne: a list needs $in"),
    ({"genre": {"$not": ["comedy"]}}, "filter.genre.$not: a list needs $in"),
    ({"genre": None}, f"filter.genre: {NULL}"),
    ({"genre": {"$eq": None}}, f"filter.genre.$eq: {NULL}"),
    ({"genre": {}}, 'filter.genre: needs a value or an operator such as {"$eq": "comedy"}'),
    ({"genre": b"x"}, "filter.genre: needs a string, number or boolean, got bytes"),
    ({"genre": {"$eq": {"a": 1}}}, "filter.genre.$eq: needs a string, number or boolean, got dict"),
    ({"genre": object}, "filter.genre: needs a string, number or boolean, got type"),
    ({"year": float("nan")}, "filter.year: nan is not a JSON number"),
    ({"year": {"$gt": float("inf")}}, "filter.year.$gt: inf is not a JSON number"),
    ({"year": {"$in": [1, float("-inf")]}}, "filter.year.$in[1]: -inf is not a JSON number"),
    ({"id": 1234567890123456789}, f"filter.id: 1234567890123456789 {NOT_HELD}"),
    ({"id": {"$eq": 2**53 + 1}}, f"filter.id.$eq: 9007199254740993 {NOT_HELD}"),
    ({"id": {"$ne": -(2**53) - 1}}, f"filter.id.$ne: -9007199254740993 {NOT_HELD}"),
    ({"id": {"$gte": 2**60 + 1}}, f"filter.id.$gte: 1152921504606846977 {NOT_HELD}"),
    ({"$or": [{"id": {"$in": [1, 2**53 + 1]}}]}, f"filter.$or[0].id.$in[1]: 9007199254740993 {NOT_HELD}"),
    ({"id": {"$not": 2**53 + 1}}, f"filter.id.$not: 9007199254740993 {NOT_HELD}"),
    ({"id": 10**400}, f"filter.id: an integer of 1329 bits {NOT_HELD}"),
    ({"year": {"$gt": "2000"}}, "filter.year.$gt: compares numbers, got '2000'"),
    ({"year": {"$gte": True}}, "filter.year.$gte: compares numbers, got True"),
    ({"year": {"$lt": None}}, "filter.year.$lt: compares numbers, got None"),
    ({"year": {"$lte": [1]}}, "filter.year.$lte: compares numbers, got [1]"),
    ({"genre": {"$in": "comedy"}}, "filter.genre.$in: needs a list of strings or numbers that is not empty"),
    ({"genre": {"$in": []}}, "filter.genre.$in: needs a list of strings or numbers that is not empty"),
    ({"genre": {"$nin": {"a": 1}}}, "filter.genre.$nin: needs a list of strings or numbers that is not empty"),
    ({"genre": {"$in": ["a", True]}}, "filter.genre.$in[1]: lists hold strings or numbers, got True"),
    ({"genre": {"$nin": [None]}}, "filter.genre.$nin[0]: lists hold strings or numbers, got None"),
    ({"genre": {"$in": ["a", ["b"]]}}, "filter.genre.$in[1]: lists hold strings or numbers, got ['b']"),
    ({"genre": {"$exists": 1}}, "filter.genre.$exists: needs true or false, got 1"),
    ({"genre": {"$exists": "true"}}, "filter.genre.$exists: needs true or false, got 'true'"),
    ({"genre": {"$regex": "c.*"}}, f"filter.genre.$regex: unknown operator '$regex'; {KNOWN_FIELD}"),
    ({"genre": {"$and": []}}, f"filter.genre.$and: unknown operator '$and'; {KNOWN_FIELD}"),
    ({"a": {"b": 1}}, f"filter.a.b: unknown operator 'b'; {FLAT}"),
    ({"a": {1: 1}}, f"filter.a.1: unknown operator 1; {FLAT}"),
    ({"$eq": "comedy"}, 'filter.$eq: $eq belongs inside a field, such as {"genre": {"$eq": ...}}'),
    ({"$in": ["a"]}, 'filter.$in: $in belongs inside a field, such as {"genre": {"$in": ...}}'),
    ({"$nor": [{"a": 1}]}, f"filter.$nor: unknown operator $nor; {KNOWN_TOP}"),
    ({"$AND": [{"a": 1}]}, f"filter.$AND: unknown operator $AND; {KNOWN_TOP}"),
    ({"$and": {"a": 1}}, "filter.$and: needs a list of filters that is not empty"),
    ({"$or": []}, "filter.$or: needs a list of filters that is not empty"),
    ({"$and": [{"a": 1}, "b"]}, f"filter.$and[1]: {NEEDS_OBJECT} str"),
    ({"$and": [{"a": 1}, None]}, f"filter.$and[1]: {NEEDS_OBJECT} NoneType"),
    ({"$not": ["a"]}, f"filter.$not: {NEEDS_OBJECT} list"),
    ({"$not": None}, f"filter.$not: {NEEDS_OBJECT} NoneType"),
    ({"": 1}, "filter: a field name is empty"),
    ({7: 1}, "filter: field names are strings, got 7"),
    ({None: 1}, "filter: field names are strings, got None"),
    ({"a": 1, "$or": [{"b": 1}, {"$and": [{"c": {"$in": 3}}]}]}, f"filter.$or[1].$and[0].c.$in: {NEEDS_LIST}"),
    ({"$not": {"a": {"$not": {"$gt": "x"}}}}, "filter.$not.a.$not.$gt: compares numbers, got 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "expected"), BAD, ids=[repr(bad)[:50] for bad, _ in BAD])
def test_what_is_wrong_is_named_with_its_path(bad: Any, expected: str) -> None:
    before = repr(bad)
    assert said(bad) == expected
    assert repr(bad) == before


def test_a_filter_error_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match=r"filter\.genre"):
        validate_filter({"genre": None})


def nested(depth: int, *, inside_a_field: bool = False) -> dict[str, Any]:
    innermost: dict[str, Any] = {"$eq": 1} if inside_a_field else {"a": 1}
    for _ in range(depth):
        innermost = {"$not": innermost}
    return {"a": innermost} if inside_a_field else innermost


@pytest.mark.parametrize("inside_a_field", [False, True])
def test_a_filter_nested_without_end_is_refused_before_the_stack_is_full(inside_a_field: bool) -> None:
    validate_filter(nested(60, inside_a_field=inside_a_field))
    assert said(nested(5000, inside_a_field=inside_a_field)) == "filter: nested deeper than 64 levels"


def test_a_filter_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["$and"] = [loop]
    assert said(loop) == "filter: nested deeper than 64 levels"


EXACT = st.integers(-(2**53), 2**53)
SCALARS = st.text(max_size=8) | st.booleans() | EXACT | st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = EXACT | st.floats(allow_nan=False, allow_infinity=False)
FIELDS = st.text(min_size=1, max_size=8).filter(lambda name: not name.startswith("$"))
OPERATIONS = st.one_of(
    SCALARS,
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), SCALARS, min_size=1),
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), NUMBERS, min_size=1),
    st.dictionaries(
        st.sampled_from(["$in", "$nin"]), st.lists(st.text(max_size=3) | NUMBERS, min_size=1, max_size=3), min_size=1
    ),
    st.fixed_dictionaries({"$exists": st.booleans()}),
)
FILTERS = st.recursive(
    st.dictionaries(FIELDS, OPERATIONS, max_size=3),
    lambda parts: st.one_of(
        st.fixed_dictionaries({"$and": st.lists(parts, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"$or": st.lists(parts, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"$not": parts}),
    ),
    max_leaves=8,
)


@given(FILTERS)
def test_every_filter_of_the_language_is_accepted(good: Any) -> None:
    before = copy.deepcopy(good)
    validate_filter(good)
    assert good == before


JSON = st.recursive(
    st.none() | SCALARS,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["$and", "$or", "$in", "$not", "$eq"]), parts, max_size=3
        )
    ),
)


@given(JSON)
def test_any_other_value_is_accepted_or_refused_by_path_and_nothing_else(value: Any) -> None:
    try:
        validate_filter(value)
    except InvalidRequestError as error:
        message = str(error)
    else:
        message = "filter"
    assert message.startswith("filter")


def test_a_number_of_metadata_is_checked_alike() -> None:
    for good in (0, -1, 2**53, 1.5):
        check_number(good, "metadata.id")
    for bad in (2**53 + 1, float("nan"), 10**5000):
        with pytest.raises(InvalidRequestError, match=r"^metadata\.id: "):
            check_number(bad, "metadata.id")


def test_a_filter_names_the_option_that_it_was_passed_in() -> None:
    with pytest.raises(InvalidRequestError, match=r"^guard_filter\.genre: a list needs \$in"):
        validate_filter({"genre": ["a"]}, name="guard_filter")
    with pytest.raises(InvalidRequestError, match=r"^guard_filter: nested deeper"):
        validate_filter(nested(5000), name="guard_filter")


@given(FILTERS)
def test_a_copy_of_a_filter_is_equal_and_shares_nothing(good: Any) -> None:
    copied = deep_copied(good)
    assert copied == good
    for value in (copied, *copied.values()):
        assert not any(value is other for other in (good, *good.values()) if isinstance(value, (dict, list)))


def test_a_copy_is_made_of_any_mapping_and_of_nothing_that_holds_itself() -> None:
    assert deep_copied(MappingProxyType({"a": MappingProxyType({"$in": ("x",)})})) == {"a": {"$in": ("x",)}}
    loop: dict[str, Any] = {}
    loop["$and"] = [loop, loop]
    with pytest.raises(InvalidRequestError, match="nested deeper"):
        deep_copied(loop)


@pytest.mark.parametrize(
    "nothing",
    [{}, MappingProxyType({}), {"$and": [{}]}, {"$or": [{"tenant": "a"}, {}]}, {"$not": {}}, {"a": 1, "$and": [{"$or": [{}]}]}],
)  # fmt: skip
def test_a_guard_that_guards_nothing_is_refused(nothing: Any) -> None:
    with pytest.raises(InvalidRequestError, match="guard_filter: it is empty or has an empty part"):
        checked_guard(nothing)


@pytest.mark.parametrize("bad", ["tenant", ["a"], 0, False, "", (), {"tenant": None}, {"id": 2**53 + 1}])
def test_a_guard_is_checked_as_a_filter_and_named(bad: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"^guard_filter"):
        checked_guard(bad)
