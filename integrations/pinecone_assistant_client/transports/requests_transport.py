"""The sync transport: the pools of requests, used directly, because that is faster and buffers no part of a stream.

An adapter of requests finds the pool for a host, with its proxy and TLS, once; after that requests go straight to the pool.
That path does not read the environment, so proxies and the CA bundle are resolved here, once per host. netrc is not read.
CPU of a call: `Session.post` 935 us, a prepared request through the adapter 499, and the pool saves 110 of these (measured).
An injected session goes its own way, with all its settings.
"""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import importlib.util
import logging
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

import requests
import requests.adapters
import requests.certs
import requests.exceptions
import requests.utils
import urllib3
import urllib3.connection
import urllib3.exceptions

from ..errors import AssistantError, InvalidRequestError
from ..wire.uploads import MultipartBody
from .base import (
    Attempt,
    DeadlineExceededError,
    HTTPRequest,
    TransportSettings,
    body_cut,
    connection_failed,
    connection_lost,
    connection_timed_out,
    interim_response,
    read_timed_out,
    refuses_certificate,
    total_timed_out,
)
from .environment import is_socks, proxy_for
from .recorders import as_urllib3, is_recorded
from .tls import ca_bundle, tls_context
from .urllib3_connections import Adapter, Pools, Route, current, watch_reading

_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_READ_BYTES = 65536
_NOT_CONNECTED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
_TIMEOUTS = (urllib3.exceptions.TimeoutError, requests.exceptions.Timeout, TimeoutError)


