"""Framework messages to the client's, and the client's answers to framework messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel

from pinecone_assistant_client import ChatCompletion, ChatCompletionChunk, Citation, Message
from pinecone_assistant_client.adapters import DEFAULT_MODEL, json_instruction

from .citations import PROVIDER
from .errors import InvalidRequestError

_ROLES = {"human": "user", "ai": "assistant"}
# What a turn of another model may hold beside its text. The assistant cannot read it, and the text stands without it.
_NOT_TEXT_OF_AN_ANSWER = frozenset(
    {
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_use",
        "function_call",
        "input_json_delta",
        "reasoning",
        "thinking",
        "redacted_thinking",
    }
)
# What it asked of its provider's own tools, and what these gave: server_tool_call, web_search_call, web_search_tool_result, ...
_OF_ITS_TOOLS = ("_tool_call", "_tool_call_chunk", "_tool_use", "_tool_result", "_search_call", "_interpreter_call")


def to_client_messages(messages: Sequence[BaseMessage], *, tool_messages: str = "error") -> list[Message]:
    """The conversation as role and content. System messages and same-role runs are folded by the client.

    Args:
        messages: The framework's messages; never changed.
        tool_messages: `"error"` refuses Tool and Function messages, `"as_user"` sends their text as user turns.

    Raises:
        InvalidRequestError: A message or a content block that is not text; names it.
    """
    turns: list[Message] = []
    for index, message in enumerate(messages):
        if isinstance(message, AIMessage):
            text = _text_of(message, index)
            # A turn that only called tools said nothing.
            if (text and not text.isspace()) or not (
                message.tool_calls or message.invalid_tool_calls or _calls_tools(message)
            ):
                turns.append(Message("assistant", text))
        elif isinstance(message, HumanMessage):
            turns.append(Message("user", _text_of(message, index)))
        elif isinstance(message, SystemMessage):
            turns.append(Message("system", _text_of(message, index)))
        elif isinstance(message, (ToolMessage, FunctionMessage)):
            if tool_messages != "as_user":
                raise InvalidRequestError(
                    f"messages[{index}] is a {type(message).__name__}: an assistant calls no tools and takes no results "
                    'of any; pass tool_messages="as_user" to send them as user turns'
                )
            turns.append(Message("user", _text_of(message, index)))
        elif isinstance(message, ChatMessage):
            turns.append(Message(_ROLES.get(message.role, message.role), _text_of(message, index)))
        else:
            raise InvalidRequestError(f"messages[{index}] is a {type(message).__name__}: it has no place in a question")
    return turns


def _calls_tools(message: AIMessage) -> bool:
    return any(name in message.additional_kwargs for name in ("tool_calls", "function_call"))


def _text_of(message: BaseMessage, index: int) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for block in content:
        if isinstance(block, str):
            texts.append(block)
            continue
        kind = block.get("type", "text" if "text" in block else "untyped")
        if kind == "text":
            texts.append(str(block.get("text", "")))
        elif not (isinstance(message, AIMessage) and (kind in _NOT_TEXT_OF_AN_ANSWER or kind.endswith(_OF_ITS_TOOLS))):
            raise InvalidRequestError(
                f"messages[{index}] has a block of type {kind!r}: the assistant takes text only; "
                "upload files to the assistant instead"
            )
    return "".join(texts)


def with_json_instruction(messages: list[Message], schema: Mapping[str, Any]) -> list[Message]:
    """The conversation whose last user turn ends in the JSON Schema that the answer has to fit."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            text = f"{messages[index].content}\n\n{json_instruction(schema)}"
            return [*messages[:index], Message("user", text), *messages[index + 1 :]]
    return messages


def _message_fields(answer: ChatCompletion, asked_model: str | None) -> dict[str, Any]:
    """What a message carries beside its text; the same for a whole answer and for the last chunk of a stream."""
    metadata: dict[str, Any] = {
        "model_provider": PROVIDER,
        "model_name": answer.model or asked_model or DEFAULT_MODEL,
        "finish_reason": answer.finish_reason,
    }
    if answer.context_snippet_count is not None:
        metadata["context_snippet_count"] = answer.context_snippet_count
    usage = answer.usage
    return {
        "id": answer.id,
        "additional_kwargs": {"citations": [citation.to_json() for citation in answer.citations]},
        "response_metadata": metadata,
        "usage_metadata": None
        if usage is None
        else UsageMetadata(
            input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=usage.total_tokens
        ),
    }


