"""Structured output: JSON answers of the service, checked here."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
import typing
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_pinecone_assistant.errors import BadRequestError, InvalidRequestError
from langchain_pinecone_assistant.json_answers import violation
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model


class Tree(BaseModel):
    """A tree."""

    name: str
    height_in_meters: float = Field(description="Its maximum height.")


class TreeDict(TypedDict):
    """A tree."""

    name: str
    height_in_meters: float


TREE_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "height_in_meters": {"type": "number"}},
    "required": ["name", "height_in_meters"],
}
GOOD = '{"name": "Red pine", "height_in_meters": 43.8}'


def last_request(local: LocalAssistant) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of the last request."""
    request = local.requests[-1]
    assert isinstance(request.body, dict)
    return request.path, request.body


async def test_a_pydantic_class_gives_its_instance(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """From the files, on both interfaces. The local assistant fills the schema that it finds at the end of the question."""
    tree = await ask.invoke(chat_model(library, interface=interface).with_structured_output(Tree), QUESTION)
    assert isinstance(tree, Tree)


@pytest.mark.parametrize("schema", [TreeDict, TREE_SCHEMA, {"title": "Tree", **TREE_SCHEMA}])
async def test_a_typed_dict_or_a_json_schema_gives_a_dict(ask: Ask, schema: Any, local: LocalAssistant) -> None:
    local.reply(GOOD)
    tree = await ask.invoke(chat_model(local).with_structured_output(schema), QUESTION)
    assert tree == {"name": "Red pine", "height_in_meters": 43.8}


async def test_an_openai_tool_is_a_schema_too(ask: Ask, local: LocalAssistant) -> None:
    local.reply(GOOD)
    tool = {"type": "function", "function": {"name": "Tree", "description": "A tree.", "parameters": TREE_SCHEMA}}
    assert (await ask.invoke(chat_model(local).with_structured_output(tool), QUESTION))["name"] == "Red pine"


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_the_schema_goes_under_the_last_user_turn_of_post_chat(
    ask: Ask, method: Any, local: LocalAssistant
) -> None:
    """Also for a model with the OpenAI-compatible interface, which has no JSON answers."""
    local.reply(GOOD)
    messages = [("system", "Be brief."), ("user", "Hello."), ("assistant", "Hello."), ("user", QUESTION)]
    await ask.invoke(chat_model(local).with_structured_output(Tree, method=method), messages)
    path, body = last_request(local)
    assert path == "/assistant/chat/own"
    assert body["json_response"] is True
    assert body["stream"] is False
    first, _, last = body["messages"]
    assert last["content"].startswith(QUESTION)
    assert "height_in_meters" in last["content"]
    assert "JSON" not in first["content"]


async def test_json_mode_sends_no_schema(ask: Ask, local: LocalAssistant) -> None:
    local.reply(GOOD)
    chat = chat_model(local)
    assert isinstance(await ask.invoke(chat.with_structured_output(Tree, method="json_mode"), QUESTION), Tree)
    _, body = last_request(local)
    assert body["json_response"] is True
    assert body["messages"] == [{"role": "user", "content": QUESTION}]
    assert await ask.invoke(chat.with_structured_output(None, method="json_mode"), QUESTION) == {
        "name": "Red pine",
        "height_in_meters": 43.8,
    }


@pytest.mark.parametrize(
    "text",
    [
        "It is 43.8 meters tall.",
        '{"name": "Red pine"}',
        '{"name": "Red pine", "height_in_meters": "very"}',
        '{"name": "Red pine", "height_in_meters": 43.8',
        "[" * 100_000,
    ],
    ids=["no JSON", "field missing", "wrong type", "cut", "too deep"],
)
@pytest.mark.parametrize("schema", [Tree, TREE_SCHEMA], ids=["pydantic", "schema"])
async def test_an_answer_that_does_not_fit_is_a_parsing_error(
    ask: Ask, schema: Any, text: str, local: LocalAssistant
) -> None:
    """Cut JSON is never repaired. With include_raw the error is returned next to the raw answer."""
    local.reply(text)
    chat = chat_model(local)
    with pytest.raises(OutputParserException) as raised:
        await ask.invoke(chat.with_structured_output(schema), QUESTION)
    assert raised.value.llm_output == text
    both = await ask.invoke(chat.with_structured_output(schema, include_raw=True), QUESTION)
    assert both["raw"].text == text
    assert both["parsed"] is None
    assert isinstance(both["parsing_error"], OutputParserException)


async def test_include_raw_gives_the_message_with_its_citations(ask: Ask, local: LocalAssistant) -> None:
    local.reply(GOOD, citations=["red_pine.md"])
    both = await ask.invoke(chat_model(local).with_structured_output(Tree, include_raw=True), QUESTION)
    assert both["parsed"] == Tree(name="Red pine", height_in_meters=43.8)
    assert both["parsing_error"] is None
    assert isinstance(both["raw"], AIMessage)
    assert both["raw"].additional_kwargs["citations"][0]["references"][0]["file_name"] == "red_pine.md"
    assert both["raw"].usage_metadata is not None


@pytest.mark.parametrize("include_raw", [False, True])
async def test_options_of_invoke_reach_the_model(ask: Ask, include_raw: bool, local: LocalAssistant) -> None:
    """The framework's own code for include_raw loses them, and with them a tenant's filter."""
    local.reply(GOOD)
    model = chat_model(local).with_structured_output(Tree, include_raw=include_raw)
    await ask.invoke(model, QUESTION, filter={"tenant": "acme"}, model="gpt-4.1")
    _, body = last_request(local)
    assert body["filter"] == {"tenant": "acme"}
    assert body["model"] == "gpt-4.1"
    await ask.stream(model, QUESTION, filter={"tenant": "other"})
    assert last_request(local)[1]["filter"] == {"tenant": "other"}


@pytest.mark.parametrize("include_raw", [False, True])
async def test_stream_yields_one_chunk(ask: Ask, include_raw: bool, local: LocalAssistant) -> None:
    local.reply(GOOD)
    chunks = await ask.stream(chat_model(local).with_structured_output(Tree, include_raw=include_raw), QUESTION)
    assert len(chunks) == 1
    assert (chunks[0]["parsed"] if include_raw else chunks[0]) == Tree(name="Red pine", height_in_meters=43.8)


async def test_a_fenced_answer_is_read(ask: Ask, local: LocalAssistant) -> None:
    local.reply(f"```json\n{GOOD}\n```")
    assert isinstance(await ask.invoke(chat_model(local).with_structured_output(Tree), QUESTION), Tree)


@pytest.mark.parametrize("include_raw", [False, True])
async def test_a_structured_model_can_be_pickled(ask: Ask, include_raw: bool, local: LocalAssistant) -> None:
    """Like the model itself, because chains are sent to the workers of a pool."""
    local.reply(GOOD)
    model = pickle.loads(pickle.dumps(chat_model(local).with_structured_output(Tree, include_raw=include_raw)))
    value = await ask.invoke(model, QUESTION)
    assert (value["parsed"] if include_raw else value) == Tree(name="Red pine", height_in_meters=43.8)


async def test_it_works_behind_a_prompt_and_in_a_batch(ask: Ask, local: LocalAssistant) -> None:
    local.reply(GOOD)
    chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | chat_model(local).with_structured_output(Tree)
    assert len(await ask.batch(chain, [{"q": QUESTION}] * 3)) == 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"schema": Tree, "method": "yaml"}, "method is 'yaml'"),
        ({"schema": None}, "needs a schema"),
        ({"schema": 42}, r"the schema \(an instance of int\) cannot be read as a JSON Schema: pass a pydantic class"),
        ({"schema": Tree, "stricter": True}, "unknown option 'stricter'"),
    ],
)
def test_wrong_arguments_are_errors_that_name_them(
    options: dict[str, Any], named: str, library: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        chat_model(library).with_structured_output(**options)


async def test_what_is_not_enforced_is_said_once(
    ask: Ask, local: LocalAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    local.reply(GOOD)
    for _ in range(2):
        model = chat_model(local).with_structured_output(Tree, method="function_calling", strict=True)
        await ask.invoke(model, QUESTION)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2
    assert "falls back to 'json_schema'" in said[0]
    assert "strict has no effect" in said[1]


async def test_the_bound_model_tells_tracers_its_schema(ask: Ask, local: LocalAssistant) -> None:
    told: list[Any] = []

    class Handler(BaseCallbackHandler):
        def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], **kwargs: Any) -> None:
            told.append(kwargs["options"]["ls_structured_output_format"])

    local.reply(GOOD)
    model = chat_model(local).with_structured_output(Tree)
    await ask.invoke(model, QUESTION, {"callbacks": [Handler()]})
    assert told[0]["kwargs"] == {"method": "json_schema"}
    assert told[0]["schema"]["title"] == "Tree"


