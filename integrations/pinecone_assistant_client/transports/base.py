"""Interface of the transports: requests, responses, time limits, and the errors that both transports raise."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from ..errors import APIConnectionError, APITimeoutError, IncompleteStreamError, InvalidRequestError
from ..redaction import excerpt, without_secrets, words_of
from ..settings import DEFAULT_MAX_CONNECTIONS, Certificate, Limits
from ..wire.uploads import MultipartBody

_CERTIFICATE_REFUSED = re.compile(r"ALERT_\w*CERTIFICATE|ALERT_UNKNOWN_CA")
MAX_HEADERS = 1000
MAX_HEADER_BYTES = 128 * 1024
"""Bound of one header of an answer, with room for a policy or cookie of 64 KB, as some gateways add."""
KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # macOS has another name for it.
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", 0x10)), 60),
]
"""Options of every socket. A call may be silent for 300 s, and gateways forget connections that are silent for less."""
MAX_IDLE_SECONDS = 30.0
"""A connection idle for longer is not used again: the peer may have dropped it, and a lost POST may be billed."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Settings that decide which connections a request may use. Clients with equal ones share a transport."""

    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    verify: bool | str = True
    cert: Certificate = None
    max_connections: int = DEFAULT_MAX_CONNECTIONS


class DeadlineExceededError(TimeoutError):
    """The total time of a call is over."""


class Attempt:
    """One attempt to send a request: its time limits, and whether it was written.

    Attributes:
        deadline: When the total time is over, by `time.monotonic`; None means never.
        is_written: Whether the request, or a part of it, may have left.
        write_timeout: How long each write of a piece of its body may take; None is the connection's own timeout.
    """

    __slots__ = ("deadline", "is_written", "write_timeout")

    def __init__(self, deadline: float | None, write_timeout: float | None = None) -> None:
        self.is_written = False
        self.deadline = deadline
        self.write_timeout = write_timeout

    def seconds_left(self) -> float | None:
        """Return the rest of the total time; None if it is not bounded.

        Raises:
            DeadlineExceededError: The total time is over.
        """
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceededError
        return left

    @property
    def is_over(self) -> bool:
        """True if the total time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One request; `headers` hold the key.

    `is_signed`: the URL is a secret and goes to another host. It is not logged, and an injected session's headers, cookies
        and login are not added.
    `is_billed`: each sending may be billed, so after an unclear end it is sent again only with `retry_on_timeout=True`. Others
        are sent again anyway, or never.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | MultipartBody | None = field(repr=False)
    limits: Limits
    is_signed: bool = False
    is_billed: bool = False

    @property
    def host(self) -> str:
        """Scheme, name and port, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def headers_sent(self) -> dict[str, str]:
        """The headers, with those that say what the body is."""
        if isinstance(self.body, MultipartBody):
            return {**self.headers, "Content-Type": self.body.content_type, "Content-Length": str(len(self.body))}
        return {**self.headers, "Content-Type": "application/json"} if self.body is not None else dict(self.headers)


class HTTPResponse(Protocol):
    """An answer after its headers arrived. Header names are in lower case. Always close it."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> Iterator[bytes]:
        """The body's bytes as they arrive, decompressed."""

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""


class AsyncHTTPResponse(Protocol):
    """Async version of `HTTPResponse`."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive, decompressed."""

    async def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        InvalidRequestError: No event loop of asyncio runs, as under trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise InvalidRequestError(
            "no event loop of asyncio runs here, and async clients need one: under trio use the sync client in a thread, "
            "`await trio.to_thread.run_sync(client.chat_completion, messages)`, or run anyio with its asyncio backend"
        ) from None


_UNREPEATED = "; the request may have been processed and is not sent again by itself"
_SECOND_BILL = "set retry_on_timeout=True if a second bill is acceptable"


def connection_failed(request: HTTPRequest, error: BaseException) -> APIConnectionError:
    """Return the error for a request that was not written: no address, refused, TLS, proxy."""
    reason = reason_of(error)
    if "SSL" in reason or "TLS" in reason:
        return APIConnectionError(
            f"cannot connect to {request.host} over TLS ({reason}): check that the host is right and speaks TLS; for a "
            "certificate authority of your own pass verify= the path of its bundle"
        )
    if any(f"[Errno {number}]" in reason for number in (errno.EMFILE, errno.ENFILE)):
        return APIConnectionError(
            f"cannot connect to {request.host} ({reason}): this process has all the files and sockets open that it may have; "
            "lower max_connections=, close what is not needed, or raise the limit (`ulimit -n`)"
        )
    return APIConnectionError(
        f"cannot connect to {request.host} ({reason}): check the host, the network and any proxy, "
        "and that the server runs"
    )


def connection_timed_out(request: HTTPRequest) -> APITimeoutError:
    """Return the error for a connection that took too long; the request was not written."""
    return APITimeoutError(
        f"no connection to {request.host} within {request.limits.connect:g} s: check the host and the network, or raise timeout="
    )


def read_timed_out(request: HTTPRequest) -> APITimeoutError:
    """Return the error for a read timeout. The request may have been processed, and billed."""
    billed = _UNREPEATED if request.is_billed else ""
    again = f", or {_SECOND_BILL}" if request.is_billed else ""
    return APITimeoutError(
        f"{request.host} sent nothing for {request.limits.read:g} s{billed}: raise timeout={again}",
        may_have_been_processed=True,
    )


def total_timed_out(request: HTTPRequest, *, is_written: bool) -> APITimeoutError:
    """Return the error for a call that took longer than its total time. It is never retried."""
    billed = _UNREPEATED if is_written and request.is_billed else ""
    return APITimeoutError(
        f"the call to {request.host} took longer than total_timeout={request.limits.total:g} s{billed}: raise total_timeout=",
        may_have_been_processed=is_written,
    )


def connection_lost(request: HTTPRequest, error: BaseException) -> APIConnectionError:
    """Return the error for a connection that broke after the request was written and before a status came."""
    billed = _UNREPEATED if request.is_billed else ""
    advice = f"ask again, or {_SECOND_BILL}" if request.is_billed else "check the network and any proxy"
    return APIConnectionError(
        f"{request.host} closed the connection before it answered ({reason_of(error)}){billed}: {advice}",
        may_have_been_processed=True,
    )


def refuses_certificate(error: BaseException | None) -> bool:
    """Return whether a peer refused this client's certificate, or the lack of one.

    With TLS 1.3 the refusal comes after the client's first bytes, and the peer reads none of them.
    """
    return isinstance(error, OSError) and _CERTIFICATE_REFUSED.search(str(error)) is not None


def interim_response(request: HTTPRequest, status: int) -> APIConnectionError:
    """Return the error for an interim response in place of the answer. Its connection was closed before the answer came."""
    return APIConnectionError(
        f"{request.host} sent the interim status {status} where its answer was expected, and the connection was closed; the "
        "request may have been processed: leave http_session= out, or ask the operator of the gateway about it",
        may_have_been_processed=True,
    )


def body_cut(request: HTTPRequest, error: BaseException) -> IncompleteStreamError:
    """Return the error for a body that ended or broke before its end."""
    advice = "it may have been billed; ask again if that is acceptable" if request.is_billed else "try again"
    return IncompleteStreamError(f"{request.host} cut its answer ({reason_of(error)}): {advice}")


def reason_of(error: BaseException) -> str:
    """Return a short text of the innermost cause of a library's error, without secrets."""
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
    text = without_secrets(words_of(error)).strip().rpartition(">: ")[2]
    # For a head that was cut, aiohttp's message is only a repr.
    return type(error).__name__ if not text or text.startswith("<") else excerpt(text)
