"""Bytes from a real socket: nothing is held back, compressed bodies are decompressed, broken framing is a typed error."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable

import pytest

from pinecone_assistant_client import APIConnectionError, StreamError

from ..support.asking import Asking
from ..support.bodies import CHAT_EVENTS, PARTS, QUESTION, TEXT, part
from ..support.raw_server import CLOSE, Answer, Framing, RawServer, Step, WaitFor, chunk, head, streamed

BAD_CHUNK = b"zz\r\nwhat\r\n"


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
        [head(200, {"Transfer-Encoding": "chunked"}), chunk(part("one")), BAD_CHUNK, CLOSE],
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
    # aiohttp drops the head too if the broken chunk comes in the same packet.
    is_one_packet = ask.kind == "async" and BAD_CHUNK in answer
    with pytest.raises((StreamError, APIConnectionError) if is_one_packet else StreamError):
        list(asker.stream_chat_completion(QUESTION)) if streams_ else asker.chat_completion(QUESTION)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [b"what is this\r\n\r\n", CLOSE],
        [b"HTTP/1.1 abc OK\r\n\r\n", CLOSE],
        [b"HTTP/1.1 200", CLOSE],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", CLOSE],
        [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", CLOSE],
    ],
    ids=["text", "no number", "cut", "long header", "tls"],
)
def test_what_is_no_http_is_a_connection_error(ask: Asking, server: RawServer, answer: Answer) -> None:
    server.script(answer)
    # urllib3 takes the cut head for a head without headers, so that answer is an empty one.
    is_empty = ask.kind == "sync" and answer[0] == b"HTTP/1.1 200"
    with pytest.raises(StreamError if is_empty else APIConnectionError) as caught:
        ask().chat_completion(QUESTION)
    assert "<" not in str(caught.value)  # no repr of a library's object
    assert len(server.requests) == 1
