"""Decode whole answers, with the parts that streams share.

Source: the OpenAPI descriptions `assistant_data` and `assistant_control`, versions 2025-01 to 2026-04. Unknown fields of an
answer are ignored. Required are a choice or a message, and a snippet's content; any other field may be missing or have
another type (`mending.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec

from ..answers import ChatCompletion, Context, Snippet, SnippetImage, Usage
from ..citations import Citation, Reference, extract_citations
from ..errors import StreamError
from ..redaction import excerpt, without_secrets
from .error_mapping import parse_error_body, parse_service_error
from .mending import MisfitError, Wire, mended, warn_of

MAX_BODY_BYTES = 64 * 1024 * 1024
_SHOWN_BYTES = 2000


class WireUsage(Wire):
    """Token counts on the wire. If one of them cannot be read, the others would mislead, so none is used."""

    needed: ClassVar[tuple[str, ...]] = ("prompt_tokens", "completion_tokens", "total_tokens")

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class _WireMessage(Wire):
    needed: ClassVar[tuple[str, ...]] = ("content",)

    content: str | None = None


class _WireChoice(Wire):
    needed: ClassVar[tuple[str, ...]] = ("message",)
    only_first: ClassVar[bool] = True

    message: _WireMessage | None = None
    finish_reason: str | None = None


class _WireFile(Wire):
    id: str | None = None
    name: str | None = None
    signed_url: str | None = None
    metadata: dict[str, Any] | None = None
    created_on: str | None = None


class _WireHighlight(Wire):
    content: str | None = None


class _WireReference(Wire):
    file: _WireFile | None = None
    pages: list[int] | None = None
    highlight: _WireHighlight | None = None


class WireCitation(Wire):
    """A citation of the standard interface: a character offset into the whole answer, and files."""

    position: int | msgspec.UnsetType = msgspec.UNSET
    references: list[_WireReference] = []  # noqa: RUF012 - msgspec makes a new one for each


class _WireCompletion(Wire):
    needed: ClassVar[tuple[str, ...]] = ("choices",)

    choices: list[_WireChoice] | None = None
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None
    chat_completion: _WireCompletion | None = None
    error: Any = None


class _WireChat(Wire):
    needed: ClassVar[tuple[str, ...]] = ("message",)

    message: _WireMessage | None = None
    id: str | None = None
    model: str | None = None
    finish_reason: str | None = None
    usage: WireUsage | None = None
    citations: list[WireCitation] | None = None
    context_snippet_count: int | None = None
    error: Any = None


class _WireImage(Wire):
    mime_type: str | None = None
    data: str | None = None


class _WireBlock(Wire):
    type: str | None = None
    text: str | None = None
    caption: str | None = None
    image: _WireImage | None = None


class _WireSnippet(Wire):
    needed: ClassVar[tuple[str, ...]] = ("content",)

    content: str | list[_WireBlock]
    score: float = 0.0
    reference: _WireReference | None = None


class _WireContext(Wire):
    needed: ClassVar[tuple[str, ...]] = ("snippets",)

    snippets: list[_WireSnippet] | None = None
    usage: WireUsage | None = None
    id: str | None = None
    error: Any = None


class _WireAssistant(Wire):
    needed: ClassVar[tuple[str, ...]] = ("host",)

    host: str | None = None
    status: str | None = None


_T = TypeVar("_T")
_Wire = TypeVar("_Wire", bound=Wire)
_BOM = b"\xef\xbb\xbf"  # some gateways write a byte order mark
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_COMPLETION = msgspec.json.Decoder(_WireCompletion)
_CHAT = msgspec.json.Decoder(_WireChat)
_CONTEXT = msgspec.json.Decoder(_WireContext)
_ASSISTANT = msgspec.json.Decoder(_WireAssistant)


def decode_chat_completion(body: bytes) -> ChatCompletion:
    """A whole answer of the OpenAI-compatible interface, bare or wrapped in `chat_completion`.

    Raises:
        StreamError: The body is an error, not JSON, or has no answer in it.
    """
    wire, misfits = read_json(_COMPLETION, body)
    if wire.error is not None:
        check_error(wire.error, body, misfits)
    if wire.chat_completion is not None:
        wire = wire.chat_completion
        check_error(wire.error, body, misfits)
    if not wire.choices:
        raise StreamError(f"the answer has no choices in it, so no text: {shown(body)}")
    choice = wire.choices[0]
    content = (choice.message.content if choice.message else None) or ""
    if misfits:
        warn_of(misfits)
    return ChatCompletion(
        id=wire.id,
        model=wire.model,
        content=content,
        finish_reason=finish_reason_of(choice.finish_reason),
        usage=usage_of(wire.usage),
        citations=tuple(extract_citations(content)),
    )


def decode_chat(body: bytes) -> ChatCompletion:
    """A whole answer of the standard interface.

    Raises:
        StreamError: The body is an error, not JSON, or has no answer in it.
    """
    wire, misfits = read_json(_CHAT, body)
    check_error(wire.error, body, misfits)
    if wire.message is None:
        raise StreamError(f"the answer has no message in it: {shown(body)}")
    content = wire.message.content or ""
    citations = tuple(citation_of(citation, lambda: len(content), misfits) for citation in wire.citations or ())
    if misfits:
        warn_of(misfits)
    return ChatCompletion(
        id=wire.id,
        model=wire.model,
        content=content,
        finish_reason=finish_reason_of(wire.finish_reason),
        usage=usage_of(wire.usage),
        citations=citations,
        context_snippet_count=wire.context_snippet_count,
    )


def decode_context(body: bytes) -> Context:
    """The snippets of POST /chat/{name}/context.

    Raises:
        StreamError: The body is an error, not JSON, or has no snippets field.
    """
    wire, misfits = read_json(_CONTEXT, body)
    check_error(wire.error, body, misfits)
    if wire.snippets is None:
        raise StreamError(f"the answer has no snippets in it: {shown(body)}")
    if misfits:
        warn_of(misfits)
    return Context(snippets=tuple(map(_snippet_of, wire.snippets)), usage=usage_of(wire.usage), id=wire.id)


def decode_assistant_host(body: bytes, assistant_name: str) -> str:
    """The data plane's host out of a described assistant.

    Raises:
        StreamError: Not JSON, or an assistant that has no host yet.
    """
    wire, _ = read_json(_ASSISTANT, body)
    if not wire.host:
        raise StreamError(
            f'assistant "{assistant_name}" has no host yet (status {wire.status}): wait until it is Ready, or pass host='
        )
    return wire.host


def decode_json(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """Return a body as a wire struct, strictly.

    Raises:
        StreamError: The answer cannot be read; it says what came instead.
    """
    body = body.removeprefix(_BOM)
    try:
        return decoder.decode(body)
    except _UNREADABLE as error:
        raise _unreadable(body, error) from error


def read_json(decoder: msgspec.json.Decoder[_Wire], body: bytes) -> tuple[_Wire, list[str]]:
    """Return a body as a wire struct, and the names of its fields that did not fit.

    Raises:
        StreamError: The answer cannot be read; it says what came instead.
    """
    body = body.removeprefix(_BOM)
    try:
        return decoder.decode(body), []
    except _UNREADABLE as error:
        problem: Exception = error
    try:
        return mended(body, decoder.type)
    except MisfitError as error:
        problem = error
    except (ValueError, RecursionError):
        pass  # for a body that is not JSON the strict decoder's message is better
    raise _unreadable(body, problem) from problem


def _unreadable(body: bytes, problem: Exception) -> StreamError:
    head = body[:200].lstrip()
    if not head:
        return StreamError("the answer is empty")
    if head[:1] == b"<":
        said = "a web page came instead of an answer: look for a proxy or a wrong host on the way"
    else:
        said = f"the answer cannot be read ({problem})"
    return StreamError(f"{said}: {shown(body)}")


def check_error(error: Any, body: bytes, misfits: list[str]) -> None:
    """Raise for an error inside an answer with status 200.

    An empty value (`""`, `{}`, `false`) is not an error, because some gateways always write the field. It is named in
    `misfits`.
    """
    if error:
        raise error_in_answer(body)
    if error is not None:
        misfits.append("error")


def error_in_answer(body: bytes) -> StreamError:
    """The error for an answer with status 200 that holds an error. `body` is one JSON value."""
    content, _ = parse_error_body(body)
    if isinstance(content, dict) and not content.get("error") and isinstance(content.get("chat_completion"), dict):
        content = content["chat_completion"]
    code, message = parse_service_error(content)
    said = (
        f"{code}: {excerpt(message)}"
        if code and message
        else code or excerpt(message or shown(body)) or "it gave no reason"
    )
    return StreamError(f"the service reported an error inside the answer: {said}", code=code, body=content)


def finish_reason_of(value: str | None) -> str | None:
    """Return the finish reason; the service's literal string "null" means None."""
    return None if value in (None, "", "null") else value