class RequestsResponse:
    """An answer read through urllib3's public readers."""

    __slots__ = ("_attempt", "_on_close", "_raw", "_request", "headers", "status")

    def __init__(self, raw: Any, request: HTTPRequest, attempt: Attempt, on_close: Callable[[], None]) -> None:
        self._raw = raw
        self._on_close: Callable[[], None] | None = on_close
        self._request = request
        self._attempt = attempt
        self.status: int = raw.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in raw.headers.items()}

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives.

        `iter_content(None)` buffers a body without a length until its end, and `iter_lines` up to 512 bytes; the two readers
        used here buffer nothing (measured, 5 us a token).
        """
        raw = self._raw
        try:
            # The bound is for hostile bodies: one huge chunk, or one that decompresses to gigabytes.
            if raw.chunked:
                pieces: Iterator[bytes] = raw.read_chunked(_READ_BYTES, decode_content=True)
            else:
                pieces = iter(partial(raw.read1, _READ_BYTES, decode_content=True), b"")
            for data in pieces:
                yield data
                self._attempt.seconds_left()  # the time between reads counts, too
        except (urllib3.exceptions.HTTPError, requests.exceptions.RequestException, OSError) as error:
            raise _error_while_reading(error, self._request, self._attempt) from error

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        on_close, self._on_close = self._on_close, None
        try:
            self._raw.close()
            self._raw.release_conn()
        finally:
            if on_close is not None:
                on_close()


class RequestsTransport:
    """Requests over one shared session, or over one that the user injected (which is never closed here)."""

    __slots__ = ("_adapter", "_injected", "_lock", "_settings", "_slots", "_tls")

    def __init__(self, settings: TransportSettings, session: requests.Session | None = None) -> None:
        self._settings = settings
        self._injected = session
        self._adapter: Adapter | None = None
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(settings.max_connections)

    def open(self, request: HTTPRequest) -> RequestsResponse:
        """Send and wait for the headers.

        Raises:
            APIConnectionError: Not connected (`may_have_been_processed` is False), or cut before a status came (True).
            APITimeoutError: Not connected, or no byte, within the time.
        """
        is_upload = isinstance(request.body, MultipartBody)
        attempt = Attempt(request.limits.deadline, request.limits.read if is_upload else None)
        try:
            # Waiting for a slot is not connecting, so only the total time bounds it.
            is_free = self._slots.acquire(timeout=attempt.seconds_left())
        except DeadlineExceededError:
            is_free = False
        if not is_free:
            raise total_timed_out(request, is_written=False)
        session = self._injected
        on_close: Callable[[], None] = self._slots.release
        try:
            if session is None and is_recorded():
                session = self._plain_session(request)
                on_close = partial(_close, session, self._slots)
            return self._opened(request, attempt, session, on_close)
        except BaseException:
            on_close()
            raise

    def _opened(
        self,
        request: HTTPRequest,
        attempt: Attempt,
        session: requests.Session | None,
        on_close: Callable[[], None],
    ) -> RequestsResponse:
        current.attempt = attempt
        hiding = _query_unlogged() if request.is_signed else contextlib.nullcontext()
        try:
            with hiding:
                raw = self._send(request, attempt) if session is None else _send_through(session, request, attempt)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, requests.exceptions.RequestException):
                error.request = None  # it holds the headers, and they hold the key
            if session is not None and not attempt.is_written:
                attempt.is_written = not _failed_before_writing(error)
            raise _error_while_opening(error, request, attempt) from error
        finally:
            current.attempt = None
        if raw.status < 200:
            _close_connection(raw)
            raise interim_response(request, raw.status)
        return RequestsResponse(raw, request, attempt, on_close)

    def close(self) -> None:
        """Close idle connections. One that is being read closes when its reader ends."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def _send(self, request: HTTPRequest, attempt: Attempt) -> urllib3.BaseHTTPResponse:
        adapter = self._get_adapter()
        host = request.host
        route = adapter.routes.get(host)
        if route is None or route[0].pool is None:  # closed, because many other hosts were used since
            route = adapter.routes[host] = self._find_route(adapter, host)
        pool, is_forwarded = route
        connect, read = _timeout(request, attempt)
        return pool.urlopen(
            request.method,
            request.url if is_forwarded else request.url.removeprefix(host),
            body=cast("Any", request.body),
            headers=request.headers_sent(),
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=urllib3.Timeout(connect=connect, read=read),
            preload_content=False,
            decode_content=False,
        )

    def _get_adapter(self) -> Adapter:
        adapter = self._adapter
        if adapter is None:
            with self._lock:
                adapter = self._adapter
                if adapter is None:
                    adapter = self._adapter = Adapter(pool_maxsize=self._settings.max_connections)
        return adapter

    def _find_route(self, adapter: Adapter, host: str) -> Route:
        proxy = proxy_for(host, self._settings.proxies, _PROXIES)
        is_tls_proxy = proxy is not None and proxy.startswith("https:")
        is_over_socks = proxy is not None and is_socks(proxy)
        tls = self._get_tls() if is_tls_proxy or host.startswith("https:") else None
        manager: urllib3.PoolManager = adapter.poolmanager
        if proxy is not None:
            options = {"pools": _socks_pools()} if is_over_socks else {"proxy_ssl_context": tls} if is_tls_proxy else {}
            manager = adapter.proxy_manager_for(proxy, **options)
        # urllib3 sets the mode of the context to this for each connection.
        pool_options = {} if tls is None else {"ssl_context": tls, "cert_reqs": tls.verify_mode}
        pool = manager.connection_from_url(host, pool_kwargs=pool_options)
        return pool, proxy is not None and not is_over_socks and host.startswith("http:")

    def _get_tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = tls_context(self._settings.verify, self._settings.cert)
            return self._tls

    def _plain_session(self, request: HTTPRequest) -> requests.Session:
        """Return a session with these settings, through which a recorder or mock sees the request."""
        session = requests.Session()
        session.trust_env = False
        session.headers.clear()
        proxy = proxy_for(request.url, self._settings.proxies, _PROXIES)
        session.proxies = {} if proxy is None else {"all": proxy}
        session.verify = ca_bundle(self._settings.verify) or False
        session.cert = self._settings.cert
        return session


def _close(session: requests.Session, slots: threading.Semaphore) -> None:
    slots.release()
    session.close()


def _socks_pools() -> Pools:
    if importlib.util.find_spec("socks") is None:
        raise InvalidRequestError(
            "the proxy is a SOCKS proxy, which needs PySocks: pip install 'pinecone-assistant-integrations[socks]'"
        )
    from .socks_connections import SOCKS_POOLS  # noqa: PLC0415 - PySocks is an extra

    return SOCKS_POOLS


def _close_connection(raw: Any) -> None:
    """Close a response and its connection, on which more bytes will come."""
    connection = getattr(raw, "connection", None)
    raw.close()
    if connection is not None:
        connection.close()


def _look_first(
    response: requests.Response, *_args: Any, request: HTTPRequest, attempt: Attempt, **_options: Any
) -> None:
    """Check a response of an injected session before the session's own hooks run.

    A hook may read the body, which returns the connection to the pool; an interim response has no body, so its connection
    would go back with the answer still to come. And the session itself prepares a redirect even if it must not follow it: it
    would read the whole body, which may never end, and raise errors of any kind for a Location that is not a URL.
    """
    attempt.is_written = True  # whatever a hook raises
    raw = response.raw
    if response.status_code < 200:
        _close_connection(raw)
        raise interim_response(request, response.status_code)
    connection, original = getattr(raw, "connection", None), getattr(raw, "_original_response", None)
    if isinstance(original, http.client.HTTPResponse):  # a recorder has its own
        watch_reading(original, getattr(connection, "sock", None), attempt)
    response.headers.pop("Location", None)


