"""Send the requests of `AssistantClient` (sync): retry them, read answers whole or in chunks, and look up the host."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import TypeVar

from .answers import ChatCompletion, ChatCompletionChunk
from .client_base import BaseClient, BodyBuffer, Reply, SignedLink, after_a_cut, signed_request
from .errors import AssistantError
from .hosts import decode_host, find_host
from .messages import SystemMessages
from .options import NOT_GIVEN, ChatOptions, MessageLike, NotGiven
from .retries import OnRetry
from .settings import Limits, Timeout
from .shaping import AnswerDecoder, shaper_for
from .transports.base import HTTPResponse
from .transports.connections import release
from .wire.error_mapping import error_of_link
from .wire.protocol import WireRequest, build_describe_request

_T = TypeVar("_T")


class Exchange(BaseClient):
    """Send requests and read answers, sync. Other modules build the requests and decode the answers."""

    def close(self) -> None:
        """Release the connections; they are closed if no other client or model uses them. Later use opens them again."""
        shared, self._connections = self._connections, None
        if shared is not None and release(shared, self):
            shared.close()

    def _whole(
        self,
        messages: Iterable[MessageLike],
        options: ChatOptions,
        timeout: Timeout | NotGiven,
        total_timeout: float | NotGiven | None,
        *,
        stop: tuple[str, ...] = (),
        strip_references: bool = False,
        strip_citations: bool = False,
        json_response: bool = False,
        system_messages: SystemMessages = "merge",
        on_retry: OnRetry | None = None,
    ) -> ChatCompletion:
        wire, limits = self._prepare(
            messages,
            options,
            timeout,
            total_timeout,
            stream=False,
            json_response=json_response,
            system_messages=system_messages,
        )
        answer = self._decode(wire, self._read(wire, limits, on_retry))
        shaper = shaper_for(stop, strip_references=strip_references, strip_citations=strip_citations)
        return answer if shaper is None else shaper.whole(answer)

    def _streamed(
        self,
        messages: Iterable[MessageLike],
        options: ChatOptions,
        timeout: Timeout | NotGiven,
        total_timeout: float | NotGiven | None,
        *,
        stop: tuple[str, ...] = (),
        strip_references: bool = False,
        strip_citations: bool = False,
        system_messages: SystemMessages = "merge",
        on_retry: OnRetry | None = None,
    ) -> Generator[ChatCompletionChunk, None, None]:
        wire, limits = self._prepare(
            messages, options, timeout, total_timeout, stream=True, system_messages=system_messages
        )
        shaper = shaper_for(stop, strip_references=strip_references, strip_citations=strip_citations)
        return self._chunks(wire, self._decoder(wire, shaper), limits, on_retry)

    def _chunks(
        self, wire: WireRequest, decoder: AnswerDecoder, limits: Limits, on_retry: OnRetry | None
    ) -> Generator[ChatCompletionChunk, None, None]:
        response = self._open(wire, limits, on_retry)
        with self._secrets_cut():
            try:
                try:
                    for data in response.chunks():
                        yield from decoder.feed(data)
                        if decoder.is_done:
                            break
                except AssistantError as error:
                    yield from after_a_cut(decoder, error, self._settings)
                    return
                yield from decoder.finish()
            finally:
                response.close()

    def _read(self, wire: WireRequest, limits: Limits, on_retry: OnRetry | None) -> bytes:
        return self._read_all(self._open(wire, limits, on_retry))

    def _read_all(self, response: HTTPResponse) -> bytes:
        with self._secrets_cut():
            try:
                return _body(response)
            finally:
                response.close()

    def _open(self, wire: WireRequest, limits: Limits, on_retry: OnRetry | None) -> HTTPResponse:
        limits = limits.started(time.monotonic())
        base_url = self._settings.base_url or self._find_host(limits, on_retry)
        return self._open_at(base_url, wire, limits, on_retry)

    def _open_at(self, base_url: str, wire: WireRequest, limits: Limits, on_retry: OnRetry | None) -> HTTPResponse:
        return self._send(base_url, wire, limits, on_retry, lambda response: response)

    def _send(
        self,
        base_url: str,
        wire: WireRequest,
        limits: Limits,
        on_retry: OnRetry | None,
        take: Callable[[HTTPResponse], _T],
    ) -> _T:
        """Send a request and return what `take` makes of its answer. A failure of `take` is retried as one of the request."""
        transport = self._start().sync
        request = self._http_request(wire, base_url, limits)

        def attempt() -> _T:
            with self._secrets_cut():
                response = transport.open(request)
                if 200 <= response.status < 300:
                    return take(response)
                try:
                    raise self._status_error(response, request, _error_body(response), wire.subject)
                finally:
                    response.close()

        retries = self._retries.for_one_send() if wire.is_sent_once else self._retries
        return retries.call(attempt, repeatable=wire.repeatable, on_retry=on_retry, deadline=limits.deadline)

    def _reply_of(self, response: HTTPResponse) -> Reply:
        return Reply(response.status, self._read_all(response))

    def _find_host(self, limits: Limits, on_retry: OnRetry | None) -> str:
        def ask() -> str:
            wire = build_describe_request(self._assistant())
            body = self._send(self._settings.controller_url, wire, limits, on_retry, self._read_all)
            return self._decoded(partial(decode_host, self._settings), body)

        return find_host(self._settings, ask, limits)


def send(
    exchange: Exchange,
    wire: WireRequest,
    timeout: Timeout | NotGiven,
    total_timeout: float | NotGiven | None,
    on_retry: OnRetry | None,
    *,
    is_control: bool = False,
) -> Reply:
    """Send a request to the data plane or the control plane and read its whole answer."""
    exchange._start()
    limits = exchange._limits(timeout, total_timeout).started(time.monotonic())
    base_url = exchange._settings.controller_url if is_control else exchange._settings.base_url
    base_url = base_url or exchange._find_host(limits, on_retry)
    if wire.is_read_again:
        return exchange._send(base_url, wire, limits, on_retry, exchange._reply_of)
    return exchange._reply_of(exchange._open_at(base_url, wire, limits, on_retry))


def fetch(exchange: Exchange, link: SignedLink, on_retry: OnRetry | None) -> bytes:
    """Read the content behind a signed link, at most `link.max_bytes`. The key is not sent; redirects are not followed."""
    transport = exchange._start().sync
    limits = exchange._limits(NOT_GIVEN).started(time.monotonic())
    request = signed_request(link, limits)

    def attempt() -> bytes:
        with exchange._secrets_cut():
            response = transport.open(request)
            try:
                if response.status == 200:
                    return _body(response, link.max_bytes)
                raise error_of_link(response.status, response.headers, request.host, link.subject, now=time.time())
            finally:
                response.close()

    return exchange._retries.call(attempt, repeatable=True, on_retry=on_retry, deadline=limits.deadline)


def _body(response: HTTPResponse, max_bytes: int | None = None) -> bytes:
    buffer = BodyBuffer(max_bytes)
    for data in response.chunks():
        buffer.add(data)
    return buffer.joined()


def _error_body(response: HTTPResponse) -> bytes:
    """The beginning of an error's body. A part that cannot be read is left out: the status says enough for an error."""
    buffer = BodyBuffer()
    try:
        for data in response.chunks():
            if buffer.is_enough_of_an_error(data):
                break
    except AssistantError:
        pass
    return buffer.joined()
