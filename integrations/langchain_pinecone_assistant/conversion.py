"""Convert the framework's messages to the client's, and the client's answers to the framework's messages. Pure."""

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
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel

from pinecone_assistant_client import ChatCompletion, ChatCompletionChunk, Citation, Message
from pinecone_assistant_client.adapters import DEFAULT_MODEL, json_instruction

from .citations import PROVIDER
from .errors import InvalidRequestError

_ROLES = {"human": "user", "ai": "assistant", "function": "tool"}
_MAY_BE_BLANK = ("assistant", "system", "developer", "tool")
# Text block types and the key of their text. Other packages' models add new types every month.
_TEXT_KEYS = {"text": "text", "input_text": "text", "output_text": "text", "text-plain": "text", "refusal": "refusal"}


def to_client_messages(messages: Sequence[BaseMessage], *, tool_messages: str = "error") -> list[Message]:
    """Return the conversation as roles and texts. The client later merges system messages, and consecutive turns of one role.

    Answers and system messages without text are left out. Otherwise every later question of that conversation would be refused.
    Only the text of an answer is sent, not another model's reasoning, tool calls or images.

    Args:
        messages: The framework's messages; never changed.
        tool_messages: `"error"` raises for tool and function messages, `"as_user"` sends their text as user turns, `"drop"`
            leaves them out.

    Raises:
        InvalidRequestError: A message or a content block is not text. The error names it.
    """
    turns: list[Message] = []
    for index, message in enumerate(messages):
        role = _role_of(message, index)
        if role == "tool":
            if tool_messages == "drop":
                continue
            if tool_messages != "as_user":
                raise InvalidRequestError(
                    f"messages[{index}] is a {type(message).__name__}: an assistant has no tools and accepts no tool results; "
                    'pass tool_messages="drop" to leave such messages out, or tool_messages="as_user" to send them as '
                    "user turns"
                )
        text = _text_of(message.content, f"messages[{index}]", is_answer=role == "assistant")
        if not text or text.isspace():
            if role in _MAY_BE_BLANK:
                continue
            raise InvalidRequestError(f"messages[{index}].content ({role}) is empty: a question needs text")
        turns.append(Message("user" if role == "tool" else role, text))
    return turns


def _role_of(message: BaseMessage, index: int) -> str:
    """Return `"user"`, `"assistant"`, `"system"`, `"tool"`, or a ChatMessage's unknown role, which the client refuses."""
    if isinstance(message, ChatMessage):
        return _ROLES.get(message.role, message.role)
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, (ToolMessage, FunctionMessage)):
        return "tool"
    raise InvalidRequestError(
        f"messages[{index}] is a {type(message).__name__}: this type cannot be sent, leave it out"
    )


def _text_of(content: str | list[str | dict[str, Any]], where: str, *, is_answer: bool) -> str:
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for block in content:
        text = _text_of_block(block)
        if text is not None:
            texts.append(text)
        elif not is_answer:
            raise InvalidRequestError(
                f"{where} has a block of type {_kind_of(block)!r}: the assistant takes text only; "
                "upload files to the assistant instead"
            )
    return "".join(texts)


def _text_of_block(block: Any) -> str | None:
    """Return the text of a content block, empty if it has none yet; None if the block is not text."""
    if isinstance(block, str):
        return block
    if not isinstance(block, Mapping):
        return None
    kind = _kind_of(block)
    if kind == "non_standard":  # the framework's wrapper around blocks it has no type for, such as OpenAI's refusal
        return _text_of_block(block.get("value"))
    if block.keys() == {"cachePoint"}:  # Bedrock's mark in a prompt, without content
        return ""
    text = block.get(_TEXT_KEYS[kind]) if kind in _TEXT_KEYS else None
    if isinstance(text, str):
        return text
    return "" if kind == "text" and text is None else None


def _kind_of(block: Any) -> str:
    if not isinstance(block, Mapping):
        return type(block).__name__
    return str(block.get("type", "text" if "text" in block else "untyped"))


def with_json_instruction(messages: list[Message], schema: Mapping[str, Any]) -> list[Message]:
    """Return the conversation with the JSON Schema of the answer appended to the last user turn."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            text = f"{messages[index].content}\n\n{json_instruction(schema)}"
            return [*messages[:index], Message("user", text), *messages[index + 1 :]]
    return messages


def _message_fields(answer: ChatCompletion, asked_model: str | None) -> dict[str, Any]:
    """Return a message's fields other than its text, for a whole answer and for the last chunk of a stream alike."""
    metadata: dict[str, Any] = {
        "model_provider": PROVIDER,
        "model_name": answer.model or asked_model or DEFAULT_MODEL,
        "finish_reason": answer.finish_reason,
    }
    if answer.context_snippet_count is not None:
        metadata["context_snippet_count"] = answer.context_snippet_count
    usage = answer.usage
    if usage is not None:
        metadata["token_usage"] = {name: getattr(usage, name) for name in _TOKENS}
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


