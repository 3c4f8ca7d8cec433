"""urllib3's connections with what a billed request needs to be sure of.

Three things cannot be had from urllib3's errors and options afterwards, so these classes see to them while they happen:

- *Was the request written?* The class of an error does not tell: behind a proxy, a reset after the request was read looks
  like a proxy that refused. Here the first byte that leaves is noted in the `Attempt`.
- *Whose answer is it?* `http.client` takes an interim response other than 100 for the answer. The connection would go back
  with the real answer still to come, and the next caller, maybe of another tenant, would read it.
- *Wall clock.* A timeout of a socket starts anew with each byte. With a deadline, each `recv` gets what is left.
"""

from __future__ import annotations

import email.parser
import http.client
import io
import ssl
import threading
import time
from typing import Any, cast

import requests.adapters
import urllib3
import urllib3.connection
import urllib3.exceptions

from .base import KEEP_ALIVE, MAX_HEADER_BYTES, MAX_HEADERS, MAX_IDLE_SECONDS, Attempt, DeadlineExceededError

_ONE_WRITE_BYTES = 65536
"""Up to here head and body are joined for one write; a long conversation is not copied for that."""
_MAX_INTERIM_RESPONSES = 100
_HTTP_CLIENT_HEADERS = 100
_HTTP_CLIENT_LINE = 65536
_FRAMING = (b"transfer-encoding:", b"content-length:", b"connection:", b"keep-alive:", b"proxy-connection:")


def arm(sock: Any, timeout: float | None, attempt: Attempt) -> None:
    """Let the next operation of a socket take as long as its timeout and what is left of the total time allow.

    Raises:
        DeadlineExceededError: Nothing is left.
    """
    left = attempt.seconds_left()
    if left is not None:
        sock.settimeout(left if timeout is None else min(timeout, left))


class _Current(threading.local):
    """The attempt that this thread is making; urllib3 has no way to pass one through."""

    attempt: Attempt | None = None


current = _Current()


class _ArmedReader(io.RawIOBase):
    """A socket's reader that gives each `recv` only the time that is left."""

    def __init__(self, raw: io.RawIOBase, sock: Any, attempt: Attempt) -> None:
        self._raw = raw
        self._sock = sock
        self._attempt = attempt
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        arm(self._sock, self._timeout, self._attempt)
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._raw.close()


class Response(http.client.HTTPResponse):
    """A response that is read past interim ones, within the deadline of its attempt, and whatever headers it has.

    `http.client` refuses a hundred headers, and one of 64 KB, by constants of its module. So the head is read here and handed
    over in memory; of a head that is too large `http.client` sees what frames the body, and the rest is added afterwards.
    """

    _large_head: bytes | None = None

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        attempt = current.attempt
        if attempt is not None and attempt.deadline is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_ArmedReader(sock.makefile("rb", buffering=0), sock, attempt))

    def begin(self) -> None:
        """Read the head."""
        reader = self.fp
        try:
            super().begin()
        finally:
            if self.fp is not None:  # else it was closed
                self.fp = reader
        if self._large_head is not None:
            parser = email.parser.Parser(_class=http.client.HTTPMessage)
            self.headers = self.msg = parser.parsestr(self._large_head.decode("latin-1"))

    def _read_status(self) -> tuple[Any, ...]:
        for _ in range(_MAX_INTERIM_RESPONSES):
            # http.client's own; it has no public door for this, and skips nothing but 100 behind it.
            status: tuple[Any, ...] = super()._read_status()  # type: ignore[misc]
            lines = _read_lines(self.fp)
            if not 100 <= status[1] < 200:
                head = b"".join(lines)
                if len(lines) > _HTTP_CLIENT_HEADERS or len(head) > _HTTP_CLIENT_LINE:
                    self._large_head = head
                    head = b"".join(line for line in lines if line.lower().startswith(_FRAMING)) + b"\r\n"
                self.fp = cast("Any", io.BytesIO(head))
                return status
        raise http.client.HTTPException(f"more than {_MAX_INTERIM_RESPONSES} interim responses and no answer")


def _read_lines(reader: Any) -> list[bytes]:
    """Read a head's lines, with the blank one at its end."""
    lines: list[bytes] = []
    while len(lines) <= MAX_HEADERS:
        line = reader.readline(MAX_HEADER_BYTES + 1)
        if len(line) > MAX_HEADER_BYTES:
            raise http.client.LineTooLong("header line")
        lines.append(line)
        if line in (b"\r\n", b"\n", b""):
            return lines
    raise http.client.HTTPException(f"got more than {MAX_HEADERS} headers")


