"""LlamaIndex's messages in, its responses out. Pure; sync and async pass through the same mapping."""

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
_NO_FILES = ("thinking", "tool_call", "citation")  # what agents and other LLMs leave in a history


class AssistantChatResponse(ChatResponse):
    """A `ChatResponse` with its citations.

    Attributes:
        citations: Where the answer cites, and what; offsets are characters of `message.content`, end exclusive. Not
            serialised, because a `Reference` may hold a signed link; `additional_kwargs["citations"]` has the rest as JSON.
    """

    citations: tuple[Citation, ...] = Field(default=(), exclude=True)

    def to_citation_blocks(self) -> list[CitationBlock]:
        """The citations as LlamaIndex's blocks, one per reference; they are not put into messages, which would break replays."""
        return to_citation_blocks(self.citations)


class AssistantCompletionResponse(CompletionResponse):
    """A `CompletionResponse` with its citations.

    Attributes:
        citations: As in `AssistantChatResponse`; offsets are characters of `text`.
    """

    citations: tuple[Citation, ...] = Field(default=(), exclude=True)

    def to_citation_blocks(self) -> list[CitationBlock]:
        """As `AssistantChatResponse.to_citation_blocks`."""
        return to_citation_blocks(self.citations)


def to_citation_blocks(citations: Sequence[Citation]) -> list[CitationBlock]:
    """One `CitationBlock` per reference; its text is the highlight, where the answer has one."""
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
    """A message for the client, which leaves out blank ones of an assistant.

    Of an assistant's turn only the text is sent: calls of tools, reasoning, images and whatever kinds of blocks come next
    month are no part of what it said.

    Raises:
        InvalidRequestError: A role, or a block of a user's or a system message, that an assistant cannot be sent.
    """
    if not isinstance(message, ChatMessage):
        raise InvalidRequestError(
            f"messages[{index}] is a {type(message).__name__}: pass a ChatMessage, such as ChatMessage(text)"
        )
    role = _ROLES.get(message.role)
    if message.role in _TOOL_ROLES and tool_messages in ("as_user", "drop"):
        text = "\n".join(_texts(message.blocks, f"messages[{index}] (tool)")) if tool_messages == "as_user" else ""
        return Message("user", text) if text.strip() else Message("assistant", "")  # a tool may answer nothing
    if role is None:
        advice = '; pass tool_messages="drop" or "as_user" for those of agents' if message.role in _TOOL_ROLES else ""
        raise InvalidRequestError(
            f"messages[{index}].role is {message.role.value!r}: the assistant takes user, assistant and system messages "
            f"only{advice}"
        )
    refused = None if role == "assistant" else f"messages[{index}] ({role})"
    return Message(role, "\n".join(_texts(message.blocks, refused)))


def _texts(blocks: Sequence[Any], where: str | None) -> Iterator[str]:
    """The texts of blocks; `where` they are, if what is not text is an error there."""
    for block in blocks:
        if isinstance(text := getattr(block, "text", None), str):
            if text:  # an agent's LLM may write an empty one before its calls
                yield text
        elif (kind := getattr(block, "block_type", None)) == "citable":
            yield from _texts(block.content, where)
        elif where is not None and kind != "cache":
            instead = "leave it out" if kind in _NO_FILES else "upload files to the assistant instead"
            raise InvalidRequestError(f"{where} has a {type(block).__name__}: the assistant takes text only; {instead}")


def check_text(what: str, text: object) -> None:
    """Raise InvalidRequestError for what is no text: LlamaIndex would make an empty message of it."""
    if not isinstance(text, str):
        raise InvalidRequestError(f"{what} is a {type(text).__name__}: pass text")


def to_messages(
    messages: Sequence[ChatMessage], system_prompt: str | None, *, tool_messages: str = "error"
) -> list[Message]:
    """The conversation for the client, which folds system messages into the first user turn and leaves blank turns out.

    Args:
        messages: LlamaIndex's messages; never changed.
        system_prompt: Put before them.
        tool_messages: `"error"` refuses tool messages, `"as_user"` sends their text as user turns, `"drop"` leaves them out.

    Raises:
        InvalidRequestError: A message that cannot be sent; names it.
    """
    turns = [to_message(message, index, tool_messages=tool_messages) for index, message in enumerate(messages)]
    return [Message("system", system_prompt), *turns] if system_prompt else turns


# The descriptors of a model's slots, asked directly, and one dict a model: 5 % of a token less than object.__setattr__ and
# keyword arguments (measured).
_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def _twin(model: ModelT, values: dict[str, Any]) -> ModelT:
    """A model with these values, which are known to be right: a third of the time that validating them again takes."""
    twin = object.__new__(type(model))
    _set_values(twin, values)
    _set_given(twin, model.__pydantic_fields_set__.copy())
    _set_extra(twin, None)
    _set_private(twin, None)
    return twin


_MESSAGE = ChatMessage(role=MessageRole.ASSISTANT, content="")
_RESPONSE = AssistantChatResponse(message=_MESSAGE, delta="", raw={})


class AnswerStream:
    """One streamed answer in the making: a chunk in, the response so far out."""

    def __init__(self) -> None:
        self._text = ""
        self._citations: tuple[Citation, ...] = ()
        self._raw: dict[str, Any] = {}
        self._known: dict[str, Any] = {}

    def add(self, chunk: ChatCompletionChunk | ChatCompletion) -> AssistantChatResponse:
        """The response after this chunk: `delta` is its new text, everything else is all that is known by now."""
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
        """Keep what is not text, once as the service says it and once flat, as token counters look for it."""
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
    """A whole answer, as its stream would end."""
    response = AnswerStream().add(answer)
    response.delta = None
    return response


def to_completion_response(response: AssistantChatResponse) -> AssistantCompletionResponse:
    """A chat response as a completion, with everything but the message."""
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
    """The responses of a stream; closing it closes the connection."""
    answer = AnswerStream()
    with closing(chunks):
        for chunk in chunks:
            yield answer.add(chunk)


async def to_async_chat_stream(
    chunks: AsyncGenerator[ChatCompletionChunk, None],
) -> AsyncGenerator[AssistantChatResponse, None]:
    """As `to_chat_stream`."""
    answer = AnswerStream()
    async with aclosing(chunks):
        async for chunk in chunks:
            yield answer.add(chunk)


def to_completion_stream(
    responses: Generator[AssistantChatResponse, None, None],
) -> Generator[AssistantCompletionResponse, None, None]:
    """The same stream as completions."""
    with closing(responses):
        for response in responses:
            yield to_completion_response(response)


async def to_async_completion_stream(
    responses: AsyncGenerator[AssistantChatResponse, None],
) -> AsyncGenerator[AssistantCompletionResponse, None]:
    """As `to_completion_stream`."""
    async with aclosing(responses):
        async for response in responses:
            yield to_completion_response(response)
