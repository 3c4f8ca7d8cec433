"""The async transport: aiohttp, one session per event loop, closed with its loop.

200 concurrent calls cost 0.10 s of CPU with aiohttp, 0.69 with httpx2 and 2.8 with httpx (measured; DESIGN.md of the project).
aiohttp takes 214 ms to import, so the client imports this module at the first async use.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import certifi
from urllib3.util import wait_for_read

from ..errors import AssistantError, InvalidRequestError
from .base import (
    MAX_IDLE_SECONDS,
    HTTPRequest,
    TransportSettings,
    body_cut,
    connection_failed,
    connection_lost,
    connection_timed_out,
    read_timed_out,
)
from .environment import environment_ca, proxy_for


class _Connector(aiohttp.TCPConnector):
    """A connector that knows its open transports, so that they can be closed after their loop.

    It also sees that the server closed a kept connection while the loop stood still: a request written to that would fail
    as one that may have been processed. urllib3 looks in the same way.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.transports: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        while True:
            connection = await super().connect(*args, **kwargs)
            transport = connection.transport
            if transport is None:
                return connection
            if transport not in self.transports:
                self.transports.add(transport)
                return connection
            socket = transport.get_extra_info("socket")
            if socket is None or not wait_for_read(socket, timeout=0.0):
                return connection
            connection.close()


def _call_now(callback: Callable[..., object], *args: Any, **_context: Any) -> Any:
    # Only what closes a socket: a task that waits for it must not run without its loop.
    if getattr(callback, "__name__", "").endswith("connection_lost"):
        callback(*args)