def to_message(answer: ChatCompletion, asked_model: str | None) -> AIMessage:
    """The message of a whole answer."""
    return AIMessage(content=answer.content, **_message_fields(answer, asked_model))


def to_last_chunk(answer: ChatCompletion, asked_model: str | None) -> ChatGenerationChunk:
    """The last chunk of a stream: all that is told once stands on it, because merging would add it up."""
    fields = _message_fields(answer, asked_model)
    return ChatGenerationChunk(message=AIMessageChunk(content=answer.content, chunk_position="last", **fields))


_TEXT_MESSAGE = AIMessageChunk(content="", id="", response_metadata={"model_provider": PROVIDER})
_TEXT_CHUNK = ChatGenerationChunk(message=_TEXT_MESSAGE)
_ModelT = TypeVar("_ModelT", bound=BaseModel)
_DICTS = [name for name, value in _TEXT_MESSAGE.__dict__.items() if isinstance(value, dict)]
_LISTS = [name for name, value in _TEXT_MESSAGE.__dict__.items() if isinstance(value, list)]


def text_chunk(content: str, id: str | None) -> ChatGenerationChunk:  # noqa: A002 - the field's name
    """A chunk of new text and nothing else.

    A twin of one that was validated, with dicts and lists of its own: 3 us, where validation takes 10 for every token.
    """
    values = {**_TEXT_MESSAGE.__dict__, "content": content, "id": id}
    for name in _DICTS:
        values[name] = values[name].copy()
    for name in _LISTS:
        values[name] = []
    return _twin(_TEXT_CHUNK, {**_TEXT_CHUNK.__dict__, "message": _twin(_TEXT_MESSAGE, values), "text": content})


def _twin(model: _ModelT, values: dict[str, Any]) -> _ModelT:
    """A model of the same class with other values, which are known to be right."""
    twin = object.__new__(type(model))
    object.__setattr__(twin, "__dict__", values)
    object.__setattr__(twin, "__pydantic_fields_set__", set(model.__pydantic_fields_set__))
    # Whether a model has room for extra fields differs between versions of langchain-core.
    object.__setattr__(twin, "__pydantic_extra__", None if model.__pydantic_extra__ is None else {})
    object.__setattr__(twin, "__pydantic_private__", None)
    return twin


class StreamedAnswer:
    """The framework's chunks of one streamed answer: text as it comes, the rest collected for the last chunk.

    Args:
        asked_model: The model of the request, for a stream that names none.
    """

    def __init__(self, asked_model: str | None) -> None:
        self._asked_model = asked_model
        self._last: ChatCompletionChunk | None = None
        self._finish_reason: str | None = None
        self._usage: Any = None
        self._snippets: int | None = None
        self._citations: list[Citation] = []

    def feed(self, piece: ChatCompletionChunk) -> ChatGenerationChunk | None:
        """The chunk for this piece, or None if it has no text."""
        self._last = piece
        if piece.finish_reason is not None:
            self._finish_reason = piece.finish_reason
        if piece.usage is not None:
            self._usage = piece.usage
        if piece.citations:
            self._citations += piece.citations
        if piece.context_snippet_count is not None:
            self._snippets = piece.context_snippet_count
        if not piece.content:
            return None
        return text_chunk(piece.content, piece.id)

    def last(self) -> ChatGenerationChunk:
        """The chunk that ends the stream."""
        last = self._last
        answer = ChatCompletion(
            id=last.id if last else None,
            model=last.model if last else None,
            content="",
            finish_reason=self._finish_reason,
            usage=self._usage,
            citations=tuple(self._citations),
            context_snippet_count=self._snippets,
        )
        return to_last_chunk(answer, self._asked_model)
