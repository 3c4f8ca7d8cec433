"""How `AssistantClient` asks: opening with retries, reading whole or in chunks, the host's look-up. Sync."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable

from .answers import ChatCompletion, ChatCompletionChunk
from .client_base import BaseClient, BodyBuffer, after_a_cut
from .errors import AssistantError
from .messages import SystemMessages
from .options import ChatOptions, MessageLike, NotGiven
from .retries import OnRetry
from .settings import Timeout
from .shaping import AnswerShaper, shaper_for
from .transports.base import HTTPResponse
from .transports.connections import join_look_up, release, remembered_host
from .wire.protocol import WireRequest, build_describe_request


class Exchange(BaseClient):
    """Sends requests and reads answers, sync; what is asked and what it means is decided below."""

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
        answer = self._decode(wire, self._read(wire, seconds, on_retry))
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
    ) -> Generator[ChatCompletionChunk, None, None]:
        wire, seconds = self._prepare(messages, options, timeout, stream=True, system_messages=system_messages)
        chunks = self._chunks(wire, seconds, on_retry)
        shaper = shaper_for(stop, strip_references=strip_references, strip_citations=strip_citations)
        return chunks if shaper is None else _shaped(chunks, shaper)

    def _chunks(
        self, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None
    ) -> Generator[ChatCompletionChunk, None, None]:
        decoder = self._decoder(wire)
        response = self._open(wire, timeout, on_retry)
        try:
            with self._secrets_cut():
                try:
                    for data in response.chunks():
                        yield from decoder.feed(data)
                        if decoder.is_done:
                            break
                except AssistantError as error:
                    after_a_cut(decoder, error, self._settings)
                    return
                yield from decoder.finish()
        finally:
            response.close()

    def _read(self, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None) -> bytes:
        return self._read_all(self._open(wire, timeout, on_retry))

    def _read_all(self, response: HTTPResponse) -> bytes:
        try:
            with self._secrets_cut():
                return _body(response)
        finally:
            response.close()

    def _open(self, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None) -> HTTPResponse:
        base_url = self._settings.base_url or self._look_up_host(timeout, on_retry)
        return self._open_at(base_url, wire, timeout, on_retry)

    def _open_at(
        self, base_url: str, wire: WireRequest, timeout: tuple[float, float], on_retry: OnRetry | None
    ) -> HTTPResponse:
        transport = self._start().sync
        request = self._http_request(wire, base_url, timeout)

        def attempt() -> HTTPResponse:
            with self._secrets_cut():
                response = transport.open(request)
            if 200 <= response.status < 300:
                return response
            try:
                raise self._status_error(response, request, _error_body(response))
            finally:
                response.close()

        return self._retries.call(attempt, repeatable=wire.repeatable, on_retry=on_retry)

    def _look_up_host(self, timeout: tuple[float, float], on_retry: OnRetry | None) -> str:
        key = self._host_key()
        while (host := remembered_host(key)) is None:
            look_up, is_first = join_look_up(key, None, threading.Event)
            if is_first:
                with look_up:
                    return remembered_host(key) or self._ask_for_host(timeout, on_retry)
            look_up.done.wait()
            look_up.raise_error()
        return host

    def _ask_for_host(self, timeout: tuple[float, float], on_retry: OnRetry | None) -> str:
        wire = build_describe_request(self._assistant())
        response = self._open_at(self._settings.controller_url, wire, timeout, on_retry)
        return self._checked_host(self._read_all(response))


def _body(response: HTTPResponse) -> bytes:
    buffer = BodyBuffer()
    for data in response.chunks():
        buffer.add(data)
    return buffer.joined()


def _error_body(response: HTTPResponse) -> bytes:
    """The beginning of an error's body; what cannot be read of it is left out, because the status already tells."""
    buffer = BodyBuffer()
    try:
        for data in response.chunks():
            if buffer.is_enough_of_an_error(data):
                break
    except AssistantError:
        pass
    return buffer.joined()


def _shaped(
    chunks: Generator[ChatCompletionChunk, None, None], shaper: AnswerShaper
) -> Generator[ChatCompletionChunk, None, None]:
    try:
        for chunk in chunks:
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
        chunks.close()
