"""`total_timeout`: wall clock from the request to the last byte, also for a peer that drips; never retried."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_client import (
    APITimeoutError,
    AssistantError,
    InternalServerError,
    InvalidRequestError,
    RateLimitError,
)

from ..support.asking import KEY, Asking
from ..support.bodies import QUESTION, TEXT, completion, part
from ..support.broken_peers import session_options
from ..support.raw_server import HOLD, Pause, RawServer, Step, chunk, head, reply, streamed

pytestmark = pytest.mark.usefixtures("no_proxy_of_this_machine")

TOTAL = 0.3
TLS_TOTAL = 0.9  # long enough for a handshake on a busy machine
"""Seconds of the whole call; each drip comes well within the timeout of 5 s."""


def dripped(data: bytes) -> list[Step]:
    """Bytes one after another, in all longer than any test waits."""
    return [step for byte in data for step in (bytes([byte]), Pause(0.05))]


HEAD = head(200, {"Content-Type": "application/json", "Content-Length": "100", "X-Padding": "x" * 100})


def takes_too_long(ask: Asking, *, streamed_: bool = False, total: float = TOTAL, **options: Any) -> APITimeoutError:
    """Ask, and return the error, which must come in time and must not be followed by another request."""
    asker = ask(total_timeout=total, **options)
    began = time.monotonic()
    put = (
        (lambda: list(asker.stream_chat_completion(QUESTION))) if streamed_ else lambda: asker.chat_completion(QUESTION)
    )
    with pytest.raises(APITimeoutError, match=rf"total_timeout={total} s") as caught:
        put()
    assert time.monotonic() - began < 2.5
    assert asker.waits == []
    return caught.value


@pytest.mark.parametrize(
    "steps",
    [
        [HOLD],
        [*dripped(b"HTTP/1.1 200 Scripted and very slow"), HOLD],
        [*dripped(HEAD), HOLD],
        [HEAD, *dripped(b" " * 60), HOLD],
        [head(200, {"Transfer-Encoding": "chunked"}), *dripped(b"0" * 60), HOLD],
        [
            head(200, {"Transfer-Encoding": "chunked"}),
            *[chunk(b"x"), Pause(0.05)] * 60,
        ],
        [*[b"HTTP/1.1 103 Early\r\n\r\n", Pause(0.05)] * 60],
    ],
    ids=["nothing", "status line", "headers", "body", "chunk size", "chunks", "interim responses"],
)
@pytest.mark.parametrize("streamed_", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_a_peer_that_drips_does_not_hold_a_call(
    *, ask: Asking, steps: list[Step], streamed_: bool, is_tls: bool, tls_context: ssl.SSLContext, ca_path: Path
) -> None:
    with RawServer(tls=tls_context if is_tls else None) as server:
        server.otherwise = steps
        options: dict[str, Any] = {"verify": str(ca_path), "total": TLS_TOTAL} if is_tls else {}
        error = takes_too_long(ask, streamed_=streamed_, host=server.url, **options)
        assert error.may_have_been_processed
        assert len(server.requests) == 1


def test_a_tls_handshake_that_drips_does_not_hold_a_call(ask: Asking, ca_path: Path) -> None:
    hello = b"\x16\x03\x03\x00\x7a" + bytes(100)
    with RawServer(on_connect=[*dripped(hello), HOLD]) as server:
        error = takes_too_long(ask, host=server.url.replace("http:", "https:"), verify=str(ca_path))
        assert not error.may_have_been_processed


def test_a_proxy_that_drips_its_tunnel_does_not_hold_a_call(ask: Asking, ca_path: Path) -> None:
    with RawServer() as proxy:
        proxy.otherwise = [*dripped(b"HTTP/1.1 200 Connected, at last, after all"), HOLD]
        error = takes_too_long(ask, host="https://assistant.example", verify=str(ca_path), proxies={"https": proxy.url})
        assert not error.may_have_been_processed


@pytest.mark.parametrize("streamed_", [False, True], ids=["plain", "streamed"])
def test_an_injected_session_is_bounded_in_its_bodies(ask: Asking, server: RawServer, streamed_: bool) -> None:
    server.otherwise = streamed([step for _ in range(60) for step in (part("x"), Pause(0.05))])
    with session_options(ask, "injected") as options:
        takes_too_long(ask, streamed_=streamed_, **options)


def test_the_time_of_who_reads_counts(ask: Asking, server: RawServer) -> None:
    server.otherwise = streamed([part("one "), part("two "), HOLD])
    stream = ask(total_timeout=TOTAL).stream_chat_completion(QUESTION)
    assert next(stream).content == "one "
    time.sleep(TOTAL + 0.1)
    with pytest.raises(APITimeoutError, match="total_timeout") as caught:
        list(stream)
    assert caught.value.text.startswith("one ")


def test_a_retry_that_does_not_fit_is_not_waited_for(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply({"error": "later"}, status=429, headers={"Retry-After": "55"})
    asker = ask(total_timeout=2.0)
    with pytest.raises(RateLimitError):
        asker.chat_completion(QUESTION)
    assert (asker.waits, len(server.requests)) == ([], 1)


def test_retries_that_fit_are_made(ask: Asking, server: RawServer) -> None:
    server.script(reply({}, status=503), reply({}, status=503))
    server.otherwise = reply(completion())
    asker = ask(total_timeout=30.0)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert len(asker.waits) == 2


def test_a_call_has_its_own_and_none_clears_it(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply({}, status=503)
    asker = ask(total_timeout=0.4)
    with pytest.raises(InternalServerError):
        asker.chat_completion(QUESTION, total_timeout=None)
    assert len(asker.waits) == 2
    with pytest.raises(InternalServerError):
        asker.chat(QUESTION, total_timeout=0.4)
    assert len(asker.waits) == 2


@pytest.mark.parametrize("wrong", [0, -1, "1", True, float("nan"), (1, 2)])
def test_what_is_not_a_number_of_seconds_is_refused(ask: Asking, server: RawServer, wrong: Any) -> None:
    with pytest.raises(InvalidRequestError, match="total_timeout"):
        ask(total_timeout=wrong).chat_completion(QUESTION)
    assert server.requests == []


def test_looking_the_host_up_counts(ask: Asking) -> None:
    with RawServer() as control:
        control.otherwise = [HOLD]
        error = takes_too_long(ask, host=None, controller_host=control.url, api_key=KEY)
        assert len(control.requests) == 1
        assert control.url in str(error)


def test_who_waits_for_another_ones_lookup_is_bounded(server: RawServer) -> None:
    from pinecone_assistant_client import AssistantClient  # noqa: PLC0415

    with RawServer() as control:
        control.otherwise = [HOLD]
        options: dict[str, Any] = {"assistant_name": "docs", "api_key": KEY, "controller_host": control.url}
        patient, hurried = AssistantClient(**options, timeout=2.0, max_retries=0), AssistantClient(**options)

        def ask_patiently() -> None:
            with contextlib.suppress(AssistantError):
                patient.chat_completion(QUESTION)

        thread = threading.Thread(target=ask_patiently)
        thread.start()
        assert control.sees_requests(1)
        began = time.monotonic()
        with pytest.raises(APITimeoutError, match=r"total_timeout=0\.2"):
            hurried.chat_completion(QUESTION, total_timeout=0.2)
        assert time.monotonic() - began < 1.5
        control.drop_idle()
        thread.join()


def test_the_adapters_take_it(server: RawServer) -> None:
    from langchain_pinecone_assistant import ChatPineconeAssistant  # noqa: PLC0415
    from llama_index.llms.pinecone_assistant import PineconeAssistant  # noqa: PLC0415

    server.otherwise = [HOLD]
    options: dict[str, Any] = {"assistant_name": "docs", "api_key": KEY, "host": server.url}
    for ask_it in (
        lambda: ChatPineconeAssistant(**options, total_timeout=0.2).invoke("?"),
        lambda: ChatPineconeAssistant(**options).invoke("?", total_timeout=0.2),
        lambda: ChatPineconeAssistant(**options).bind(total_timeout=0.2).invoke("?"),
        lambda: PineconeAssistant(**options, total_timeout=0.2).complete("?"),
        lambda: PineconeAssistant(**options).complete("?", total_timeout=0.2),
    ):
        with pytest.raises(APITimeoutError, match=r"total_timeout=0\.2"):
            ask_it()
