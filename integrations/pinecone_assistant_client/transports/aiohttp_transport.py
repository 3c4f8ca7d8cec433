"""The async transport: aiohttp, one session per event loop, closed with its loop.

200 concurrent calls cost 0.10 s of CPU with aiohttp, 0.69 with httpx2 and 2.8 with httpx (measured; DESIGN.md of the project).
aiohttp takes 214 ms to import, so the client imports this module at the first async use.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from ..errors import AssistantError, InvalidRequestError
from ..wire.uploads import MultipartBody
from .base import (
    KEEP_ALIVE,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_IDLE_SECONDS,
    Attempt,
    HTTPRequest,
    TransportSettings,
    body_cut,
    connection_failed,
    connection_lost,
    connection_timed_out,
    interim_response,
    read_timed_out,
    refuses_certificate,
    running_loop,
    total_timed_out,
)
from .environment import check_proxy, is_socks, proxy_for
from .loop_session import Connector, LoopSession, is_dirty
from .tls import tls_context

_PROXIES = ("http", "https")


class UnsolicitedResponseError(OSError):
    """A kept connection had bytes of an answer before a request was sent."""


class _Body(aiohttp.payload.BytesPayload):
    """The body of a request (empty for a GET or DELETE). It notes in the attempt that the request is being written.

    It also checks that the connection is clean: bytes that a peer sent before the request, such as a 408 of a balancer, would
    be taken for the answer. Writing the body is the last moment before the request is complete, and the only one that we see
    in an injected session (in our own, `Connector` checks earlier). The body can be written once only, so that aiohttp cannot
    retry an idempotent request by itself: the 404 to a second DELETE would mislead.
    """

    def __init__(self, body: bytes, attempt: Attempt) -> None:
        super().__init__(body)
        self._attempt = attempt

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body."""
        self._consumed = True
        _note_writing(writer, self._attempt)
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body, up to a length."""
        self._consumed = True
        _note_writing(writer, self._attempt)
        await super().write_with_length(writer, content_length)


class UploadPayload(aiohttp.Payload):
    """The body of an upload, written piece by piece; files are read in a thread.

    aiohttp puts no bound on a write, and reports every failure while writing as a lost connection. So this class bounds the
    writes and keeps the real error. It can be written once only, so that aiohttp cannot retry the upload by itself.

    Attributes:
        error: Why the file could not be read to its end.
        is_stalled: Whether the peer accepted no bytes for too long.
    """

    _autoclose = True

    def __init__(self, body: MultipartBody, attempt: Attempt) -> None:
        super().__init__(body, content_type=body.content_type)
        self._body = body
        self._attempt = attempt
        self.error: AssistantError | None = None
        self.is_stalled = False

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self._body)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - as its base class has it
        """Refuse: an upload is never text in memory."""
        raise TypeError("an upload has no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all pieces."""
        self._consumed = True
        _note_writing(writer, self._attempt)
        pieces = iter(self._body)
        try:
            while True:
                if self._body.is_in_memory:
                    piece = next(pieces, None)
                else:
                    piece = await asyncio.to_thread(next, pieces, None)
                if piece is None:
                    return
                await asyncio.wait_for(writer.write(piece), self._attempt.write_timeout)
        except AssistantError as error:
            self.error = error
            raise
        except asyncio.TimeoutError:
            self.is_stalled = True
            raise

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002 - as above
        """Write all pieces: their length is exact."""
        await self.write(writer)


def _note_writing(writer: Any, attempt: Attempt) -> None:
    if is_dirty(writer.protocol):
        writer.transport.abort()
        raise UnsolicitedResponseError
    attempt.is_written = True


