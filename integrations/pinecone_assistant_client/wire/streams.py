"""Decode streamed answers: bytes in, chunks out, no I/O. One decoder per interface, with a shared base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from ..answers import ChatCompletion, ChatCompletionChunk, Usage
from ..citations import Citation, extract_citations
from ..errors import IncompleteStreamError, StreamError
from .decoding import (
    MAX_BODY_BYTES,
    WireCitation,
    WireUsage,
    check_error,
    citation_of,
    decode_chat,
    decode_chat_completion,
    error_in_answer,
    finish_reason_of,
    read_json,
    shown,
    usage_of,
)
from .mending import Wire, warn_of, whole_text
from .sse import ServerSentEvent, SSEDecoder


class _WireDelta(Wire):
    needed: ClassVar[tuple[str, ...]] = ("content",)
    in_pieces: ClassVar[tuple[str, ...]] = ("content",)

    content: str | None = None


class _WireChunkChoice(Wire):
    needed: ClassVar[tuple[str, ...]] = ("delta",)
    only_first: ClassVar[bool] = True

    delta: _WireDelta | None = None
    finish_reason: str | None = None


class _WireChunk(Wire):
    needed: ClassVar[tuple[str, ...]] = ("choices",)

    choices: list[_WireChunkChoice] | None = None
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None
    chat_completion: _WireChunk | None = None
    error: Any = None


class _WireEvent(Wire):
    needed: ClassVar[tuple[str, ...]] = ("type",)

    type: str | None = None
    id: str | None = None
    model: str | None = None
    delta: _WireDelta | None = None
    citation: WireCitation | None = None
    finish_reason: str | None = None
    usage: WireUsage | None = None
    context_snippet_count: int | None = None
    error: Any = None


_MAX_BLANK_BYTES = 64 * 1024
_SURROGATE = "\ud800"
_NAMES = (b"", b"message", b"error")
"""Events with other names do not belong to the answer."""
_CHUNK = msgspec.json.Decoder(_WireChunk)
_EVENT = msgspec.json.Decoder(_WireEvent)


class StreamDecoder:
    """Decode the body of a streamed answer into chunks.

    `feed` bytes as they come until `is_done`; then `finish` once. Neither the chunks' texts nor the error depend on how the
    bytes are split: the chunks before a bad event come first, and `finish` raises. A whole JSON answer to a streamed request
    is
    one chunk; a web page or anything else raises. Raises StreamError and IncompleteStreamError only.
    """

    def __init__(self) -> None:
        self._sse: SSEDecoder | None = None
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._is_json = False
        self._texts: list[str] = []
        self._id: str | None = None
        self._model: str | None = None
        self._events = 0
        self._finished = False
        self._may_be_finished = False  # the last event had no text, and a finish_reason of another type
        self._half = ""  # the first half of an emoji; the second one comes in the next event
        self._has_warned = False
        self._failure: StreamError | None = None
        self.is_done = False
        """True after `[DONE]` or an event that raises: nothing more of the body matters, call `finish`."""

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return "".join(self._texts)

    @property
    def is_whole(self) -> bool:
        """True once a finish_reason came: the text is complete, whatever happens to the connection."""
        return self._finished

    def feed(self, data: bytes) -> list[ChatCompletionChunk]:
        """The chunks that these bytes complete."""
        if self._sse is not None:
            events = self._sse.feed(data)
        else:
            self._head.append(data)
            self._head_bytes += len(data)
            if self._is_json:
                if self._head_bytes > MAX_BODY_BYTES:
                    raise StreamError(
                        f"the answer is larger than {MAX_BODY_BYTES:,} bytes: this is not an answer of the service"
                    )
                return []
            body = b"".join(self._head)
            head = body.removeprefix(b"\xef\xbb\xbf")
            start = head.lstrip()[:1]
            if not start or b"\xef\xbb\xbf".startswith(head):
                if self._head_bytes > _MAX_BLANK_BYTES:
                    raise StreamError(
                        "the answer begins with nothing but white space: this is not an answer of the service"
                    )
                return []
            if start in (b"{", b"["):
                self._is_json = True
                return []
            if start == b"<":
                raise StreamError(
                    "a web page came instead of an answer: look for a proxy or a wrong host on the way: " + shown(head)
                )
            self._head = []
            self._sse = SSEDecoder()
            events = self._sse.feed(body)
        return self._decode(events) if events else []

    def finish(self) -> Iterator[ChatCompletionChunk]:
        """The chunks that the end of the body completes; then it raises if the answer is not whole.

        Raises:
            IncompleteStreamError: No finish_reason came: the answer was cut.
            StreamError: The body was no answer at all.
        """
        if self._is_json:
            body = b"".join(self._head)
            yield self._from_whole(self._decode_whole(body))
            return
        if self._sse is not None and not self.is_done:
            yield from self._decode(self._sse.finish(), is_end=True)
        if self._failure is not None:
            self._failure.text = self.text
            raise self._failure
        if self._may_be_finished and not self._finished:
            yield self._end(None, None)
        if not self._finished:
            if not self._events:
                raise IncompleteStreamError(
                    "the body of the answer ended before anything of it came: ask again if a second bill is acceptable"
                )
            raise self.cut()

    def cut(self, reason: str = "the stream ended without a finish_reason") -> IncompleteStreamError:
        """The error for an answer that stops here; it carries the text so far."""
        text = self.text
        return IncompleteStreamError(
            f"the answer was cut after {len(text):,} characters ({reason}): it may have been billed; "
            "the text so far is in .text",
            text=text,
        )

    def _decode(self, events: list[ServerSentEvent], *, is_end: bool = False) -> list[ChatCompletionChunk]:
        chunks: list[ChatCompletionChunk] = []
        for data, name in events:
            if self.is_done:
                break
            if name != b"error":
                if name not in _NAMES or not data.strip():
                    continue  # `event: ping`
                if data == b"[DONE]":
                    self.is_done = True
                    break
            self._events += 1
            try:
                if name == b"error":
                    raise error_in_answer(data)
                chunk = self._decode_event(data)
            except StreamError as error:
                # The body ended inside this event, so report the cut, not the unreadable JSON.
                if not (is_end and error.__cause__ is not None):
                    self._failure = error
                elif not self._finished:
                    self._failure = self.cut("the connection closed inside an event")
                self.is_done = True
                break
            if chunk is not None:
                chunks.append(chunk)
        return chunks

    def _chunk(
        self,
        content: str = "",
        finish_reason: str | None = None,
        usage: Usage | None = None,
        citations: tuple[Citation, ...] = (),
        context_snippet_count: int | None = None,
    ) -> ChatCompletionChunk:
        if content:
            self._texts.append(content)
        if finish_reason is not None:
            self._finished = True
        return ChatCompletionChunk(
            self._id, self._model, content, finish_reason, usage, citations, context_snippet_count
        )

    def _end(self, finish_reason: str | None, usage: Usage | None, content: str = "") -> ChatCompletionChunk:
        """The chunk that ends the answer."""
        if self._half:
            content, self._half = content + whole_text(self._half), ""
        chunk = self._chunk(content, finish_reason, usage, self._citations(content))
        self._finished = True
        return chunk

    def _citations(self, content: str) -> tuple[Citation, ...]:  # noqa: ARG002 - the other interface needs it
        """The citations that an answer has at its end, where this text comes last."""
        return ()

    def _joined(self, content: str) -> str:
        """Put the held-back half of an emoji before a text, and hold back a half at the text's end."""
        content, self._half = self._half + content, ""
        if "\ud800" <= content[-1] <= "\udbff":
            content, self._half = content[:-1], content[-1]
        return whole_text(content)

    def _warn(self, misfits: list[str]) -> None:
        """Log a warning, once an answer."""
        if misfits and not self._has_warned:
            self._has_warned = True
            warn_of(misfits)

    def _seen(self, id: str | None, model: str | None) -> None:  # noqa: A002 - the field's name
        if self._id is None:
            self._id = id or None
        if model:
            self._model = model

    def _from_whole(self, answer: ChatCompletion) -> ChatCompletionChunk:
        self._seen(answer.id, answer.model)
        self._finished = True
        return self._chunk(
            answer.content, answer.finish_reason, answer.usage, answer.citations, answer.context_snippet_count
        )

    def _decode_event(self, data: bytes) -> ChatCompletionChunk | None:
        raise NotImplementedError

    def _decode_whole(self, body: bytes) -> ChatCompletion:
        raise NotImplementedError


