"""Streamed answers with status 200, over a socket: what counts, what ends them, and what is an error."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from pinecone_assistant_client import AssistantError, Citation, IncompleteStreamError, Reference, StreamError, Usage

from ..support.asking import Asking, text_of
from ..support.bodies import (
    ANSWER_ID,
    CHAT_EVENTS,
    PARTS,
    QUESTION,
    SERVICE_ERROR,
    TEXT,
    USAGE,
    completion,
    event,
    part,
)
from ..support.raw_server import CLOSE, HOLD, RESET, Framing, RawServer, Step, chunk, head, reply, streamed


def test_a_stream_gives_texts_then_finish_with_citations_then_usage(ask: Asking, server: RawServer) -> None:
    server.script(streamed(PARTS))
    chunks = list(ask().stream_chat_completion(QUESTION))
    assert text_of(chunks) == TEXT
    assert [chunk.finish_reason for chunk in chunks] == [None, None, None, None, "stop", None]
    assert chunks[-2].citations == (Citation(35, 45, (Reference(number=1, pages=(1,)),)),)
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(10, 5, 15)]
    assert {chunk.id for chunk in chunks} == {ANSWER_ID}


def test_different_ids_in_one_stream_become_the_first_one(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("A", id="first"), part("B", id="second"), part(finish="stop", id=None)]))
    assert {chunk.id for chunk in ask().stream_chat_completion(QUESTION)} == {"first"}


def test_empty_choices_in_a_stream_are_no_text(ask: Asking, server: RawServer) -> None:
    server.script(streamed([event({"choices": []}), part("Yes."), event({"choices": []}), part(finish="stop")]))
    assert text_of(ask().stream_chat_completion(QUESTION)) == "Yes."


def test_a_first_chunk_with_role_and_content_counts(ask: Asking, server: RawServer) -> None:
    first = event({"id": "x", "choices": [{"delta": {"role": "assistant", "content": "Yes"}, "finish_reason": None}]})
    server.script(streamed([first, part("."), part(finish="stop")]))
    assert text_of(ask().stream_chat_completion(QUESTION)) == "Yes."


def test_the_finish_reason_null_is_not_the_end_of_a_stream(ask: Asking, server: RawServer) -> None:
    server.script(
        streamed([part("Yes", finish="null"), part(".", finish="length")]),
        streamed([part("Yes", finish="null")]),
    )
    asker = ask()
    chunks = list(asker.stream_chat_completion(QUESTION))
    assert text_of(chunks) == "Yes."
    assert [chunk.finish_reason for chunk in chunks] == [None, "length"]
    with pytest.raises(IncompleteStreamError):
        list(asker.stream_chat_completion(QUESTION))


def test_usage_on_the_finish_chunk_counts(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("Yes."), part(finish="stop", usage=USAGE)]))
    assert list(ask().stream_chat_completion(QUESTION))[-1].usage == Usage(10, 5, 15)


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


def test_a_done_event_ends_the_stream_and_is_no_finish_reason(ask: Asking, server: RawServer) -> None:
    server.script(
        streamed([*PARTS, b"data: [DONE]\n\n", b"data: not looked at\n\n"]),
        streamed([part("Yes"), b"data: [DONE]\n\n"]),
    )
    asker = ask()
    assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
    with pytest.raises(IncompleteStreamError):
        list(asker.stream_chat_completion(QUESTION))


def test_a_done_event_ends_the_reading_though_the_server_keeps_the_connection(ask: Asking, server: RawServer) -> None:
    server.script(streamed([*PARTS, b"data: [DONE]\n\n", HOLD]))
    assert text_of(ask().stream_chat_completion(QUESTION)) == TEXT
    assert server.sees_a_disconnect()


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (event(SERVICE_ERROR), ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED: Tokens are used up")),
        (event({"error": "model overloaded"}), (None, "model overloaded")),
        (event({"error": {"message": "no code"}, "choices": []}), (None, "no code")),
        (b'event: error\ndata: {"code": "INTERNAL", "message": "broke"}\n\n', ("INTERNAL", "INTERNAL: broke")),
        (b"event: error\ndata: broke in words\n\n", (None, "broke in words")),
    ],
    ids=["object", "text", "no code", "named event", "named event with text"],
)
@pytest.mark.parametrize("method", ["stream_chat_completion", "stream_chat"])
def test_an_error_event_raises_with_the_service_code_and_message(
    ask: Asking, server: RawServer, method: str, failure: bytes, expected: tuple[str | None, str]
) -> None:
    server.script(streamed([(PARTS if method == "stream_chat_completion" else CHAT_EVENTS)[1] + failure, HOLD]))
    stream = getattr(ask(), method)(QUESTION)
    first = next(stream).content
    assert first  # what came before the error in the same bytes is delivered
    with pytest.raises(StreamError) as caught:
        next(stream)
    assert not isinstance(caught.value, IncompleteStreamError)
    assert caught.value.code == expected[0]
    assert expected[1] in str(caught.value)
    assert caught.value.text == first
    assert server.sees_a_disconnect()


def test_an_error_event_after_the_finish_still_raises(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("Yes."), part(finish="stop"), event(SERVICE_ERROR)]))
    with pytest.raises(StreamError, match="Tokens are used up"):
        list(ask().stream_chat_completion(QUESTION))


@pytest.mark.parametrize("content_type", ["application/json", "text/html", "application/octet-stream", ""])
def test_events_under_a_wrong_content_type_are_read(ask: Asking, server: RawServer, content_type: str) -> None:
    server.script(streamed(PARTS, content_type=content_type))
    assert text_of(ask().stream_chat_completion(QUESTION)) == TEXT


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_json_answer_to_a_streamed_request_is_one_chunk(ask: Asking, server: RawServer, wrapped: bool) -> None:
    body = json.dumps({"chat_completion": completion()} if wrapped else completion(), indent=1).encode()
    server.script(streamed([b"\n \xef\xbb\xbf"[:2], body[:7], body[7:]], content_type="text/event-stream"))
    (only,) = ask().stream_chat_completion(QUESTION)
    assert (only.content, only.finish_reason, only.usage) == (TEXT, "stop", Usage(10, 5, 15))
    assert only.citations[0].references[0].pages == (1,)


def test_a_whole_json_answer_to_a_streamed_request_keeps_text_that_was_held_for_stop_or_stripping(
    ask: Asking, server: RawServer
) -> None:
    """It may have no finish_reason, at which held text comes out in a stream."""
    server.script(reply({"choices": [{"message": {"content": "It is EN"}}]}))
    chunks = ask().stream_answer(QUESTION, stop="END", strip_references=True)
    assert text_of(chunks) == "It is EN"


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
def test_a_stream_cut_after_every_byte_is_whole_or_a_typed_error(
    ask: Asking, server: RawServer, framing: Framing, ending: Step
) -> None:
    """Whole means: the finish_reason came. The text so far is always a beginning of the whole text.

    Every byte where the connection is the body's only end; in the other framings and with resets every seventh, to save time.
    """
    finish = event({"choices": [{"finish_reason": "stop"}]})
    body = b"".join(event({"choices": [{"delta": {"content": text}}]}) for text in ("Tä ", "g."))
    finish_at = len(body) + len(finish.rstrip())
    body += finish + event({"choices": [], "usage": USAGE})
    asker = ask(max_retries=0)
    whole = 0
    for size in range(0, len(body) + 1, 1 if framing == "close" and ending is CLOSE else 7):
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
