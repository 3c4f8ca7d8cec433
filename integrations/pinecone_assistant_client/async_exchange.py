"""Send requests for `AsyncAssistantClient`: retries, reading, host lookup. Mirrors `exchange.py`, with `await`."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

from .answers import ChatCompletion, ChatCompletionChunk
from .client_base import BaseClient, BodyBuffer, Reply, SignedLink, after_a_cut, signed_request
from .errors import AssistantError
from .hosts import decode_host, find_host_async
from .messages import SystemMessages
from .options import NOT_GIVEN, ChatOptions, MessageLike, NotGiven
from .retries import OnRetry
from .settings import Limits, Timeout
from .shaping import AnswerDecoder, shaper_for
from .transports.base import AsyncHTTPResponse
from .transports.connections import release
from .wire.error_mapping import error_of_link
from .wire.protocol import WireRequest, build_describe_request

_T = TypeVar("_T")


class AsyncExchange(BaseClient):
    """Send requests and read answers, async. Building requests and decoding answers is left to the modules below."""

    async def close(self) -> None:
        """Release the connections; they are closed if no other client or model uses them. Later use opens them again."""
        shared, self._connections = self._connections, None
        if shared is not None and release(shared, self):
            await shared.aclose()

    async def _whole(
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
        answer = self._decode(wire, await self._read(wire, limits, on_retry))
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
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        wire, limits = self._prepare(
            messages, options, timeout, total_timeout, stream=True, system_messages=system_messages
        )
        shaper = shaper_for(stop, strip_references=strip_references, strip_citations=strip_citations)
        return self._chunks(wire, self._decoder(wire, shaper), limits, on_retry)

    async def _chunks(
        self, wire: WireRequest, decoder: AnswerDecoder, limits: Limits, on_retry: OnRetry | None
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        response = await self._open(wire, limits, on_retry)
        with self._secrets_cut():
            try:
                try:
                    async for data in response.chunks():
                        for chunk in decoder.feed(data):
                            yield chunk
                        if decoder.is_done:
                            break
                except AssistantError as error:
                    for chunk in after_a_cut(decoder, error, self._settings):
                        yield chunk
                    return
                for chunk in decoder.finish():
                    yield chunk
            finally:
                await response.close()

    async def _read(self, wire: WireRequest, limits: Limits, on_retry: OnRetry | None) -> bytes:
        return await self._read_all(await self._open(wire, limits, on_retry))

    async def _read_all(self, response: AsyncHTTPResponse) -> bytes:
        with self._secrets_cut():
            try:
                return await _body(response)
            finally:
                await response.close()

    async def _open(self, wire: WireRequest, limits: Limits, on_retry: OnRetry | None) -> AsyncHTTPResponse:
        limits = limits.started(time.monotonic())
        base_url = self._settings.base_url or await self._find_host(limits, on_retry)
        return await self._open_at(base_url, wire, limits, on_retry)

    async def _open_at(
        self, base_url: str, wire: WireRequest, limits: Limits, on_retry: OnRetry | None
    ) -> AsyncHTTPResponse:
        async def take(response: AsyncHTTPResponse) -> AsyncHTTPResponse:
            return response

        return await self._send(base_url, wire, limits, on_retry, take)

    async def _send(
        self,
        base_url: str,
        wire: WireRequest,
        limits: Limits,
        on_retry: OnRetry | None,
        take: Callable[[AsyncHTTPResponse], Awaitable[_T]],
    ) -> _T:
        """Send a request and return what `take` makes of its answer. A failure of `take` is retried as one of the request."""
        transport = self._start().asynchronous
        request = self._http_request(wire, base_url, limits)

        async def attempt() -> _T:
            with self._secrets_cut():
                response = await transport.open(request)
                if 200 <= response.status < 300:
                    return await take(response)
                try:
                    raise self._status_error(response, request, await _error_body(response), wire.subject)
                finally:
                    await response.close()

        retries = self._retries.for_one_send() if wire.is_sent_once else self._retries
        return await retries.acall(attempt, repeatable=wire.repeatable, on_retry=on_retry, deadline=limits.deadline)

    async def _reply_of(self, response: AsyncHTTPResponse) -> Reply:
        return Reply(response.status, await self._read_all(response))

    async def _find_host(self, limits: Limits, on_retry: OnRetry | None) -> str:
        async def ask() -> str:
            wire = build_describe_request(self._assistant())
            body = await self._send(self._settings.controller_url, wire, limits, on_retry, self._read_all)
            return self._decoded(partial(decode_host, self._settings), body)

        return await find_host_async(self._settings, ask, limits)


async def asend(
    exchange: AsyncExchange,
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
    base_url = base_url or await exchange._find_host(limits, on_retry)
    if wire.is_read_again:
        return await exchange._send(base_url, wire, limits, on_retry, exchange._reply_of)
    return await exchange._reply_of(await exchange._open_at(base_url, wire, limits, on_retry))


async def afetch(exchange: AsyncExchange, link: SignedLink, on_retry: OnRetry | None) -> bytes:
    """Read the content behind a signed link, up to a size. The key is not sent and redirects are not followed."""
    transport = exchange._start().asynchronous
    limits = exchange._limits(NOT_GIVEN).started(time.monotonic())
    request = signed_request(link, limits)

    async def attempt() -> bytes:
        with exchange._secrets_cut():
            response = await transport.open(request)
            try:
                if response.status == 200:
                    return await _body(response, link.max_bytes)
                raise error_of_link(response.status, response.headers, request.host, link.subject, now=time.time())
            finally:
                await response.close()

    return await exchange._retries.acall(attempt, repeatable=True, on_retry=on_retry, deadline=limits.deadline)


async def _body(response: AsyncHTTPResponse, max_bytes: int | None = None) -> bytes:
    buffer = BodyBuffer(max_bytes)
    async for data in response.chunks():
        buffer.add(data)
    return buffer.joined()


async def _error_body(response: AsyncHTTPResponse) -> bytes:
    """The beginning of an error's body. A part that cannot be read is left out: the status says enough for an error."""
    buffer = BodyBuffer()
    try:
        async for data in response.chunks():
            if buffer.is_enough_of_an_error(data):
                break
    except AssistantError:
        pass
    return buffer.joined()