class ChatCompletionStreamDecoder(StreamDecoder):
    """Stream of POST /chat/{name}/chat/completions: role, contents, finish, usage; ids may differ, choices be empty."""

    def _decode_event(self, data: bytes) -> ChatCompletionChunk | None:
        wire, misfits = read_json(_CHUNK, data)
        if wire.error is not None:
            check_error(wire.error, data, misfits)
        if wire.chat_completion is not None:
            wire = wire.chat_completion
            check_error(wire.error, data, misfits)
        self._seen(wire.id, wire.model)
        usage = usage_of(wire.usage)
        if misfits:
            self._warn(misfits)
        if not wire.choices:
            if wire.choices is None and usage is None and not any("usage" in name for name in misfits):
                raise StreamError(f"an event of the stream is not part of an answer: {shown(data)}")
            return self._chunk(usage=usage) if usage is not None else None
        choice = wire.choices[0]
        content = (choice.delta.content if choice.delta else None) or ""
        if misfits or self._may_be_finished:
            self._may_be_finished = not content and bool(self._texts) and _names(misfits, "finish_reason")
        if content and (self._half or content[-1] >= _SURROGATE or content[0] >= _SURROGATE):
            content = self._joined(content)
        finish_reason = None if self._finished else finish_reason_of(choice.finish_reason)
        if finish_reason is not None:
            return self._end(finish_reason, usage, content)
        return self._chunk(content, None, usage) if content or usage is not None else None

    def _citations(self, content: str) -> tuple[Citation, ...]:
        return tuple(extract_citations(self.text + content))

    def _decode_whole(self, body: bytes) -> ChatCompletion:
        return decode_chat_completion(body)


