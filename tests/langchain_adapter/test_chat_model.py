"""Whole and streamed answers, their metadata, and the options that affect them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult
from langchain_core.rate_limiters import InMemoryRateLimiter

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant.conversion import text_chunk
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, merged

ENCYCLOPEDIA = {"resource": "encyclopedia"}
NURSERY = {"resource": "nursery"}


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
    """Compares content, usage, response_metadata, citations and annotations: merging chunks must not double any of them."""
    chat = chat_model(library, interface=interface, include_highlights=interface == "standard", strip_references=True)
    answer = await ask.invoke(chat, QUESTION)
    whole = merged(await ask.stream(chat, QUESTION))
    assert whole.content == answer.content
    assert whole.usage_metadata == answer.usage_metadata
    assert whole.response_metadata == answer.response_metadata
    assert whole.additional_kwargs == answer.additional_kwargs
    assert whole.additional_kwargs["citations"]
    assert whole.content_blocks == answer.content_blocks


async def test_results_name_the_model_and_the_usage(ask: Ask, interface: str, local: LocalAssistant) -> None:
    """Monitoring tools read `llm_output` and `generation_info`; the tokens of several answers are added up."""
    chat = chat_model(local, interface=interface)
    prompts: list[list[BaseMessage]] = [[HumanMessage(QUESTION)], [HumanMessage(QUESTION)]]
    handler = Tokens()
    if ask.is_async:
        result = await chat.agenerate(prompts, callbacks=[handler])
    else:
        result = chat.generate(prompts, callbacks=[handler])
    assert result.llm_output is not None
    assert result.llm_output["model_name"].startswith("gpt-4o")
    assert result.llm_output["token_usage"]["total_tokens"] == sum(
        one.generations[0][0].message.usage_metadata["total_tokens"]  # type: ignore[union-attr] # it has one
        for one in handler.results
    )
    for one in handler.results:
        assert one.llm_output is not None
        assert one.llm_output["model_name"] == result.llm_output["model_name"]
        info = one.generations[0][0].generation_info
        assert info == {"model_name": result.llm_output["model_name"], "finish_reason": "stop"}
    await ask.stream(chat, QUESTION, {"callbacks": [handler]})
    assert handler.results[-1].generations[0][0].generation_info == info
    with local.faults.add(omit_usage=True):
        result = chat.generate(prompts[:1])
    assert result.llm_output is not None
    assert "token_usage" not in result.llm_output


async def test_citations_can_be_stripped_from_the_text(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """Marks and the list are removed from whole and streamed answers; the citations stay as values."""
    plain = await ask.invoke(chat_model(library, interface=interface), QUESTION)
    chat = chat_model(library, interface=interface, strip_citations=True)
    answer, whole = await ask.invoke(chat, QUESTION), merged(await ask.stream(chat, QUESTION))
    assert answer.text == whole.text
    assert answer.additional_kwargs == whole.additional_kwargs
    assert answer.content_blocks == whole.content_blocks
    assert "[1" not in answer.text
    assert "References" not in answer.text
    assert len(answer.additional_kwargs["citations"]) == len(plain.additional_kwargs["citations"]) > 0


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
    """Callback handler that stores its events."""

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
    """Async version of the handler."""

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
    """Also in `_stream`, which events version v3 and third parties call with a run manager."""
    told: list[str] = []

    class Manager:
        on_retry = None

        def on_llm_new_token(self, token: str, **kwargs: Any) -> Any:
            told.append(token)
            return asyncio.sleep(0) if ask.is_async else None

    chat, messages, manager = chat_model(library), [HumanMessage(QUESTION)], Manager()
    seen = []
    if ask.is_async:
        async for chunk in chat._astream(messages, run_manager=manager):  # type: ignore[arg-type]  # replaces a manager
            seen.append(chunk.text)
            assert told == seen
    else:
        for chunk in chat._stream(messages, run_manager=manager):  # type: ignore[arg-type]  # replaces a manager
            seen.append(chunk.text)
            assert told == seen
    assert len(seen) > 5


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_events_version_3_need_nothing_of_ours(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """Text, usage and citations arrive through langchain-core's conversion."""
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
    ask: Ask, unknown: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The constructor reads the environment; the first use asks the control plane."""
    with monkeypatch.context() as environment:
        for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME", "PINECONE_CONTROLLER_HOST"):
            environment.setenv(name, unknown.environ[name])
        chat = ChatPineconeAssistant()
    assert unknown.requests == []
    assert "43.8" in (await ask.invoke(chat, QUESTION)).text
    assert [request.method for request in unknown.requests] == ["GET", "POST"]


def test_a_text_chunk_is_what_validation_would_make() -> None:
    """Chunks are copied, not validated, for speed; they must stay equal to validated ones in new framework versions."""
    chunk, other = text_chunk("Tall", "id-1"), text_chunk("er", "id-1")
    message = AIMessageChunk(content="Tall", id="id-1", response_metadata={"model_provider": "pinecone_assistant"})
    assert chunk == ChatGenerationChunk(message=message)
    assert chunk.message.model_dump() == message.model_dump()
    assert chunk.message.__dict__.keys() == message.__dict__.keys()
    for name, value in chunk.message.__dict__.items():
        assert not isinstance(value, (dict, list)) or value is not other.message.__dict__[name], f"{name} is shared"
    assert (chunk + other).message.content == "Taller"
