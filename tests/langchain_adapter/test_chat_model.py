"""Answers: whole and streamed, with their metadata, and the options that shape them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from pydantic import ValidationError

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant.errors import APITimeoutError, InvalidRequestError, ToolsNotSupportedError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, merged, words

ENCYCLOPEDIA = {"resource": "encyclopedia"}
NURSERY = {"resource": "nursery"}


def last_body(local: LocalAssistant) -> dict[str, Any]:
    """The body of the last request."""
    body = local.requests[-1].body
    assert isinstance(body, dict)
    return body


async def test_invoke_answers_with_the_servers_text_and_metadata(
    ask: Ask, interface: str, local: LocalAssistant
) -> None:
    local.reply("A red pine grows to 43.8 meters.")
    answer = await ask.invoke(chat_model(local, interface=interface), QUESTION)
    assert isinstance(answer, AIMessage)
    assert answer.text == answer.content == "A red pine grows to 43.8 meters."
    assert answer.usage_metadata is not None
    assert set(answer.usage_metadata) == {"input_tokens", "output_tokens", "total_tokens"}
    assert answer.usage_metadata["total_tokens"] == (
        answer.usage_metadata["input_tokens"] + answer.usage_metadata["output_tokens"]
    )
    metadata = answer.response_metadata
    assert metadata["model_name"].startswith("gpt-4o")
    assert metadata["model_provider"] == "pinecone_assistant"
    assert metadata["finish_reason"] == "stop"
    assert ("context_snippet_count" in metadata) == (interface == "standard")


async def test_a_merged_stream_is_what_invoke_answers(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """Content, usage, response_metadata, citations and annotations; nothing is doubled by merging."""
    chat = chat_model(library, interface=interface, include_highlights=interface == "standard", strip_references=True)
    answer = await ask.invoke(chat, QUESTION)
    whole = merged(await ask.stream(chat, QUESTION))
    assert whole.content == answer.content
    assert whole.usage_metadata == answer.usage_metadata
    assert whole.response_metadata == answer.response_metadata
    assert whole.additional_kwargs == answer.additional_kwargs
    assert whole.additional_kwargs["citations"]
    assert whole.content_blocks == answer.content_blocks


async def test_a_stream_tells_each_thing_once(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """Usage, model_name and finish_reason on one chunk, model_provider on every one, "last" on the last."""
    chunks = await ask.stream(chat_model(library, interface=interface), QUESTION)
    assert len(chunks) > 5
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1
    for name in ("model_name", "finish_reason"):
        assert sum(name in chunk.response_metadata for chunk in chunks) == 1
    assert all(chunk.response_metadata["model_provider"] == "pinecone_assistant" for chunk in chunks)
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk for chunk in chunks if "citations" in chunk.additional_kwargs] == chunks[-1:]


async def test_an_answer_without_usage_has_none(ask: Ask, interface: str, local: LocalAssistant) -> None:
    with local.faults.add(omit_usage=True):
        chat = chat_model(local, interface=interface)
        answer = await ask.invoke(chat, QUESTION)
        whole = merged(await ask.stream(chat, QUESTION))
    assert answer.usage_metadata is whole.usage_metadata is None


async def test_every_answer_has_an_id_of_its_own(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """LangGraph replaces messages that have the same id."""
    chat = chat_model(library, interface=interface)
    answers = [await ask.invoke(chat, QUESTION), await ask.invoke(chat, QUESTION)]
    streams = [merged(await ask.stream(chat, QUESTION)) for _ in range(2)]
    assert len({answer.id for answer in [*answers, *streams]}) == 4


async def test_batch_answers_in_order(ask: Ask, local: LocalAssistant) -> None:
    local.upload_text("moon.md", "The Moon is 384,400 kilometers from the Earth.")
    answers = await ask.batch(chat_model(local), [QUESTION, "How far is the Moon from the Earth?"])
    assert "43.8" in answers[0].text
    assert "384,400" in answers[1].text


class Tokens(BaseCallbackHandler):
    """Collects what callbacks are told."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.chunks: list[GenerationChunk | ChatGenerationChunk | None] = []
        self.results: list[LLMResult] = []

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        self.tokens.append(str(token))
        self.chunks.append(chunk)

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.results.append(response)


class AsyncTokens(AsyncCallbackHandler):
    """The same, for async runs."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(str(token))


async def test_callbacks_hear_every_token_once_in_a_stream(ask: Ask, library: LocalAssistant) -> None:
    handler = Tokens()
    chunks = await ask.stream(chat_model(library), QUESTION, {"callbacks": [handler]})
    assert handler.tokens == [chunk.content for chunk in chunks]
    assert all(chunk is not None for chunk in handler.chunks)


async def test_callbacks_hear_tokens_of_invoke_with_streaming(ask: Ask, library: LocalAssistant) -> None:
    handler = Tokens()
    answer = await ask.invoke(chat_model(library, streaming=True), QUESTION, {"callbacks": [handler]})
    assert len(handler.tokens) > 5
    assert "".join(handler.tokens) == answer.content
    assert handler.results[0].generations[0][0].text == answer.content


async def test_async_callbacks_hear_tokens(library: LocalAssistant) -> None:
    handler = AsyncTokens()
    chunks = [chunk async for chunk in chat_model(library).astream(QUESTION, {"callbacks": [handler]})]
    assert handler.tokens == [chunk.content for chunk in chunks]


async def test_a_token_is_told_before_it_is_yielded(ask: Ask, library: LocalAssistant) -> None:
    """In the model's own stream too, which events version v3 and third parties drive with a run manager."""
    told: list[str] = []

    class Manager:
        on_retry = None

        def on_llm_new_token(self, token: str, **kwargs: Any) -> Any:
            told.append(token)
            return asyncio.sleep(0) if ask.is_async else None

    chat, messages, manager = chat_model(library), [HumanMessage(QUESTION)], Manager()
    seen = []
    if ask.is_async:
        async for chunk in chat._astream(messages, run_manager=manager):  # type: ignore[arg-type]
            seen.append(chunk.text)
            assert told == seen
    else:
        for chunk in chat._stream(messages, run_manager=manager):  # type: ignore[arg-type]
            seen.append(chunk.text)
            assert told == seen
    assert len(seen) > 5


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_events_version_3_need_nothing_of_ours(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """Text, usage and citations arrive over core's bridge."""
    chat = chat_model(library, interface=interface)
    if ask.is_async:
        async_events = await chat.astream_events(QUESTION, version="v3")
        answer = await async_events.output
    else:
        answer = chat.stream_events(QUESTION, version="v3").output
    assert "43.8" in answer.text
    assert answer.usage_metadata is not None
    block = answer.content_blocks[0]
    assert block["type"] == "text"
    assert block["annotations"]


async def test_a_rate_limiter_is_asked(ask: Ask, library: LocalAssistant) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001, max_bucket_size=1)
    chat = chat_model(library, rate_limiter=limiter)
    await ask.invoke(chat, QUESTION)
    assert limiter.last is not None


