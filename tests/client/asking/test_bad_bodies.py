"""A body with status 200 that is no answer raises, whatever was asked for."""

from __future__ import annotations

import pytest

from pinecone_assistant_client import StreamError

from ..support.asking import Asking
from ..support.bodies import QUESTION
from ..support.raw_server import RawServer, reply

BAD_BODIES = {
    "a web page": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "nothing": b"",
    "white space": b" \n \n",
    "words": b"upstream timed out",
    "a list": b"[1, 2]",
    "a number": b"17",
    "a string": b'"yes"',
    "null": b"null",
    "an object of something else": b'{"hello": "world"}',
    "half an object": b'{"choices": [{"message": {"content": "Yes',
    "invalid UTF-8 in JSON": b'{"choices": [{"message": {"content": "\xff\xfe"}}]}',
    "an event of something else": b'data: {"hello": "world"}\n\n',
    "an event that is no JSON": b"data: <html>\n\n",
    "an event with invalid UTF-8": b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n',
    "an event with a wrong type": b'data: {"choices": 7}\n\n',
    "only comments": b": heartbeat\n\n: heartbeat\n\n",
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize(
    "method", ["chat_completion", "stream_chat_completion", "chat", "stream_chat", "answer", "stream_answer"]
)
def test_any_other_body_with_status_200_raises(ask: Asking, server: RawServer, name: str, method: str) -> None:
    server.script(reply(BAD_BODIES[name], content_type="text/plain"))
    asker = ask()
    with pytest.raises(StreamError) as caught:
        list(getattr(asker, method)(QUESTION))
    if name == "a web page":
        assert "proxy" in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", BAD_BODIES)
def test_any_other_body_of_context_raises(ask: Asking, server: RawServer, name: str) -> None:
    server.script(reply(BAD_BODIES[name]))
    with pytest.raises(StreamError):
        ask().context("pine")
