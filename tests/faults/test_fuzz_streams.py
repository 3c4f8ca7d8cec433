"""A short round of the fuzzing of `tests/faults/fuzz/`, and tests for the bugs that its long rounds found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinecone_assistant_client import InvalidRequestError, StreamError, validate_filter
from pinecone_assistant_client.citations import extract_citations, strip_reference_list
from pinecone_assistant_client.wire.decoding import decode_chat_completion
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder
from tests.faults import fuzz
from tests.faults.reference_decoder import Interface, Outcome, decode
from tests.faults.reference_events import events_of

QUICK = settings(
    max_examples=150,
    deadline=None,  # machines of CI are busy
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BOTH = pytest.mark.parametrize("interface", ["openai", "standard"])


@QUICK
@given(fuzz.bodies("openai"), fuzz.CUTS)
def test_openai_streams_in_any_state_and_split_are_what_the_reference_says(body: bytes, cuts: list[int]) -> None:
    fuzz.check_stream("openai", body, cuts)


@QUICK
@given(fuzz.bodies("standard"), fuzz.CUTS)
def test_standard_streams_in_any_state_and_split_are_what_the_reference_says(body: bytes, cuts: list[int]) -> None:
    fuzz.check_stream("standard", body, cuts)


@BOTH
@QUICK
@given(body=st.binary(max_size=80), cuts=fuzz.CUTS)
def test_any_bytes_are_an_answer_or_a_typed_error(interface: Interface, body: bytes, cuts: list[int]) -> None:
    fuzz.check_stream(interface, body, cuts)


@QUICK
@given(fuzz.ANSWERS)
def test_citations_stand_in_order_at_brackets_of_the_text(text: str) -> None:
    fuzz.check_citations(text)


@QUICK
@given(fuzz.ANSWERS, fuzz.CUTS)
def test_a_reference_list_held_back_in_any_split_is_the_one_stripped_at_the_end(text: str, cuts: list[int]) -> None:
    fuzz.check_holdback(text, cuts)


@QUICK
@given(fuzz.FILTERS)
def test_any_value_is_a_filter_that_json_can_carry_or_refused(value: Any) -> None:
    fuzz.check_filter(value)


@pytest.mark.parametrize(
    "work", [extract_citations, strip_reference_list, fuzz.held_back], ids=["extract", "strip", "hold back"]
)
@pytest.mark.parametrize("name", ["markers that never end", "blank ends", "headings", "links", "backticks"])
def test_twice_the_hostile_text_takes_twice_the_work(name: str, work: Callable[[str], object]) -> None:
    """`python -m tests.faults.fuzz` does this for all of them and a megabyte of each."""
    fuzz.check_linear(name, work, 20_000)


# The reference itself


def test_the_reference_reads_the_examples_of_the_standard() -> None:
    """The three examples at the end of section 9.2.6."""
    body = b"data: YHOO\ndata: +2\ndata: 10\n\n"
    assert [(event.data, event.name) for event in events_of(body)] == [(b"YHOO\n+2\n10", b"")]
    body = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event"
    assert [event.data for event in events_of(body)] == [b"first event", b"second event", b" third event"]
    body = b"data\n\ndata\ndata\n\ndata:"
    assert [event.data for event in events_of(body)] == [b"", b"\n", b""]


@BOTH
@pytest.mark.parametrize(
    "body", [rb'data:{"\ud800id":1}', rb'data:{"unread":"3c\udf32"}', rb'data:{"unread":"\ud83c\udf32"}']
)
def test_the_reference_and_the_client_judge_escaped_surrogates_alike(interface: Interface, body: bytes) -> None:
    """The reference once accepted lone surrogates in names and in unused fields; the long round found it."""
    fuzz.check_stream(interface, body + b"\n\n", [9, 14])


def test_the_reference_reads_the_stream_that_the_documentation_shows() -> None:
    body = b"".join(
        b"data:" + json.dumps(event).encode() + b"\n\n"
        for event in (
            {"type": "message_start", "id": "1", "model": "m", "role": "assistant"},
            {"type": "content_chunk", "id": "1", "model": "m", "delta": {"content": "The"}},
            {"type": "citation", "id": "1", "citation": {"position": 3, "references": [{"file": {"name": "a.md"}}]}},
            {"type": "message_end", "id": "1", "finish_reason": "stop", "usage": {"prompt_tokens": 2}},
        )
    )
    assert decode(body, "standard") == Outcome(
        text="The", citations=[(3, ("a.md",))], finish_reasons=["stop"], usages=[(2, 0, 2)], cited_text="The"
    )
    assert decode(body[:-40], "standard") == Outcome(text="The", citations=[(3, ("a.md",))], error="cut")


# Bugs that were found


def sent(*events: Any) -> bytes:
    return b"".join(b"data:" + json.dumps(event).encode() + b"\n\n" for event in events)


def test_a_second_message_end_does_not_give_a_second_finish_reason() -> None:
    """Frameworks add chunks up, so two finish reasons became "stopstop"."""
    end = {"type": "message_end", "finish_reason": "stop", "usage": {"prompt_tokens": 1}}
    chunks, error = fuzz.read(
        ChatStreamDecoder(), [sent({"type": "content_chunk", "delta": {"content": "Pine"}}, end, end)]
    )
    assert error is None
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]


@pytest.mark.parametrize("inside", [{}, {"choices": []}, {"choices": [{"delta": {"content": "more"}}]}])
def test_an_error_inside_the_chat_completion_wrapper_of_a_stream_is_not_overlooked(inside: dict[str, Any]) -> None:
    """It was overlooked if the event had choices too."""
    wrapped = {"chat_completion": {**inside, "error": {"code": "INTERNAL", "message": "Oops"}}}
    first = {"choices": [{"delta": {"content": "Pine"}, "finish_reason": "stop"}]}
    chunks, error = fuzz.read(ChatCompletionStreamDecoder(), [sent(first, wrapped)])
    assert isinstance(error, StreamError)
    assert (error.code, error.text) == ("INTERNAL", "Pine")
    assert "INTERNAL: Oops" in str(error)
    assert [chunk.content for chunk in chunks] == ["Pine"]


def test_an_error_inside_the_chat_completion_wrapper_of_a_whole_answer_is_not_overlooked() -> None:
    choice = {"message": {"content": "Pine"}, "finish_reason": "stop"}
    body = {"chat_completion": {"choices": [choice], "error": {"code": "INTERNAL", "message": "Oops"}}}
    with pytest.raises(StreamError, match="INTERNAL: Oops") as caught:
        decode_chat_completion(json.dumps(body).encode())
    assert caught.value.code == "INTERNAL"


@BOTH
def test_half_an_event_that_is_no_utf_8_does_not_spoil_an_answer_that_is_whole(interface: Interface) -> None:
    """Half an event with bytes that are not UTF-8 raised, although half an event that is not JSON did not."""
    finish = {"type": "message_end", "finish_reason": "stop", "choices": [{"delta": {}, "finish_reason": "stop"}]}
    _, error = fuzz.read(fuzz.DECODERS[interface](), [sent(finish), b'data:{"id":"\x80"}\n'])
    assert error is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"genre": "com\ud800edy"}, "filter.genre: "),
        ({"genre": {"$in": ["drama", "\udfff"]}}, "filter.genre.$in[1]: "),
        ({"\ud800": 1}, "filter: "),
        ({"genre": {"\ud800": 1}}, "filter.genre: "),
    ],
)
def test_a_lone_surrogate_in_a_filter_is_refused_by_its_path(value: dict[str, Any], path: str) -> None:
    """The validator accepted it, so the error came only when the request was written, without a path."""
    with pytest.raises(InvalidRequestError, match="lone surrogate") as caught:
        validate_filter(value)
    assert str(caught.value).startswith(path)
    assert str(caught.value).encode()


@BOTH
def test_a_second_byte_order_mark_is_text_as_in_every_reader_of_the_standard(interface: Interface) -> None:
    """Both were dropped, so the first event was read differently from any browser."""
    body = b"\xef\xbb\xbf\xef\xbb\xbfdata:{}\n\n" + sent(
        {"type": "message_end", "finish_reason": "stop", "choices": [{"finish_reason": "stop"}]}
    )
    _, error = fuzz.read(fuzz.DECODERS[interface](), [body])
    assert error is None
    fuzz.check_stream(interface, body, [1, 3, 4, 6])
