"""The sync transport: requests, used where it is fast and read where it holds nothing back.

An adapter of requests finds the pool for a host, with its proxy and TLS, once; after that requests go straight to the pool.
That path reads no environment, so proxies and the CA bundle are resolved here, once per host, and netrc never.
CPU of a call: `Session.post` 935 us, a prepared request through the adapter 499, and the pool saves 110 of these (measured).
An injected session goes its own way, with all its settings.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import requests
import requests.adapters
import requests.certs
import requests.exceptions
import requests.utils
import urllib3
import urllib3.connection
import urllib3.exceptions

from ..errors import AssistantError
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
from .environment import environment_ca, proxies_for

_POOL_MAXSIZE = 64
_READ_BYTES = 65536
_ONE_WRITE_BYTES = 65536
"""Up to here head and body are joined for one write; a long conversation is not copied for that."""


class _Fresh:
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
        return bool(super().is_connected)  # type: ignore[misc]  # of the class it is mixed into

    def connect(self) -> None:
        """Open; everything that fails here failed before the request was written."""
        try:
            super().connect()  # type: ignore[misc]  # of the class it is mixed into
        except ssl.SSLError as error:
            raise urllib3.exceptions.NewConnectionError(cast("Any", self), f"TLS failed: {error}") from error
        except TimeoutError as error:  # in the TLS handshake, or before a proxy answered
            raise urllib3.exceptions.ConnectTimeoutError(cast("Any", self), str(error)) from error
        except ConnectionError as error:
            raise urllib3.exceptions.NewConnectionError(cast("Any", self), str(error)) from error

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send, head and body at once."""
        self._used_at = time.monotonic()
        self._corked = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]  # of the class it is mixed into
        finally:
            pieces, self._corked = self._corked, None
        if sum(map(len, pieces)) <= _ONE_WRITE_BYTES:
            pieces = [b"".join(pieces)]
        for data in pieces:
            self.send(data)

    def send(self, data: Any) -> None:
        """Write, or keep for the one write at the end of the request."""
        if self._corked is not None and isinstance(data, bytes):
            self._corked.append(data)
        else:
            super().send(data)  # type: ignore[misc]  # of the class it is mixed into


class _FreshHTTPConnection(_Fresh, urllib3.connection.HTTPConnection):
    pass