_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")
_OF_LLM_OUTPUT = ("model_name", "model_provider", "token_usage")


def to_result(answer: ChatCompletion, asked_model: str | None) -> ChatResult:
    """Return the framework's result of a whole answer. Monitoring tools read the model and the usage from `llm_output`."""
    fields = _message_fields(answer, asked_model)
    # The framework merges this into the message's metadata, so it must not have keys that a streamed message lacks.
    llm_output = {name: value for name, value in fields["response_metadata"].items() if name in _OF_LLM_OUTPUT}
    message = AIMessage(content=answer.content, **fields)
    return ChatResult(
        generations=[ChatGeneration(message=message, generation_info=_generation_info(fields))], llm_output=llm_output
    )


def to_last_chunk(answer: ChatCompletion, asked_model: str | None) -> ChatGenerationChunk:
    """Return the last chunk of a stream. It alone has usage and metadata, which merging chunks would otherwise add up."""
    fields = _message_fields(answer, asked_model)
    return ChatGenerationChunk(
        message=AIMessageChunk(content=answer.content, chunk_position="last", **fields),
        generation_info=_generation_info(fields),
    )


def _generation_info(fields: Mapping[str, Any]) -> dict[str, Any]:
    # Only keys of the message's metadata: the framework merges both.
    return {name: fields["response_metadata"][name] for name in ("model_name", "finish_reason")}


def combined_llm_output(outputs: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return the `llm_output` of several results: one model's name, and the sum of the known token counts."""
    known = [output for output in outputs if output]
    if not known:
        return {}
    usages = [output["token_usage"] for output in known if "token_usage" in output]
    total = {name: sum(usage[name] for usage in usages) for name in usages[0]} if usages else None
    return {**known[-1], **({"token_usage": total} if total else {})}


_TEXT_MESSAGE = AIMessageChunk(content="", id="", response_metadata={"model_provider": PROVIDER})
_TEXT_CHUNK = ChatGenerationChunk(message=_TEXT_MESSAGE)
_ModelT = TypeVar("_ModelT", bound=BaseModel)
_DICTS = [name for name, value in _TEXT_MESSAGE.__dict__.items() if isinstance(value, dict)]
_LISTS = [name for name, value in _TEXT_MESSAGE.__dict__.items() if isinstance(value, list)]


def text_chunk(content: str, id: str | None) -> ChatGenerationChunk:  # noqa: A002 - the field's name
    """Return a chunk that has only new text.

    It copies a validated chunk, with new dicts and lists: 3 us per token, where validation takes 10 us.
    """
    values = {**_TEXT_MESSAGE.__dict__, "content": content, "id": id}
    for name in _DICTS:
        values[name] = values[name].copy()
    for name in _LISTS:
        values[name] = []
    return _twin(_TEXT_CHUNK, {**_TEXT_CHUNK.__dict__, "message": _twin(_TEXT_MESSAGE, values), "text": content})


def _twin(model: _ModelT, values: dict[str, Any]) -> _ModelT:
    """Return a copy of a pydantic model with other values, which must be valid: they are not checked."""
    twin = object.__new__(type(model))
    object.__setattr__(twin, "__dict__", values)
    object.__setattr__(twin, "__pydantic_fields_set__", set(model.__pydantic_fields_set__))
    # Whether this model allows extra fields differs between versions of langchain-core.
    object.__setattr__(twin, "__pydantic_extra__", None if model.__pydantic_extra__ is None else {})
    object.__setattr__(twin, "__pydantic_private__", None)
    return twin


class StreamedAnswer:
    """Convert one streamed answer to the framework's chunks: text at once, everything else in the last chunk.

    Args:
        asked_model: Model of the request, reported if the stream names none.
    """

    def __init__(self, asked_model: str | None) -> None:
        self._asked_model = asked_model
        self._last: ChatCompletionChunk | None = None
        self._finish_reason: str | None = None
        self._usage: Any = None
        self._snippets: int | None = None
        self._citations: list[Citation] = []

    def feed(self, piece: ChatCompletionChunk) -> ChatGenerationChunk | None:
        """Return the chunk for this piece, or None if it has no text."""
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
        """Return the chunk that ends the stream."""
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
