"""Options of a call, of a view and of the client: their precedence, their place in the request, their effect on answers."""

from __future__ import annotations

import pytest

from ..support.asking import Asking, text_of
from ..support.bodies import CHAT_EVENTS, PARTS, QUESTION, chat_answer, completion, parts
from ..support.raw_server import RawServer, reply, streamed


def test_what_is_not_set_is_not_sent(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion()), streamed(PARTS))
    asker = ask()
    asker.chat_completion(QUESTION)
    list(asker.stream_chat_completion(QUESTION))
    assert [request.json() for request in server.requests] == [
        {"messages": QUESTION, "stream": False},
        {"messages": QUESTION, "stream": True},
    ]


def test_options_of_the_call_win_over_the_defaults_and_none_clears_them(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(completion())
    asker = ask(model="gpt-4o", temperature=0.5, filter={"genre": "comedy"})
    asker.chat_completion(QUESTION)
    asker.chat_completion(QUESTION, model="o4-mini", temperature=0, filter={"genre": "drama"})
    asker.chat_completion(QUESTION, model=None, temperature=None, filter=None)
    first, second, third = [request.json() for request in server.requests]
    assert (first["model"], first["temperature"], first["filter"]) == ("gpt-4o", 0.5, {"genre": "comedy"})
    assert (second["model"], second["temperature"], second["filter"]) == ("o4-mini", 0, {"genre": "drama"})
    assert third.keys() == {"messages", "stream"}


def test_with_options_gives_a_view_with_other_defaults(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(completion())
    asker = ask(model="gpt-4o")
    view = ask.over(asker.client.with_options(model="o4-mini", filter={"a": 1}))
    view.chat_completion(QUESTION)
    asker.chat_completion(QUESTION)
    assert [request.json().get("model") for request in server.requests] == ["o4-mini", "gpt-4o"]
    assert server.connections == 1
    with pytest.raises(ValueError, match="nonsense"):
        asker.client.with_options(nonsense=1)


def test_answer_uses_the_interface_of_the_client(ask: Asking, server: RawServer) -> None:
    server.script(reply(chat_answer()), streamed(CHAT_EVENTS), reply(completion()))
    asker = ask(interface="standard", include_highlights=True)
    asker.answer(QUESTION)
    list(asker.stream_answer(QUESTION))
    asker.chat_completion(QUESTION)  # its endpoint has no highlights: the default does not reach it
    assert [request.target.removeprefix("/assistant/chat/docs") for request in server.requests] == [
        "",
        "",
        "/chat/completions",
    ]
    assert "include_highlights" not in server.requests[2].json()


def test_stop_and_strip_references_shape_plain_and_streamed_answers_alike(ask: Asking, server: RawServer) -> None:
    text = "One [1]. STOP Two [1].\n\nReferences:\n1. [a.txt](https://storage.example/a?sig=SECRETSIG) \n"
    server.script(
        reply(completion(text)),
        streamed(parts(*text)),
        reply(completion(text)),
        streamed(parts(*text)),
    )
    asker = ask()
    for options, expected in (
        ({"strip_references": True}, "One [1]. STOP Two [1]."),
        ({"stop": ["STOP", "x"]}, "One [1]. "),
    ):
        whole = asker.answer(QUESTION, **options)
        chunks = list(asker.stream_answer(QUESTION, **options))
        assert whole.content == text_of(chunks) == expected
        assert whole.finish_reason == "stop"
        assert whole.usage == next(chunk.usage for chunk in chunks if chunk.usage)
        citations = [citation for chunk in chunks for citation in chunk.citations]
        assert list(whole.citations) == citations
        assert [citation.references[0].file_name for citation in citations] == ["a.txt"] * expected.count("[1]")
