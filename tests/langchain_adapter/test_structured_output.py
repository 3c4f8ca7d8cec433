"""Answers as JSON: steered by the service, checked here."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_pinecone_assistant.errors import BadRequestError, InvalidRequestError
from langchain_pinecone_assistant.json_schema import violation
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
    """Path and body of the last request."""
    request = local.requests[-1]
    assert isinstance(request.body, dict)
    return request.path, request.body


async def test_a_pydantic_class_gives_its_instance(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """Out of the files, on both interfaces; the local assistant fills the schema that it finds under the question."""
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
    """Also for a model of the OpenAI-compatible interface, which has no JSON answers."""
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
    """Cut JSON is never repaired. With include_raw the error is a value beside the raw answer."""
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
    """The framework's own recipe for include_raw loses them, and with them a tenant's filter."""
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
    """As the model itself can: chains travel to the workers of a pool."""
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


NESTED = {
    "type": "object",
    "$defs": {"Leaf": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}},
    "properties": {
        "leaves": {"type": "array", "items": {"$ref": "#/$defs/Leaf"}},
        "kind": {"enum": ["pine", "oak"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "unit": {"const": "m"},
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"leaves": [{"size": 1}, {"size": 2.0}], "kind": "oak", "note": None, "unit": "m"}, None),
        ({"leaves": [{"size": 1}, {}]}, "$.leaves[1].size is missing"),
        ({"leaves": [{"size": 1.5}]}, "$.leaves[0].size is number, not integer"),
        ({"leaves": [{"size": True}]}, "$.leaves[0].size is boolean, not integer"),
        ({"kind": "elm"}, "$.kind is 'elm', not one of ['pine', 'oak']"),
        ({"note": 3}, "$.note fits none of anyOf: $.note is integer, not string; $.note is integer, not null"),
        ({"unit": "ft"}, "$.unit is 'ft', not 'm'"),
        ({"other": 1}, "$.other is not allowed"),
        ([], "$ is array, not object"),
    ],
)
def test_a_value_is_checked_against_its_schema(value: Any, wrong: str | None) -> None:
    assert violation(value, NESTED) == wrong


def test_all_of_and_a_list_of_types_are_checked() -> None:
    schema = {"allOf": [{"type": ["string", "null"]}, {"enum": ["a", None]}]}
    assert violation("a", schema) is violation(None, schema) is None
    assert violation(1, schema) == "$ is integer, not string or null"
    assert violation("b", schema) == "$ is 'b', not one of ['a', None]"
