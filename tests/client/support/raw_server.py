"""A scripted server on 127.0.0.1: it answers each request with the bytes, pauses and resets that a test wrote down.

It speaks no more HTTP than reading requests needs, so it can be wrong in every way that a peer can be wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

WAIT_SECONDS = 10.0
"""Bound of every wait in this file: a test that waits longer has failed."""


class _Action:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


CLOSE = _Action("CLOSE")
"""Close the connection in an orderly way."""
RESET = _Action("RESET")
"""Reset the connection."""
RECEIVE = _Action("RECEIVE")
"""Wait for the peer's next bytes."""
HOLD = _Action("HOLD")
"""Send nothing until the peer closes; counted in `peer_closed`."""


@dataclass(frozen=True)
class WaitFor:
    """Go on when the event is set."""

    event: threading.Event


@dataclass(frozen=True)
class Pause:
    """Send nothing for so many seconds, as a slow server does."""

    seconds: float


@dataclass(frozen=True)
class Set:
    """Set the event, after all earlier steps were sent."""

    event: threading.Event


@dataclass(frozen=True)
class BelowTLS:
    """Write these bytes to the socket itself, outside its TLS."""

    data: bytes


@dataclass(frozen=True)
class OnlyOn:
    """Send these bytes if the request came over this connection, counted from 1."""

    connection: int
    data: bytes


Step = bytes | _Action | WaitFor | Pause | Set | BelowTLS | OnlyOn
Answer = Sequence[Step]
Framing = Literal["length", "chunked", "close"]


