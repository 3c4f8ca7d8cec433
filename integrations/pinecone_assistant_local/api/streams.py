"""Server-sent events: the events of each interface, and the response that sends them.

The format is the service's: `data:{json}` without a space, one blank line between events, no `[DONE]`; the stream ends
when the connection closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator

import msgspec
from starlette.types import Message, Receive, Scope, Send

from ..answers.answerer import Answer
from ..answers.pieces import Cite, Source
from ..answers.rendering import InlineRenderer, PlacedCitation
from ..errors import ServiceError
from ..text.tokens import count_tokens
from .bodies import Json, citation_json, usage_json

HEARTBEAT = b":\n\n"
# Lengths of chunks, repeated: a few characters, so that markers and words are split over chunks, the same way every time.
_CHUNK_SIZES = (5, 3, 7, 4, 6)
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"connection", b"close"),
]


def encode_event(event: Json) -> bytes:
    """The bytes of one event."""
    return b"data:" + msgspec.json.encode(event) + b"\n\n"


class Chunker:
    """A cutter of text into chunks; the lengths continue from one text to the next."""

    def __init__(self) -> None:
        self._count = 0

    def cut(self, text: str) -> Iterator[str]:
        """The chunks of a text."""
        start = 0
        while start < len(text):
            end = start + _CHUNK_SIZES[self._count % len(_CHUNK_SIZES)]
            self._count += 1
            yield text[start:end]
            start = end


class EventStream:
    """An ASGI response that sends events as they come, and stops its work when the client leaves.

    Args:
        events: The events.
        heartbeat_seconds: Send a comment line whenever nothing was sent for this time; None: never.
        token_delay_seconds: Wait after each event.
    """

    def __init__(
        self, events: AsyncGenerator[Json, None], *, heartbeat_seconds: float | None, token_delay_seconds: float
    ) -> None:
        self._events = events
        self._heartbeat_seconds = heartbeat_seconds
        self._token_delay_seconds = token_delay_seconds
        self._last_sent = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's signature)
        """Run the response."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        tasks = [asyncio.ensure_future(self._send_events(send)), asyncio.ensure_future(_until_disconnected(receive))]
        if self._heartbeat_seconds is not None:
            tasks.append(asyncio.ensure_future(self._send_heartbeats(send, self._heartbeat_seconds)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _send_events(self, send: Send) -> None:
        try:
            async for event in self._events:
                await self._send_data(send, encode_event(event))
                # Even a wait of zero lets the other streams run.
                await asyncio.sleep(self._token_delay_seconds)
        except ServiceError as error:
            # The status has been sent already, so the error is sent in place of the next event.
            await self._send_data(send, encode_event({"error": error.to_body()["error"]}))
        finally:
            await self._events.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_heartbeats(self, send: Send, every_seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        self._last_sent = clock()
        while True:
            wait = self._last_sent + every_seconds - clock()
            if wait <= 0:
                await self._send_data(send, HEARTBEAT)
            else:
                await asyncio.sleep(wait)

    async def _send_data(self, send: Send, data: bytes) -> None:
        message: Message = {"type": "http.response.body", "body": data, "more_body": True}
        await send(message)
        self._last_sent = asyncio.get_running_loop().time()


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


FilesOf = Callable[[tuple[Source, ...]], dict[str, Json]]


async def completion_events(answer: Answer, renderer: InlineRenderer) -> AsyncGenerator[Json, None]:
    """Yield the events of `/chat/completions`: the role, the text, the finish reason, the usage."""
    chunker = Chunker()
    parts: list[str] = []

    def chunk(delta: Json, finish_reason: str | None = None) -> Json:
        choice = {"finish_reason": finish_reason, "index": 0, "delta": delta}
        return {"id": answer.id, "choices": [choice], "model": answer.model}

    yield chunk({"role": "assistant"})
    async for piece in answer.stream_pieces():
        text = renderer.text_of(piece)
        parts.append(text)
        for content in chunker.cut(text):
            yield chunk({"content": content})
    ending = renderer.ending()
    parts.append(ending)
    for content in chunker.cut(ending):
        yield chunk({"content": content})
    yield chunk({"role": None, "content": None}, "stop")
    usage = usage_json(answer.prompt_tokens, count_tokens("".join(parts)))
    yield {"id": answer.id, "choices": [], "model": answer.model, "usage": usage}


async def message_events(
    answer: Answer, files_of: FilesOf, *, highlights: bool, context_snippet_count: int | None
) -> AsyncGenerator[Json, None]:
    """Yield the events of `/chat`: the start, the text with each citation where it belongs, the end.

    Args:
        answer: The answer.
        files_of: The JSON of the files that sources are in, by identifier.
        highlights: Whether references include the words that they cite.
        context_snippet_count: A field of the start event; None leaves it out.
    """
    chunker = Chunker()
    common: Json = {"id": answer.id, "model": answer.model}
    start: Json = {"type": "message_start", **common, "role": "assistant"}
    if context_snippet_count is not None:
        start["context_snippet_count"] = context_snippet_count
    yield start
    parts: list[str] = []
    length = 0
    async for piece in answer.stream_pieces():
        if isinstance(piece, Cite):
            citation = citation_json(
                PlacedCitation(length, piece.sources), files_of(piece.sources), highlights=highlights
            )
            yield {"type": "citation", **common, "citation": citation}
            continue
        parts.append(piece)
        length += len(piece)
        for content in chunker.cut(piece):
            yield {"type": "content_chunk", **common, "delta": {"content": content}}
    usage = usage_json(answer.prompt_tokens, count_tokens("".join(parts)))
    yield {"type": "message_end", **common, "finish_reason": "stop", "usage": usage}
