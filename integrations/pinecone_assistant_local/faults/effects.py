"""Effects of a fault on a request and on its answer.

This module sees ASGI messages, not endpoints. A stream sends each event in a message of its own, so counting messages
counts events.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct

import msgspec
from starlette.types import Message, Receive, Send

from ..errors import ServiceError
from .fault import Fault

_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "QUOTA_EXCEEDED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
HTML_PAGE = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>Please log in</h1></body></html>\n"


class ConnectionGone(Exception):  # noqa: N818  (not an error: the fault did its work)
    """The fault or the client has closed the connection: nothing is left to do for this request."""


# How often to check whether the client of a stalled upload has left: while nothing is read, no event reports that.
_LOOK_SECONDS = 0.05


class FaultyAnswer:
    """A layer between the server and the application that applies the fault to the messages between them.

    Args:
        fault: The fault to apply.
        send: The server's `send`.
        receive: The server's `receive`.
        transport: The connection, for cuts and resets.
        body_is_read: Whether the request's body has been read already.
    """

    def __init__(
        self, fault: Fault, send: Send, receive: Receive, transport: asyncio.Transport, *, body_is_read: bool
    ) -> None:
        self._fault = fault
        self._body_is_read = body_is_read
        self._received_bytes = 0
        self._send = send
        self._receive = receive
        self._transport = transport
        self._start: Message | None = None
        self._is_stream = False
        self._body = b""
        self._events = 0
        self._ended = False

    async def before(self) -> bool:
        """Apply the effects that come before the application runs.

        Returns:
            Whether the application still has to answer.

        Raises:
            ServiceError: The answer is an error in the service's shape.
            ConnectionGone: The connection is closed.
        """
        fault = self._fault
        if fault.stall:
            await self._stall()
        await asyncio.sleep(fault.delay_seconds)
        acts_later = fault.cut_after_events is not None or fault.cut_after_body_bytes is not None
        if fault.reset and not acts_later:
            await self._cut()
        if self._body_is_read:
            if fault.cut_after_body_bytes is not None:
                await self._cut()
            if fault.stall_after_body_bytes is not None:
                await self._stall()
        if fault.html:
            await self._send_whole(200, HTML_PAGE.encode(), "text/html; charset=utf-8")
            return False
        if fault.status is None:
            return True
        headers = dict(fault.headers)
        if fault.retry_after is not None:
            headers["retry-after"] = str(fault.retry_after)
        if fault.body is not None:
            body = fault.body.encode() if isinstance(fault.body, str) else fault.body
            kind = "text/html; charset=utf-8" if body.lstrip().startswith(b"<") else "text/plain; charset=utf-8"
            await self._send_whole(fault.status, body, kind, headers)
            return False
        code = fault.code or _CODES.get(fault.status, "UNKNOWN" if fault.status < 500 else "INTERNAL")
        raise ServiceError(fault.status, code, fault.message or f"Fault on demand: {fault.status}", headers=headers)

    async def receive(self) -> Message:
        """Replace the server's `receive`."""
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        self._received_bytes += len(message.get("body", b""))
        is_last = not message.get("more_body", False)
        if self._is_due(self._fault.cut_after_body_bytes, is_last=is_last):
            await self._cut()
        if self._is_due(self._fault.stall_after_body_bytes, is_last=is_last):
            await self._stall_unread()
        return message

    async def send(self, message: Message) -> None:
        """Replace the server's `send`."""
        if message["type"] == "http.response.start":
            self._start = message
            self._is_stream = any(
                name == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"]
            )
            if self._is_stream:
                await self._send(message)
                await self._before_first_event()
        elif message["type"] == "http.response.body" and not self._ended:
            if self._is_stream:
                await self._send_event(message)
            else:
                await self._send_plain(message)

    def _is_due(self, after_body_bytes: int | None, *, is_last: bool) -> bool:
        return after_body_bytes is not None and (is_last or self._received_bytes >= after_body_bytes)

    async def _before_first_event(self) -> None:
        for _ in range(self._fault.heartbeats):
            await self._send_more(b":\n\n")
        await self._act(0)
        await asyncio.sleep(self._fault.first_token_delay_seconds)

    async def _send_event(self, message: Message) -> None:
        data: bytes = message.get("body", b"")
        if data.startswith(b"data:"):
            event = self._change(msgspec.json.decode(data[len(b"data:") :]))
            if event is None:
                return
            if self._events:
                await asyncio.sleep(self._fault.token_delay_seconds)
            await self._send_more(b"data:" + msgspec.json.encode(event) + b"\n\n")
            self._events += 1
            await self._act(self._events)
        elif data:
            await self._send_more(data)
        if not message.get("more_body", False) and not self._ended:
            await self._send({**message, "body": b""})

    async def _act(self, events: int) -> None:
        """Apply the effects that come after this number of events."""
        fault = self._fault
        if events == fault.malformed_after_events:
            await self._send_more(b"data:" + fault.malformed.encode() + b"\n\n")
        if events == fault.error_after_events:
            await self._send_more(b"data:" + msgspec.json.encode({"error": fault.error}) + b"\n\n")
            self._ended = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif events == fault.stall_after_events:
            await self._stall()
        elif events == fault.cut_after_events:
            await self._cut()

    async def _send_plain(self, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False) or self._start is None:
            return
        fault = self._fault
        await asyncio.sleep(fault.first_token_delay_seconds)
        if fault.stall_after_events is not None:
            await self._stall()
        if fault.cut_after_events == 0:
            await self._cut()
        body = self._changed_body()
        headers = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        if fault.cut_after_events is not None:
            await self._send_more(body[: len(body) // 2])
            await self._cut()
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _changed_body(self) -> bytes:
        fault = self._fault
        if fault.malformed_after_events is not None:
            return fault.malformed.encode()
        if fault.error_after_events is not None:
            return msgspec.json.encode({"error": fault.error})
        if not (fault.wrapped or fault.omit_finish or fault.omit_usage) or not self._body.startswith(b"{"):
            return self._body
        body = msgspec.json.decode(self._body, type=dict[str, object])
        if fault.omit_finish:
            for part in (body, *_choices_of(body)):
                part.pop("finish_reason", None)
        if fault.omit_usage:
            body.pop("usage", None)
        return msgspec.json.encode({"chat_completion": body} if fault.wrapped else body)

    def _change(self, event: dict[str, object]) -> dict[str, object] | None:
        """The event as the fault changes it; None if the fault leaves it out."""
        fault = self._fault
        choices = _choices_of(event)
        has_finish = event.get("type") == "message_end" or any(choice.get("finish_reason") for choice in choices)
        only_usage = event.get("choices") == []
        if fault.omit_finish and (has_finish or only_usage):
            return None
        if fault.omit_usage:
            if only_usage:
                return None
            event.pop("usage", None)
        return {"chat_completion": event} if fault.wrapped else event

    async def _send_more(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def _send_whole(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        pairs = {"content-type": kind, "content-length": str(len(body)), **(headers or {})}
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _stall(self) -> None:
        """Wait until the client disconnects."""
        await self._until_gone()
        raise ConnectionGone

    async def _stall_unread(self) -> None:
        """Wait without reading further, so that a large upload stalls."""
        connection = self._transport.get_extra_info("socket")
        while hasattr(select, "POLLRDHUP") and not self._transport.is_closing():
            if _has_left(connection):
                self._transport.abort()
            await asyncio.sleep(_LOOK_SECONDS)
        await self._stall()

    async def _cut(self) -> None:
        """Close the connection, with a reset if the fault asks for one."""
        if self._fault.reset:
            connection = self._transport.get_extra_info("socket")
            # Closing a socket that lingers for zero seconds sends a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
        await self._until_gone()
        raise ConnectionGone

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _has_left(connection: socket.socket) -> bool:
    """Return whether the other side has closed the connection, even if its last bytes have not been read."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def _choices_of(body: dict[str, object]) -> list[dict[str, object]]:
    choices = body.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
