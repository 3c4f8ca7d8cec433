"""Events of /chat/completions: missing, null and wrapped fields, and precedence among repeated ones."""

from __future__ import annotations

import json

import pytest

from pinecone_assistant_client.answers import Usage
from pinecone_assistant_client.citations import Citation, Reference
from pinecone_assistant_client.errors import IncompleteStreamError
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder

from ..support.asking import text_of
from ..support.stream_bodies import ID, MODEL, OPENAI, USAGE, event, failure_of, part, read_openai, summary


def test_events_may_be_wrapped_in_chat_completion() -> None:
    wrapped = [event({"chat_completion": json.loads(raw[5:])}) for raw in OPENAI]
    assert summary(read_openai(*wrapped)) == summary(read_openai(*OPENAI))


@pytest.mark.parametrize("role", ["", None, '"assistant"', "assistant", 'a "role" to come'])
def test_any_role_is_read(role: str | None) -> None:
    chunks = read_openai(part("Pine", role=role), part(".", role=role), part(None, "stop", role=role))
    assert text_of(chunks) == "Pine."


def test_a_delta_or_content_may_be_missing_or_null() -> None:
    body = [
        event({"choices": [{}]}),
        event({"choices": [{"delta": None}]}),
        event({"choices": [{"delta": {}}]}),
        event({"choices": [{"delta": {"content": ""}}]}),
        event({"choices": [{"delta": {"content": "Pine."}}]}),
        event({"choices": [{"finish_reason": "stop"}]}),
    ]
    chunks = read_openai(*body)
    assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [("Pine.", None), ("", "stop")]
    assert {(chunk.id, chunk.model, chunk.usage) for chunk in chunks} == {(None, None, None)}


def test_empty_choices_without_usage_are_no_chunk() -> None:
    chunks = read_openai(event({"id": ID, "choices": []}), part("Pine.", "stop"), event({"choices": [], "usage": None}))
    assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [("Pine.", "stop")]


def test_usage_may_be_missing_or_come_with_the_finish_or_before_it() -> None:
    assert [chunk.usage for chunk in read_openai(part("Pine.", "stop"))] == [None]
    (only,) = read_openai(part("Pine.", "stop", usage=USAGE))
    assert only.usage == Usage(9, 4, 13)
    early = event({"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": None}})
    assert [chunk.usage for chunk in read_openai(early, part("Pine.", "stop"))] == [Usage(2, 0, 2), None]


@pytest.mark.parametrize("finish", ["null", "", None])
def test_a_finish_reason_of_null_is_no_end(finish: str | None) -> None:
    error, shown = failure_of(ChatCompletionStreamDecoder(), part("Pine"), part(".", finish))
    assert isinstance(error, IncompleteStreamError)
    assert shown == error.text == "Pine."
    chunks = read_openai(part("Pine"), part(".", finish), part(None, "length"))
    assert [chunk.finish_reason for chunk in chunks] == [None, None, "length"]


def test_text_after_the_finish_is_given_and_the_finish_stands_once() -> None:
    chunks = read_openai(part("Pi", "stop"), part("ne.", "stop"))
    assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [("Pi", "stop"), ("ne.", None)]


def test_every_chunk_carries_the_first_id_that_was_seen() -> None:
    """Older captures have another id in the first chunk than in all the others."""
    events = [part("A", id=""), part("B", id="first"), part("C", id="second"), part(None, "stop", id=None)]
    usage = event({"id": "third", "choices": [], "usage": USAGE})
    chunks = read_openai(*events, usage)
    assert [chunk.id for chunk in chunks] == [None, "first", "first", "first", "first"]


def test_the_model_is_kept_where_later_events_have_none() -> None:
    chunks = read_openai(part("A"), part("B", model=None), part(None, "stop", model=""))
    assert {chunk.model for chunk in chunks} == {MODEL}


def test_only_the_first_choice_is_read() -> None:
    two = event({"choices": [{"delta": {"content": "A"}}, {"delta": {"content": "B"}}]})
    assert text_of(read_openai(two, part(None, "stop"))) == "A"


def test_raw_line_separators_inside_an_event_are_text() -> None:
    text = "a\u2028b\u2029c\u0085d"
    raw = part(text)
    assert "\u2028".encode() in raw
    assert text_of(read_openai(raw, part(None, "stop"))) == text


def test_an_event_over_several_data_lines_is_read() -> None:
    raw = b'data: {"choices": [{"delta":\ndata: {"content": "Pine."},\ndata:"finish_reason": "stop"}]}\n\n'
    assert text_of(read_openai(raw)) == "Pine."


def test_citations_of_a_stream_have_the_files_of_the_reference_list_and_the_text_stays() -> None:
    text = "Pine [1].\n\nReferences:\n1. [pine.pdf](https://storage.example/p?sig=1) \n"
    chunks = read_openai(*(part(character) for character in text), part(None, "stop"))
    assert text_of(chunks) == text
    reference = Reference(number=1, file_name="pine.pdf", url="https://storage.example/p?sig=1")
    assert chunks[-1].citations == (Citation(5, 8, (reference,)),)
