"""Bounds on a peer's bytes: bodies, compressed bodies, chunks, events and errors."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from pinecone_assistant_client import APIStatusError, StreamError, client_base
from pinecone_assistant_client.wire import sse, streams

from ..support.asking import Asking
from ..support.bodies import QUESTION, part
from ..support.raw_server import CLOSE, HOLD, Framing, Pause, RawServer, chunk, head, streamed


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
    """The bound applies to the bytes as they arrive, not after ten gigabytes."""
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