@dataclass(frozen=True)
class Received:
    """A request that reached the server. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes
    connection: int

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RawServer:
    """Answers requests by a script: `answers` one after another, then `otherwise` for ever.

    Args:
        tls: Wrap connections in TLS.
        on_connect: Do these steps instead of reading a request, once each connection.
        port: Where to listen; 0 lets the system choose.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, on_connect: Answer = (), port: int = 0) -> None:
        self._tls = tls
        self._on_connect = list(on_connect)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._answers: list[Answer] = []
        self.otherwise: Answer = reply(b'{"error": {"code": "INTERNAL", "message": "no answer scripted"}}', status=501)
        self.requests: list[Received] = []
        self.connections = 0
        self.peer_closed = threading.Semaphore(0)
        self._placeholder = socket.socket()
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, *answers: Answer) -> None:
        """Answer the next requests with these."""
        with self._lock:
            self._answers.extend(answers)

    def sees_a_disconnect(self, seconds: float = 5.0) -> bool:
        """Whether a peer closed its connection during HOLD, now or within the time."""
        return self.peer_closed.acquire(timeout=seconds)

    def sees_requests(self, count: int, seconds: float = 5.0) -> bool:
        """Whether so many requests reached the server, now or within the time."""
        end = time.monotonic() + seconds
        while len(self.requests) < count and time.monotonic() < end:
            time.sleep(0.005)
        return len(self.requests) >= count

    def sees_no_connections(self, seconds: float = 5.0) -> bool:
        """Whether every connection is closed, now or within the time."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            time.sleep(0.005)
        return not self._open

    @property
    def has_connections(self) -> bool:
        """Whether a connection is open."""
        return bool(self._open)

    def drop_idle(self) -> None:
        """Close every open connection, as a server does that was restarted."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Close everything; after this connections are refused. The port stays taken until the block ends."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_idle()
        self._accepting.join(WAIT_SECONDS)
        with contextlib.suppress(OSError):  # bound, not listening: nobody else's server answers in our place
            self._placeholder.bind(("127.0.0.1", self.port))
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._placeholder.close()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(WAIT_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                number = self.connections
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with self._lock:
            self._open.add(connection)
        plain = connection
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with self._lock:
                    self._open.discard(plain)
                    self._open.add(connection)
                if not _shake_hands(connection):
                    return
            if self._on_connect:
                self._play(connection, self._on_connect, number)
                return
            buffer = bytearray()
            while (request := _read_request(connection, buffer, number)) is not None:
                with self._lock:
                    self.requests.append(request)
                    answer = self._answers.pop(0) if self._answers else self.otherwise
                if not self._play(connection, answer, number):
                    return
        except (OSError, ValueError):  # ValueError: TLS was shut down while it was read
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
                self._open.discard(plain)
            connection.close()

    def _play(self, connection: socket.socket, answer: Answer, number: int) -> bool:
        for step in answer:
            if isinstance(step, bytes):
                try:
                    connection.sendall(step)
                except OSError:
                    if HOLD in answer:  # it did not even wait for that
                        self.peer_closed.release()
                    raise
            elif isinstance(step, WaitFor):
                step.event.wait(WAIT_SECONDS)
            elif isinstance(step, Pause):
                time.sleep(step.seconds)
            elif isinstance(step, Set):
                step.event.set()
            elif isinstance(step, BelowTLS):
                with socket.socket(fileno=os.dup(connection.fileno())) as below:
                    below.settimeout(WAIT_SECONDS)
                    below.sendall(step.data)
            elif isinstance(step, OnlyOn):
                if number == step.connection:
                    connection.sendall(step.data)
            elif step is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif step is RECEIVE:
                connection.recv(65536)
            elif step is HOLD:
                with contextlib.suppress(OSError):
                    while connection.recv(65536):
                        pass
                self.peer_closed.release()
                return False
            else:
                return False
        return True


def _shake_hands(connection: ssl.SSLSocket) -> bool:
    try:
        connection.do_handshake()
    except ssl.SSLError:
        # Its alert is sent. A close with bytes unread would be a reset, which can overtake the alert.
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as below:
            below.settimeout(WAIT_SECONDS)
            below.shutdown(socket.SHUT_WR)
            while below.recv(65536):
                pass
        return False
    return True


def _read_request(connection: socket.socket, buffer: bytearray, number: int) -> Received | None:
    while b"\r\n\r\n" not in buffer:
        data = connection.recv(65536)
        if not data:
            return None
        buffer += data
    head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    while len(rest) < length:
        data = connection.recv(65536)
        if not data:
            return None
        rest += data
    buffer[:] = rest[length:]
    method, target, _ = start.split(" ", 2)
    return Received(method, target, headers, rest[:length], number)


def head(status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """A status line and headers."""
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(
    body: bytes | str | dict[str, Any],
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> list[Step]:
    """A whole answer with a Content-Length."""
    if isinstance(body, dict):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": content_type, "Content-Length": str(len(data)), **(headers or {})}
    return [head(status, fields) + data]


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def streamed(
    pieces: Iterable[Step], *, framing: Framing = "chunked", gzip: bool = False, content_type: str = "text/event-stream"
) -> list[Step]:
    """A streamed answer, piece by piece; gzip flushes after each piece, as a server that streams has to."""
    steps: list[Step] = []
    packer = zlib.compressobj(wbits=31)
    packed: list[Step] = [
        packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if gzip and isinstance(piece, bytes) else piece
        for piece in pieces
    ]
    if gzip:
        packed.append(packer.flush())
    headers = {"Content-Type": content_type} | ({"Content-Encoding": "gzip"} if gzip else {})
    if framing == "length":
        size = sum(len(piece) for piece in packed if isinstance(piece, bytes))
        return [head(200, headers | {"Content-Length": str(size)}), *packed]
    if framing == "close":
        return [head(200, headers | {"Connection": "close"}), *packed, CLOSE]
    steps = [head(200, headers | {"Transfer-Encoding": "chunked"})]
    steps += [chunk(piece) if isinstance(piece, bytes) else piece for piece in packed]
    ended = any(isinstance(piece, _Action) for piece in packed)
    return steps if ended else [*steps, b"0\r\n\r\n"]
