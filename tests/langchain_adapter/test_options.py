"""Options of the constructor, of bind and of a call, and the errors for wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from langchain_pinecone_assistant.connection import AssistantConnection
from langchain_pinecone_assistant.errors import APITimeoutError, InvalidRequestError, ToolsNotSupportedError
from pinecone_assistant_client import AssistantError
from pinecone_assistant_client.adapters import CONNECTION_OPTIONS
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, merged, words

ENCYCLOPEDIA = {"resource": "encyclopedia"}


def last_body(local: LocalAssistant) -> dict[str, Any]:
    """The body of the last request."""
    body = local.requests[-1].body
    assert isinstance(body, dict)
    return body


def test_the_connection_fields_are_the_clients_words() -> None:
    """Users could not set a new option of the client that the models lack."""
    assert set(AssistantConnection.model_fields) == set(CONNECTION_OPTIONS)


async def test_stream_as_an_option_is_accepted(ask: Ask, local: LocalAssistant) -> None:
    """The framework passes the name on."""
    await ask.invoke(chat_model(local), QUESTION, stream=False)
    assert last_body(local)["stream"] is False
    await ask.invoke(chat_model(local), QUESTION, stream=True)
    assert last_body(local)["stream"] is True


async def test_options_of_a_call_win_over_bind_and_over_the_constructor(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local, model="gpt-4o", temperature=0.1, filter=ENCYCLOPEDIA)
    await ask.invoke(chat, QUESTION)
    body = last_body(local)
    assert (body["model"], body["temperature"], body["filter"]) == ("gpt-4o", 0.1, ENCYCLOPEDIA)
    bound = chat.bind(model="gpt-4.1", temperature=0.2)
    await ask.invoke(bound, QUESTION)
    body = last_body(local)
    assert (body["model"], body["temperature"], body["filter"]) == ("gpt-4.1", 0.2, ENCYCLOPEDIA)
    await ask.invoke(bound, QUESTION, model="o4-mini")
    assert last_body(local)["model"] == "o4-mini"
    await ask.batch(chat, [QUESTION], temperature=0.3)
    assert last_body(local)["temperature"] == 0.3


async def test_none_clears_a_default(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local, model="gpt-4o", temperature=0.1, filter={"resource": "nothing"})
    await ask.invoke(chat, QUESTION, model=None, temperature=None, filter=None, timeout=None)
    assert set(last_body(local)) == {"messages", "stream"}


async def test_options_of_the_standard_interface_reach_it(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local, interface="standard", context_options={"top_k": 3})
    await ask.invoke(chat, QUESTION, include_highlights=True)
    body = last_body(local)
    assert local.requests[-1].path.endswith("/chat/own")
    assert body["context_options"] == {"top_k": 3}
    assert body["include_highlights"] is True
    await ask.stream(chat, QUESTION, context_options={"top_k": 1})
    assert last_body(local)["context_options"] == {"top_k": 1}


async def test_options_of_the_standard_interface_need_it(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match='include_highlights needs interface="standard"'):
        await ask.invoke(chat_model(library), QUESTION, include_highlights=True)


@pytest.mark.parametrize("option", ["temprature", "top_p", "interface", "max_retries"])
async def test_an_unknown_option_of_a_call_is_an_error_that_names_it(
    ask: Ask, option: str, local: LocalAssistant
) -> None:
    """Same in invoke, stream, bind and batch, and before any request."""
    before = len(local.requests)
    chat = chat_model(local)
    for run in (ask.invoke, ask.stream):
        with pytest.raises(InvalidRequestError, match=f"unknown option '{option}' for a call"):
            await run(chat, QUESTION, **{option: 3})
    with pytest.raises(InvalidRequestError, match=f"unknown option '{option}' for bind"):
        chat.bind(**{option: 3})
    with pytest.raises(InvalidRequestError, match=option):
        await ask.batch(chat, [QUESTION], **{option: 3})
    assert len(local.requests) == before


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("temprature", "did you mean 'temperature'"),
        ("top_k", "did you mean 'context_options'"),
        ("interface", r"it belongs to the constructor, or to model_copy\(update=...\)"),
        ("max_retries", r"it belongs to the constructor, or to model_copy\(update=...\)"),
    ],
)
async def test_an_unknown_option_of_a_call_says_what_to_do(
    ask: Ask, option: str, advice: str, library: LocalAssistant
) -> None:
    """For `top_k` the error once suggested `stop`."""
    with pytest.raises(InvalidRequestError, match=f"unknown option '{option}' for a call: {advice}"):
        await ask.invoke(chat_model(library), QUESTION, **{option: 3})


def test_an_unknown_option_of_the_constructor_is_an_error_that_names_it() -> None:
    with pytest.raises(InvalidRequestError, match=r"unknown option 'temprature'.*did you mean 'temperature'"):
        ChatPineconeAssistant(temprature=3)  # type: ignore[call-arg] # the point of the test


@pytest.mark.parametrize(
    ("kind", "option", "advice"),
    [
        (ChatPineconeAssistant, "index_name", "did you mean 'assistant_name'"),
        (ChatPineconeAssistant, "base_url", "did you mean 'host'"),
        (ChatPineconeAssistant, "model_name", "did you mean 'model'"),
        (ChatPineconeAssistant, "openai_api_key", "did you mean 'api_key'"),
        (ChatPineconeAssistant, "model_kwargs", "names near it: model"),
        (ChatPineconeAssistant, "stop_sequence", "did you mean 'stop_sequences'"),
        (PineconeAssistantRetriever, "top_k", "did you mean 'k'"),
        (PineconeAssistantRetriever, "search_kwargs", "unknown option 'search_kwargs'"),
        (PineconeAssistantTool, "choose_filters", "did you mean 'choose_filter'"),
    ],
)
def test_an_unknown_option_of_a_constructor_names_what_was_meant(kind: Any, option: str, advice: str) -> None:
    """The error never prints a long list."""
    with pytest.raises(AssistantError, match=advice) as raised:
        kind(**{option: 1})
    assert str(raised.value).count(", ") < 5
    assert isinstance(raised.value, ModelError)


@pytest.mark.parametrize("option", ["tools", "functions", "tool_choice"])
async def test_tools_given_to_a_call_explain_themselves(ask: Ask, option: str, library: LocalAssistant) -> None:
    with pytest.raises(ToolsNotSupportedError, match="PineconeAssistantTool"):
        await ask.invoke(chat_model(library), QUESTION, **{option: [{"name": "x"}]})


async def test_invoke_options_of_a_chain_do_not_reach_the_model(ask: Ask, local: LocalAssistant) -> None:
    """The docs warn of this behaviour of the framework; both recommended ways avoid it."""
    prompt = ChatPromptTemplate.from_messages([("user", "{question}")])
    value = {"question": QUESTION}
    chat = chat_model(local)
    await ask.invoke(prompt | chat.bind(filter=ENCYCLOPEDIA), value)
    assert last_body(local)["filter"] == ENCYCLOPEDIA
    configurable = chat.configurable_fields(filter=ConfigurableField(id="filter"))
    await ask.invoke(prompt | configurable, value, {"configurable": {"filter": ENCYCLOPEDIA}})
    assert last_body(local)["filter"] == ENCYCLOPEDIA
    await ask.invoke(prompt | chat, value, filter=ENCYCLOPEDIA)
    assert "filter" not in last_body(local), "the framework learned to pass it: relax the warning in the docs"


async def test_fields_are_configurable_by_name(ask: Ask, local: LocalAssistant) -> None:
    """Also for a field with an alias."""
    chat = chat_model(local, stop_sequences=["zzz"]).configurable_fields(
        model=ConfigurableField(id="model"), stop=ConfigurableField(id="stop")
    )
    answer = await ask.invoke(chat, QUESTION, {"configurable": {"model": "gpt-4.1", "stop": ["43"]}})
    assert last_body(local)["model"] == "gpt-4.1"
    assert answer.text.endswith("the maximum height on record is ")


def test_every_alias_also_works_by_name() -> None:
    assert ChatPineconeAssistant(stop=["a"]).stop == ChatPineconeAssistant(stop_sequences=["a"]).stop == ["a"]
    assert "model" in ChatPineconeAssistant.model_fields


async def test_stop_cuts_the_answer_at_construction_and_per_call(
    ask: Ask, interface: str, library: LocalAssistant
) -> None:
    """A stop sequence may arrive in pieces. Usage counts the whole answer; citations after the cut are dropped."""
    chat = chat_model(library, interface=interface)
    full = await ask.invoke(chat, QUESTION)
    stop = "maximum height"
    expected = full.text.partition(stop)[0]
    answers = [
        await ask.invoke(chat, QUESTION, stop=[stop]),
        merged(await ask.stream(chat, QUESTION, stop=[stop, "never"])),
        await ask.invoke(chat_model(library, interface=interface, stop=stop), QUESTION),
        await ask.invoke(chat.bind(stop=[stop]), QUESTION),
    ]
    for answer in answers:
        assert answer.text == expected
        assert answer.response_metadata["finish_reason"] == "stop"
        assert answer.usage_metadata == full.usage_metadata
        assert answer.additional_kwargs["citations"] == []
    assert (await ask.invoke(chat_model(library, interface=interface, stop=stop), QUESTION, stop=[])).text == full.text


async def test_timeout_per_call_is_obeyed(ask: Ask, local: LocalAssistant) -> None:
    with local.faults.add(stall=True), pytest.raises(APITimeoutError):
        await ask.invoke(chat_model(local), QUESTION, timeout=0.05)


async def test_max_tokens_is_accepted_with_one_notice(
    ask: Ask, library: LocalAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    chat = chat_model(library, max_tokens=5)
    full = await ask.invoke(chat, QUESTION)
    await ask.invoke(chat_model(library), QUESTION, max_tokens=7)
    assert "43.8" in full.text
    assert [record.levelname for record in caplog.records if "max_tokens" in record.getMessage()] == ["WARNING"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"api_key": None}, "no API key"),
        ({"assistant_name": None}, "no assistant name"),
        ({"api_key": "a\nb"}, "the API key has white space"),
        ({"filter": {"genre": ["a"]}}, "filter.genre: a list needs"),
        ({"host": "not a host"}, "host 'not a host'"),
        ({"stop": ["", "x"]}, r"stop\[0\]"),
        ({"context_options": {"top_k": 1}}, "context_options needs"),
    ],
)
async def test_bad_input_is_an_error_before_any_traffic_that_names_it(
    ask: Ask, options: dict[str, Any], named: str, local: LocalAssistant
) -> None:
    chat = ChatPineconeAssistant(**{**words(local), **options})
    for run in (ask.invoke, ask.stream):
        with pytest.raises(InvalidRequestError, match=named):
            await run(chat, QUESTION)
    assert local.requests == []