async def test_a_refused_request_is_the_models_error_and_no_parsing_error(ask: Ask, local: LocalAssistant) -> None:
    with local.faults.add(status=400), pytest.raises(BadRequestError):
        await ask.invoke(chat_model(local).with_structured_output(Tree, include_raw=True), QUESTION)


async def test_a_response_format_that_is_none_is_an_error(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match="response_format is not understood"):
        await ask.invoke(chat_model(library), QUESTION, response_format={"type": "yaml"})


NESTED: dict[str, Any] = {
    "type": "object",
    "$defs": {"Leaf": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}},
    "properties": {
        "leaves": {"type": "array", "items": {"$ref": "#/$defs/Leaf"}},
        "kind": {"enum": ["pine", "oak"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "unit": {"const": "m"},
        "pair": {"prefixItems": [{"type": "integer"}], "items": False},
        "flag": {"enum": [True]},
    },
    "patternProperties": {"^x_": {"type": "integer"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (
            {"leaves": [{"size": 1}, {"size": 2.0}], "kind": "oak", "note": None, "unit": "m", "x_a": 1, "flag": True},
            None,
        ),
        ({"leaves": [{"size": 1}, {}]}, "$.leaves[1]: 'size' is a required property"),
        ({"leaves": [{"size": 1.5}]}, "$.leaves[0].size: 1.5 is not of type 'integer'"),
        ({"leaves": [{"size": True}]}, "$.leaves[0].size: True is not of type 'integer'"),
        ({"kind": "elm"}, "$.kind: 'elm' is not one of ['pine', 'oak']"),
        ({"note": 3}, "$.note: 3 is not valid under any of the given schemas"),
        ({"unit": "ft"}, "$.unit: 'm' was expected"),
        ({"pair": [1]}, None),
        ({"pair": [1, 2]}, "$.pair: Expected at most 1 item"),
        ({"flag": 1}, "$.flag: 1 is not one of [True]"),
        ({"x_a": "1"}, "$.x_a: '1' is not of type 'integer'"),
        ({"other": 1}, "$: 'other' does not match any of the regexes"),
        ([], "$: [] is not of type 'object'"),
    ],
)
def test_a_value_is_checked_against_its_schema(value: Any, wrong: str | None) -> None:
    found = violation(value, NESTED)
    assert found is None if wrong is None else found is not None and found.startswith(wrong)


DEEP: list[Any] = []
for _ in range(900):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("schema", "value", "wrong"),
    [
        ({"$ref": "#"}, 1, "a $ref of the schema leads back to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, 1, "leads back"),
        ({"$defs": {"list": {"items": {"$ref": "#/$defs/list"}}}, "$ref": "#/$defs/list"}, DEEP, "nested too deeply"),
        ({"$ref": "https://example.com/schema.json"}, 1, "nothing is fetched from elsewhere"),
        ({"$id": "http://127.0.0.1:9/a", "$ref": "other"}, 1, "'other' is not inside the schema"),
        ({"$ref": "#/$defs/nowhere"}, 1, "is not inside the schema"),
    ],
    ids=["itself", "a loop", "a deep answer", "remote", "relative", "nowhere"],
)
async def test_a_reference_that_cannot_be_followed_is_a_parsing_error(
    ask: Ask, schema: dict[str, Any], value: Any, wrong: str, local: LocalAssistant
) -> None:
    """Never a plain RecursionError, and never a request to the target of a `$ref`."""
    text = json.dumps(value)
    local.reply(text)
    both = await ask.invoke(chat_model(local).with_structured_output(schema, include_raw=True), QUESTION)
    assert wrong in str(both["parsing_error"])
    assert both["raw"].text == text


async def test_a_number_that_cannot_be_checked_is_a_parsing_error(ask: Ask, local: LocalAssistant) -> None:
    """Jsonschema raises an OverflowError for it. That lost the answer."""
    text = f'{{"height": {"9" * 400}}}'
    local.reply(text)
    schema = {"type": "object", "properties": {"height": {"type": "integer", "multipleOf": 0.5}}}
    both = await ask.invoke(chat_model(local).with_structured_output(schema, include_raw=True), QUESTION)
    assert "it cannot be checked (OverflowError" in str(both["parsing_error"])
    assert both["raw"].text == text


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "strng"}, "$.type: 'strng'"),
        ({"properties": {"a": {"required": True}}}, "$.properties.a.required: True"),
        ({"$schema": 5}, "$schema and $id are URIs"),
        ({"$schema": "http://["}, "$schema and $id are URIs"),
        ({"$id": 5}, "$schema and $id are URIs"),
    ],
)
def test_what_is_not_a_json_schema_is_refused_before_a_question_is_billed(
    schema: dict[str, Any], named: str, library: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=f"the schema is not a valid JSON Schema: {re.escape(named)}"):
        chat_model(library).with_structured_output(schema)


