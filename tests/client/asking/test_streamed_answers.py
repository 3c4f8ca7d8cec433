"""Streamed answers over a socket: complete, cut, and an error. ../wire tests all other shapes, without sockets."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from pinecone_assistant_client import AssistantError, Citation, IncompleteStreamError, Reference, StreamError, Usage

from ..support.asking import Asking, text_of
from ..support.bodies import ANSWER_ID, CHAT_EVENTS, PARTS, QUESTION, SERVICE_ERROR, TEXT, USAGE, event, part
from ..support.raw_server import CLOSE, HOLD, RESET, Framing, RawServer, Step, chunk, head, streamed


def test_a_stream_gives_texts_then_finish_with_citations_then_usage(ask: Asking, server: RawServer) -> None:
    server.script(streamed(PARTS))
    chunks = list(ask().stream_chat_completion(QUESTION))
    assert text_of(chunks) == TEXT
    assert [chunk.finish_reason for chunk in chunks] == [None, None, None, None, "stop", None]
    assert chunks[-2].citations == (Citation(35, 45, (Reference(number=1, pages=(1,)),)),)
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(10, 5, 15)]
    assert {chunk.id for chunk in chunks} == {ANSWER_ID}


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
def test_a_stream_without_a_finish_reason_raises_with_the_text_so_far(
    ask: Asking, server: RawServer, framing: Framing
) -> None:
    server.script(streamed(PARTS[:3], framing=framing))
    stream = ask().stream_chat_completion(QUESTION)
    assert [next(stream).content, next(stream).content] == ["A red pine ", "grows up to "]
    with pytest.raises(IncompleteStreamError, match="cut after 23 characters") as caught:
        next(stream)
    assert caught.value.text == "A red pine grows up to "
    assert "may have been billed" in str(caught.value)


def test_a_done_event_ends_the_reading_though_the_server_keeps_the_connection(ask: Asking, server: RawServer) -> None:
    server.script(streamed([*PARTS, b"data: [DONE]\n\n", HOLD]))
    assert text_of(ask().stream_chat_completion(QUESTION)) == TEXT
    assert server.sees_a_disconnect()


@pytest.mark.parametrize("method", ["stream_chat_completion", "stream_chat"])
def test_an_error_event_raises_with_the_service_code_and_message(ask: Asking, server: RawServer, method: str) -> None:
    before = (PARTS if method == "stream_chat_completion" else CHAT_EVENTS)[1]
    server.script(streamed([before + event(SERVICE_ERROR), HOLD]))
    stream = getattr(ask(), method)(QUESTION)
    first = next(stream).content
    assert first  # what came before the error in the same bytes is delivered
    with pytest.raises(StreamError, match="RESOURCE_EXHAUSTED: Tokens are used up") as caught:
        next(stream)
    assert not isinstance(caught.value, IncompleteStreamError)
    assert (caught.value.code, caught.value.text) == ("RESOURCE_EXHAUSTED", first)
    assert server.sees_a_disconnect()


def test_events_under_a_wrong_content_type_are_read(ask: Asking, server: RawServer) -> None:
    types = ["application/json", "text/html", "application/octet-stream", ""]
    server.script(*(streamed(PARTS, content_type=content_type) for content_type in types))
    asker = ask()
    assert [text_of(asker.stream_chat_completion(QUESTION)) for _ in types] == [TEXT] * len(types)


def _read_until_error(stream: Any) -> tuple[str, AssistantError | None]:
    seen = ""
    try:
        for step in stream:
            seen += step.content
    except AssistantError as error:
        return seen, error
    return seen, None


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=repr)
def test_a_stream_whose_connection_breaks_is_whole_or_a_typed_error(
    ask: Asking, server: RawServer, framing: Framing, ending: Step
) -> None:
    """An answer is whole once its finish_reason came. The decoders are tested with a cut after every byte."""
    finish = event({"choices": [{"finish_reason": "stop"}]})
    first, second = (event({"choices": [{"delta": {"content": text}}]}) for text in ("Tä ", "g."))
    body = first + second
    finish_at = len(body) + len(finish.rstrip())
    body += finish + event({"choices": [], "usage": USAGE})
    asker = ask(max_retries=0)
    whole = 0
    for size in (0, 9, len(first), len(first + second) - 9, finish_at - 1, finish_at + 2, len(body) - 9, len(body)):
        piece = chunk(body[:size]) if framing == "chunked" else body[:size]
        headers = {
            "chunked": {"Transfer-Encoding": "chunked"},
            "length": {"Content-Length": str(len(body) + 9)},
            "close": {},
        }
        server.script([head(200, headers[framing]), piece if size else b"", ending])
        seen, error = _read_until_error(asker.stream_chat_completion(QUESTION))
        if error is None:
            whole += 1
            assert seen == "Tä g."
            assert size >= finish_at
        else:
            assert "Tä g.".startswith(seen)
            # A body that breaks has no last event without its blank line.
            assert size < finish_at + 2 or ending is RESET
        if error is not None and ending is CLOSE:
            assert isinstance(error, IncompleteStreamError)
            assert error.text == seen
    assert whole or ending is RESET
    assert len(server.requests) == server.connections


def test_a_connection_that_breaks_after_the_finish_is_told_and_no_error(
    ask: Asking, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script([head(200, {"Content-Length": "9999"}), part("Yes."), part(finish="stop"), CLOSE])
    with caplog.at_level(logging.WARNING, "pinecone_assistant_client"):
        assert text_of(ask().stream_chat_completion(QUESTION)) == "Yes."
    assert "after the answer was whole" in caplog.text