class Fresh:
    """Connection mix-in: a connection idle for too long counts as lost, and a failed opening says so by its class.

    Head and body leave in one packet: http.client writes them one after the other, which costs 12 % of a call (measured).
    """

    _used_at: float | None = None
    _corked: list[bytes] | None = None

    @property
    def is_connected(self) -> bool:
        """Asked by the pool, which then opens a lost connection anew, through its proxy if there is one."""
        if self._used_at is not None and time.monotonic() - self._used_at > MAX_IDLE_SECONDS:
            return False
        # What TLS has unpacked already and nobody asked for does not make the socket readable.
        if isinstance(sock := cast("Any", self).sock, ssl.SSLSocket) and sock.pending():
            return False
        return bool(super().is_connected)  # type: ignore[misc]  # of the class it is mixed into

    def connect(self) -> None:
        """Open; everything that fails here failed before the request was written."""
        try:
            super().connect()  # type: ignore[misc]  # of the class it is mixed into
        except DeadlineExceededError:
            raise
        except ssl.SSLError as error:
            raise urllib3.exceptions.NewConnectionError(cast("Any", self), f"TLS failed: {error}") from error
        except TimeoutError as error:  # in the TLS handshake, or before a proxy answered
            raise urllib3.exceptions.ConnectTimeoutError(cast("Any", self), str(error)) from error
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(cast("Any", self), str(error)) from error
        except http.client.HTTPException as error:  # a proxy whose answer is not one
            raise urllib3.exceptions.NewConnectionError(
                cast("Any", self), f"the proxy did not open a tunnel: {error or type(error).__name__}"
            ) from error

    def _new_conn(self) -> Any:
        """Open the TCP connection; the TLS handshake and a tunnel have what is left of the deadline."""
        sock = super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
        if (attempt := current.attempt) is not None:
            arm(sock, sock.gettimeout(), attempt)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send, head and body at once, and note that the request is written."""
        self._used_at = time.monotonic()
        self._corked = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]  # of the class it is mixed into
            if self._corked is not None:
                self._uncork()
        finally:
            self._corked = None

    def send(self, data: Any) -> None:
        """Write, or keep for the one write at the end of the request."""
        if self._corked is not None and isinstance(data, bytes):
            self._corked.append(data)
            if sum(map(len, self._corked)) > _ONE_WRITE_BYTES:
                self._uncork()
        else:
            attempt = current.attempt
            if attempt is not None and attempt.write_timeout is not None and attempt.is_written:
                sock = cast("Any", self).sock
                sock.settimeout(attempt.write_timeout)  # urllib3 bounds a write by the timeout for connecting
                arm(sock, attempt.write_timeout, attempt)
            super().send(data)  # type: ignore[misc]  # of the class it is mixed into

    def _uncork(self) -> None:
        pieces, self._corked = self._corked or [], None
        connection = cast("Any", self)
        if connection.sock is None:  # a plain connection opens itself with the first byte, which must not count
            connection.connect()
        if (attempt := current.attempt) is not None:
            arm(connection.sock, connection.timeout, attempt)
            attempt.is_written = True
        if sum(map(len, pieces)) <= _ONE_WRITE_BYTES:
            pieces = [b"".join(pieces)]
        for data in pieces:
            self.send(data)


class _FreshHTTPConnection(Fresh, urllib3.connection.HTTPConnection):
    response_class: Any = Response


class _FreshHTTPSConnection(Fresh, urllib3.connection.HTTPSConnection):
    response_class: Any = Response


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _FreshHTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _FreshHTTPSConnection


Route = tuple[urllib3.HTTPConnectionPool, bool]
"""The pool for a host, and whether a proxy forwards its requests and so needs whole URLs."""
_SOCKET_OPTIONS = [*urllib3.connection.HTTPConnection.default_socket_options, *KEEP_ALIVE]
Pools = dict[str, type[urllib3.HTTPConnectionPool]]
POOLS: Pools = {"http": _HTTPPool, "https": _HTTPSPool}


class Adapter(requests.adapters.HTTPAdapter):
    """requests' adapter over these connections; `routes` keeps the pool that it found for each host."""

    def __init__(self, **options: Any) -> None:
        self.routes: dict[str, Route] = {}
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of these connections."""
        super().init_poolmanager(*args, socket_options=_SOCKET_OPTIONS, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def close(self) -> None:
        """Close idle connections now: urllib3 2 waits until nobody, not even an exception, refers to their pool."""
        for manager in [self.poolmanager, *self.proxy_manager.values()]:
            for key in manager.pools.keys():  # noqa: SIM118 - this mapping refuses to be iterated
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()

    def proxy_manager_for(self, proxy: str, *, pools: Pools = POOLS, **kwargs: Any) -> urllib3.PoolManager:
        """Make a proxy's pools of these connections, too."""
        manager: urllib3.PoolManager = super().proxy_manager_for(proxy, socket_options=_SOCKET_OPTIONS, **kwargs)
        manager.pool_classes_by_scheme = pools
        return manager
