"""The chat engine: turns, memory, sources and events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.base.llms.types import TextBlock
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.chat_engine.types import AgentChatResponse
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage, MessageRole, MockLLM
from llama_index.core.memory import ChatMemoryBuffer, Memory

from llama_index.indices.managed.pinecone_assistant import AssistantStreamingChatResponse, PineconeAssistantChatEngine
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantClient, AuthenticationError, IncompleteStreamError
from pinecone_assistant_local import LocalAssistant

from ..conftest import QUESTION, EndlessStream, bodies, heard_by, run

Turn = Any


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def turn(request: pytest.FixtureRequest, is_async: bool) -> Turn:
    """Return `turn`: `turn(engine, text)` returns (text, response), whole and streamed, sync and async."""
    streaming = bool(request.param)

    def turn(engine: PineconeAssistantChatEngine, *arguments: Any) -> tuple[str, Any]:
        if not is_async:
            if not streaming:
                whole = engine.chat(*arguments)
                return whole.response, whole
            response = engine.stream_chat(*arguments)
            return "".join(response.response_gen), response

        async def wait() -> tuple[str, Any]:
            if not streaming:
                whole = await engine.achat(*arguments)
                return whole.response, whole
            response = await engine.astream_chat(*arguments)
            return "".join([text async for text in response.async_response_gen()]), response

        return run(wait())

    return turn


@pytest.fixture
def engine(words: dict[str, Any]) -> PineconeAssistantChatEngine:
    """An engine with default options."""
    return PineconeAssistantChatEngine(**words)


def test_a_turn_is_one_call_with_the_history(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant
) -> None:
    local.reply("25 meters.", ["red_pine.md"])
    assert turn(engine, "How high?")[0] == "25 meters."
    turn(engine, "And wide?")
    assert [body["messages"] for body in bodies(local)] == [
        [{"role": "user", "content": "How high?"}],
        [
            {"role": "user", "content": "How high?"},
            {"role": "assistant", "content": "25 meters."},
            {"role": "user", "content": "And wide?"},
        ],
    ]


def test_a_turn_has_its_sources_and_metadata(engine: PineconeAssistantChatEngine, turn: Turn) -> None:
    text, response = turn(engine, QUESTION)
    assert "25 meters" in text
    assert isinstance(response, (AgentChatResponse, AssistantStreamingChatResponse))
    assert str(response) == text
    (found,) = response.source_nodes
    assert found.metadata["file_name"] == "red_pine.md"
    assert found.metadata["file_id"]
    assert "25 meters" in found.text
    metadata = response.metadata
    assert metadata is not None
    assert metadata["usage"]["prompt_tokens"] > 0
    assert metadata["model"]
    assert metadata["citations"]
    assert "http" not in json.dumps(metadata) + found.model_dump_json()


def test_history_is_questions_and_answers_that_another_llm_can_read(
    engine: PineconeAssistantChatEngine, turn: Turn
) -> None:
    text, _ = turn(engine, QUESTION)
    assert [(m.role, m.content) for m in engine.chat_history] == [
        (MessageRole.USER, QUESTION),
        (MessageRole.ASSISTANT, text),
    ]
    answer = engine.chat_history[-1]
    assert [type(block) for block in answer.blocks] == [TextBlock]
    assert answer.additional_kwargs == {}
    assert "http" not in str(engine.chat_history)
    assert MockLLM().chat(engine.chat_history)
    engine.reset()
    assert engine.chat_history == []


def test_a_given_history_replaces_what_was_said(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant
) -> None:
    turn(engine, QUESTION)
    given = [ChatMessage("Hello"), ChatMessage("Hi.", role=MessageRole.ASSISTANT)]
    turn(engine, QUESTION, given)
    assert [message["content"] for message in bodies(local)[-1]["messages"]] == ["Hello", "Hi.", QUESTION]
    assert len(engine.chat_history) == 4


def test_a_failed_turn_is_not_remembered(
    engine: PineconeAssistantChatEngine, words: dict[str, Any], turn: Turn, local: LocalAssistant
) -> None:
    """Otherwise asking again would send the failed question twice."""
    with local.faults.add(cut_after_events=3), pytest.raises(IncompleteStreamError):
        turn(engine, QUESTION)
    with pytest.raises(AuthenticationError):
        turn(PineconeAssistantChatEngine(**words | {"api_key": "wrong"}), QUESTION)
    assert engine.chat_history == []


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_turn_without_text_is_not_remembered(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant, text: str
) -> None:
    """Otherwise every later turn would fail, because each message of a request needs text."""
    local.reply(text, times=1)
    assert turn(engine, QUESTION)[0].strip() == ""
    assert engine.chat_history == []
    assert "25 meters" in turn(engine, QUESTION)[0]
    assert len(engine.chat_history) == 2


def test_the_system_prompt_is_folded_and_not_remembered(
    words: dict[str, Any], turn: Turn, local: LocalAssistant
) -> None:
    engine = PineconeAssistantChatEngine(**words, system_prompt="Be brief.")
    turn(engine, QUESTION)
    turn(engine, QUESTION)
    assert bodies(local)[-1]["messages"][0]["content"] == f"Be brief.\n\n{QUESTION}"
    assert "Be brief." not in str(engine.chat_history)


def test_another_memory_is_used(words: dict[str, Any], turn: Turn, local: LocalAssistant) -> None:
    memory = ChatMemoryBuffer.from_defaults([ChatMessage("Hello")], token_limit=3000)
    engine = PineconeAssistantChatEngine(**words, memory=memory)
    turn(engine, QUESTION)
    assert bodies(local)[-1]["messages"] == [{"role": "user", "content": f"Hello\n\n{QUESTION}"}]
    assert memory.get_all() == engine.chat_history


def test_the_memory_of_llama_index_over_sql_works(words: dict[str, Any], local: LocalAssistant) -> None:
    """Runs in one event loop. The test closes the connection, because this memory has no close method."""

    async def talk() -> None:
        memory = Memory.from_defaults()
        engine = PineconeAssistantChatEngine(**words, memory=memory)
        await engine.achat(QUESTION)
        await (await engine.astream_chat(QUESTION)).aprint_response_stream()
        assert len(await memory.aget_all()) == 4
        store: Any = memory.sql_store
        await store._async_engine.dispose()

    run(talk())
    assert len(bodies(local)[-1]["messages"]) == 3


def test_long_histories_are_cut_to_the_context_window(words: dict[str, Any], turn: Turn, local: LocalAssistant) -> None:
    engine = PineconeAssistantChatEngine(**words, context_window=40)
    for _ in range(3):
        turn(engine, QUESTION)
    assert len(bodies(local)[-1]["messages"]) < 5
    assert len(engine.chat_history) == 6


@pytest.mark.parametrize("how", ["llm", "client"])
def test_an_existing_llm_or_client_is_used(words: dict[str, Any], turn: Turn, how: str) -> None:
    if how == "llm":
        engine = PineconeAssistantChatEngine(PineconeAssistant(**words, filter={"resource": "nursery"}))
    else:
        engine = PineconeAssistantChatEngine(client=AssistantClient(**words, filter={"resource": "nursery"}))
    assert "3 meters" in turn(engine, QUESTION)[0]


def test_it_tells_one_llm_call_a_turn(words: dict[str, Any], turn: Turn) -> None:
    debug = LlamaDebugHandler(print_trace_on_end=False)
    turn(PineconeAssistantChatEngine(**words, callback_manager=CallbackManager([debug])), QUESTION)
    assert len(debug.get_event_pairs(CBEventType.LLM)) == 1


class StreamEvents(BaseEventHandler):
    """Event handler that stores the names of stream events."""

    names: list[str] = []  # noqa: RUF012 - pydantic copies it

    def handle(self, event: Any, **_: Any) -> None:
        """Store the event."""
        name = type(event).__name__
        if name.startswith("StreamChat") and name not in self.names:
            self.names.append(name)


@pytest.fixture
def stream_events() -> Iterator[StreamEvents]:
    """Handler with the instrumentation events of streamed turns."""
    with heard_by(StreamEvents()) as handler:
        yield handler


def test_a_streamed_turn_tells_the_events_of_llama_indexs_own_engines(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant, stream_events: StreamEvents
) -> None:
    _, response = turn(engine, QUESTION)
    if isinstance(response, AgentChatResponse):
        assert stream_events.names == []
        return
    assert stream_events.names == ["StreamChatStartEvent", "StreamChatDeltaReceivedEvent", "StreamChatEndEvent"]
    with local.faults.add(cut_after_events=3), pytest.raises(IncompleteStreamError):
        turn(engine, QUESTION)
    assert stream_events.names[-1] == "StreamChatErrorEvent"


def test_leaving_a_turn_early_closes_its_connection_and_forgets_it(
    words: dict[str, Any], endless: EndlessStream, is_async: bool
) -> None:
    engine = PineconeAssistantChatEngine(**words | {"host": endless.host}, interface="openai")
    if not is_async:
        response = engine.stream_chat(QUESTION)
        for _ in response.response_gen:
            break
        assert endless.is_left.wait(5)
        assert engine.chat_history == []
        return

    async def leave() -> None:
        response = await engine.astream_chat(QUESTION)
        texts = response.async_response_gen()
        assert await texts.__anext__() == "A red"
        await texts.aclose()
        assert await asyncio.to_thread(endless.is_left.wait, 5)

    run(leave())
    assert engine.chat_history == []


def test_print_response_stream_prints(
    engine: PineconeAssistantChatEngine, capsys: pytest.CaptureFixture[str], is_async: bool
) -> None:
    if is_async:

        async def show() -> None:
            await (await engine.astream_chat(QUESTION)).aprint_response_stream()

        run(show())
    else:
        engine.stream_chat(QUESTION).print_response_stream()
    assert "25 meters" in capsys.readouterr().out
