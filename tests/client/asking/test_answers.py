"""Whole answers over a socket: one complete, one cut, and errors. All other shapes are tested in ../wire, without sockets."""

from __future__ import annotations

import json

import pytest

from pinecone_assistant_client import ChatCompletion, Citation, IncompleteStreamError, Reference, StreamError, Usage

from ..support.asking import Asking
from ..support.bodies import ANSWER_ID, QUESTION, SERVICE_ERROR, TEXT, completion
from ..support.raw_server import CLOSE, RawServer, head, reply


def test_a_whole_answer_is_read(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion()))
    assert ask().chat_completion(QUESTION) == ChatCompletion(
        id=ANSWER_ID,
        model="gpt-4o-2024-11-20",
        content=TEXT,
        finish_reason="stop",
        usage=Usage(10, 5, 15),
        citations=(Citation(35, 45, (Reference(number=1, pages=(1,)),)),),
    )
    assert TEXT[35:45] == "[1, pp. 1]"


METHODS = {
    "chat_completion": QUESTION,
    "stream_chat_completion": QUESTION,
    "chat": QUESTION,
    "stream_chat": QUESTION,
    "answer": QUESTION,
    "stream_answer": QUESTION,
    "context": "pine",
}


def test_an_error_in_a_whole_answer_raises_from_every_method_and_is_not_retried(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(SERVICE_ERROR)
    asker = ask()
    for name, argument in METHODS.items():
        with pytest.raises(StreamError, match="RESOURCE_EXHAUSTED: Tokens are used up") as caught:
            list(getattr(asker, name)(argument))
        assert caught.value.code == "RESOURCE_EXHAUSTED"
        assert caught.value.body == SERVICE_ERROR
    assert len(server.requests) == len(METHODS)


def test_a_web_page_with_status_200_raises_from_every_method_and_is_not_retried(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply("<!DOCTYPE html><html>Please log in</html>", content_type="text/plain")
    asker = ask()
    for name, argument in METHODS.items():
        with pytest.raises(StreamError, match="look for a proxy"):
            list(getattr(asker, name)(argument))
    assert len(server.requests) == len(METHODS)


def test_a_whole_answer_cut_in_its_body_raises(ask: Asking, server: RawServer) -> None:
    body = json.dumps(completion()).encode()
    server.script([head(200, {"Content-Length": str(len(body))}), body[:40], CLOSE], [head(200), body[:40], CLOSE])
    asker = ask()
    with pytest.raises(IncompleteStreamError, match="cut its answer"):
        asker.chat_completion(QUESTION)
    with pytest.raises(StreamError):
        asker.chat_completion(QUESTION)
    assert len(server.requests) == 2