async def test_disable_streaming_makes_a_stream_one_chunk(ask: Ask, library: LocalAssistant) -> None:
    chunks = await ask.stream(chat_model(library, disable_streaming=True), QUESTION)
    assert len(chunks) == 1
    assert "43.8" in chunks[0].text


async def test_stream_as_an_option_is_accepted(ask: Ask, local: LocalAssistant) -> None:
    """The framework passes it through."""
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
    """In invoke, stream, bind and batch alike, before any request."""
    before = len(local.requests)
    chat = chat_model(local)
    for model, options in ((chat, {option: 3}), (chat.bind(**{option: 3}), {})):
        for run in (ask.invoke, ask.stream):
            with pytest.raises(InvalidRequestError, match=f"unknown option '{option}'"):
                await run(model, QUESTION, **options)
    with pytest.raises(InvalidRequestError, match=option):
        await ask.batch(chat, [QUESTION], **{option: 3})
    assert len(local.requests) == before


def test_an_unknown_option_of_the_constructor_is_an_error_that_names_it() -> None:
    with pytest.raises(ValidationError, match=r"unknown option 'temprature'.*did you mean 'temperature'"):
        ChatPineconeAssistant(temprature=3)


@pytest.mark.parametrize("option", ["tools", "functions", "tool_choice"])
async def test_tools_given_to_a_call_explain_themselves(ask: Ask, option: str, library: LocalAssistant) -> None:
    with pytest.raises(ToolsNotSupportedError, match="PineconeAssistantTool"):
        await ask.invoke(chat_model(library), QUESTION, **{option: [{"name": "x"}]})


async def test_invoke_options_of_a_chain_do_not_reach_the_model(ask: Ask, local: LocalAssistant) -> None:
    """The framework's trap that the docs warn of, and both ways around it."""
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
    """Also where a field has an alias."""
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
    """Nothing after the hit, also when it comes in pieces; usage is that of the whole, and citations after it are gone."""
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


def test_tokens_are_counted_approximately() -> None:
    chat = ChatPineconeAssistant()
    assert 3 <= chat.get_num_tokens("How tall is a red pine?") <= 15
    assert chat.get_num_tokens_from_messages([HumanMessage("How tall is a red pine?")]) >= 6
    counting = ChatPineconeAssistant(custom_get_token_ids=lambda text: [1] * len(text))
    assert counting.get_num_tokens("abc") == 3


def test_tracing_parameters_name_the_provider_and_the_model() -> None:
    chat = ChatPineconeAssistant(temperature=0.5, max_tokens=3, stop="x")
    assert chat._get_ls_params() == {
        "ls_provider": "pinecone_assistant",
        "ls_model_type": "chat",
        "ls_model_name": "gpt-4o",
        "ls_temperature": 0.5,
        "ls_max_tokens": 3,
        "ls_stop": ["x"],
    }
    assert chat._get_ls_params(model="gpt-5")["ls_model_name"] == "gpt-5"
    assert chat._llm_type == "pinecone_assistant"


def test_nothing_of_the_framework_is_overridden_that_must_not_be() -> None:
    for name in ("get_lc_namespace", "model_post_init", "stream", "astream", "invoke", "ainvoke", "generate"):
        assert getattr(ChatPineconeAssistant, name).__qualname__ == getattr(BaseChatModel, name).__qualname__
    assert "langchain-core" in (ChatPineconeAssistant().metadata or {})["lc_versions"]
    assert ChatPineconeAssistant.is_lc_serializable()
    assert ChatPineconeAssistant().lc_secrets == {"api_key": "PINECONE_API_KEY"}
    reserved = {"run_name", "run_id", "config"}
    assert not reserved & set(ChatPineconeAssistant.model_fields)
    assert ChatPineconeAssistant.model_fields["streaming"].default is False


def test_profile_says_what_the_model_can() -> None:
    profile = ChatPineconeAssistant().profile
    assert profile is not None
    assert profile["structured_output"] is True
    assert profile["tool_calling"] is False


async def test_the_host_is_looked_up_where_none_is_given(
    ask: Ask, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is read at construction, the control plane asked at the first use."""
    with monkeypatch.context() as environment:
        for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME", "PINECONE_CONTROLLER_HOST"):
            environment.setenv(name, local.environ[name])
        chat = ChatPineconeAssistant()
    assert local.requests == []
    assert "43.8" in (await ask.invoke(chat, QUESTION)).text
    assert [request.method for request in local.requests] == ["GET", "POST"]


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
