"""The standard interface over a socket, whole and streamed: text, citations, usage, and JSON answers."""

from __future__ import annotations

import json

from pinecone_assistant_client import Reference, Usage

from ..support.asking import Asking, text_of
from ..support.bodies import ANSWER_ID, CHAT_EVENTS, QUESTION, chat_answer
from ..support.raw_server import RawServer, reply, streamed


def test_the_standard_interface_gives_text_citations_usage_and_count(ask: Asking, server: RawServer) -> None:
    server.script(reply(chat_answer()))
    answer = ask().chat(QUESTION, include_highlights=True, context_options={"top_k": 3})
    assert answer.content == "A red pine grows up to 25 meters."
    assert answer.context_snippet_count == 3
    (citation,) = answer.citations
    assert citation.start == citation.end == 33
    (reference,) = citation.references
    assert reference == Reference(
        number=None,
        pages=(1,),
        file_name="red_pine.pdf",
        file_id="file-1",
        url="https://storage.example/red_pine.pdf?sig=SECRETSIG",
        highlight="25 m",
    )
    assert "SECRETSIG" not in repr(answer)
    assert server.requests[0].target == "/assistant/chat/docs"
    assert server.requests[0].json() == {
        "messages": QUESTION,
        "stream": False,
        "include_highlights": True,
        "context_options": {"top_k": 3},
    }


def test_a_stream_of_the_standard_interface_gives_text_citations_and_usage(ask: Asking, server: RawServer) -> None:
    server.script(streamed([b": heartbeat\n\n", *CHAT_EVENTS[:2], b":\n\n", *CHAT_EVENTS[2:]]))
    chunks = list(ask().stream_chat(QUESTION))
    assert text_of(chunks) == "A red pine grows up to 25 meters."
    assert [citation.start for chunk in chunks for citation in chunk.citations] == [33]
    assert (chunks[-1].finish_reason, chunks[-1].usage) == ("stop", Usage(10, 5, 15))
    assert {chunk.id for chunk in chunks} == {ANSWER_ID}


def test_a_json_answer_is_asked_for_on_the_standard_interface(ask: Asking, server: RawServer) -> None:
    server.script(reply(chat_answer('{"meters": 25}')), reply(chat_answer('{"meters": 25}')))
    asker = ask()
    assert json.loads(asker.chat(QUESTION, json_response=True).content) == {"meters": 25}
    assert json.loads(asker.answer(QUESTION, json_response=True).content) == {"meters": 25}
    assert [request.target for request in server.requests] == ["/assistant/chat/docs"] * 2
    assert server.requests[1].json()["json_response"] is True
