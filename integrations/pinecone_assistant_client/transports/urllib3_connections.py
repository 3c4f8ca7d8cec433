"""urllib3's connections, extended by the checks that a billed request needs.

urllib3's errors and options leave three questions open, so these classes answer them while the request runs:

- *Was the request written?* The class of an error does not show it: behind a proxy, a reset after the request was read looks
  like a proxy that refused. Here the first byte that leaves is noted in the `Attempt`.
- *Whose answer is it?* `http.client` takes an interim response other than 100 for the answer. The connection would return to
  the pool with the real answer still to come, and the next caller, maybe of another tenant, would read it.
- *Is the total time over?* A socket's timeout starts anew with each byte. With a deadline, each `recv` gets the rest of it.
"""

from __future__ import annotations

import contextlib
import email.parser
import errno
import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import requests.adapters
import urllib3
import urllib3.connection
import urllib3.exceptions
from urllib3.util.connection import allowed_gai_family

from .base import KEEP_ALIVE, MAX_HEADER_BYTES, MAX_HEADERS, MAX_IDLE_SECONDS, Attempt, DeadlineExceededError

_ONE_WRITE_BYTES = 65536
"""Up to this size head and body are joined for one write; a longer body is not copied for that."""
_RECORD_BYTES = 16384
"""The most that TLS writes at once."""
_MAX_INTERIM_RESPONSES = 100
_HTTP_CLIENT_HEADERS = 100
_HTTP_CLIENT_LINE = 65536
_FRAMING = (b"transfer-encoding:", b"content-length:", b"connection:", b"keep-alive:", b"proxy-connection:")


def arm(sock: Any, timeout: float | None, attempt: Attempt) -> None:
    """Limit the next operation of a socket to its timeout and to the rest of the total time.

    Raises:
        DeadlineExceededError: The total time is over.
    """
    left = attempt.seconds_left()
    if left is not None:
        sock.settimeout(left if timeout is None else min(timeout, left))


class _Current(threading.local):
    """The attempt that this thread is making; urllib3 has no way to pass one through."""

    attempt: Attempt | None = None


current = _Current()


class _Source(io.RawIOBase):
    """The raw stream of a response; each `recv` gets only the rest of the total time.

    Args:
        below: The socket's own reader; for a connection that is not ours a buffered one, which may hold bytes already.
        sock: The socket.
        attempt: The attempt with the deadline.
    """

    def __init__(self, below: Any, sock: Any, attempt: Attempt) -> None:
        self._below = below
        # A plain socket of our own: nothing is between it and this reader, so it is read without a detour.
        self._is_bare = type(sock) is socket.socket and isinstance(below, socket.SocketIO)
        # Otherwise at most one `recv` for one read.
        self._read = sock.recv_into if self._is_bare else getattr(below, "readinto1", below.readinto)
        self._sock = sock
        self._attempt = attempt
        self._timeout = sock.gettimeout()
        self._waits = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        if not self._waits:
            return None if self._is_bare else self._read_what_has_arrived(buffer)
        if self._attempt.deadline is not None:
            arm(self._sock, self._timeout, self._attempt)
        return self._read(buffer)

    def stop_waiting(self) -> None:
        """From now on read only bytes that have left the socket: the pool looks only there, and TLS may hold some."""
        self._waits = False

    def _read_what_has_arrived(self, buffer: Any) -> Any:
        timeout = self._sock.gettimeout()
        self._sock.settimeout(0)
        try:
            return self._read(buffer)
        except ssl.SSLWantReadError:
            return None
        finally:
            self._sock.settimeout(timeout)

    def shut_down(self) -> None:
        """End the connection: whoever takes it from the pool finds it closed, and opens it anew."""
        getattr(self._sock, "socket", self._sock).shutdown(socket.SHUT_RDWR)  # TLS inside TLS is a wrapper

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._below.close()