_is_signed: contextvars.ContextVar[bool] = contextvars.ContextVar("is_signed", default=False)


class _CutQuery(logging.Filter):
    """Cut the query of a signed link out of urllib3's DEBUG log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut; the record stays."""
        if _is_signed.get() and isinstance(record.args, tuple):
            record.args = tuple(
                f"{arg.partition('?')[0]}?[cut]" if isinstance(arg, str) and "?" in arg else arg for arg in record.args
            )
        return True


_CUT_QUERY = _CutQuery()


@contextlib.contextmanager
def _query_unlogged() -> Iterator[None]:
    logging.getLogger("urllib3.connectionpool").addFilter(_CUT_QUERY)  # a filter is added only once
    token = _is_signed.set(True)
    try:
        yield
    finally:
        _is_signed.reset(token)


def _timeout(request: HTTPRequest, attempt: Attempt) -> tuple[float, float]:
    """Return the timeouts for connecting and for each wait for bytes, both within the rest of the total time."""
    connect, read = request.limits.connect, request.limits.read
    left = attempt.seconds_left()
    return (connect, read) if left is None else (min(connect, left), min(read, left))


def _send_through(session: requests.Session, request: HTTPRequest, attempt: Attempt) -> urllib3.BaseHTTPResponse:
    made = requests.Request(request.method, request.url, headers=request.headers_sent(), data=cast("Any", request.body))
    # The session's headers, cookies and login are for the service, not for the host of a signed link.
    prepared = made.prepare() if request.is_signed else session.prepare_request(made)
    prepared.hooks["response"].insert(0, partial(_look_first, request=request, attempt=attempt))
    settings = session.merge_environment_settings(request.url, {}, True, None, None)
    response = session.send(prepared, timeout=_timeout(request, attempt), allow_redirects=False, **settings)
    return as_urllib3(response.raw)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting.extend(arg for arg in current.args if isinstance(arg, BaseException))
        waiting.extend(
            inner for inner in (getattr(current, "reason", None), current.__cause__) if isinstance(inner, BaseException)
        )


def _failed_before_writing(error: Exception) -> bool:
    """Return whether a failure of an injected session, whose connections are not ours, came before the request was written.

    The class of the error does not show it: behind a proxy, urllib3 makes every failure a ProxyError. The place where it was
    raised does: `connect` opens the connection, its tunnel and TLS. A failure anywhere else counts as written, because a
    retry may bill twice.
    """
    causes = list(_causes(error))
    if isinstance(error, ValueError):
        # No URL, scheme or header of a request can be so; but urllib3's InvalidHeader is about the head of a response.
        return not any(isinstance(cause, urllib3.exceptions.InvalidHeader) for cause in causes)
    frames = [
        frame
        for cause in causes
        for frame, _ in traceback.walk_tb(cause.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith("urllib3.")
    ]
    # The session retries by itself: an attempt before the last one may have been written.
    earlier = [
        one.error for frame in frames if frame.f_code.co_name == "increment" for one in frame.f_locals["self"].history
    ]
    if not all(isinstance(before, _NOT_CONNECTED) for before in earlier):
        return False
    # The pool is closed if another thread closes the session.
    return any(isinstance(cause, urllib3.exceptions.ClosedPoolError) for cause in causes) or any(
        frame.f_code.co_name == "connect" for frame in frames
    )


def _error_while_opening(error: Exception, request: HTTPRequest, attempt: Attempt) -> AssistantError:
    causes = list(_causes(error))
    is_timeout = any(isinstance(cause, _TIMEOUTS) for cause in causes)
    if is_timeout and attempt.is_over:
        return total_timed_out(request, is_written=attempt.is_written)
    if not attempt.is_written:
        # urllib3 makes a NewConnectionError a ConnectTimeoutError by inheritance.
        is_refused = any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes)
        return connection_timed_out(request) if is_timeout and not is_refused else connection_failed(request, error)
    if any(map(refuses_certificate, causes)):
        return connection_failed(request, error)
    return read_timed_out(request) if is_timeout else connection_lost(request, error)


def _error_while_reading(error: Exception, request: HTTPRequest, attempt: Attempt) -> AssistantError:
    if not any(isinstance(cause, _TIMEOUTS) for cause in _causes(error)):
        return body_cut(request, error)
    return total_timed_out(request, is_written=True) if attempt.is_over else read_timed_out(request)