class ChatStreamDecoder(StreamDecoder):
    """Stream of POST /chat/{name}: message_start, content_chunk, citation, message_end; others are ignored."""

    def _decode_event(self, data: bytes) -> ChatCompletionChunk | None:
        wire, misfits = read_json(_EVENT, data)
        kind = wire.type
        if wire.error is not None or kind == "error":
            check_error(wire.error or kind == "error", data, misfits)
        self._seen(wire.id, wire.model)
        chunk = None
        if kind == "content_chunk":
            content = wire.delta.content if wire.delta else None
            if content is None and any("delta" in name for name in misfits):
                raise StreamError(f"the text of an event cannot be read: {shown(data)}")
            if content and (self._half or content[-1] >= _SURROGATE or content[0] >= _SURROGATE):
                content = self._joined(content)
            chunk = self._chunk(content) if content else None
        elif kind == "citation":
            if wire.citation is None:
                misfits.append("citation")
            else:
                chunk = self._chunk(citations=(citation_of(wire.citation, lambda: len(self.text), misfits),))
        elif kind == "message_end":
            # A second one would make "stopstop" where chunks are added up.
            finish_reason = None if self._finished else finish_reason_of(wire.finish_reason)
            usage = usage_of(wire.usage)
            is_end = finish_reason is not None or _names(misfits, "finish_reason")
            chunk = self._end(finish_reason, usage) if is_end else self._chunk(usage=usage)
        elif kind == "message_start":
            if wire.context_snippet_count is not None:
                chunk = self._chunk(context_snippet_count=wire.context_snippet_count)
        elif kind is None:
            raise StreamError(f"an event of the stream has no type: {shown(data)}")
        if misfits:
            self._warn(misfits)
        return chunk

    def _decode_whole(self, body: bytes) -> ChatCompletion:
        return decode_chat(body)


def _names(misfits: list[str], field: str) -> bool:
    return any(name.rpartition(".")[2] == field for name in misfits)
