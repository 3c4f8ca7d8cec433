"""Bodies with status 200 that are not an answer: each raises in every decoder, whole and streamed, with a printable error."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client.errors import StreamError
from pinecone_assistant_client.shaping import AnswerDecoder, AnswerShaper, ShapedDecoder
from pinecone_assistant_client.wire.decoding import (
    decode_assistant_host,
    decode_chat,
    decode_chat_completion,
    decode_context,
)
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder

from ..support.bodies import event, service_error
from ..support.stream_bodies import read

BAD_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n \n",
    "a web page": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "words": b"upstream timed out",
    "a list": b"[1, 2]",
    "an empty list": b"[]",
    "a number": b"17",
    "a string": b'"yes"',
    "null": b"null",
    "an empty object": b"{}",
    "an object of something else": b'{"hello": "world"}',
    "an error": b'{"error": {"code": "X", "message": "m"}}',
    "no choices": b'{"choices": []}',
    "a brace": b"{",
    "half a name": b'{"choices',
    "half an object": b'{"choices": [{"message": {"content": "Yes',
    "bytes that are not text": b"\xff\xfe",
    "invalid UTF-8 in an answer": b'{"choices": [{"message": {"content": "\xff\xfe"}}]}',
    "invalid UTF-8 elsewhere": b'{"message": {"content": "\xff"}, "snippets": [{"content": "\xff"}], "host": "\xff"}',
    "numbers": b'{"choices": 7, "message": 7, "snippets": 7, "host": 7}',
    "empty values": b'{"choices": {}, "message": [], "snippets": {}, "host": {}}',
    "numbers inside": b'{"choices": [7], "message": {"content": 7}, "snippets": [7], "host": [7]}',
    "lists": b'{"choices": [{"message": {"content": ["x"]}}], "message": {"content": ["x"]}, "snippets": [{}], "host": 1.5}',
    "100,000 brackets": b"[" * 100_000,
    "an event of something else": b'data: {"hello": "world"}\n\n',
    "an event that is not JSON": b"data: <html>\n\n",
    "an event with invalid UTF-8": b'data: {"choices": [{"delta": {"content": "\xff"}}], "delta": {"content": "\xff"}}\n\n',
    "an event with a wrong type": b'data: {"choices": 7, "type": 7}\n\n',
    "an event without a type": b'data: {"no": "type"}\n\n',
    "only comments": b": heartbeat\n\n: heartbeat\n\n",
}  # fmt: skip
ODD = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\u200b\x00\x7f\x9b31m\u2028\r\nERROR: forged"
ODD_BODIES: dict[str, bytes] = {
    "an error in an answer": json.dumps(service_error(f"X{ODD}", f"no {ODD}", 200)).encode(),
    "an error event": event({"error": {"code": ODD, "message": ODD}}),
    "a named error event": "event: error\ndata: no \x1b[2J\u202e\x07\n\n".encode(),
    "a page": f"<html>{ODD}</html>".encode(),
    "words": ODD.encode(),
    "JSON that is not an answer": json.dumps({"echo": ODD, ODD: 1}).encode(),
    "JSON with raw control characters": f'{{"echo": "{ODD}"}}'.encode(),
    "an event that is not an answer": event({"echo": ODD, ODD: None}),
    "an event that is not JSON": b"data: \x1b[2J\x07\xe2\x80\xae\n\n",
}


def streamed(make: Callable[[], AnswerDecoder], *, bytewise: bool = False) -> Callable[[bytes], Any]:
    return lambda raw: read(make(), [bytes([byte]) for byte in raw] if bytewise else [raw])


def shaped() -> ShapedDecoder:
    return ShapedDecoder(ChatCompletionStreamDecoder(), AnswerShaper(stop=("END",), strip_citations=True))


DECODERS: dict[str, Callable[[bytes], Any]] = {
    "completion": decode_chat_completion,
    "chat": decode_chat,
    "context": decode_context,
    "host": lambda raw: decode_assistant_host(raw, "docs"),
    "streamed completion": streamed(ChatCompletionStreamDecoder),
    "streamed completion, byte for byte": streamed(ChatCompletionStreamDecoder, bytewise=True),
    "streamed chat": streamed(ChatStreamDecoder),
    "streamed chat, byte for byte": streamed(ChatStreamDecoder, bytewise=True),
    "shaped stream": streamed(shaped),
}
EACH = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)


@EACH
@pytest.mark.parametrize("raw", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_is_not_an_answer_raises(decode: Callable[[bytes], Any], raw: bytes) -> None:
    with pytest.raises(StreamError) as caught:
        decode(raw)
    assert "; see docs/errors.md#" in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert caught.value.text == ""


@EACH
@pytest.mark.parametrize("raw", ODD_BODIES.values(), ids=ODD_BODIES)
def test_what_it_holds_is_printable_in_the_error_and_the_log(
    decode: Callable[[bytes], Any], raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="pinecone_assistant_client")
    with pytest.raises(StreamError) as caught:
        decode(raw)
    error = caught.value
    shown = [str(error), error.message, error.code or "", *map(str, error.args), *caplog.messages]
    shown += [str(cause) for cause in (error.__cause__, error.__context__) if cause is not None]
    assert [text for text in shown if not text.isprintable()] == []
