"""Whole answers with status 200: what may be missing or wrapped, and what is an error all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pinecone_assistant_client import ChatCompletion, Citation, IncompleteStreamError, Reference, StreamError, Usage

from ..support.asking import Asking, text_of
from ..support.bodies import ANSWER_ID, QUESTION, SERVICE_ERROR, TEXT, USAGE, completion, event, part
from ..support.raw_server import CLOSE, RawServer, head, reply, streamed


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_answer_is_read_bare_and_wrapped(ask: Asking, server: RawServer, wrapped: bool) -> None:
    body = completion()
    server.script(reply({"chat_completion": body} if wrapped else body))
    assert ask().chat_completion(QUESTION) == ChatCompletion(
        id=ANSWER_ID,
        model="gpt-4o-2024-11-20",
        content=TEXT,
        finish_reason="stop",
        usage=Usage(10, 5, 15),
        citations=(Citation(35, 45, (Reference(number=1, pages=(1,)),)),),
    )
    assert TEXT[35:45] == "[1, pp. 1]"


@pytest.mark.parametrize("role", ["", None, '"assistant"', "assistant", ...])
def test_the_role_of_an_answer_does_not_matter(ask: Asking, server: RawServer, role: Any) -> None:
    message = {"content": "Yes."} | ({} if role is ... else {"role": role})
    server.script(
        reply(completion(choices=[{"message": message, "finish_reason": "stop"}])),
        streamed([event({"choices": [{"delta": message}]}), part(finish="stop")]),
    )
    asker = ask()
    assert asker.chat_completion(QUESTION).content == "Yes."
    assert text_of(asker.stream_chat_completion(QUESTION)) == "Yes."


def test_usage_id_model_and_finish_reason_may_be_missing_in_a_whole_answer(ask: Asking, server: RawServer) -> None:
    server.script(reply({"choices": [{"message": {"content": "Yes."}}]}))
    assert ask().chat_completion(QUESTION) == ChatCompletion(id=None, model=None, content="Yes.")


@pytest.mark.parametrize("reason", ["null", None, ""])
def test_a_finish_reason_of_null_in_a_whole_answer_is_none(ask: Asking, server: RawServer, reason: str | None) -> None:
    server.script(reply(completion(choices=[{"message": {"content": "Yes."}, "finish_reason": reason}])))
    assert ask().chat_completion(QUESTION).finish_reason is None


def test_a_message_without_content_is_an_empty_answer(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(None)), reply(completion(choices=[{"finish_reason": "content_filter"}])))
    asker = ask()
    assert asker.chat_completion(QUESTION).content == ""
    assert asker.chat_completion(QUESTION).finish_reason == "content_filter"


def test_usage_without_a_total_is_summed(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(usage={"prompt_tokens": 3, "completion_tokens": 4})))
    assert ask().chat_completion(QUESTION).usage == Usage(3, 4, 7)


def test_unknown_fields_are_ignored(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(system_fingerprint="x", created=1, usage={**USAGE, "details": {"cached": 1}})))
    assert ask().chat_completion(QUESTION).content == TEXT


@pytest.mark.parametrize("method", ["chat_completion", "chat", "context"])
def test_an_error_in_a_whole_answer_raises(ask: Asking, server: RawServer, method: str) -> None:
    server.script(reply(SERVICE_ERROR))
    argument: Any = "pine" if method == "context" else QUESTION
    with pytest.raises(StreamError, match="RESOURCE_EXHAUSTED: Tokens are used up") as caught:
        getattr(ask(), method)(argument)
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert caught.value.body == SERVICE_ERROR


def test_a_whole_answer_cut_in_its_body_raises(ask: Asking, server: RawServer) -> None:
    body = json.dumps(completion()).encode()
    server.script([head(200, {"Content-Length": str(len(body))}), body[:40], CLOSE], [head(200), body[:40], CLOSE])
    asker = ask()
    with pytest.raises(IncompleteStreamError, match="cut its answer"):
        asker.chat_completion(QUESTION)
    with pytest.raises(StreamError):
        asker.chat_completion(QUESTION)
    assert len(server.requests) == 2