class AiohttpResponse:
    """An answer read as its bytes arrive."""

    __slots__ = ("_attempt", "_reading", "_request", "_response", "_slots", "_watch", "headers", "status")

    def __init__(
        self, response: aiohttp.ClientResponse, request: HTTPRequest, session: LoopSession, attempt: Attempt
    ) -> None:
        self._response = response
        self._attempt = attempt
        self._request = request
        self._slots: asyncio.Semaphore | None = session.slots
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
                self._attempt.seconds_left()  # aiohttp's own timeout does not run between reads
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, RuntimeError) as error:
            # RuntimeError: read after the session was closed
            rest = self._arrived()
            if rest:
                yield rest
            if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
                if self._attempt.is_over:
                    raise total_timed_out(self._request, is_written=True) from error
                raise read_timed_out(self._request) from error
            raise body_cut(self._request, error) from error

    def lost(self) -> None:
        """The connection is gone: wake the reader if nothing else did."""
        content = self._response.content
        if content.exception() is None and not content.is_eof():
            content.set_exception(aiohttp.ClientPayloadError("the connection broke inside the body"))

    def _arrived(self) -> bytes:
        """Return the unread bytes that arrived before the connection broke; aiohttp hides them behind its exception.

        Once the exception is cleared, `read_nowait` raises only while another reader waits, and there is no other one. To be
        removed when aiohttp returns the bytes that arrived before it raises.
        """
        content = self._response.content
        content.set_exception(None)  # type: ignore[arg-type] # the public setter is also the way to clear it
        try:
            return content.read_nowait()
        except (TimeoutError, asyncio.TimeoutError):  # the total time is over, and aiohttp returns nothing more
            return b""

    async def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        if self._watch is not None:
            self._watch.reading = None
        self._reading.discard(self._response)
        self._response.close()
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()


class AiohttpTransport:
    """Requests over a session per event loop, or over one that the user injected (valid in its own loop only)."""

    __slots__ = ("_guard", "_injected", "_routes", "_sessions", "_settings", "_tls")

    def __init__(self, settings: TransportSettings, session: aiohttp.ClientSession | None = None) -> None:
        self._settings = settings
        self._injected = session
        self._sessions: dict[int, LoopSession] = {}
        self._routes: dict[str, str | None] = {}
        self._tls: ssl.SSLContext | None = None
        self._guard = threading.Lock()

    async def open(self, request: HTTPRequest) -> AiohttpResponse:
        """Send and wait for the headers.

        Raises:
            APIConnectionError: Not connected (`may_have_been_processed` is False), or cut before a status came (True).
            APITimeoutError: Not connected, or no byte, within the time.
        """
        entry = await self._entry()
        attempt = Attempt(request.limits.deadline, request.limits.read)
        try:
            # Waiting for a slot is not connecting, so only the total time bounds it.
            if attempt.deadline is None or not entry.slots.locked():
                await entry.slots.acquire()
            else:
                await asyncio.wait_for(entry.slots.acquire(), attempt.seconds_left())
        except (asyncio.TimeoutError, TimeoutError):
            raise total_timed_out(request, is_written=False) from None
        try:
            return await self._opened(entry, request, attempt)
        except BaseException:
            entry.slots.release()
            raise

    async def _opened(self, entry: LoopSession, request: HTTPRequest, attempt: Attempt) -> AiohttpResponse:
        limits = request.limits
        body = request.body
        upload = UploadPayload(body, attempt) if isinstance(body, MultipartBody) else None
        data: bytes | aiohttp.Payload | None = upload or _Body(b"" if body is None else cast("bytes", body), attempt)
        if _is_recorded():
            data, attempt.is_written = b"".join(body) if isinstance(body, MultipartBody) else body, True
        session = _bare(entry.session) if request.is_signed and self._injected is not None else entry.session
        try:
            response = await session.request(
                request.method,
                URL(request.url, encoded=True),  # as it is: yarl un-quotes `=;&@` in names
                headers=request.headers_sent(),
                data=data,
                skip_auto_headers=("Content-Type",) if body is None else None,
                allow_redirects=False,
                raise_for_status=False,  # an injected session may set it; an error status is an answer, not a lost connection
                # `connect` bounds DNS, TLS and proxy too; an additional `sock_connect` cost 10 % (measured).
                timeout=aiohttp.ClientTimeout(
                    total=attempt.seconds_left(), connect=limits.connect, sock_read=limits.read
                ),
                **self._options(request),  # in no variable, which a traceback may show: a proxy's URL has its password
            )
        except AssistantError:
            raise
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            if upload is not None and upload.error is not None:
                raise upload.error from upload.error.__cause__
            if upload is not None and upload.is_stalled and not attempt.is_over:
                raise read_timed_out(request) from error
            raise _error_while_opening(error, request, attempt) from error
        finally:
            if session is not entry.session:
                session.detach()
        if not attempt.is_written:
            response.close()  # an answer before the request: it was in the connection already, and the body was not written
            raise connection_failed(
                request, UnsolicitedResponseError("the connection had an answer before the request was sent")
            )
        if response.status < 200:  # 101: the connection speaks another protocol from here on
            response.close()
            raise interim_response(request, response.status)
        return AiohttpResponse(response, request, entry, attempt)

    def close_soon(self) -> None:
        """Close the sessions of closed loops, and have other loops close theirs; call this from any thread."""
        self.sweep()
        with self._guard:
            entries, self._sessions = list(self._sessions.values()), {}
        if self._injected is None:
            for entry in entries:
                entry.close_soon()

    async def close(self) -> None:
        """Close the session of the running loop and those of closed loops."""
        self.sweep()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # under trio there are no sessions
            return
        with self._guard:
            entry = self._sessions.pop(id(loop), None)
        if entry is not None and self._injected is None:
            await entry.close()

    def sweep(self) -> None:
        """Close the sessions of closed loops."""
        with self._guard:
            dead = [self._sessions.pop(key) for key, entry in list(self._sessions.items()) if entry.loop.is_closed()]
        for entry in dead:
            entry.close_after_loop()

    async def _entry(self) -> LoopSession:
        loop = running_loop()
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
            limit = _limit_of(self._injected, self._settings.max_connections)
            entry = self._sessions[id(loop)] = LoopSession(self._injected, None, limit)
            return entry
        connector = Connector(limit=0, keepalive_timeout=MAX_IDLE_SECONDS, socket_factory=_open_socket)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=True,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )
        # Registered before the first await, so that 200 calls that start together share it.
        entry = self._sessions[id(loop)] = LoopSession(session, connector, self._settings.max_connections)
        await entry.close_with_loop()
        return entry

    def _options(self, request: HTTPRequest) -> dict[str, Any]:
        if self._injected is not None:
            _refuse_socks(self._injected, request.url)
            return {}
        proxy = self._route(request)
        if request.url.startswith("https") or (proxy or "").startswith("https"):
            return {"proxy": proxy, "ssl": self._get_tls()}  # reading a CA bundle takes 30 ms and more
        return {"proxy": proxy}

    def _route(self, request: HTTPRequest) -> str | None:
        if request.host not in self._routes:
            self._routes[request.host] = proxy_for(request.url, self._settings.proxies, _PROXIES)
        return self._routes[request.host]

    def _get_tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._settings.verify, self._settings.cert)
        return self._tls


