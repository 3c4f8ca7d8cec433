"""Convert LlamaIndex's messages to the client's, and the client's answers to LlamaIndex's responses. Pure."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import asdict
from typing import Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CitationBlock,
    CompletionResponse,
    MessageRole,
    TextBlock,
)
from pydantic import BaseModel, Field

from pinecone_assistant_client import (
    ChatCompletion,
    ChatCompletionChunk,
    Citation,
    InvalidRequestError,
    Message,
)

ModelT = TypeVar("ModelT", bound=BaseModel)
_ROLES = {
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
}
_TOOL_ROLES = (MessageRole.TOOL, MessageRole.FUNCTION)
_NO_FILES = ("thinking", "tool_call", "citation")  # blocks that agents and other LLMs leave in a history


class AssistantChatResponse(ChatResponse):
    """A `ChatResponse` with its citations.

    Attributes:
        citations: Citations of the answer; offsets are characters of `message.content`, end exclusive. Not serialised,
            because a `Reference` may contain a signed link; `additional_kwargs["citations"]` has the rest as JSON.
    """

    citations: tuple[Citation, ...] = Field(default=(), exclude=True)

    def to_citation_blocks(self) -> list[CitationBlock]:
        """Return LlamaIndex's citation blocks, one per reference. Messages have none, so that a history can be sent again."""
        return to_citation_blocks(self.citations)


class AssistantCompletionResponse(CompletionResponse):
    """A `CompletionResponse` with its citations.

    Attributes:
        citations: Same as in `AssistantChatResponse`; offsets are characters of `text`.
    """

    citations: tuple[Citation, ...] = Field(default=(), exclude=True)

    def to_citation_blocks(self) -> list[CitationBlock]:
        """Return LlamaIndex's citation blocks, like `AssistantChatResponse.to_citation_blocks`."""
        return to_citation_blocks(self.citations)


def to_citation_blocks(citations: Sequence[Citation]) -> list[CitationBlock]:
    """Return one `CitationBlock` per reference; its text is the highlight, if the answer has one."""
    return [
        CitationBlock(
            cited_content=TextBlock(text=reference.highlight or ""),
            source=reference.file_id or reference.file_name or str(reference.number),
            title=reference.file_name or "",
            additional_location_info={
                "start": citation.start,
                "end": citation.end,
                **({"page": reference.pages[0]} if reference.pages else {}),
            },
        )
        for citation in citations
        for reference in citation.references
    ]


def to_message(message: ChatMessage, index: int, *, tool_messages: str = "error") -> Message:
    """Return a message for the client, which leaves out blank ones of an assistant.

    Only the text of an assistant's turn is sent, not its tool calls, reasoning, images or other blocks: LlamaIndex adds new
    block types every month.

    Raises:
        InvalidRequestError: The role, or a block of a user or system message, cannot be sent to an assistant.
    """
    if not isinstance(message, ChatMessage):
        raise InvalidRequestError(
            f"messages[{index}] is a {type(message).__name__}: pass a ChatMessage, such as ChatMessage(text)"
        )
    role = _ROLES.get(message.role)
    if message.role in _TOOL_ROLES and tool_messages in ("as_user", "drop"):
        text = "\n".join(_texts(message.blocks, f"messages[{index}] (tool)")) if tool_messages == "as_user" else ""
        return Message("user", text) if text.strip() else Message("assistant", "")  # a tool may return an empty text
    if role is None:
        advice = '; pass tool_messages="drop" or "as_user" for those of agents' if message.role in _TOOL_ROLES else ""
        raise InvalidRequestError(
            f"messages[{index}].role is {message.role.value!r}: the assistant takes user, assistant and system messages "
            f"only{advice}"
        )
    refused = None if role == "assistant" else f"messages[{index}] ({role})"
    return Message(role, "\n".join(_texts(message.blocks, refused)))


def _texts(blocks: Sequence[Any], where: str | None) -> Iterator[str]:
    """Yield the texts of blocks. With `where`, the place for the message, raise for a block that is not text."""
    for block in blocks:
        if isinstance(text := getattr(block, "text", None), str):
            if text:  # an agent's LLM may write an empty text before its tool calls
                yield text
        elif (kind := getattr(block, "block_type", None)) == "citable":
            yield from _texts(block.content, where)
        elif where is not None and kind != "cache":
            instead = "leave it out" if kind in _NO_FILES else "upload files to the assistant instead"
            raise InvalidRequestError(f"{where} has a {type(block).__name__}: the assistant takes text only; {instead}")


def check_text(what: str, text: object) -> None:
    """Raise InvalidRequestError if `text` is not a str: LlamaIndex would turn it into an empty message."""
    if not isinstance(text, str):
        raise InvalidRequestError(f"{what} is a {type(text).__name__}: pass text")


