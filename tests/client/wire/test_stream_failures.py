"""Streams without a usable answer: cut, broken, a web page, or an error that the service reports inside the stream."""

from __future__ import annotations

import pytest

from pinecone_assistant_client.errors import IncompleteStreamError, StreamError
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder

from ..support.asking import text_of
from ..support.stream_bodies import BOTH, FILE, OPENAI, OPENAI_TEXT, Decoder, event, failure_of, part, read, read_openai


@BOTH
def test_done_before_the_finish_reason_is_a_cut(decoder: Decoder, events: list[bytes], text: str) -> None:
    error, shown = failure_of(decoder(), *events[:4], b"data:[DONE]\n\n")
    assert isinstance(error, IncompleteStreamError)
    assert error.text == shown != ""
    assert f"cut after {len(shown)} characters" in str(error)


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n\n ",
        b": nothing\n\n: yet\n\n",
        b"event: ping\n\n",
        b"data:\n\n",
        b"data: [DONE]\n\n",
        b"upstream timed out",
        b"\xff\xfe\x00garbage",
        b"\xef\xbb\xbf",
        b"\xef\xbb",
    ],
)
def test_a_body_without_any_part_of_an_answer_is_an_error(
    decoder: Decoder, events: list[bytes], text: str, body: bytes
) -> None:
    for pieces in ([body], [bytes([byte]) for byte in body]):
        error, shown = failure_of(decoder(), *pieces)
        assert isinstance(error, IncompleteStreamError)
        assert (error.text, shown) == ("", "")


@BOTH
@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><title>Sign in</title>", b"\xef\xbb\xbf \n<html>", b"<", b"<?xml ?>"]
)
def test_a_web_page_is_an_error_that_says_so(decoder: Decoder, events: list[bytes], text: str, body: bytes) -> None:
    for pieces in ([body], [bytes([byte]) for byte in body]):
        error, _ = failure_of(decoder(), *pieces)
        assert "a web page came instead of an answer: look for a proxy" in str(error)
        assert not isinstance(error, IncompleteStreamError)


@BOTH
@pytest.mark.parametrize(
    "data", ["<html>", "{}", "[]", "7", "null", '"text"', '{"id": 7}', '{"choices": 7, "type": 7}', "{"]
)
def test_an_event_that_is_no_part_of_an_answer_raises_after_the_text_before_it(
    decoder: Decoder, events: list[bytes], text: str, data: str
) -> None:
    error, shown = failure_of(decoder(), *events[:4], event(data), *events[4:])
    joined, joined_shown = failure_of(decoder(), b"".join([*events[:4], event(data), *events[4:]]))
    assert not isinstance(error, IncompleteStreamError)
    assert shown == error.text == joined_shown == joined.text != ""
    assert str(error) == str(joined)


@BOTH
def test_an_event_with_bytes_that_are_no_utf_8_raises(decoder: Decoder, events: list[bytes], text: str) -> None:
    broken = (
        part("pine").replace(b"pine", b"\xff")
        if decoder is ChatCompletionStreamDecoder
        else event({"type": "content_chunk", "delta": {"content": "pine"}}).replace(b"pine", b"\xc3")
    )
    error, shown = failure_of(decoder(), *events[:4], broken, *events[4:])
    assert shown == error.text != ""


OOPS = {"code": "INTERNAL", "message": "Oops"}
ERRORS: list[tuple[bytes, str | None, str]] = [
    (event({"error": OOPS, "status": 500}), "INTERNAL", "INTERNAL: Oops"),
    (event({"error": "model overloaded"}), None, "model overloaded"),
    (event({"error": {"message": "no code"}, "choices": []}), None, "no code"),
    (event({"error": OOPS}, name="error"), "INTERNAL", "INTERNAL: Oops"),
    (event(OOPS, name="error"), "INTERNAL", "INTERNAL: Oops"),
    (event({"message": "Oops"}, name="error"), None, "Oops"),
    (event("plain words", name="error"), None, "plain words"),
    (event({"type": "error", "error": OOPS}), "INTERNAL", "INTERNAL: Oops"),
    (event({"error": {"code": 13, "message": "Oops"}}), "13", "13: Oops"),
]


@BOTH
@pytest.mark.parametrize("bad", ERRORS)
def test_an_error_inside_a_stream_raises_with_the_services_code_and_message(
    decoder: Decoder, events: list[bytes], text: str, bad: tuple[bytes, str | None, str]
) -> None:
    data, code, message = bad
    for pieces in ([*events[:4], data, *events[4:]], [b"".join([*events[:4], data])]):
        error, shown = failure_of(decoder(), *pieces)
        assert error.code == code
        assert message in str(error)
        assert "see docs/errors.md#streamerror" in str(error)
        assert shown == error.text != ""
        assert error.body is not None


@BOTH
@pytest.mark.parametrize("data", ["", " ", "{}", "null", '{"error": null}', "[DONE]"])
def test_a_named_error_event_is_an_error_whatever_is_in_it(
    decoder: Decoder, events: list[bytes], text: str, data: str
) -> None:
    error, shown = failure_of(decoder(), *events[:4], event(data, name="error"), *events[4:])
    assert "the service reported an error inside the answer: " in str(error)
    assert error.text == shown


@BOTH
@pytest.mark.parametrize("name", ["ping", "heartbeat", "done", "Error", "messages", "completion.delta"])
@pytest.mark.parametrize("data", ["", "{}", "not JSON", "[DONE]", '{"error": "Oops"}', '{"type": "error"}'])
def test_named_events_that_are_not_of_the_answer_are_ignored(
    decoder: Decoder, events: list[bytes], text: str, name: str, data: str
) -> None:
    odd = event(data, name=name)
    body = [odd, *(piece for one in events for piece in (one, odd))]
    assert text_of(read(decoder(), body)) == text
    assert text_of(read(decoder(), [b"".join(body)])) == text


@BOTH
def test_events_named_message_are_read(decoder: Decoder, events: list[bytes], text: str) -> None:
    assert text_of(read(decoder(), [b"event: message\n" + one for one in events])) == text


@BOTH
def test_an_error_as_the_first_event_raises(decoder: Decoder, events: list[bytes], text: str) -> None:
    error, shown = failure_of(decoder(), event({"error": {"code": "INTERNAL", "message": "Oops"}}))
    assert (error.code, shown) == ("INTERNAL", "")


@BOTH
def test_a_signed_url_in_an_error_of_a_stream_is_cut(decoder: Decoder, events: list[bytes], text: str) -> None:
    bad = event({"error": {"code": "INTERNAL", "message": f"cannot read {FILE['signed_url']}"}})
    error, _ = failure_of(decoder(), *events[:3], bad)
    assert "SIGNED" not in str(error) + repr(error.body)
    assert "https://storage.example/pine.pdf?[cut]" in str(error)


def test_an_error_after_the_finish_still_raises() -> None:
    """Half a stream with an error of the service does not pass as complete."""
    error, shown = failure_of(ChatCompletionStreamDecoder(), *OPENAI[:6], event({"error": "late"}))
    assert "late" in str(error)
    assert shown == OPENAI_TEXT


def test_white_space_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(StreamError, match="white space"):
        read_openai(*[b" " * 1024] * 1000)
