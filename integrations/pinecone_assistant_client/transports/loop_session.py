"""Lifetime of aiohttp sessions: each event loop has one, which is closed with its loop or after it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

import aiohttp
from urllib3.util import wait_for_read


class Reader(Protocol):
    """A reader of a body, which must not wait for a lost connection."""

    def lost(self) -> None:
        """Wake the reader: the connection is lost."""


class Connector(aiohttp.TCPConnector):
    """A connector that knows its open transports, so that they can be closed after their loop.

    It also notices that the server closed a kept connection while the loop was not running. A request on that connection
    would fail as one that may have been processed. urllib3 checks in the same way.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.transports: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection that, as far as the socket shows, the server did not close."""
        while True:
            connection = await super().connect(*args, **kwargs)
            transport = connection.transport
            if transport is None:
                return connection
            if transport not in self.transports:
                self.transports.add(transport)
                if sys.version_info < (3, 11) and connection.protocol is not None:
                    # Python 3.10 leaves closing a lost TLS transport to its user, and aiohttp does not close it, which #
                    # ended in a ResourceWarning "unclosed transport". To be removed with Python 3.10.
                    _when_lost(connection.protocol, transport.abort)
                return connection
            socket = transport.get_extra_info("socket")
            is_readable = socket is not None and wait_for_read(socket, timeout=0.0)
            if not is_readable and not is_dirty(connection.protocol):
                return connection
            connection.close()


def is_dirty(protocol: Any) -> bool:
    """Return whether a kept connection has unexpected bytes, which would be taken for the answer to the next request.

    The loop may have read them already, so the socket does not show them.
    """
    return protocol is None or protocol.should_close or _is_inside_a_message(protocol._parser)


def _is_inside_a_message(parser: Any) -> bool:
    """Return whether a part of a response has arrived. Only the parser holds it, and the next request gets a new parser.

    If so, this check leaves the parser unusable. aiohttp has two parsers, in C and in Python.
    """
    if parser is None:
        return False
    if getattr(parser, "_tail", b"") or getattr(parser, "_lines", ()):  # the one in Python
        return True
    try:
        return parser.feed_eof() is not None
    except Exception:  # noqa: BLE001 - the parser in C raises if it holds half of a message
        return True


def _when_lost(protocol: Any, callback: Callable[[], object]) -> None:
    """Call back once after aiohttp noticed that a connection is lost.

    It wraps `connection_lost` of asyncio's protocol, because aiohttp has its own future, `protocol.closed`, only since
    3.12.7.
    """
    seen_by_aiohttp = protocol.connection_lost

    def connection_lost(error: BaseException | None) -> None:
        protocol.__dict__.pop("connection_lost", None)  # a second caller may have taken it
        seen_by_aiohttp(error)
        callback()

    protocol.connection_lost = connection_lost


def _call_now(callback: Callable[..., object], *args: Any, **_context: Any) -> Any:
    # Run only callbacks that close a socket: a task that waits for it must not run without its loop.
    if getattr(callback, "__name__", "").endswith("connection_lost"):
        callback(*args)


class Watch:
    """End the reading from a lost connection.

    In aiohttp 3.14 a reader waits for ever, without its read timeout, if a chunk has no valid size or if the session is
    closed while it reads. To be removed when aiohttp wakes the reader.
    """

    def __init__(self) -> None:
        self.reading: Reader | None = None

    def __call__(self) -> None:
        """Wake the reader."""
        if self.reading is not None:
            self.reading.lost()


class LoopSession:
    """The session of one event loop, and the responses that are being read over it."""

    def __init__(self, session: aiohttp.ClientSession, connector: Connector | None, max_connections: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.slots = asyncio.Semaphore(max_connections)
        self.session = session
        self.connector = connector
        self.reading: set[aiohttp.ClientResponse] = set()
        self._watches: weakref.WeakKeyDictionary[object, Watch] = weakref.WeakKeyDictionary()
        self._closer: AsyncGenerator[None, None] | None = None
        self._closing: asyncio.Task[None] | None = None  # a loop keeps weak references to its tasks only

    async def close_with_loop(self) -> None:
        """Have the session closed when its loop shuts its async generators down, as `asyncio.run` does at its end."""
        self._closer = self._wait_for_shutdown()
        await self._closer.__anext__()

    async def _wait_for_shutdown(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            try:
                await self.session.close()
            finally:
                self._abort_transports()
                await asyncio.sleep(0)  # the loop runs what abort asked of it

    def watch(self, response: aiohttp.ClientResponse) -> Watch | None:
        """Return the watch that wakes a reader when its connection is lost; None if the whole body has arrived."""
        connection = response.connection
        protocol = connection.protocol if connection is not None else None
        if protocol is None:
            return None
        watch = self._watches.get(protocol)
        if watch is None:
            watch = self._watches[protocol] = Watch()
            _when_lost(protocol, watch)
        return watch

    async def close(self) -> None:
        """Close the session; call this from its loop."""
        if self._closer is not None:
            await self._closer.aclose()
        else:
            await self.session.close()

    def close_soon(self) -> None:
        """Have the session closed by its loop; call this from any thread."""

        def start() -> None:
            self._closing = self.loop.create_task(self.close())

        try:
            self.loop.call_soon_threadsafe(start)
        except RuntimeError:  # it was closed just now
            self.close_after_loop()

    def _abort_transports(self) -> None:
        """Abort the open transports: over TLS, closing an unfinished stream takes up to 30 s, and the loop ends now."""
        for transport in list(self.connector.transports) if self.connector is not None else ():
            if isinstance(transport, asyncio.WriteTransport):
                # One that sent its last bytes after its end has no loop, and asyncio does not check that.
                with contextlib.suppress(AttributeError):
                    transport.abort()

    def close_after_loop(self) -> None:
        """Close the session of a loop that ended without shutting its async generators down (LlamaIndex's asyncio_run).

        A transport closes itself through a callback of its loop, and a closed loop takes no callbacks. So the callback is run
        directly. To be removed when asyncio closes the transports of a closed loop.
        """
        if self.connector is None or self.session.closed:
            return  # injected, or closed in time
        with contextlib.suppress(AttributeError):  # a loop written in C closes its own sockets
            self.loop.call_soon = _call_now  # type: ignore[method-assign, assignment] # its last use
        self._abort_transports()  # before the connections, which need their loop for the TLS shutdown
        for response in self.reading:
            connection = response.connection
            response.close()  # on a closed loop it leaves its connection open
            if connection is not None:
                connection.close()
        connector = self.connector
        self.session.detach()
        with contextlib.suppress(StopIteration):
            next(connector.close().__await__())  # on a closed loop it marks itself closed and waits for nothing
        self._closer = None
