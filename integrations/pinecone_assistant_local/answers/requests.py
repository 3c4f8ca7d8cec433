"""The bodies of chat and context requests, checked as the service checks them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import invalid
from ..store.filters import Condition, compile_filter

DEFAULT_MODEL = "gpt-4o"
MODELS = (
    "gpt-4o",
    "gpt-4.1",
    "o4-mini",
    "claude-3-5-sonnet",
    "claude-3-7-sonnet",
    "claude-sonnet-4-5",
    "gemini-2.5-pro",
)
STANDARD_ONLY_MODELS = ("gpt-5",)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """The amount of context to search for."""

    top_k: int = 16
    snippet_size: int = 2048
    multimodal: bool = True
    include_binary_content: bool = True


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request to either chat interface."""

    messages: tuple[Turn, ...]
    model: str = DEFAULT_MODEL
    stream: bool = False
    condition: Condition = field(default_factory=Condition)
    json_response: bool = False
    include_highlights: bool = False
    context_options: ContextOptions = field(default_factory=ContextOptions)


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """A request for context snippets; a `query` is one user message."""

    messages: tuple[Turn, ...]
    condition: Condition
    options: ContextOptions


def read_chat_request(body: object, *, standard: bool, allowed_models: Iterable[str] = ()) -> ChatRequest:
    """The request of a chat body; unknown fields are ignored, as the service does.

    Args:
        body: The decoded JSON.
        standard: Whether it came to `/chat/{assistant}`, which has more options, or to `/chat/completions`.
        allowed_models: Model names to accept in addition to the documented ones.

    Raises:
        ServiceError: 400.
    """
    body = _object(body, "Request body")
    messages = _messages(body.get("messages"))
    models = (*MODELS, *(STANDARD_ONLY_MODELS if standard else ()), *allowed_models)
    asked = _field(body, "model", str)
    model = DEFAULT_MODEL if asked is None else asked
    if model not in models:
        raise invalid(f'Invalid model "{model}". Valid models are {", ".join(models)}')
    _check_temperature(body.get("temperature"))
    stream = _field(body, "stream", bool) or False
    condition = compile_filter(body.get("filter"))
    if not standard:
        return ChatRequest(messages, model, stream, condition)
    json_response = _field(body, "json_response", bool) or False
    if json_response and stream:
        raise invalid("json_response cannot be used with stream")
    options = body.get("context_options")
    return ChatRequest(
        messages,
        model,
        stream,
        condition,
        json_response,
        _field(body, "include_highlights", bool) or False,
        ContextOptions() if options is None else _context_options(_object(options, "context_options")),
    )


def read_context_request(body: object) -> ContextRequest:
    """The request of a context body.

    Raises:
        ServiceError: 400.
    """
    body = _object(body, "Request body")
    query = _field(body, "query", str)
    if (query is None) == (body.get("messages") is None):
        raise invalid("Exactly one of query or messages must be provided")
    if query is not None and not query.strip():
        raise invalid("Query cannot be empty")
    messages = _messages(body.get("messages")) if query is None else (Turn("user", query),)
    return ContextRequest(messages, compile_filter(body.get("filter")), _context_options(body))


def _messages(value: object) -> tuple[Turn, ...]:
    if value is None or value == []:
        raise invalid("Must have at least 1 message")
    if not isinstance(value, list):
        raise invalid("messages must be a list")
    return tuple(_turn(item, f"messages[{index}]") for index, item in enumerate(value))


def _turn(value: object, path: str) -> Turn:
    message = _object(value, path)
    role, content = message.get("role"), message.get("content")
    if role is None or role == "":
        raise invalid("Role cannot be empty")
    if role not in ("user", "assistant"):
        raise invalid(f"Role '{role}' is not valid. Valid roles are user, assistant")
    if content is None:
        raise invalid("Message content cannot be empty")
    if not isinstance(content, str):
        raise invalid(f"{path}.content must be a string")
    if not content.strip():
        raise invalid("Message content cannot be empty")
    return Turn(role, content)


def _check_temperature(value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
        raise invalid("Invalid temperature: must be a number between 0 and 2")


def _context_options(body: dict[str, object]) -> ContextOptions:
    multimodal = _field(body, "multimodal", bool)
    binary = _field(body, "include_binary_content", bool)
    if multimodal is False and binary is True:
        raise invalid("include_binary_content is only available when multimodal is true")
    return ContextOptions(
        top_k=_integer(body, "top_k", 1, 64, default=16),
        snippet_size=_integer(body, "snippet_size", 512, 8192, default=2048),
        multimodal=multimodal is not False,
        include_binary_content=multimodal is not False and binary is not False,
    )


def _integer(body: dict[str, object], name: str, lowest: int, highest: int, *, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise invalid(f"Invalid {name}: must be an integer between {lowest} and {highest}")
    return value


def _field(body: dict[str, object], name: str, kind: type[_T]) -> _T | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, kind):
        raise invalid(f"{name} must be a {'boolean' if kind is bool else 'string'}")
    return value


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise invalid(f"{what} must be a JSON object")
    return value
