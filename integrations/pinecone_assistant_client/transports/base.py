"""What a transport takes and gives, and the errors that both transports word alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from ..errors import APIConnectionError, APITimeoutError, IncompleteStreamError
from ..redaction import excerpt, without_secrets

MAX_IDLE_SECONDS = 30.0
"""A connection idle for longer is not used again: the peer may have dropped it, and a lost POST may be billed."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """What decides which connections a request may use; transports are shared by equal settings."""

    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    verify: bool | str = True


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One request. `timeout` is (connect, read) in seconds; `headers` hold the key."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: tuple[float, float]

    @property
    def host(self) -> str:
        """Scheme, name and port, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def headers_sent(self) -> dict[str, str]:
        """The headers, with the one that says what the body is."""
        return {**self.headers, "Content-Type": "application/json"} if self.body is not None else dict(self.headers)


class HTTPResponse(Protocol):
    """An answer whose headers came. Header names are in lower case. Close it in every case."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> Iterator[bytes]:
        """The body's bytes as they arrive, decompressed."""

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""


class AsyncHTTPResponse(Protocol):
    """As HTTPResponse, for an event loop."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive, decompressed."""

    async def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""


def connection_failed(request: HTTPRequest, error: BaseException) -> APIConnectionError:
    """The request was not written: no address, refused, TLS, proxy."""
    reason = reason_of(error)
    if "SSL" in reason or "TLS" in reason:
        return APIConnectionError(
            f"cannot connect to {request.host} over TLS ({reason}): check that the host is right and speaks TLS; for a "
            "certificate authority of your own pass verify= the path of its bundle"
        )
    return APIConnectionError(
        f"cannot connect to {request.host} ({reason}): check the host, the network and any proxy, "
        "and that the server runs"
    )


def connection_timed_out(request: HTTPRequest) -> APITimeoutError:
    """No connection within the time; the request was not written."""
    return APITimeoutError(
        f"no connection to {request.host} within {request.timeout[0]:g} s: check the host and the network, or raise timeout="
    )


def read_timed_out(request: HTTPRequest) -> APITimeoutError:
    """No byte came within the time. The request may have been processed, and billed."""
    return APITimeoutError(
        f"{request.host} sent nothing for {request.timeout[1]:g} s; the request may have been processed and is not "
        "sent again by itself: raise timeout=, or set retry_on_timeout=True if a second bill is acceptable",
        may_have_been_processed=True,
    )


def connection_lost(request: HTTPRequest, error: BaseException) -> APIConnectionError:
    """The connection broke after the request was written and before a status came."""
    return APIConnectionError(
        f"{request.host} closed the connection before it answered ({reason_of(error)}); the request may have been "
        "processed and is not sent again by itself: ask again, or set retry_on_timeout=True if a second bill is acceptable",
        may_have_been_processed=True,
    )


def body_cut(request: HTTPRequest, error: BaseException) -> IncompleteStreamError:
    """The body ended or broke before its end."""
    return IncompleteStreamError(
        f"{request.host} cut its answer ({reason_of(error)}): it may have been billed; ask again if that is acceptable"
    )


def reason_of(error: BaseException) -> str:
    """The innermost cause of a library's error in a few words, without anything secret."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None) or error.__cause__ or (error.args[0] if error.args else None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    # urllib3 puts the repr of its connection in front: "<...HTTPConnection object at 0x7f..>: Failed to ..."
    text = without_secrets(str(error)).strip().rpartition(">: ")[2]
    # aiohttp says no more than the repr of a head that was cut.
    return type(error).__name__ if not text or text.startswith("<") else excerpt(text)
