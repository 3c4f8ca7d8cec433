"""`PineconeAssistantChatEngine`: a conversation with memory and sources, one call a turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import trace_method
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.instrumentation.events.chat_engine import (
    StreamChatDeltaReceivedEvent,
    StreamChatEndEvent,
    StreamChatErrorEvent,
    StreamChatStartEvent,
)
from llama_index.core.memory import BaseMemory, ChatMemoryBuffer
from typing_extensions import Unpack

from llama_index.llms.pinecone_assistant import AssistantChatResponse, AssistantOptions, PineconeAssistant
from llama_index.llms.pinecone_assistant.utils import check_text
from pinecone_assistant_client import InvalidRequestError

from .filters import Filters
from .sources import to_metadata, to_source_nodes
from .views import AssistantView, engine_options, llm_of

dispatcher = instrument.get_dispatcher(__name__)  # type: ignore[attr-defined]  # re-exported, as core itself uses it


@dataclass
class AssistantStreamingChatResponse(StreamingAgentChatResponse):
    """A streamed turn. Its text is read from the connection as it is asked for, in the reader's own thread and loop.

    Attributes:
        source_nodes: What the answer cites; filled at the end of the text.
        metadata: `{"usage", "model", "citations", "finish_reason"}`; filled at the end of the text.
    """

    is_writing_to_memory: bool = False  # core's way needs a thread and a loop that spins while it waits
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def response_gen(self) -> Generator[str, None, None]:
        """The texts; leaving the loop early ends the request, and the turn is not remembered."""
        if self.chat_stream is None:
            raise InvalidRequestError("this turn is async: read async_response_gen(), or ask with stream_chat")
        try:
            yield from super().response_gen
        finally:
            self.chat_stream.close()

    async def async_response_gen(self) -> AsyncGenerator[str, None]:
        """As `response_gen`."""
        if self.achat_stream is None:
            raise InvalidRequestError("this turn is sync: read response_gen, or ask with astream_chat")
        try:
            async for text in super().async_response_gen():
                yield text
        finally:
            await self.achat_stream.aclose()

    def finish(self, last: AssistantChatResponse) -> None:
        """Take over what the end of the answer tells."""
        self.source_nodes += to_source_nodes(last.citations)
        self.metadata |= to_metadata(last)
        self.is_done = True


class PineconeAssistantChatEngine(AssistantView, BaseChatEngine):
    """Talk with an assistant; it searches its files for every turn by itself, so a turn is one call.

    LlamaIndex's condense engines would send their rephrasing prompt through the same search and then search again.
    A turn that fails, has no text or whose stream is left early is not remembered. Unless the options say otherwise, it
    asks with `interface="standard"`, `include_highlights=True` (the text of the source nodes) and `strip_references=True`
    (no list of expiring links under the text, nor in the memory).

    Args:
        llm: An existing LLM to ask; or pass its options here, `system_prompt=` and `client=` among them.
        memory: What was said; a copy made by `with_filters` or `with_options` shares it. Default: a `ChatMemoryBuffer`
            of three quarters of the context window.
        filters: `MetadataFilters`, or a filter of the assistant's such as `{"year": {"$gte": 2024}}`.
        options: As for `PineconeAssistant`.

    Example:
        ```python
        engine = PineconeAssistantChatEngine(assistant_name="docs")
        for text in engine.stream_chat("How tall is a red pine?").response_gen:
            print(text, end="", flush=True)
        ```
    """

    def __init__(
        self,
        llm: PineconeAssistant | None = None,
        *,
        memory: BaseMemory | None = None,
        filters: Filters | None = None,
        **options: Unpack[AssistantOptions],
    ) -> None:
        self._llm = llm_of(self, llm, filters, options)
        if memory is not None and not isinstance(memory, BaseMemory):
            raise InvalidRequestError(
                f"memory is a {type(memory).__name__}: pass one of LlamaIndex's, such as ChatMemoryBuffer"
            )
        # Not `Memory`: its SQL store opens a connection in every event loop.
        self._memory = memory if memory is not None else ChatMemoryBuffer.from_defaults(llm=self._llm)
        self.callback_manager = self._llm.callback_manager

    @property
    def chat_history(self) -> list[ChatMessage]:
        """What was said so far, questions and answers."""
        return self._memory.get_all()

    def reset(self) -> None:
        """Forget what was said."""
        self._memory.reset()

    @trace_method("chat")
    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """Answer a turn.

        Args:
            message: What the user says.
            chat_history: What was said before, instead of what the engine remembers.
        """
        messages = self._turns(message, chat_history)
        answer = self._llm.chat(messages, **engine_options(self._llm))
        self._remember(messages[-1], answer)
        return _to_response(answer)

    @trace_method("chat")
    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """As `chat`."""
        messages = await self._aturns(message, chat_history)
        answer = await self._llm.achat(messages, **engine_options(self._llm))
        await self._aremember(messages[-1], answer)
        return _to_response(answer)

    @trace_method("chat")
    def stream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> AssistantStreamingChatResponse:
        """Answer a turn as the answer comes: read `response_gen`. Arguments as for `chat`."""
        messages = self._turns(message, chat_history)
        response = AssistantStreamingChatResponse()
        response.chat_stream = self._remembering(
            self._llm.stream_chat(messages, **engine_options(self._llm)), messages[-1], response
        )
        return response

    @trace_method("chat")
    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> AssistantStreamingChatResponse:
        """As `stream_chat`: read `async_response_gen()`."""
        messages = await self._aturns(message, chat_history)
        answers = await self._llm.astream_chat(messages, **engine_options(self._llm))
        response = AssistantStreamingChatResponse()
        response.achat_stream = self._aremembering(answers, messages[-1], response)
        return response

    def _turns(self, message: str, chat_history: list[ChatMessage] | None) -> list[ChatMessage]:
        _check_turn(message, chat_history)
        if chat_history is not None:
            self._memory.set(chat_history)
        return [*self._memory.get(input=message), ChatMessage(message)]

    async def _aturns(self, message: str, chat_history: list[ChatMessage] | None) -> list[ChatMessage]:
        _check_turn(message, chat_history)
        if chat_history is not None:
            await self._memory.aset(chat_history)
        return [*await self._memory.aget(input=message), ChatMessage(message)]

    def _remember(self, question: ChatMessage, answer: AssistantChatResponse) -> None:
        if _has_text(answer):
            self._memory.put_messages([question, answer.message])

    async def _aremember(self, question: ChatMessage, answer: AssistantChatResponse) -> None:
        if _has_text(answer):
            await self._memory.aput_messages([question, answer.message])

    def _remembering(
        self,
        answers: Generator[AssistantChatResponse, None, None],
        question: ChatMessage,
        response: AssistantStreamingChatResponse,
    ) -> Generator[AssistantChatResponse, None, None]:
        with _stream_events(), closing(answers):
            for answer in answers:
                if answer.delta:
                    dispatcher.event(StreamChatDeltaReceivedEvent(delta=answer.delta))
                yield answer
            self._remember(question, answer)
            response.finish(answer)

    async def _aremembering(
        self,
        answers: AsyncGenerator[AssistantChatResponse, None],
        question: ChatMessage,
        response: AssistantStreamingChatResponse,
    ) -> AsyncGenerator[AssistantChatResponse, None]:
        with _stream_events():
            async with aclosing(answers):
                async for answer in answers:
                    if answer.delta:
                        dispatcher.event(StreamChatDeltaReceivedEvent(delta=answer.delta))
                    yield answer
                await self._aremember(question, answer)
                response.finish(answer)


@contextmanager
def _stream_events() -> Iterator[None]:
    """The events that LlamaIndex's own engines tell around a streamed turn."""
    dispatcher.event(StreamChatStartEvent())
    try:
        yield
    except Exception as error:
        dispatcher.event(StreamChatErrorEvent(exception=error))
        raise
    dispatcher.event(StreamChatEndEvent())


def _check_turn(message: object, chat_history: object) -> None:
    """Refuse what the memory would keep, and every later turn would stumble over."""
    check_text("message", message)
    if chat_history is not None:
        if isinstance(chat_history, str) or not isinstance(chat_history, Sequence):
            raise InvalidRequestError(f"chat_history is a {type(chat_history).__name__}: pass a list of ChatMessage")
        for index, said in enumerate(chat_history):
            if not isinstance(said, ChatMessage):
                raise InvalidRequestError(f"chat_history[{index}] is a {type(said).__name__}: pass a ChatMessage")


def _has_text(answer: AssistantChatResponse) -> bool:
    """False for an answer that cannot be sent as a part of later turns: every message needs text."""
    return bool((answer.message.content or "").strip())


def _to_response(answer: AssistantChatResponse) -> AgentChatResponse:
    return AgentChatResponse(
        response=answer.message.content or "",
        source_nodes=to_source_nodes(answer.citations),
        metadata=to_metadata(answer),
    )