def _bare(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """A session over the connections of another one, without its headers, cookies and login."""
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(
        connector=session.connector, connector_owner=False, cookie_jar=jar, trust_env=session.trust_env
    )


def _refuse_socks(session: aiohttp.ClientSession, url: str) -> None:
    """Raise InvalidRequestError if an injected session has a SOCKS proxy: aiohttp would talk plain HTTP to it."""
    proxy = getattr(session, "_default_proxy", None)  # it has no public name
    if proxy is None and session.trust_env:
        with contextlib.suppress(LookupError):
            proxy, _ = aiohttp.helpers.get_env_proxy_for_url(URL(url))
    if proxy is not None and is_socks(str(proxy)):
        check_proxy(str(proxy), "async_http_session", _PROXIES)


def _is_recorded() -> bool:
    """Return whether a recorder or mock such as vcrpy replaces aiohttp's requests. It can read a body of bytes only."""
    return getattr(aiohttp.ClientSession._request, "__globals__", None) is not vars(aiohttp.client)


def _limit_of(session: aiohttp.ClientSession, max_connections: int) -> int:
    """How many calls at once an injected session can take, because aiohttp counts a wait for a connection as connecting."""
    connector = session.connector
    limits = (connector.limit, connector.limit_per_host) if connector is not None else ()
    return min([max_connections, *(limit for limit in limits if limit)])


def _open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol = address[:3]
    opened = socket.socket(family, kind, protocol)
    for option in KEEP_ALIVE:
        opened.setsockopt(*option)
    return opened


def _error_while_opening(error: Exception, request: HTTPRequest, attempt: Attempt) -> AssistantError:
    is_timeout = isinstance(error, (asyncio.TimeoutError, TimeoutError))
    if is_timeout and attempt.is_over:
        return total_timed_out(request, is_written=attempt.is_written)
    if not attempt.is_written:
        return connection_timed_out(request) if is_timeout else connection_failed(request, error)
    if refuses_certificate(error) or refuses_certificate(error.__cause__):
        return connection_failed(request, error)
    return read_timed_out(request) if is_timeout else connection_lost(request, error)
