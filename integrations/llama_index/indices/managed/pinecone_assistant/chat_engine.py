"""`PineconeAssistantChatEngine`: a conversation with memory and sources, with one call per turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.callbacks import trace_method
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.instrumentation.events.chat_engine import (
    StreamChatDeltaReceivedEvent,
    StreamChatEndEvent,
    StreamChatErrorEvent,
    StreamChatStartEvent,
)
from llama_index.core.memory import BaseMemory, ChatMemoryBuffer
from llama_index.core.memory.types import DEFAULT_CHAT_STORE_KEY
from llama_index.core.storage.chat_store import SimpleChatStore
from typing_extensions import Self, Unpack

from llama_index.llms.pinecone_assistant import AssistantChatResponse, AssistantOptions, PineconeAssistant
from llama_index.llms.pinecone_assistant.utils import check_text
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.adapters import keeps_no_arguments

from .filters import Filters
from .sources import to_metadata, to_source_nodes
from .views import AssistantView, engine_options, llm_of

dispatcher = instrument.get_dispatcher(__name__)  # type: ignore[attr-defined]  # re-exported, as core itself uses it


@dataclass
class AssistantStreamingChatResponse(StreamingAgentChatResponse):
    """A streamed turn. Iterating over it reads the text from the connection, in the reader's own thread and event loop.

    Attributes:
        source_nodes: Sources that the answer cites; filled at the end of the text.
        metadata: `{"usage", "model", "citations", "finish_reason"}`; filled at the end of the text.
    """

    is_writing_to_memory: bool = False  # core's implementation needs a thread and a busy loop
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def response_gen(self) -> Generator[str, None, None]:
        """Generator of the text's pieces. Leaving the loop early ends the request, and the turn is not remembered."""
        if self.chat_stream is None:
            raise InvalidRequestError("this turn is async: read async_response_gen(), or ask with stream_chat")
        try:
            yield from super().response_gen
        finally:
            self.chat_stream.close()

    async def async_response_gen(self) -> AsyncGenerator[str, None]:
        """Async version of `response_gen`."""
        if self.achat_stream is None:
            raise InvalidRequestError("this turn is sync: read response_gen, or ask with astream_chat")
        try:
            async for text in super().async_response_gen():
                yield text
        finally:
            await self.achat_stream.aclose()

    def finish(self, last: AssistantChatResponse) -> None:
        """Fill in the sources and metadata from the last response."""
        self.source_nodes += to_source_nodes(last.citations)
        self.metadata |= to_metadata(last)
        self.is_done = True