def to_messages(
    messages: Sequence[ChatMessage], system_prompt: str | None, *, tool_messages: str = "error"
) -> list[Message]:
    """Return the client's messages. The client merges system messages into the first user turn and drops blank turns.

    Args:
        messages: LlamaIndex's messages; never changed.
        system_prompt: System message to put before them.
        tool_messages: `"error"` raises for tool messages, `"as_user"` sends their text as user turns, `"drop"` leaves them
            out.

    Raises:
        InvalidRequestError: A message cannot be sent. The error names it.
    """
    turns = [to_message(message, index, tool_messages=tool_messages) for index, message in enumerate(messages)]
    return [Message("system", system_prompt), *turns] if system_prompt else turns


# Calling the slots' descriptors directly, with one dict per model, saves 5 % of the time per token compared with
# object.__setattr__ and keyword arguments (measured).
_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def _twin(model: ModelT, values: dict[str, Any]) -> ModelT:
    """Return a copy of a model with these values, which must be valid. Takes a third of the time of validating them."""
    twin = object.__new__(type(model))
    _set_values(twin, values)
    _set_given(twin, model.__pydantic_fields_set__.copy())
    _set_extra(twin, None)
    _set_private(twin, None)
    return twin


_MESSAGE = ChatMessage(role=MessageRole.ASSISTANT, content="")
_RESPONSE = AssistantChatResponse(message=_MESSAGE, delta="", raw={})


class AnswerStream:
    """Accumulator of one streamed answer: `add` takes a chunk and returns the response so far."""

    def __init__(self) -> None:
        self._text = ""
        self._citations: tuple[Citation, ...] = ()
        self._raw: dict[str, Any] = {}
        self._known: dict[str, Any] = {}

    def add(self, chunk: ChatCompletionChunk | ChatCompletion) -> AssistantChatResponse:
        """Return the response after this chunk: `delta` is the new text, all other fields cover the answer so far."""
        self._text += chunk.content
        if chunk.finish_reason or chunk.usage or chunk.citations or chunk.context_snippet_count is not None:
            self._learn(chunk)
        block = TextBlock(text=self._text)
        return _twin(
            _RESPONSE,
            {
                **_RESPONSE.__dict__,
                "message": _twin(_MESSAGE, {**_MESSAGE.__dict__, "blocks": [block], "additional_kwargs": {}}),
                "delta": chunk.content,
                "raw": {"id": chunk.id, "model": chunk.model, **self._raw},
                "additional_kwargs": self._known.copy(),
                "citations": self._citations,
            },
        )

    def _learn(self, chunk: ChatCompletionChunk | ChatCompletion) -> None:
        """Store a chunk's usage and other fields, in the service's form and in the flat form that token counters read."""
        self._citations += chunk.citations
        known = {**self._known, "model": chunk.model, "citations": [citation.to_json() for citation in self._citations]}
        raw = dict(self._raw)
        if chunk.finish_reason is not None:
            raw["finish_reason"] = known["finish_reason"] = chunk.finish_reason
        if chunk.context_snippet_count is not None:
            raw["context_snippet_count"] = known["context_snippet_count"] = chunk.context_snippet_count
        if chunk.usage is not None:
            raw["usage"] = asdict(chunk.usage)
            known |= raw["usage"]
        self._raw, self._known = raw, known


def to_chat_response(answer: ChatCompletion) -> AssistantChatResponse:
    """Return the response of a complete answer, equal to the last one of its stream."""
    response = AnswerStream().add(answer)
    response.delta = None
    return response


def to_completion_response(response: AssistantChatResponse) -> AssistantCompletionResponse:
    """Return a chat response as a completion, with everything but the message."""
    (block,) = response.message.blocks
    assert isinstance(block, TextBlock)  # noqa: S101 - made above
    return AssistantCompletionResponse(
        text=block.text,
        delta=response.delta,
        raw=response.raw,
        additional_kwargs=response.additional_kwargs,
        citations=response.citations,
    )


def to_chat_stream(
    chunks: Generator[ChatCompletionChunk, None, None],
) -> Generator[AssistantChatResponse, None, None]:
    """Yield the responses of a stream; closing the generator closes the connection."""
    answer = AnswerStream()
    with closing(chunks):
        for chunk in chunks:
            yield answer.add(chunk)


async def to_async_chat_stream(
    chunks: AsyncGenerator[ChatCompletionChunk, None],
) -> AsyncGenerator[AssistantChatResponse, None]:
    """Async version of `to_chat_stream`."""
    answer = AnswerStream()
    async with aclosing(chunks):
        async for chunk in chunks:
            yield answer.add(chunk)


def to_completion_stream(
    responses: Generator[AssistantChatResponse, None, None],
) -> Generator[AssistantCompletionResponse, None, None]:
    """Yield the responses of a chat stream as completions."""
    with closing(responses):
        for response in responses:
            yield to_completion_response(response)


async def to_async_completion_stream(
    responses: AsyncGenerator[AssistantChatResponse, None],
) -> AsyncGenerator[AssistantCompletionResponse, None]:
    """Async version of `to_completion_stream`."""
    async with aclosing(responses):
        async for response in responses:
            yield to_completion_response(response)