class _Watch:
    """Ends the reading of a connection that was lost.

    aiohttp 3.14 leaves a reader waiting for ever, its read timeout dropped, if a chunk has no valid size or if the session is
    closed while it reads. To be removed when aiohttp tells the reader.
    """

    def __init__(self) -> None:
        self.reading: AiohttpResponse | None = None

    def __call__(self, closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()  # seen: asyncio need not report it
        if self.reading is not None:
            self.reading.lost()


class _LoopSession:
    """The session of one event loop and what is being read over it."""

    def __init__(self, session: aiohttp.ClientSession, connector: _Connector | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = session
        self.connector = connector
        self.reading: set[aiohttp.ClientResponse] = set()
        self._watches: weakref.WeakKeyDictionary[object, _Watch] = weakref.WeakKeyDictionary()
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

    def watch(self, response: aiohttp.ClientResponse) -> _Watch | None:
        """What tells a reader that its connection was lost; None if the whole body is here."""
        connection = response.connection
        protocol = connection.protocol if connection is not None else None
        if protocol is None:
            return None
        watch = self._watches.get(protocol)
        if watch is None:
            watch = self._watches[protocol] = _Watch()
            closed = protocol.closed
            if closed is not None:
                closed.add_done_callback(watch)
        return watch

    async def close(self) -> None:
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
        """Close what is still open: an unfinished stream over TLS says good-bye for up to 30 s, and the loop ends now."""
        for transport in list(self.connector.transports) if self.connector is not None else ():
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()

    def close_after_loop(self) -> None:
        """Close what a loop left that ended without shutting its async generators down (LlamaIndex's asyncio_run).

        A transport closes itself through a callback of its loop, which a closed loop refuses; here the callback runs at
        once. To be removed when asyncio closes the transports of a loop that is closed.
        """
        if self.connector is None or self.session.closed:
            return  # injected, or closed in time
        with contextlib.suppress(AttributeError):  # a loop written in C closes its own sockets
            self.loop.call_soon = _call_now  # type: ignore[method-assign, assignment]
        self._abort_transports()  # before the connections, which need their loop to say good-bye
        for response in self.reading:
            connection = response.connection
            response.close()  # on a closed loop it leaves its connection open
            if connection is not None:
                connection.close()
        connector = self.connector
        self.session.detach()
        with contextlib.suppress(StopIteration):
            connector.close().send(None)  # on a closed loop it marks itself closed and waits for nothing
        self._closer = None


class AiohttpResponse:
    """An answer read as its bytes arrive."""

    def __init__(self, response: aiohttp.ClientResponse, request: HTTPRequest, session: _LoopSession) -> None:
        self._response = response
        self._request = request
        self._reading = session.reading
        self._reading.add(response)
        self._watch = session.watch(response)
        if self._watch is not None:
            self._watch.reading = self
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, decompressed."""
        try:
            async for data in self._response.content.iter_any():
                yield data
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, RuntimeError) as error:
            # RuntimeError: read after the session was closed
            rest = self._arrived()
            if rest:
                yield rest
            if isinstance(error, asyncio.TimeoutError):
                raise read_timed_out(self._request) from error
            raise body_cut(self._request, error) from error

    def lost(self) -> None:
        """The connection is gone: wake the reader if nothing else did."""
        content = self._response.content
        if content.exception() is None and not content.is_eof():
            content.set_exception(aiohttp.ClientPayloadError("the connection broke inside the body"))

    def _arrived(self) -> bytes:
        """What arrived before the connection broke and was not read yet; aiohttp hides it behind its exception."""
        content = self._response.content
        content._exception = None
        with contextlib.suppress(Exception):
            return content.read_nowait()
        return b""

    async def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        if self._watch is not None:
            self._watch.reading = None
        self._reading.discard(self._response)
        self._response.close()


class AiohttpTransport:
    """Requests over a session per event loop, or over one that the user injected (valid in its own loop only)."""

    def __init__(self, settings: TransportSettings, session: aiohttp.ClientSession | None = None) -> None:
        self._settings = settings
        self._injected = session
        self._sessions: dict[int, _LoopSession] = {}
        self._routes: dict[str, str | None] = {}
        self._tls: ssl.SSLContext | bool | None = None
        self._guard = threading.Lock()

    async def open(self, request: HTTPRequest) -> AiohttpResponse:
        """Send and wait for the headers.

        Raises:
            APIConnectionError: Not connected, or cut before a status; `may_have_been_processed` tells which.
            APITimeoutError: Not connected, or no byte, within the time.
        """
        entry = await self._entry()
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        options: dict[str, Any] = {}
        if self._injected is None:
            proxy = self._route(request)
            options = {"proxy": proxy}
            if request.url.startswith("https") or (proxy or "").startswith("https"):
                options["ssl"] = self._tls_settings()  # reading a CA bundle takes 30 ms and more
        connect, read = request.timeout
        try:
            response = await entry.session.request(
                request.method,
                request.url,
                headers=headers,
                data=request.body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=read),
                **options,
            )
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            raise _error_while_opening(error, request) from error
        return AiohttpResponse(response, request, entry)

    def close_soon(self) -> None:
        """Close what closed loops left, and have other loops close their sessions; call this from any thread."""
        self.sweep()
        with self._guard:
            entries, self._sessions = list(self._sessions.values()), {}
        if self._injected is None:
            for entry in entries:
                entry.close_soon()

    async def close(self) -> None:
        """Close the session of the running loop and those of closed loops."""
        self.sweep()
        with self._guard:
            entry = self._sessions.pop(id(asyncio.get_running_loop()), None)
        if entry is not None and self._injected is None:
            await entry.close()

    def sweep(self) -> None:
        """Close what closed loops left behind."""
        with self._guard:
            dead = [self._sessions.pop(key) for key, entry in list(self._sessions.items()) if entry.loop.is_closed()]
        for entry in dead:
            entry.close_after_loop()

    async def _entry(self) -> _LoopSession:
        loop = asyncio.get_running_loop()
        entry = self._sessions.get(id(loop))
        if entry is not None and entry.loop is loop and not entry.session.closed:
            return entry
        self.sweep()
        if self._injected is not None:
            if self._injected.closed:
                raise InvalidRequestError("async_http_session is closed: pass an open one, or none")
            # The session's public `loop` warns when it is read.
            if self._sessions or getattr(self._injected, "_loop", loop) is not loop:
                raise InvalidRequestError(
                    "async_http_session belongs to another event loop: it is valid in its own only"
                )
            entry = self._sessions[id(loop)] = _LoopSession(self._injected, None)
            return entry
        connector = _Connector(limit=0, keepalive_timeout=MAX_IDLE_SECONDS)
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=True
        )
        # Registered before the first await: 200 calls that start together find this one.
        entry = self._sessions[id(loop)] = _LoopSession(session, connector)
        await entry.close_with_loop()
        return entry

    def _route(self, request: HTTPRequest) -> str | None:
        if request.host not in self._routes:
            self._routes[request.host] = proxy_for(request.url, self._settings.proxies)
        return self._routes[request.host]

    def _tls_settings(self) -> ssl.SSLContext | bool:
        if self._tls is None:
            verify = self._settings.verify
            if verify is False:
                self._tls = False
            else:
                bundle = verify if isinstance(verify, str) else environment_ca() or certifi.where()
                if os.path.isdir(bundle):
                    self._tls = ssl.create_default_context(capath=bundle)
                else:
                    self._tls = ssl.create_default_context(cafile=bundle)
        return self._tls


def _error_while_opening(error: Exception, request: HTTPRequest) -> AssistantError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return connection_timed_out(request)
    if isinstance(error, (asyncio.TimeoutError, aiohttp.ServerTimeoutError)):
        return read_timed_out(request)
    # A proxy that answers CONNECT with an error, no address, refused, TLS: the request was not written.
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL)):
        return connection_failed(request, error)
    if isinstance(error, ValueError) and not isinstance(error, aiohttp.ClientError):
        return connection_failed(request, error)
    return connection_lost(request, error)