def test_jsonschema_is_imported_at_its_first_use_and_its_absence_names_the_extra() -> None:
    code = """
import sys
from langchain_pinecone_assistant import ChatPineconeAssistant
from pydantic import BaseModel
class Tree(BaseModel):
    name: str
ChatPineconeAssistant().with_structured_output(Tree)
assert "jsonschema" not in sys.modules
sys.modules["jsonschema.validators"] = None
try:
    ChatPineconeAssistant().with_structured_output({"type": "object"})
except ImportError as error:
    assert str(error) == "jsonschema is missing: pip install '.[langchain]' from the clone", error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


class OldTreeDict(typing.TypedDict):
    """A tree as `typing.TypedDict`, which pydantic refuses before Python 3.12."""

    name: str


FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "pydantic": (Tree, {}),
    "a TypedDict": (TreeDict, {}),
    "a schema": (TREE_SCHEMA, {}),
    "json_mode": (None, {"method": "json_mode"}),
    "include_raw": (Tree, {"include_raw": True}),
    "typing's TypedDict": (OldTreeDict, {}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "variant",
    [lambda chat: chat, lambda chat: chat.bind(temperature=0.5), lambda chat: chat.with_fallbacks([chat])],
    ids=["model", "binding", "fallbacks"],
)
def test_a_structured_model_has_a_json_schema_of_its_output(
    form: tuple[Any, dict[str, Any]], variant: Any, library: LocalAssistant
) -> None:
    """LangServe's add_routes reads it, and that of the input."""
    schema, options = form
    structured = variant(chat_model(library)).with_structured_output(schema, **options)
    described = structured.get_output_jsonschema()
    assert structured.get_input_jsonschema()
    if schema is Tree and not options:
        assert described == Tree.model_json_schema()
    else:
        assert described["type"] == "object"