class _Reader(io.BufferedReader):
    """The buffered reader of one response. Bytes that it holds after the response's end are an answer without a request.

    Before the pool hands a connection to the next caller, it checks only the socket. Bytes that came in the same packet as
    the answer are no longer in the socket: they are in this buffer, or in TLS's.
    """

    raw: _Source

    def close(self) -> None:
        if not self.closed:
            self.raw.stop_waiting()
            try:
                if self.peek(1):
                    self.raw.shut_down()
            except (OSError, ValueError):
                pass
        super().close()


class _ReadBy:
    """A substitute for a socket, from which `http.client` gets its reader."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, *_: Any) -> _Reader:
        return _Reader(_Source(self._sock.makefile("rb", buffering=0), self._sock, current.attempt or Attempt(None)))


def watch_reading(response: http.client.HTTPResponse, sock: Any, attempt: Attempt) -> None:
    """Make the body of a response from an injected session observe the deadline as our own responses do."""
    if response.fp is not None and sock is not None:
        response.fp = _Reader(_Source(response.fp, sock, attempt))


class Response(http.client.HTTPResponse):
    """A response that skips interim responses, observes its attempt's deadline, and takes many and large headers.

    `http.client` refuses more than a hundred headers, and one of 64 KB, by constants of its module. So the head is read here
    and passed on in memory. If it is too large, `http.client` gets only the headers that frame the body, and the others are
    added afterwards.
    """

    _large_head: bytes | None = None

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast("Any", _ReadBy(sock)), *args, **kwargs)

    def begin(self) -> None:
        """Read the head."""
        reader = self.fp
        try:
            super().begin()
        finally:
            if self.fp is not None:  # None if it was closed
                self.fp = reader
        if self._large_head is not None:
            parser = email.parser.Parser(_class=http.client.HTTPMessage)
            self.headers = self.msg = parser.parsestr(self._large_head.decode("latin-1"))

    def _read_status(self) -> tuple[Any, ...]:
        for _ in range(_MAX_INTERIM_RESPONSES):
            # A private method of http.client, because there is no public one. It skips only interim responses 100.
            status: tuple[Any, ...] = super()._read_status()  # type: ignore[misc]
            if status[1] >= 200 and self._has_a_small_head():
                return status
            lines = _read_lines(self.fp)
            if status[1] == http.client.SWITCHING_PROTOCOLS or not 100 <= status[1] < 200:
                head = b"".join(lines)
                if len(lines) > _HTTP_CLIENT_HEADERS or len(head) > _HTTP_CLIENT_LINE:
                    self._large_head = head
                    head = b"".join(line for line in lines if line.lower().startswith(_FRAMING)) + b"\r\n"
                self.fp = cast("Any", io.BytesIO(head))
                return status
        raise http.client.HTTPException(f"more than {_MAX_INTERIM_RESPONSES} interim responses and no answer")

    def _has_a_small_head(self) -> bool:
        """Return whether all header lines have arrived, and are few enough for `http.client` to read them by itself."""
        buffered = cast("_Reader", self.fp).peek(1)
        end = buffered.find(b"\r\n\r\n")
        return end >= 0 and buffered.count(b"\n", 0, end) < _HTTP_CLIENT_HEADERS - 1


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
    """Connection mix-in: a connection idle for too long counts as lost, and a failed opening has an error class of its own.

    Head and body are sent in one packet. http.client writes them one after the other, which costs 12 % of a call (measured).
    """

    _used_at: float | None = None
    _corked: list[bytes] | None = None

    @property
    def is_connected(self) -> bool:
        """True if the connection can be used. If not, the pool opens it anew, through its proxy if there is one."""
        if self._used_at is not None and time.monotonic() - self._used_at > MAX_IDLE_SECONDS:
            return False
        return bool(super().is_connected)  # type: ignore[misc]  # of the class it is mixed into

    def connect(self) -> None:
        """Open the connection. Every failure here is one before the request was written."""
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
        except http.client.HTTPException as error:  # the proxy's answer is not HTTP
            raise urllib3.exceptions.NewConnectionError(
                cast("Any", self), f"the proxy did not open a tunnel: {error or type(error).__name__}"
            ) from error

    def _new_conn(self) -> Any:
        """Open the TCP connection. The TLS handshake and a tunnel get the rest of the deadline."""
        attempt = current.attempt
        if attempt is None or attempt.deadline is None:
            return super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
        sock = self._connect_in_time(attempt)
        arm(sock, sock.gettimeout(), attempt)
        return sock

    def _connect_in_time(self, attempt: Attempt) -> Any:
        """Try the addresses of a name one by one within the deadline: urllib3 gives each of them the whole time."""
        connection = cast("Any", self)
        name, timeout = connection._dns_host, connection.timeout
        try:
            found = socket.getaddrinfo(name, connection.port, allowed_gai_family(), socket.SOCK_STREAM)
            addresses = [str(address[0]) for *_, address in found]
        except (OSError, UnicodeError):
            addresses = [name]  # urllib3 raises the right error for it
        try:
            for address in addresses[:-1]:
                connection._dns_host, connection.timeout = address, min(timeout, attempt.seconds_left() or timeout)
                with contextlib.suppress(urllib3.exceptions.HTTPError):
                    return super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
            connection._dns_host, connection.timeout = addresses[-1], min(timeout, attempt.seconds_left() or timeout)
            return super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
        finally:
            connection._dns_host, connection.timeout = name, timeout

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send head and body at once, and note that the request is written."""
        self._used_at = time.monotonic()
        self._corked = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]  # of the class it is mixed into
            self._uncork()
        except ssl.SSLEOFError as error:
            # The peer closed. As after a BrokenPipeError, urllib3 goes on to read the answer or TLS alert sent before.
            raise BrokenPipeError(errno.EPIPE, str(error)) from error
        finally:
            self._corked = None

    def send(self, data: Any) -> None:
        """Write the data, or keep it for the single write at the end of the request."""
        if self._corked is None:
            self._write(data)
        elif isinstance(data, bytes) and sum(map(len, self._corked)) + len(data) <= _ONE_WRITE_BYTES:
            self._corked.append(data)
        else:
            self._uncork()
            self._write(data)

    def _uncork(self) -> None:
        pieces, self._corked = self._corked, None
        if not pieces:
            return
        if cast("Any", self).sock is None:  # else the first write would open it, and opening is not writing
            cast("Any", self).connect()
        if current.attempt is not None:
            current.attempt.is_written = True
        self._write(b"".join(pieces))

    def _write(self, data: Any) -> None:
        connection = cast("Any", self)
        attempt = current.attempt
        if attempt is None or connection.sock is None:
            super().send(data)  # type: ignore[misc]  # of the class it is mixed into
            return
        # urllib3 bounds a write by the connect timeout, which is too short for an upload.
        timeout = connection.timeout if attempt.write_timeout is None else attempt.write_timeout
        if attempt.write_timeout is not None:
            connection.sock.settimeout(timeout)
        # Over TLS, Python applies the whole timeout to each record.
        pieces = _records(data) if attempt.deadline is not None and isinstance(data, bytes) else [data]
        for piece in pieces:
            arm(connection.sock, timeout, attempt)
            super().send(piece)  # type: ignore[misc]  # of the class it is mixed into


def _records(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _RECORD_BYTES] for start in range(0, len(data), _RECORD_BYTES))


class _FreshHTTPConnection(Fresh, urllib3.connection.HTTPConnection):
    response_class: Any = Response


class _FreshHTTPSConnection(Fresh, urllib3.connection.HTTPSConnection):
    response_class: Any = Response


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _FreshHTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _FreshHTTPSConnection


Route = tuple[urllib3.HTTPConnectionPool, bool]
"""The pool for a host, and whether requests go to a forwarding proxy, which needs absolute URLs."""
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
