"""Server-sent events: what each interface sends, and how it goes out.

The bytes are the service's: `data:{json}` without a space, one blank line between events, no `[DONE]`; the stream ends
with its connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

import msgspec
from starlette.types import Message, Receive, Scope, Send

from pinecone_assistant_local.errors import ServiceError
from pinecone_assistant_local.wire import Json

HEARTBEAT = b":\n\n"
# A chunk is a few characters long, in a fixed rhythm: markers and words are split over chunks, the same way every time.
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
    """Cuts text into chunks; the rhythm goes on from one text to the next."""

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
        heartbeat_seconds: Send a comment line whenever nothing was sent for so long; None: never.
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
        """Runs the response."""
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
                # Zero still lets the other streams have their turn.
                await asyncio.sleep(self._token_delay_seconds)
        except ServiceError as error:
            # The status is long sent: the error goes where the next event would have gone.
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
