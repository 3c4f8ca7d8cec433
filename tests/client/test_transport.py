"""Both transports over real sockets: nothing held back, connections kept, the host looked up once and checked."""

from __future__ import annotations

import asyncio
import copy
import gzip
import threading
import time
import tracemalloc
import types
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp.connector
import pytest

from pinecone_assistant_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantClient,
    AssistantError,
    AsyncAssistantClient,
    IncompleteStreamError,
    InvalidRequestError,
    NotFoundError,
    StreamError,
    client_base,
    sse,
    streams,
)
from pinecone_assistant_client.transports import requests_transport

from .asking import KEY, Asker, Asking
from .raw_server import CLOSE, HOLD, RESET, Answer, Framing, RawServer, Step, WaitFor, chunk, head, reply, streamed
from .wire import CHAT_EVENTS, PARTS, QUESTION, TEXT, completion, part, service_error

WHOLE = reply(completion())


def described(host: str) -> Answer:
    return reply({"name": "docs", "status": "Ready", "host": host})


class Pause(WaitFor):
    """Wait a little, as a slow server does."""

    def __init__(self, seconds: float) -> None:
        event = threading.Event()
        object.__setattr__(self, "event", types.SimpleNamespace(wait=lambda _limit: event.wait(seconds)))


# Nothing is held back


@pytest.mark.parametrize("packed", [False, True], ids=["", "gzip"])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_token_is_seen_before_the_next_one_is_sent(
    ask: Asking, server: RawServer, framing: Framing, packed: bool
) -> None:
    texts = ["one ", "two ", "three ", "four "]
    seen = [threading.Event() for _ in texts]
    pieces: list[Step] = [part()]
    for text, event in zip(texts, seen, strict=True):
        pieces += [part(text), WaitFor(event)]
    server.script(streamed([*pieces, part(finish="stop")], framing=framing, gzip=packed))
    for index, answer in enumerate(ask().stream_chat_completion(QUESTION)):
        if answer.finish_reason is None:
            assert answer.content == texts[index]
            seen[index].set()
    assert all(event.is_set() for event in seen)


def test_a_citation_of_the_standard_interface_is_not_held_back(ask: Asking, server: RawServer) -> None:
    seen = threading.Event()
    server.script(streamed([*CHAT_EVENTS[:-1], WaitFor(seen), CHAT_EVENTS[-1]]))
    for answer in ask().stream_chat(QUESTION):
        if answer.citations:
            seen.set()
    assert seen.is_set()


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_a_packed_body_is_unpacked(ask: Asking, server: RawServer, framing: Framing, encoding: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}
    packed = packers[encoding](b"".join(PARTS))
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": encoding}
    if framing == "length":
        server.script([head(200, headers | {"Content-Length": str(len(packed))}), packed])
    elif framing == "close":
        server.script([head(200, headers | {"Connection": "close"}), packed, CLOSE])
    else:
        server.script([head(200, headers | {"Transfer-Encoding": "chunked"}), chunk(packed), b"0\r\n\r\n"])
    assert "".join(answer.content for answer in ask().stream_chat_completion(QUESTION)) == TEXT