class PineconeAssistantChatEngine(AssistantView, BaseChatEngine):
    """Chat engine over an assistant. The assistant searches its files for every turn itself, so a turn is one call.

    LlamaIndex's condense engines would send their rephrasing prompt through the same search and then search again.
    The memory changes only after a turn has succeeded. A turn that fails, has no text or is left early leaves it unchanged,
    even if the turn has a `chat_history`. Messages are copied in and out. By default the engine asks with
    `interface="standard"`, `include_highlights=True` (the text of the source nodes) and `strip_references=True` (no list of
    expiring links below the text or in the memory).

    An engine is one conversation. A copy with another filter starts a new conversation from the constructor's
    `chat_history`, because one user's answers are not for the next user; a copy with other options continues this one.

    Args:
        llm: An existing LLM to ask; or pass its options, including `system_prompt=` and `client=`.
        chat_history: Earlier messages, such as a greeting.
        memory: Memory to use instead of `chat_history`; other users of the same object share it. Default: a
            `ChatMemoryBuffer` of three quarters of the context window.
        filters: `MetadataFilters`, or a filter in the assistant's form, such as `{"year": {"$gte": 2024}}`.
        guard_filter: A filter, or `MetadataFilters`, that applies in addition to every other, including the LLM's own guard.
            Nothing can change or clear it, so use it to keep tenants apart. `{}` raises; None turns it off.
        options: Same as for `PineconeAssistant`.

    Example:
        ```python
        engine = PineconeAssistantChatEngine(assistant_name="docs")
        for text in engine.stream_chat("How tall is a red pine?").response_gen:
            print(text, end="", flush=True)
        ```
    """

    @keeps_no_arguments
    def __init__(
        self,
        llm: PineconeAssistant | None = None,
        *,
        chat_history: Sequence[ChatMessage] | None = None,
        memory: BaseMemory | None = None,
        filters: Filters | None = None,
        guard_filter: Filters | None = None,
        **options: Unpack[AssistantOptions],
    ) -> None:
        self._llm = llm_of(self, llm, filters, guard_filter, options)
        if memory is not None and chat_history is not None:
            raise InvalidRequestError("memory has a history of its own: pass memory= or chat_history=, not both")
        self._greeting = _copies(chat_history or [])
        self._memory = _checked_memory(memory) if memory is not None else self._new_memory(self._greeting)
        self.callback_manager = self._llm.callback_manager

    @classmethod
    @keeps_no_arguments
    def from_defaults(
        cls,
        llm: PineconeAssistant | None = None,
        chat_history: Sequence[ChatMessage] | None = None,
        memory: BaseMemory | None = None,
        memory_cls: type[BaseMemory] | None = None,
        **options: Any,
    ) -> Self:
        """Return an engine; takes the arguments of LlamaIndex's own engines.

        Args:
            llm: An existing LLM to ask, or pass its options.
            chat_history: Earlier messages.
            memory: Memory to use.
            memory_cls: One of LlamaIndex's memory classes, instead of `memory`.
            options: Same as for the constructor; `system_prompt` may be combined with an `llm`.
        """
        system_prompt = options.pop("system_prompt", None)
        if llm is None:
            options["system_prompt"] = system_prompt
        engine = cls(llm, chat_history=chat_history, memory=memory, **options)
        if llm is not None and system_prompt is not None:
            engine._llm = engine._llm.model_copy(update={"system_prompt": system_prompt})
        if memory_cls is not None and memory is None:
            history = _copies(engine._greeting) or None  # not an empty list: memories over a database would store it
            engine._memory = _checked_memory(
                memory_cls.from_defaults(chat_history=history, token_limit=_token_limit(engine._llm))
            )
        return engine

    def with_options(self, **options: Any) -> Self:
        """Return a copy with other options, such as `memory`, that shares the connections; None clears an option.

        The copy continues this conversation. With another `filter` it starts a new one.
        """
        memory = options.pop("memory", None)
        twin = self._with_llm_options(options, ["memory"])
        if memory is not None:
            twin._memory = _checked_memory(memory)
        elif "filter" in options:
            twin._memory = self._new_memory(self._greeting)
        return twin

    @property
    def chat_history(self) -> list[ChatMessage]:
        """Copy of the conversation so far."""
        return _copies(self._memory.get_all())

    def reset(self) -> None:
        """Forget the conversation."""
        self._memory.reset()

    @trace_method("chat")
    def chat(self, message: str, chat_history: Sequence[ChatMessage] | None = None) -> AgentChatResponse:
        """Answer a turn.

        Args:
            message: The user's message.
            chat_history: Earlier messages that replace the engine's memory; stored there if the turn succeeds.
        """
        turn = _Turn(message, chat_history)
        answer = self._llm.chat(self._messages(turn), **engine_options(self._llm))
        self._remember(turn, answer)
        return _to_response(answer)

    @trace_method("chat")
    async def achat(self, message: str, chat_history: Sequence[ChatMessage] | None = None) -> AgentChatResponse:
        """Async version of `chat`."""
        turn = _Turn(message, chat_history)
        messages = await self._amessages(turn)
        answer = await self._llm.achat(messages, **engine_options(self._llm))
        await self._aremember(turn, answer)
        return _to_response(answer)

    @trace_method("chat")
    def stream_chat(
        self, message: str, chat_history: Sequence[ChatMessage] | None = None
    ) -> AssistantStreamingChatResponse:
        """Stream the answer of a turn: read `response_gen`. Takes the arguments of `chat`."""
        turn = _Turn(message, chat_history)
        messages = self._messages(turn)
        response = AssistantStreamingChatResponse()
        response.chat_stream = self._remembering(
            self._llm.stream_chat(messages, **engine_options(self._llm)), turn, response
        )
        return response

    @trace_method("chat")
    async def astream_chat(
        self, message: str, chat_history: Sequence[ChatMessage] | None = None
    ) -> AssistantStreamingChatResponse:
        """Async version of `stream_chat`: read `async_response_gen()`."""
        turn = _Turn(message, chat_history)
        messages = await self._amessages(turn)
        answers = await self._llm.astream_chat(messages, **engine_options(self._llm))
        response = AssistantStreamingChatResponse()
        response.achat_stream = self._aremembering(answers, turn, response)
        return response

    def _new_memory(self, history: Sequence[ChatMessage]) -> ChatMemoryBuffer:
        """Return a new memory with copies of these messages and this conversation's token limit."""
        # Not `Memory`: its SQL store opens a connection in every event loop.
        before = getattr(self, "_memory", None)
        if isinstance(before, ChatMemoryBuffer):
            return ChatMemoryBuffer.from_defaults(
                _copies(history), token_limit=before.token_limit, tokenizer_fn=before.tokenizer_fn
            )
        return ChatMemoryBuffer.from_defaults(_copies(history), token_limit=_token_limit(self._llm))

    def _source(self, turn: _Turn) -> BaseMemory:
        """Return the memory that a turn reads. A history passed with the turn is cut to the same token limit."""
        return self._memory if turn.history is None else self._new_memory(turn.history)

    def _messages(self, turn: _Turn) -> list[ChatMessage]:
        """Return the messages to send for a turn."""
        source = self._source(turn)
        with _restored_after_an_error(source):
            return turn.after(source.get(input=turn.question))

    async def _amessages(self, turn: _Turn) -> list[ChatMessage]:
        """Async version of `_messages`."""
        source = self._source(turn)
        with _restored_after_an_error(source):
            return turn.after(await source.aget(input=turn.question))

    def _remember(self, turn: _Turn, answer: AssistantChatResponse) -> None:
        said = turn.said(answer)
        if said and turn.history is not None:
            self._memory.set(turn.history + said)
        elif said:
            self._memory.put_messages(said)

    async def _aremember(self, turn: _Turn, answer: AssistantChatResponse) -> None:
        said = turn.said(answer)
        if said and turn.history is not None:
            await self._memory.aset(turn.history + said)
        elif said:
            await self._memory.aput_messages(said)

    def _remembering(
        self,
        answers: Generator[AssistantChatResponse, None, None],
        turn: _Turn,
        response: AssistantStreamingChatResponse,
    ) -> Generator[AssistantChatResponse, None, None]:
        with _stream_events(), closing(answers):
            for answer in answers:
                if answer.delta:
                    dispatcher.event(StreamChatDeltaReceivedEvent(delta=answer.delta))
                yield answer
            self._remember(turn, answer)
            response.finish(answer)

    async def _aremembering(
        self,
        answers: AsyncGenerator[AssistantChatResponse, None],
        turn: _Turn,
        response: AssistantStreamingChatResponse,
    ) -> AsyncGenerator[AssistantChatResponse, None]:
        with _stream_events():
            async with aclosing(answers):
                async for answer in answers:
                    if answer.delta:
                        dispatcher.event(StreamChatDeltaReceivedEvent(delta=answer.delta))
                    yield answer
                await self._aremember(turn, answer)
                response.finish(answer)