def usage_of(wire: WireUsage | None) -> Usage | None:
    """Token counts; a missing total is the sum."""
    if wire is None:
        return None
    prompt, completion = wire.prompt_tokens or 0, wire.completion_tokens or 0
    return Usage(prompt, completion, wire.total_tokens if wire.total_tokens is not None else prompt + completion)


def citation_of(wire: WireCitation, end: Callable[[], int], misfits: list[str]) -> Citation:
    """Return a citation of the standard interface as a public value.

    If its position cannot be read, it is placed at `end`, the end of the text so far, so that its sources are not lost.
    """
    position = wire.position
    if not isinstance(position, int):
        misfits.append("citation.position")
        position = end()
    return Citation(position, position, tuple(map(_reference_of, wire.references or ())))


def _reference_of(wire: _WireReference | None) -> Reference:
    if wire is None:
        return Reference()
    file = wire.file or _WireFile()
    return Reference(
        pages=tuple(wire.pages) if wire.pages else None,
        file_name=file.name,
        file_id=file.id,
        url=file.signed_url,
        highlight=wire.highlight.content if wire.highlight else None,
        metadata=file.metadata or None,
        created_at=file.created_on,
    )


def _snippet_of(wire: _WireSnippet) -> Snippet:
    reference = _reference_of(wire.reference)
    if isinstance(wire.content, str):
        return Snippet(wire.content, wire.score, reference)
    texts = [block.text for block in wire.content if block.text]
    images = tuple(
        SnippetImage(
            block.caption,
            block.image.mime_type if block.image else None,
            block.image.data if block.image else None,
        )
        for block in wire.content
        if block.type == "image"
    )
    return Snippet("\n".join(texts), wire.score, reference, images)


def shown(body: bytes) -> str:
    """The beginning of a body for a message, without signed URLs."""
    rest = "..." if len(body) > _SHOWN_BYTES else ""
    return excerpt(without_secrets(body[:_SHOWN_BYTES].decode("utf-8", "replace") + rest))