@pytest.mark.parametrize(
    "answer",
    [
        [head(200, {"Transfer-Encoding": "chunked"}), chunk(part("one")), Pause(0.05), b"zz\r\nwhat\r\n", CLOSE],
        [head(200, {"Transfer-Encoding": "chunked"}), chunk(part("one")), b"ff\r\nshort", CLOSE],
        [head(200, {"Content-Encoding": "gzip", "Connection": "close"}), b"\x1f\x8bnot gzip at all", CLOSE],
        [
            head(200, {"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}),
            chunk(b"this is no gzip"),
            b"0\r\n\r\n",
        ],
        [head(200, {"Content-Length": "1000"}), part("one"), CLOSE],
        [head(200, {"Content-Encoding": "gzip", "Connection": "close"}), gzip.compress(b"".join(PARTS))[:120], CLOSE],
        streamed([part("one"), CLOSE], gzip=True),
    ],
    ids=["chunk size", "chunk cut", "no gzip", "no gzip chunked", "length", "gzip cut", "gzip cut at a flush"],
)
@pytest.mark.parametrize("streams_", [False, True], ids=["plain", "streamed"])
def test_a_body_that_breaks_its_framing_is_a_stream_error(
    ask: Asking, server: RawServer, answer: Answer, streams_: bool
) -> None:
    server.script(answer)
    asker = ask()
    with pytest.raises(StreamError):
        list(asker.stream_chat_completion(QUESTION)) if streams_ else asker.chat_completion(QUESTION)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [b"what is this\r\n\r\n", CLOSE],
        [b"HTTP/1.1 abc OK\r\n\r\n", CLOSE],
        [b"HTTP/1.1 200", CLOSE],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", CLOSE],
        [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", CLOSE],
    ],
    ids=["text", "no number", "cut", "long header", "tls"],
)
def test_what_is_no_http_is_a_connection_error(ask: Asking, server: RawServer, answer: Answer) -> None:
    server.script(answer)
    with pytest.raises(AssistantError) as caught:
        ask().chat_completion(QUESTION)
    assert isinstance(caught.value, (APIConnectionError, StreamError))
    assert len(server.requests) == 1


# Connections are kept


def exhaust(asker: Asker) -> None:
    list(asker.stream_chat_completion(QUESTION))


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_connection_is_used_again(ask: Asking, server: RawServer, framing: Framing) -> None:
    server.script(WHOLE, streamed(PARTS, framing=framing), streamed(PARTS, framing=framing, gzip=True), WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    exhaust(asker)
    exhaust(asker)
    asker.chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == [1, 1, 1, 1]


def test_a_connection_is_used_again_after_an_error_status(ask: Asking, server: RawServer) -> None:
    server.script(reply(service_error("UNAVAILABLE", "later", 503), status=503), WHOLE)
    ask().chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == [1, 1]


def test_a_connection_that_the_server_dropped_is_not_used_again(ask: Asking, server: RawServer) -> None:
    server.script(WHOLE, WHOLE)
    asker = ask(max_retries=0)
    asker.chat_completion(QUESTION)
    server.drop_idle()
    assert server.sees_no_connections()
    asker.chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == [1, 2]


def set_clock(monkeypatch: pytest.MonkeyPatch, kind: str, seconds: float) -> None:
    """Idle connections look this many seconds older than they are."""
    real = time.monotonic
    if kind == "sync":
        clock = types.SimpleNamespace(monotonic=lambda: real() + seconds)
        monkeypatch.setattr(requests_transport, "time", clock)
    else:
        monkeypatch.setattr(aiohttp.connector, "monotonic", lambda: real() + seconds)


@pytest.mark.parametrize(("idle", "connections"), [(25.0, [1, 1, 1]), (31.0, [1, 2, 2])])
def test_a_connection_idle_for_longer_than_30_s_is_not_used_again(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch, idle: float, connections: list[int]
) -> None:
    server.script(WHOLE, WHOLE, WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    set_clock(monkeypatch, ask.kind, idle)
    asker.chat_completion(QUESTION)
    asker.chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == connections


def test_a_hundred_views_share_one_connection_and_one_look_up(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    server.script(described(server.url))
    asker = ask(host=None, controller_host=server.url)
    for index in range(100):
        make: Callable[[], Any] = [
            lambda: asker.client.with_options(temperature=0.5, model=f"m{index}"),  # noqa: B023 - called at once
            lambda: copy.copy(asker.client),
            lambda: type(asker.client).like(asker.client),
            lambda: type(asker.client)(
                assistant_name="docs",
                api_key=KEY,
                controller_host=server.url,
                filter={"n": index},  # noqa: B023
            ),
        ][index % 4]
        assert ask.over(make()).chat_completion(QUESTION).content == TEXT
    assert server.connections == 1
    assert [request.method for request in server.requests].count("GET") == 1


def test_closing_one_view_leaves_the_connections_to_the_others(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    one = ask()
    other = ask.over(one.client.with_options(temperature=0.5))
    one.chat_completion(QUESTION)
    other.chat_completion(QUESTION)
    one.close()
    other.chat_completion(QUESTION)
    assert server.connections == 1


# The host is looked up once and checked


def test_fifty_threads_on_a_cold_client_look_the_host_up_once(server: RawServer) -> None:
    server.script(described(server.url))
    server.otherwise = WHOLE
    start = threading.Barrier(50)
    with AssistantClient(assistant_name="docs", api_key=KEY, controller_host=server.url, timeout=10) as client:

        def call() -> str:
            start.wait(10)
            return client.chat_completion(QUESTION).content

        with ThreadPoolExecutor(50) as pool:
            assert {future.result() for future in [pool.submit(call) for _ in range(50)]} == {TEXT}
    assert [request.method for request in server.requests] == ["GET"] + ["POST"] * 50


async def test_200_calls_at_once_on_a_cold_client_look_the_host_up_once(server: RawServer) -> None:
    server.script(described(server.url))
    server.otherwise = WHOLE
    async with AsyncAssistantClient(
        assistant_name="docs", api_key=KEY, controller_host=server.url, timeout=20
    ) as client:
        answers = await asyncio.gather(*(client.chat_completion(QUESTION) for _ in range(200)))
        assert client._connections is not None
        assert len(client._connections.asynchronous._sessions) == 1
    assert {answer.content for answer in answers} == {TEXT}
    assert [request.method for request in server.requests] == ["GET"] + ["POST"] * 200


def test_a_look_up_that_failed_is_made_again(ask: Asking, server: RawServer) -> None:
    server.script(reply(service_error("UNAUTHENTICATED", "Invalid API key.", 401), status=401))
    asker = ask(host=None, controller_host=server.url)
    with pytest.raises(APIStatusError):
        asker.chat_completion(QUESTION)
    server.script(described(server.url), WHOLE)
    asker.chat_completion(QUESTION)
    assert [request.method for request in server.requests] == ["GET", "GET", "POST"]


@pytest.mark.parametrize("host", ["http://assistant.example", "http://127.0.0.1.evil.example", "ftp://127.0.0.1"])
def test_a_looked_up_host_outside_https_is_refused(ask: Asking, server: RawServer, host: str) -> None:
    server.otherwise = described(host)
    asker = ask(host=None, controller_host=server.url)
    with pytest.raises(InvalidRequestError) as caught:
        asker.chat_completion(QUESTION)
    assert "http" in str(caught.value)
    assert [request.method for request in server.requests] == ["GET"]


def test_the_host_is_forgotten_after_a_404(ask: Asking, server: RawServer) -> None:
    server.script(described(server.url), reply(service_error("NOT_FOUND", "gone", 404), status=404))
    asker = ask(host=None, controller_host=server.url)
    with pytest.raises(NotFoundError):
        asker.chat_completion(QUESTION)
    assert asker.client.host is None
    server.script(described(server.url), WHOLE)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert [request.method for request in server.requests] == ["GET", "POST", "GET", "POST"]


def test_another_key_looks_the_host_up_itself(ask: Asking, server: RawServer) -> None:
    server.script(described(server.url), WHOLE, described(server.url), WHOLE)
    ask(host=None, controller_host=server.url).chat_completion(QUESTION)
    ask(host=None, controller_host=server.url, api_key="another").chat_completion(QUESTION)
    assert [request.headers["api-key"] for request in server.requests] == [KEY, KEY, "another", "another"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(ask: Asking, server: RawServer, status: int) -> None:
    with RawServer() as other:
        other.otherwise = WHOLE
        server.otherwise = reply(b"", status=status, headers={"Location": f"{other.url}/assistant"})
        with pytest.raises(APIStatusError, match="redirect"):
            ask().chat_completion(QUESTION)
        assert other.connections == 0
    assert len(server.requests) == 1


def test_a_request_carries_the_key_once_and_nothing_of_the_machine(ask: Asking, server: RawServer) -> None:
    server.script(WHOLE)
    ask(source_tag="my_app").chat_completion(QUESTION)
    (request,) = server.requests
    assert request.method == "POST"
    assert request.target == "/assistant/chat/docs/chat/completions"
    assert request.headers.pop("user-agent").endswith("source_tag=my_app")
    assert {name: value for name, value in request.headers.items() if name not in ("content-length", "connection")} == {
        "host": f"127.0.0.1:{server.port}",
        "api-key": KEY,
        "x-pinecone-api-version": "2026-04",
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
    }


def test_cookies_are_not_kept(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(), headers={"Set-Cookie": "a=b; Path=/"}), WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    asker.chat_completion(QUESTION)
    assert "cookie" not in server.requests[1].headers


def test_a_name_with_odd_characters_stays_one_part_of_the_path(ask: Asking, server: RawServer) -> None:
    server.script(WHOLE)
    ask(assistant_name="a/../b?c#d%2fe é").chat_completion(QUESTION)
    assert server.requests[0].target == "/assistant/chat/a%2F..%2Fb%3Fc%23d%252fe%20%C3%A9/chat/completions"


# Bounds


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_whole_body_is_bounded(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch, framing: Framing
) -> None:
    monkeypatch.setattr(client_base, "MAX_BODY_BYTES", 100_000)
    steps = streamed([b"a" * 60_000, b"a" * 60_000, Pause(0.05), b"a", HOLD, b"never sent"], framing=framing)
    server.script(steps)
    with pytest.raises(StreamError, match="larger than 100,000 bytes"):
        ask().chat_completion(QUESTION)
    assert server.sees_a_disconnect()


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_body_that_unpacks_to_gigabytes_is_not_unpacked(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch, framing: Framing
) -> None:
    """64 KiB of gzip held 64 MiB; urllib3 unpacked a whole chunk at once."""
    monkeypatch.setattr(client_base, "MAX_BODY_BYTES", 1024 * 1024)
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    if framing == "chunked":
        server.script([head(200, headers | {"Transfer-Encoding": "chunked"}), chunk(bomb), HOLD])
    elif framing == "length":
        server.script([head(200, headers | {"Content-Length": str(len(bomb))}), bomb, HOLD])
    else:
        server.script([head(200, headers), bomb, CLOSE])
    asker = ask()
    tracemalloc.start()
    try:
        with pytest.raises(StreamError, match="larger than"):
            asker.chat_completion(QUESTION)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_chunk_that_claims_to_be_huge_is_bounded(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound counts what arrives; nobody waits for ten gigabytes first."""
    monkeypatch.setattr(client_base, "MAX_BODY_BYTES", 100_000)
    server.script([head(200, {"Transfer-Encoding": "chunked"}), b"2540be400\r\n" + b"a" * 200_000, HOLD])
    with pytest.raises(StreamError, match="larger than 100,000 bytes"):
        ask().chat_completion(QUESTION)
    assert server.sees_a_disconnect()


def test_a_whole_answer_to_a_streamed_request_is_bounded(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_BODY_BYTES", 100_000)
    server.script(streamed([b'{"a": "' + b"a" * 60_000, b"a" * 60_000, Pause(0.05), b"a", HOLD]))
    with pytest.raises(StreamError, match="larger than 100,000 bytes"):
        list(ask().stream_chat_completion(QUESTION))
    assert server.sees_a_disconnect()


def test_an_event_is_bounded(ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse.SSEDecoder.__init__, "__kwdefaults__", {"max_event_bytes": 100_000})
    server.script(streamed([part("one "), b"data:" + b"a" * 60_000, b"a" * 60_000, Pause(0.05), b"a", HOLD]))
    texts: list[str] = []
    with pytest.raises(StreamError) as caught:
        texts.extend(answer.content for answer in ask().stream_chat_completion(QUESTION))
    assert texts == ["one "]
    assert caught.value.text == "one "
    assert server.sees_a_disconnect()


def test_an_error_body_without_end_is_read_to_a_bound(ask: Asking, server: RawServer) -> None:
    server.script(
        [head(400, {"Transfer-Encoding": "chunked"}), *[chunk(b"x" * 65536)] * 4, HOLD],
    )
    with pytest.raises(APIStatusError) as caught:
        ask(timeout=3.0).chat_completion(QUESTION)
    assert caught.value.response is not None
    assert len(caught.value.response.text) <= 2 * 65536
    assert server.sees_a_disconnect()


def test_the_time_between_bytes_is_bounded_and_the_whole_is_not(ask: Asking, server: RawServer) -> None:
    """A slow drip is no stall: six pauses of 0.1 s pass a read timeout of 0.4 s."""
    server.script(streamed([piece for data in PARTS for piece in (Pause(0.1), data)]))
    assert "".join(answer.content for answer in ask(timeout=(2.0, 0.4)).stream_chat_completion(QUESTION)) == TEXT


def test_a_tcp_reset_in_the_middle_carries_the_text_so_far(ask: Asking, server: RawServer) -> None:
    seen = threading.Event()
    server.script(streamed([part("one "), WaitFor(seen), RESET]))
    texts: list[str] = []
    answers = ask().stream_chat_completion(QUESTION)
    texts.append(next(answers).content)
    seen.set()
    with pytest.raises(IncompleteStreamError) as caught:
        next(answers)
    assert texts == ["one "]
    assert caught.value.text == "one "


def test_a_stall_carries_the_text_so_far(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("one "), HOLD]))
    with pytest.raises(APITimeoutError) as caught:
        list(ask(timeout=(2.0, 0.2)).stream_chat_completion(QUESTION))
    assert caught.value.text == "one "
    assert caught.value.may_have_been_processed
    assert server.sees_a_disconnect()


@pytest.mark.parametrize(
    "ending", [[CLOSE], [RESET], [Pause(0.05), b"zz\r\n", CLOSE]], ids=["cut", "reset", "bad size"]
)
async def test_what_arrived_before_the_connection_broke_is_not_lost_to_a_slow_reader(
    server: RawServer, ending: Answer
) -> None:
    """As aiohttp does, which hides unread data behind its exception."""
    seen = threading.Event()
    start: list[Step] = [
        head(200, {"Transfer-Encoding": "chunked"}),
        chunk(part("one ")),
        WaitFor(seen),
        chunk(part("two ")),
    ]
    server.script([*start, Pause(0.05), *ending])
    texts: list[str] = []
    async with AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5) as client:
        answers = client.stream_chat_completion(QUESTION)
        texts.append((await anext(answers)).content)
        seen.set()
        assert await asyncio.to_thread(server.sees_no_connections)
        await asyncio.sleep(0.05)
        texts.append((await anext(answers)).content)
        with pytest.raises(IncompleteStreamError) as caught:
            await anext(answers)
    assert texts == ["one ", "two "]
    assert caught.value.text == "one two "


async def test_closing_the_client_ends_a_reader_that_waits(server: RawServer) -> None:
    """As aiohttp did, which left it waiting for ever."""
    server.script(streamed([part("one "), HOLD]))
    client = AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=30)
    answers = client.stream_chat_completion(QUESTION)
    await anext(answers)
    reading = asyncio.ensure_future(anext(answers))
    await asyncio.sleep(0.05)
    await client.close()
    with pytest.raises(IncompleteStreamError):
        await asyncio.wait_for(reading, 5)
    assert await asyncio.to_thread(server.sees_a_disconnect)