class _Turn:
    """One turn: the question and copies of the history passed with it."""

    def __init__(self, message: str, chat_history: Sequence[ChatMessage] | None) -> None:
        check_text("message", message)
        self.question = message
        self.history = None if chat_history is None else _copies(chat_history)

    def after(self, before: Iterable[ChatMessage]) -> list[ChatMessage]:
        """Return the messages to send."""
        return [*before, ChatMessage(self.question)]

    def said(self, answer: AssistantChatResponse) -> list[ChatMessage]:
        """Return the messages to remember; none if the answer has no text."""
        text = answer.message.content or ""
        if not text.strip():
            return []
        return [ChatMessage(self.question), ChatMessage(text, role=MessageRole.ASSISTANT)]


@contextmanager
def _stream_events() -> Iterator[None]:
    """Report the same events of a streamed turn as LlamaIndex's own engines."""
    dispatcher.event(StreamChatStartEvent())
    try:
        yield
    except Exception as error:
        dispatcher.event(StreamChatErrorEvent(exception=error))
        raise
    dispatcher.event(StreamChatEndEvent())


def _copies(chat_history: object) -> list[ChatMessage]:
    """Return copies of messages, so that later changes by the caller or the engine do not affect the other."""
    if isinstance(chat_history, str) or not isinstance(chat_history, Sequence):
        raise InvalidRequestError(f"chat_history is a {type(chat_history).__name__}: pass a list of ChatMessage")
    for index, said in enumerate(chat_history):
        if not isinstance(said, ChatMessage):
            raise InvalidRequestError(f"chat_history[{index}] is a {type(said).__name__}: pass a ChatMessage")
    return [message.model_copy(deep=True) for message in chat_history]


def _checked_memory(memory: object) -> BaseMemory:
    if not isinstance(memory, BaseMemory):
        raise InvalidRequestError(
            f"memory is a {type(memory).__name__}: pass one of LlamaIndex's, such as ChatMemoryBuffer"
        )
    for store, key in _simple_stores(memory):
        # This store keeps the list passed to its memory, so each turn would be appended to the caller's greeting.
        store.set_messages(key, _copies(store.get_messages(key)))
    return memory


def _simple_stores(memory: BaseMemory) -> Iterator[tuple[SimpleChatStore, str]]:
    """Yield the stores in memory, with their keys, of a memory and of the memories that it combines."""
    store = getattr(memory, "chat_store", None)
    if isinstance(store, SimpleChatStore):
        yield store, getattr(memory, "chat_store_key", DEFAULT_CHAT_STORE_KEY)
    for value in memory.__dict__.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, BaseMemory):
                yield from _simple_stores(part)


@contextmanager
def _restored_after_an_error(memory: BaseMemory) -> Iterator[None]:
    """Put back what a memory held if reading it fails.

    A `ChatSummaryMemoryBuffer` takes messages out of its store before it asks its LLM for a summary of them.
    """
    before = [(store, key, list(store.get_messages(key))) for store, key in _simple_stores(memory)]
    try:
        yield
    except BaseException:
        for store, key, messages in before:
            store.set_messages(key, messages)
        raise


def _token_limit(llm: PineconeAssistant) -> int:
    return max(1, llm.context_window * 3 // 4)


def _to_response(answer: AssistantChatResponse) -> AgentChatResponse:
    return AgentChatResponse(
        response=answer.message.content or "",
        source_nodes=to_source_nodes(answer.citations),
        metadata=to_metadata(answer),
    )