class _FreshHTTPSConnection(_Fresh, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _FreshHTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _FreshHTTPSConnection


_Route = tuple[urllib3.HTTPConnectionPool, bool]
"""The pool for a host, and whether a proxy forwards its requests and so needs whole URLs."""
_POOLS: dict[str, type[urllib3.HTTPConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, **options: Any) -> None:
        self.routes: dict[str, _Route] = {}
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def close(self) -> None:
        """Close idle connections now: urllib3 2 waits until nobody, not even an exception, refers to their pool."""
        for manager in [self.poolmanager, *self.proxy_manager.values()]:
            for key in manager.pools.keys():  # noqa: SIM118 - this mapping refuses to be iterated
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> urllib3.ProxyManager:
        manager: urllib3.ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class RequestsResponse:
    """An answer read through urllib3's public readers."""

    def __init__(self, raw: Any, request: HTTPRequest) -> None:
        self._raw = raw
        self._request = request
        self.status: int = raw.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in raw.headers.items()}

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives.

        `iter_content(None)` holds a close-delimited body until its end and `iter_lines` up to 512 bytes; these two
        readers hold nothing back (measured, 5 us a token).
        """
        raw = self._raw
        try:
            if raw.chunked:
                # The bound is for hostile bodies: one huge chunk, or one that unpacks to gigabytes.
                yield from raw.read_chunked(_READ_BYTES, decode_content=True)
            else:
                while data := raw.read1(_READ_BYTES, decode_content=True):
                    yield data
        except (urllib3.exceptions.HTTPError, requests.exceptions.RequestException, OSError) as error:
            raise _error_while_reading(error, self._request) from error

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        self._raw.close()
        self._raw.release_conn()


class RequestsTransport:
    """Requests over one shared session, or over one that the user injected (which is never closed here)."""

    def __init__(self, settings: TransportSettings, session: requests.Session | None = None) -> None:
        self._settings = settings
        self._injected = session
        self._adapter: _Adapter | None = None
        self._lock = threading.Lock()

    def open(self, request: HTTPRequest) -> RequestsResponse:
        """Send and wait for the headers.

        Raises:
            APIConnectionError: Not connected, or cut before a status; `may_have_been_processed` tells which.
            APITimeoutError: Not connected, or no byte, within the time.
        """
        try:
            raw = self._send(request) if self._injected is None else _send_injected(self._injected, request)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, requests.exceptions.RequestException):
                error.request = None  # it holds the headers, and they hold the key
            raise _error_while_opening(error, request) from error
        return RequestsResponse(raw, request)

    def close(self) -> None:
        """Close idle connections. One that is being read closes when its reader ends."""
        with self._lock:
            adapter, self._adapter = self._adapter, None
        if adapter is not None:
            adapter.close()

    def _send(self, request: HTTPRequest) -> urllib3.BaseHTTPResponse:
        adapter = self._get_adapter()
        host = request.host
        route = adapter.routes.get(host)
        if route is None or route[0].pool is None:  # closed, because many other hosts were asked since
            route = adapter.routes[host] = self._find_route(adapter, host)
        pool, is_forwarded = route
        connect, read = request.timeout
        return pool.urlopen(
            request.method,
            request.url if is_forwarded else request.url.removeprefix(host),
            body=request.body,
            headers=request.headers_sent(),
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=urllib3.Timeout(connect=connect, read=read),
            preload_content=False,
            decode_content=False,
        )

    def _get_adapter(self) -> _Adapter:
        adapter = self._adapter
        if adapter is None:
            with self._lock:
                adapter = self._adapter
                if adapter is None:
                    adapter = self._adapter = _Adapter(pool_maxsize=_POOL_MAXSIZE)
        return adapter

    def _find_route(self, adapter: _Adapter, host: str) -> _Route:
        verify = self._settings.verify
        if verify is True:
            verify = environment_ca() or True
        proxies = proxies_for(host, self._settings.proxies)
        probe = requests.Request("GET", host + "/").prepare()
        pool = adapter.get_connection_with_tls_context(probe, verify, proxies=proxies)
        adapter.cert_verify(pool, probe.url, verify, None)  # type: ignore[no-untyped-call]  # requests has no types
        return cast("urllib3.HTTPConnectionPool", pool), adapter.request_url(probe, proxies) != "/"


def _forget_location(response: requests.Response, *_args: Any, **_options: Any) -> None:
    """Keep the session from looking at a redirect that it may not follow.

    It would read the whole body, which may never end, and fail for a Location that is no URL with errors of any kind.
    """
    response.headers.pop("Location", None)


def _send_injected(session: requests.Session, request: HTTPRequest) -> urllib3.BaseHTTPResponse:
    prepared = session.prepare_request(
        requests.Request(request.method, request.url, headers=request.headers_sent(), data=request.body)
    )
    prepared.register_hook("response", _forget_location)  # type: ignore[no-untyped-call] # has no types
    settings = session.merge_environment_settings(request.url, {}, True, None, None)
    response = session.send(prepared, timeout=request.timeout, allow_redirects=False, **settings)
    return cast("urllib3.BaseHTTPResponse", response.raw)


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


def _error_while_opening(error: Exception, request: HTTPRequest) -> AssistantError:
    causes = list(_causes(error))
    kinds = tuple(type(cause) for cause in causes)

    def has(*classes: type[BaseException]) -> bool:
        return any(issubclass(kind, classes) for kind in kinds)

    if has(urllib3.exceptions.ClosedPoolError):  # another thread closed the client; a retry opens it again
        return connection_failed(request, error)
    # NewConnectionError is a ConnectTimeoutError by inheritance in urllib3, so it is asked for first.
    if has(urllib3.exceptions.NewConnectionError, urllib3.exceptions.ProxyError, requests.exceptions.ProxyError):
        return connection_failed(request, error)
    if has(urllib3.exceptions.ConnectTimeoutError, requests.exceptions.ConnectTimeout):
        return connection_timed_out(request)
    if has(urllib3.exceptions.SSLError, requests.exceptions.SSLError, requests.exceptions.InvalidURL):
        return connection_failed(request, error)
    if has(urllib3.exceptions.TimeoutError, requests.exceptions.Timeout, TimeoutError):
        return read_timed_out(request)
    if has(urllib3.exceptions.LocationValueError, requests.exceptions.InvalidSchema):
        return connection_failed(request, error)
    return connection_lost(request, error)


def _error_while_reading(error: Exception, request: HTTPRequest) -> AssistantError:
    if any(
        isinstance(cause, (urllib3.exceptions.TimeoutError, requests.exceptions.Timeout, TimeoutError))
        for cause in _causes(error)
    ):
        return read_timed_out(request)
    return body_cut(request, error)
