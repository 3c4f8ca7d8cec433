"""`json_response`: instances of a JSON Schema in the last user turn, or answer and sources."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.answers.json_instances import build_instance
from pinecone_assistant_local.answers.json_schemas import split_schema

from ..conftest import Api
from ..documents.made_files import pdf

TREE: dict[str, Any] = {
    "title": "Tree",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "summary": {"type": "string", "description": "What it is"},
        "max_height_meters": {"type": "number"},
        "lifespan_years": {"type": "integer"},
    },
    "required": ["name", "summary", "max_height_meters", "lifespan_years"],
}


def _ask(api: Api, question: str) -> tuple[Any, dict[str, Any]]:
    response = api.chat(question, json_response=True)
    assert response.status_code == 200, response.text
    body = response.json()
    return json.loads(body["message"]["content"]), body


def test_without_a_schema_it_is_the_answer_and_its_sources(library: Api) -> None:
    value, body = _ask(library, "What is the maximum height of a red pine? Answer in JSON.")
    assert value == {
        "answer": "It can grow up to 25 meters high and 75 centimeters in diameter.",
        "sources": ["red_pine.md"],
    }
    [citation] = body["citations"]
    assert citation["references"][0]["file"]["name"] == "red_pine.md"
    assert citation["position"] == len(body["message"]["content"])


def test_without_a_schema_it_declines_as_json(library: Api) -> None:
    value, body = _ask(library, "What is the capital of France?")
    assert "could not find" in value["answer"]
    assert (value["sources"], body["citations"]) == ([], [])


@pytest.mark.parametrize(
    "template",
    [
        "Describe the red pine. Answer with JSON that conforms to this schema:\n```json\n{schema}\n```\nNothing else.",
        "Describe the red pine as {schema} please.",
        "Use this:\n{schema}\n\nDescribe the red pine: how tall and how old does it get?",
        'Example: for {{"properties": {{"a": {{"type": "array"}}}}}} {{"a": ["b"]}} fits. Describe the red pine as\n{schema}',
    ],
)
def test_an_instance_is_filled_from_the_passages(library: Api, template: str) -> None:
    value, body = _ask(library, template.format(schema=json.dumps(TREE)))
    jsonschema.validate(value, TREE)
    assert value["max_height_meters"] == 25
    assert value["lifespan_years"] == 400
    assert "red pine" in json.dumps(value).lower()
    assert body["citations"]


def test_an_instance_is_valid_even_when_nothing_matches(library: Api) -> None:
    value, _ = _ask(library, f"Tell me a joke about zeppelins as {json.dumps(TREE)}")
    jsonschema.validate(value, TREE)


def test_an_instance_is_valid_even_when_no_file_may_be_used(library: Api) -> None:
    body = library.chat(
        f"Describe the red pine as {json.dumps(TREE)}", json_response=True, filter={"topic": "x"}
    ).json()
    jsonschema.validate(json.loads(body["message"]["content"]), TREE)
    assert body["citations"] == []


def test_an_option_is_chosen_that_the_passages_mention(library: Api) -> None:
    schema = {"type": "object", "properties": {"bark": {"enum": ["grey", "reddish", "white"]}}, "required": ["bark"]}
    value, _ = _ask(library, f"Which colour is the bark of the red pine? {json.dumps(schema)}")
    assert value == {"bark": "reddish"}


def test_values_from_several_pages_of_a_file_are_one_reference(local: LocalAssistant, api: Api) -> None:
    api.upload("pine.pdf", pdf(["A red pine grows up to 25 meters high."], ["A red pine lives up to 400 years."]))
    value, body = _ask(api, f"Describe the red pine as {json.dumps(TREE)}")
    assert (value["max_height_meters"], value["lifespan_years"]) == (25, 400)
    [citation] = body["citations"]
    assert [(one["file"]["name"], one["pages"]) for one in citation["references"]] == [("pine.pdf", [1, 2])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type": "object", "properties": {}}', {"type": "object", "properties": {}}),
        ("{'properties': {'a': {'type': 'string'}}, 'additionalProperties': False}", None),
        ('{{"type": "array", "items": {{"type": "string"}}}}', {"type": "array", "items": {"type": "string"}}),
        ('{"name": "X", "schema": {"type": "string"}}', {"type": "string"}),
        ('{"type": "json_schema", "json_schema": {"name": "X", "schema": {"type": "null"}}}', {"type": "null"}),
        ('{"type": "function", "function": {"name": "X", "parameters": {"type": "object", "properties": {}}}}',
         {"type": "object", "properties": {}}),
    ],
)  # fmt: skip
def test_a_schema_is_found_however_it_is_written(text: str, expected: object) -> None:
    found, rest = split_schema(f"Before {text} after.")
    assert found is not None
    assert expected is None or found == expected
    assert rest.split() == ["Before", "after."]


@pytest.mark.parametrize(
    "text",
    [
        "no braces",
        "{",
        "}{",
        "{not json}",
        '{"type": "car"}',
        '{"name": "x", "type": 5}',
        "{" * 5000,
        '{"a": {"type": 1}}',
    ],
)
def test_what_is_no_schema_is_left_alone(text: str) -> None:
    assert split_schema(text) == (None, text)


class _Nothing:
    """A filler without values: the instance follows from the schema alone."""

    def texts(self, name: str) -> list[str]:
        return []

    def numbers(self, name: str) -> list[float]:
        return []

    def truth(self, name: str) -> bool:
        return True

    def choose(self, name: str, options: Any) -> object:
        return options[0]


class _Something(_Nothing):
    """A filler with a few values, long and short."""

    def texts(self, name: str) -> list[str]:
        return ["A sentence about pines.", "Another one, which is quite a bit longer than the first.", "x"]

    def numbers(self, name: str) -> list[float]:
        return [25.0, 0.5, -3.0, 1e9]


SCHEMAS: list[dict[str, Any]] = [
    TREE,
    {},
    {"type": "string", "minLength": 40},
    {"type": "string", "maxLength": 3},
    {"type": "string", "minLength": 2, "maxLength": 2},
    {"type": "string", "pattern": "^[A-Z]{3}$"},
    {"type": "string", "format": "date"},
    {"type": "number", "minimum": 30, "maximum": 31},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.4},
    {"type": "integer", "minimum": 5, "maximum": 5},
    {"type": "integer", "exclusiveMinimum": 7, "multipleOf": 5},
    {"type": "number", "maximum": -2.5},
    {"type": "number", "multipleOf": 0.1, "minimum": 0.25},
    {"type": "integer", "exclusiveMaximum": 0},
    {"type": ["string", "null"]},
    {"type": "null"},
    {"enum": ["a", 5, None]},
    {"const": {"a": [1]}},
    {"type": "array", "items": {"type": "string"}, "minItems": 5, "uniqueItems": True},
    {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}, "minItems": 4, "uniqueItems": True},
    {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
    {"type": "array", "maxItems": 1, "items": {"type": "object", "properties": {"a": {"type": "boolean"}}}},
    {"type": "array", "maxItems": 0},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    {"type": "object", "required": ["undeclared"], "properties": {}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 2, "required": ["c"]},
    {"properties": {"a": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}},
    {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    {"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
               {"properties": {"b": {"type": "string"}}, "required": ["b"]}]},
    {"$ref": "#/$defs/Node", "$defs": {"Node": {
        "type": "object", "properties": {"value": {"type": "string"},
                                         "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                                         "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
        "required": ["value", "children", "next"]}}},
    {"definitions": {"a/b": {"type": "integer"}}, "type": "object", "properties": {"x": {"$ref": "#/definitions/a~1b"}}},
    {"type": "object", "properties": {"x": {"allOf": [{"$ref": "#/$defs/E"}], "description": "one of"}},
     "$defs": {"E": {"enum": ["one", "two"], "type": "string"}}, "required": ["x"]},
]  # fmt: skip


@pytest.mark.parametrize("filler", [_Nothing(), _Something()], ids=["empty", "filled"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_an_instance_is_valid(schema: dict[str, Any], filler: _Nothing) -> None:
    jsonschema.Draft202012Validator(schema).validate(build_instance(schema, filler))


def test_a_schema_that_never_ends_is_400(library: Api) -> None:
    endless = {
        "type": "object",
        "properties": {"a": {"$ref": "#"}},
        "required": ["a"],
    }
    circular = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    outside = {"type": "object", "properties": {"a": {"$ref": "https://example.com/schema"}}}
    nowhere = {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}}
    for schema in (endless, circular, outside, nowhere):
        response = library.chat(f"Describe it as {json.dumps(schema)}", json_response=True)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT"), response.text


NO_REASONABLE_INSTANCE: list[dict[str, Any]] = [
    {"type": "array", "minItems": 10**9},
    {"type": "array", "minItems": 10**9, "uniqueItems": True, "items": {"type": "integer"}},
    {"type": "object", "minProperties": 10**9},
    {"type": "string", "minLength": 10**9},
    {"type": "integer", "minimum": 10**400},
    {"type": "object", "allOf": [{"$ref": "#"}]},
]


@pytest.mark.parametrize("schema", NO_REASONABLE_INSTANCE, ids=str)
def test_a_schema_that_asks_for_too_much_is_400(library: Api, schema: dict[str, Any]) -> None:
    """Lists, texts and objects grew until there was no memory left; the others were 500."""
    response = library.chat(f"Describe it as {json.dumps(schema)}", json_response=True)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("properties", [2, 20])
def test_a_wide_recursive_schema_comes_to_an_end(properties: int) -> None:
    """Each level had at least the square of the number of values of the level above."""
    children = {f"list{number}": {"type": "array", "items": {"$ref": "#"}} for number in range(properties)}
    schema = {"type": "object", "properties": {"name": {"type": "string"}, **children}, "required": ["name"]}
    value = build_instance(schema, _Something())
    jsonschema.Draft202012Validator(schema).validate(value)
    assert len(json.dumps(value)) < 500_000


@pytest.mark.parametrize("wrong", ["5", None, [], {}, True, -1, 0.5, 1e308, 10**400], ids=str)
def test_keywords_with_values_of_another_kind_are_no_server_errors(library: Api, wrong: object) -> None:
    keywords = (
        "type enum const anyOf oneOf allOf properties required minProperties maxProperties items prefixItems minItems maxItems"
        " format pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum multipleOf $ref title description"
    )
    for keyword in keywords.split():
        for kind in ("string", "number", "integer", "array", "object"):
            schema = {"properties": {"x": {"type": kind, keyword: wrong}}, "type": "object"}
            response = library.chat(f"Describe it as {json.dumps(schema)}", json_response=True)
            assert response.status_code in (200, 400), (schema, response.text)


def test_limits_that_no_float_holds_are_kept() -> None:
    schema = {"type": "integer", "minimum": 2**60 + 1, "maximum": 2**60 + 3}
    assert build_instance(schema, _Nothing()) == 2**60 + 1


_scalars = st.one_of(
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    st.builds(
        lambda low, width, kind: {"type": kind, "minimum": low, "maximum": low + width},
        st.integers(-1000, 1000),
        st.integers(0, 1000),
        st.sampled_from(["integer", "number"]),
    ),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.lists(st.one_of(st.text(max_size=5), st.integers(), st.booleans()), min_size=1, max_size=4).map(
        lambda v: {"enum": v}
    ),
)
_schemas = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.builds(
            lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
            inner,
            st.integers(0, 4),
            st.integers(0, 4),
        ),
        st.dictionaries(st.text("abcXY_ ", min_size=1, max_size=6), inner, max_size=4).map(
            lambda properties: {"type": "object", "properties": properties, "required": sorted(properties)}
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(schema=_schemas, filled=st.booleans())
def test_an_instance_is_valid_whatever_the_schema(schema: dict[str, Any], filled: bool) -> None:
    value = build_instance(schema, _Something() if filled else _Nothing())
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(value)))
