"""Build the requests for the chat, context and describe endpoints. Pure.

Source: the OpenAPI descriptions `assistant_data` and `assistant_control`, versions 2025-01 to 2026-04.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from ..errors import InvalidRequestError
from ..filters import validate_filter
from ..messages import Message
from .uploads import MultipartBody

_CONTEXT_OPTIONS = ("top_k", "snippet_size", "multimodal", "include_binary_content")


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request without its host and headers.

    Attributes:
        repeatable: Processing it twice costs nothing, so that it is retried after an unclear failure too.
        is_sent_once: It is retried only if it was never written, and not after an error status.
        subject: The thing that a 404 is about, for the message: `file "a1" in assistant "docs"`; None is the assistant.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    body: bytes | MultipartBody | None
    repeatable: bool = False
    is_sent_once: bool = False
    subject: str | None = None

    @property
    def is_read_again(self) -> bool:
        """True if the request is retried if its answer is cut. Feeding finds out the outcome of a PUT or DELETE by a look."""
        return self.repeatable and self.method not in ("PUT", "DELETE")


def build_describe_request(assistant_name: str) -> WireRequest:
    """GET /assistants/{name} of the control plane; the answer has the host."""
    return WireRequest("GET", f"/assistant/assistants/{quote(assistant_name, safe='')}", None, repeatable=True)


def build_chat_completion_request(
    assistant_name: str,
    messages: Sequence[Message],
    *,
    stream: bool = False,
    model: str | None = None,
    temperature: float | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the API's name
) -> WireRequest:
    """POST /chat/{name}/chat/completions, the OpenAI-compatible interface. None is not sent."""
    fields = _chat_fields(messages, stream=stream, model=model, temperature=temperature, filter=filter)
    return WireRequest("POST", f"/assistant/chat/{quote(assistant_name, safe='')}/chat/completions", _encode(fields))


def build_chat_request(
    assistant_name: str,
    messages: Sequence[Message],
    *,
    stream: bool = False,
    model: str | None = None,
    temperature: float | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the API's name
    json_response: bool = False,
    include_highlights: bool = False,
    context_options: Mapping[str, Any] | None = None,
) -> WireRequest:
    """POST /chat/{name}, the standard interface: structured citations, highlights, JSON answers.

    Raises:
        InvalidRequestError: `json_response` with `stream`, which the service refuses; an unknown context option.
    """
    if json_response and stream:
        raise InvalidRequestError("json_response cannot be streamed: the service refuses both together; use chat()")
    fields = _chat_fields(messages, stream=stream, model=model, temperature=temperature, filter=filter)
    if json_response:
        fields["json_response"] = True
    if include_highlights:
        fields["include_highlights"] = True
    if context_options:
        checked = checked_context_options(context_options)
        if checked:
            fields["context_options"] = checked
    return WireRequest("POST", f"/assistant/chat/{quote(assistant_name, safe='')}", _encode(fields))


def build_context_request(
    assistant_name: str,
    *,
    query: str | None = None,
    messages: Sequence[Message] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the API's name
    top_k: int | None = None,
    snippet_size: int | None = None,
    multimodal: bool | None = None,
    include_binary_content: bool | None = None,
) -> WireRequest:
    """POST /chat/{name}/context. Exactly one of `query` and `messages`.

    Raises:
        InvalidRequestError: Both or none of them, a blank query, an option of the wrong type.
    """
    if (query is None) == (messages is None):
        raise InvalidRequestError("context needs exactly one of query= and messages=")
    if query is not None and not isinstance(query, str):
        raise InvalidRequestError(f"query is a {type(query).__name__}: pass the text to search for")
    if query is not None and not query.strip():
        raise InvalidRequestError("query is empty: pass the text to search for")
    validate_filter(filter)
    options = {
        "top_k": top_k,
        "snippet_size": snippet_size,
        "multimodal": multimodal,
        "include_binary_content": include_binary_content,
    }
    fields: dict[str, Any] = {"query": query} if query is not None else {"messages": messages}
    if filter:
        fields["filter"] = filter
    fields |= checked_context_options(options)
    path = f"/assistant/chat/{quote(assistant_name, safe='')}/context"
    return WireRequest("POST", path, _encode(fields), repeatable=True)


def _chat_fields(
    messages: Sequence[Message],
    *,
    stream: bool,
    model: str | None,
    temperature: float | None,
    filter: Mapping[str, Any] | None,  # noqa: A002 - the API's name
) -> dict[str, Any]:
    validate_filter(filter)
    fields: dict[str, Any] = {"messages": messages, "stream": stream}
    if model is not None:
        if not isinstance(model, str) or not model.strip():
            raise InvalidRequestError(f'model is {model!r}: pass a name such as "gpt-4o", or None for the default')
        fields["model"] = model
    if temperature is not None:
        if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not math.isfinite(temperature):
            raise InvalidRequestError(f"temperature is {temperature!r}: pass a number from 0 to 2, or None")
        fields["temperature"] = temperature
    if filter:
        fields["filter"] = filter
    return fields


def checked_context_options(options: Mapping[str, Any], *, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The context options that are set: `top_k`, `snippet_size`, `multimodal`, `include_binary_content`.

    Args:
        options: The options.
        names: The caller's own names for some of them, `{"top_k": "similarity_top_k"}`, for the messages.

    Raises:
        InvalidRequestError: Not a mapping, an unknown option, or a value of the wrong type.
    """
    if not isinstance(options, Mapping):
        raise InvalidRequestError(f"context_options is a {type(options).__name__}: pass a dict such as {{'top_k': 8}}")
    for name, value in options.items():
        if name not in _CONTEXT_OPTIONS:
            raise InvalidRequestError(f"unknown context option {name!r}; known: {', '.join(_CONTEXT_OPTIONS)}")
        if value is None:
            continue
        wanted = int if name in ("top_k", "snippet_size") else bool
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise InvalidRequestError(
                f"{(names or {}).get(name) or f'context option {name}'} is {value!r}: "
                f"pass {'a number' if wanted is int else 'True or False'}"
            )
    return {name: value for name, value in options.items() if value is not None}


def _encode(fields: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(fields, enc_hook=plain)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from error


def plain(value: Any) -> Any:
    """Convert subclasses of JSON types (numpy.float64, LangChain's message text), which msgspec passes to this hook."""
    for kind in (str, float, int):
        if isinstance(value, kind):
            return getattr(kind, f"__{kind.__name__}__")(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")
