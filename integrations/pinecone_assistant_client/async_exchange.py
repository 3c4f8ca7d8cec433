"""How `AsyncAssistantClient` asks: opening with retries, reading, the host's look-up. As `exchange.py` but for `await`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from .answers import ChatCompletion, ChatCompletionChunk
from .client_base import BaseClient, BodyBuffer, after_a_cut
from .errors import AssistantError
from .messages import SystemMessages
from .options import ChatOptions, MessageLike, NotGiven
from .retries import OnRetry
from .settings import Timeout
from .shaping import AnswerShaper, shaper_for
from .transports.base import AsyncHTTPResponse
from .transports.connections import join_look_up, release, remembered_host
from .wire.protocol import WireRequest, build_describe_request


class AsyncExchange(BaseClient):
    """Sends requests and reads answers, async; what is asked and what it means is decided below."""

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
        *,
        stop: tuple[str, ...] = (),
        strip_references: bool = False,
        strip_citations: bool = False,
        json_response: bool = False,
        system_messages: SystemMessages = "merge",
        on_retry: OnRetry | None = None,
    ) -> ChatCompletion:
        wire, seconds = self._prepare(
            messages, options, timeout, stream=False, json_response=json_response, system_messages=system_messages
        )
        answer = self._decode(wire, await self._read(wire, seconds, on_retry))
        shaper = shaper_for(stop, strip_references=strip_references, strip_citations=strip_citations)
        return answer if shaper is None else shaper.whole(answer)

    def _streamed(
        self,
        messages: Iterable[MessageLike],
        options: ChatOptions,
        timeout: Timeout | NotGiven,
        *,
        stop: tuple[str, ...] = (),
        strip_references: bool = False,
        strip_citations: bool = False,
        system_messages: SystemMessages = "merge",
        on_retry: OnRetry | None = None,
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        wire, seconds = self._prepare(messages, options, timeout, stream=True, system_messages=system_messages)
        chunks = self._chunks(wire, seconds, on_retry)
        shaper = shaper_for(stop, strip_references=strip_references, strip_citations=strip_citations)
        return chunks if shaper is None else _shaped(chunks, shaper)

    async def _chunks(
        self, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        decoder = self._decoder(wire)
        response = await self._open(wire, timeout, on_retry)
        try:
            with self._secrets_cut():
                try:
                    async for data in response.chunks():
                        for chunk in decoder.feed(data):
                            yield chunk
                        if decoder.is_done:
                            break
                except AssistantError as error:
                    after_a_cut(decoder, error, self._settings)
                    return
                for chunk in decoder.finish():
                    yield chunk
        finally:
            await response.close()

    async def _read(self, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None) -> bytes:
        return await self._read_all(await self._open(wire, timeout, on_retry))

    async def _read_all(self, response: AsyncHTTPResponse) -> bytes:
        try:
            with self._secrets_cut():
                return await _body(response)
        finally:
            await response.close()

    async def _open(
        self, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None
    ) -> AsyncHTTPResponse:
        base_url = self._settings.base_url or await self._look_up_host(timeout, on_retry)
        return await self._open_at(base_url, wire, timeout, on_retry)

    async def _open_at(
        self, base_url: str, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None
    ) -> AsyncHTTPResponse:
        transport = self._start().asynchronous
        request = self._http_request(wire, base_url, timeout)

        async def attempt() -> AsyncHTTPResponse:
            with self._secrets_cut():
                response = await transport.open(request)
            if 200 <= response.status < 300:
                return response
            try:
                raise self._status_error(response, request, await _error_body(response))
            finally:
                await response.close()

        return await self._retries.acall(attempt, repeatable=wire.repeatable, on_retry=on_retry)

    async def _look_up_host(self, timeout: tuple[float, float], on_retry: OnRetry | None) -> str:
        key = self._host_key()
        while (host := remembered_host(key)) is None:
            look_up, is_first = join_look_up(key, asyncio.get_running_loop(), asyncio.Event)
            if is_first:
                with look_up:
                    return remembered_host(key) or await self._ask_for_host(timeout, on_retry)
            await look_up.done.wait()
            look_up.raise_error()
        return host

    async def _ask_for_host(self, timeout: tuple[float, float], on_retry: OnRetry | None) -> str:
        wire = build_describe_request(self._assistant())
        response = await self._open_at(self._settings.controller_url, wire, timeout, on_retry)
        return self._checked_host(await self._read_all(response))


async def _body(response: AsyncHTTPResponse) -> bytes:
    buffer = BodyBuffer()
    async for data in response.chunks():
        buffer.add(data)
    return buffer.joined()


async def _error_body(response: AsyncHTTPResponse) -> bytes:
    """The beginning of an error's body; what cannot be read of it is left out, because the status already tells."""
    buffer = BodyBuffer()
    try:
        async for data in response.chunks():
            if buffer.is_enough_of_an_error(data):
                break
    except AssistantError:
        pass
    return buffer.joined()


async def _shaped(
    chunks: AsyncGenerator[ChatCompletionChunk, None], shaper: AnswerShaper
) -> AsyncGenerator[ChatCompletionChunk, None]:
    try:
        async for chunk in chunks:
            shaped = shaper.feed(chunk)
            if shaped is not None:
                yield shaped
        rest = shaper.finish()
        if rest is not None:
            yield rest
    except AssistantError as error:
        shaper.shape_error(error)
        raise
    finally:
        await chunks.aclose()
