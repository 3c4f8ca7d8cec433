"""Metadata filters, through the list of files, which uses the same SQL as the search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import requests

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.store.filters import MAX_DEPTH

from ..conftest import Api

FILES: dict[str, dict[str, object] | None] = {
    "comedy": {"genre": "comedy", "year": 1999, "rating": 7.5, "seen": True},
    "drama": {"genre": "drama", "year": 2005, "seen": False},
    "both": {"genre": ["comedy", "drama"], "year": 2010},
    "number-word": {"genre": "1999", "a.b": "dotted", 'quo"te': "quoted"},
    "bare": None,
}


@pytest.fixture(scope="module")
def films() -> Iterator[Api]:
    with LocalAssistant() as local, requests.Session() as session:
        for name, metadata in FILES.items():
            local.upload_text(f"{name}.txt", f"The film {name} is here.", metadata)
        yield Api(local, session=session)


def _matching(api: Api, condition: object) -> set[str]:
    response = api.call("GET", f"/files/{api.local.name}", params={"filter": json.dumps(condition)})
    assert response.status_code == 200, response.text
    return {file["name"].removesuffix(".txt") for file in response.json()["files"]}


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({}, {"comedy", "drama", "both", "number-word", "bare"}),
        ({"genre": "comedy"}, {"comedy", "both"}),
        ({"genre": {"$eq": "drama"}}, {"drama", "both"}),
        ({"genre": {"$ne": "comedy"}}, {"drama", "number-word", "bare"}),
        ({"genre": {"$in": ["comedy", "opera"]}}, {"comedy", "both"}),
        ({"genre": {"$nin": ["comedy", "drama"]}}, {"number-word", "bare"}),
        ({"genre": {"$in": []}}, set()),
        ({"year": 1999}, {"comedy"}),
        ({"year": 1999.0}, {"comedy"}),
        ({"year": "1999"}, set()),
        ({"genre": 1999}, set()),
        ({"year": {"$in": [1999, 2005]}}, {"comedy", "drama"}),
        ({"year": {"$gt": 1999}}, {"drama", "both"}),
        ({"year": {"$gte": 1999}}, {"comedy", "drama", "both"}),
        ({"year": {"$lt": 2005}}, {"comedy"}),
        ({"year": {"$lte": 2005}}, {"comedy", "drama"}),
        ({"year": {"$gt": 1999, "$lt": 2010}}, {"drama"}),
        ({"genre": {"$gt": 5}}, set()),
        ({"rating": 7.5}, {"comedy"}),
        ({"seen": True}, {"comedy"}),
        ({"seen": {"$ne": True}}, {"drama", "both", "number-word", "bare"}),
        ({"seen": 1}, set()),
        ({"seen": {"$exists": True}}, {"comedy", "drama"}),
        ({"seen": {"$exists": False}}, {"both", "number-word", "bare"}),
        ({"genre": "comedy", "year": 2010}, {"both"}),
        ({"$and": [{"genre": "comedy"}, {"genre": "drama"}]}, {"both"}),
        ({"$or": [{"year": 1999}, {"year": 2005}]}, {"comedy", "drama"}),
        ({"$or": [{"year": 1999}, {"$and": [{"genre": "drama"}, {"seen": False}]}]}, {"comedy", "drama"}),
        ({"$not": {"genre": "comedy"}}, {"drama", "number-word", "bare"}),
        ({"genre": {"$not": {"$in": ["comedy"]}}}, {"drama", "number-word", "bare"}),
        ({"a.b": "dotted"}, {"number-word"}),
        ({'quo"te': "quoted"}, {"number-word"}),
        ({"genre": "' OR 1 = 1 --"}, set()),
        ({"x') OR 1 = 1 --": "y"}, set()),
    ],
)
def test_a_filter_selects_these_files(films: Api, condition: object, names: set[str]) -> None:
    assert _matching(films, condition) == names


def _nested(depth: int) -> dict[str, object]:
    condition: dict[str, object] = {"genre": "comedy"}
    for _ in range(depth):
        condition = {"$and": [condition]}
    return condition


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ([], "filter: must be an object"),
        ("genre", "filter: must be an object"),
        ({"genre": ["a", "b"]}, "filter.genre: a list of values must be given with $in"),
        ({"genre": {"$eq": ["a"]}}, "filter.genre.$eq"),
        ({"genre": None}, "filter.genre"),
        ({"genre": {}}, "filter.genre"),
        ({"genre": {"$regex": "x"}}, "filter.genre.$regex: unknown operator"),
        ({"genre": {"sub": 1}}, "filter.genre.sub"),
        ({"year": {"$gt": "1999"}}, "filter.year.$gt: must be a number"),
        ({"year": {"$gt": True}}, "filter.year.$gt: must be a number, not a boolean"),
        ({"year": {"$in": 1999}}, "filter.year.$in"),
        ({"year": {"$in": [1999, True]}}, "filter.year.$in[1]"),
        ({"year": {"$nin": [None]}}, "filter.year.$nin[0]"),
        ({"seen": {"$exists": "yes"}}, "filter.seen.$exists"),
        ({"$gt": 5}, "filter.$gt: $gt must be under a field"),
        ({"$nor": []}, "filter.$nor: unknown operator"),
        ({"$and": []}, "filter.$and"),
        ({"$or": {"a": 1}}, "filter.$or"),
        ({"$or": [{"a": 1}, 5]}, "filter.$or[1]"),
        ({"$and": [{"genre": {"$bad": 1}}]}, "filter.$and[0].genre.$bad"),
        (_nested(40), "filter.$and[0]"),
    ],
)
def test_a_bad_filter_is_400_and_names_the_path(films: Api, condition: object, path: str) -> None:
    listed = films.call("GET", f"/files/{films.local.name}", params={"filter": json.dumps(condition)})
    asked = films.completions("Which film is here?", filter=condition)
    for response in (listed, asked):
        assert response.status_code == 400
        assert response.json()["error"]["message"].startswith(path)


def test_a_list_of_more_than_10000_values_is_400(films: Api) -> None:
    response = films.completions("Which film is here?", filter={"year": {"$in": list(range(10_001))}})
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("filter.year.$in: has 10001 values")
    assert "film comedy" in films.ask("Which film is here?", filter={"year": {"$in": list(range(1995, 2004))}})


@pytest.mark.parametrize(
    "condition",
    [
        {f"key{number}": "value" for number in range(1001)},
        {"$or": [{"genre": "comedy"}] * 1001},
        {f"key{number}": {"$in": list(range(10_000))} for number in range(4)},
    ],
    ids=["fields", "alternatives", "values"],
)
def test_a_filter_that_is_too_large_for_sqlite_is_400(films: Api, condition: object) -> None:
    """It was 500, and the connection was cut."""
    response = films.completions("Which film is here?", filter=condition)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("filter: too large")


YEARS: list[dict[str, object]] = [{"year": {"$gt": year}} for year in range(30)]
# One level around a filter, in every way that a level can be written; the nested part comes last, which costs most.
LEVELS: dict[str, Callable[[dict[str, object]], dict[str, object]]] = {
    "and": lambda inner: {"$and": [*YEARS, inner]},
    "or": lambda inner: {"$or": [*YEARS, inner]},
    "not": lambda inner: {"year": 1999, "$not": inner},
    "not-nin": lambda inner: {"year": {"$nin": [1999]}, "$not": inner},
    "fields": lambda inner: {"year": 1999, "$or": [{"seen": True}, inner]},
    "fields-and-not": lambda inner: {"year": 1999, "seen": False, "$and": [{"year": {"$nin": [5]}}, inner]},
    "two-lists": lambda inner: {"$and": YEARS[:2], "$or": [{"seen": True}, inner]},
    "both-sides": lambda inner: {"$or": [{"year": 1999}, inner], "$not": {"year": 5}},
}


@pytest.mark.parametrize("level", LEVELS)
def test_a_filter_is_answered_as_deep_as_it_may_be_however_it_is_nested(films: Api, level: str) -> None:
    """SQLite's parser has a stack of 100, and terms before a nested part take places on it: it was 500."""
    condition: dict[str, object] = {"genre": {"$in": ["comedy", 5]}}
    for _ in range(MAX_DEPTH):
        condition = LEVELS[level](condition)
    listed = films.call("GET", f"/files/{films.local.name}", params={"filter": json.dumps(condition)})
    assert listed.status_code == 200, listed.text
    for call in (films.completions, films.chat):
        assert call("Which film is here?", filter=condition).status_code == 200
    assert films.context(query="film", filter=condition).status_code == 200
    deeper = films.completions("Which film is here?", filter=LEVELS[level](condition))
    assert (deeper.status_code, "levels deep" in deeper.text) == (400, True)


def test_negations_of_one_field_are_answered_as_deep_as_they_may_be(films: Api) -> None:
    condition: dict[str, object] = {"$gt": 1999}
    for _ in range(MAX_DEPTH):
        condition = {"$gt": 1900, "$not": condition}
    assert _matching(films, {"year": condition}) is not None
    assert films.completions("Which film is here?", filter={"year": {"$not": condition}}).status_code == 400


def test_a_filter_of_500_comparisons_is_answered(films: Api) -> None:
    assert len(_matching(films, {f"key{number}": {"$nin": ["value"]} for number in range(500)})) == len(FILES)


def test_a_filter_in_the_query_that_is_no_json_is_400(films: Api) -> None:
    response = films.call("GET", f"/files/{films.local.name}", params={"filter": "{genre: comedy}"})
    assert response.status_code == 400
    assert "filter must be valid JSON" in response.json()["error"]["message"]


def test_chat_and_context_use_the_same_filters(films: Api) -> None:
    condition = {"year": {"$gte": 2010}}
    assert "film both" in films.ask("Which film is here?", filter=condition)
    snippets = films.context(query="film", filter=condition).json()["snippets"]
    assert [snippet["reference"]["file"]["name"] for snippet in snippets] == ["both.txt"]
