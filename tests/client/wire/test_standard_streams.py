"""Events of /chat, the standard interface: missing, null and unknown fields, and precedence among repeated ones."""

from __future__ import annotations

import pytest

from pinecone_assistant_client.citations import Citation, Reference
from pinecone_assistant_client.errors import IncompleteStreamError
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder

from ..support.stream_bodies import OPENAI, STANDARD, event, failure_of, read_standard, standard, summary


def test_events_of_unknown_types_are_ignored_on_the_standard_interface() -> None:
    more = [standard("thinking", delta={"content": "hm"}), standard("content_filter", results={}), standard("")]
    assert summary(read_standard(*STANDARD[:3], *more, *STANDARD[3:])) == summary(read_standard(*STANDARD))


def test_usage_of_the_end_may_be_null_or_missing() -> None:
    for end in (
        standard("message_end", finish_reason="stop", usage=None),
        standard("message_end", finish_reason="stop"),
    ):
        last = read_standard(STANDARD[2], end)[-1]
        assert (last.finish_reason, last.usage) == ("stop", None)


@pytest.mark.parametrize("finish", ["null", None, ""])
def test_an_end_without_a_finish_reason_is_a_cut_on_the_standard_interface(finish: str | None) -> None:
    error, shown = failure_of(ChatStreamDecoder(), STANDARD[2], standard("message_end", finish_reason=finish))
    assert isinstance(error, IncompleteStreamError)
    assert shown == error.text == "A red pine grows "


def test_a_content_chunk_without_content_is_no_chunk() -> None:
    body = [
        standard("content_chunk"),
        standard("content_chunk", delta=None),
        standard("content_chunk", delta={}),
        standard("content_chunk", delta={"content": None}),
        standard("content_chunk", delta={"content": ""}),
        STANDARD[-1],
    ]
    assert len(read_standard(*body)) == 1


def test_a_citation_may_lack_everything_but_its_position() -> None:
    citations = [{"position": 3}, {"position": 4, "references": [{}]}, {"position": 5, "references": [{"file": None}]}]
    chunks = read_standard(*(standard("citation", citation=c) for c in citations), STANDARD[-1])
    assert [chunk.citations for chunk in chunks[:-1]] == [
        (Citation(3, 3, ()),),
        (Citation(4, 4, (Reference(),)),),
        (Citation(5, 5, (Reference(),)),),
    ]


def test_an_event_of_the_other_interface_raises() -> None:
    failure_of(ChatStreamDecoder(), *OPENAI)
    failure_of(ChatCompletionStreamDecoder(), *STANDARD)


def test_ids_that_differ_are_the_first_on_the_standard_interface_too() -> None:
    events = [event({"type": "content_chunk", "id": id_, "delta": {"content": "x"}}) for id_ in ("a", "b")]
    end = event({"type": "message_end", "id": "c", "finish_reason": "stop"})
    assert [chunk.id for chunk in read_standard(*events, end)] == ["a", "a", "a"]


def test_a_reference_keeps_its_signed_url_out_of_its_repr() -> None:
    chunks = read_standard(*STANDARD)
    assert "SIGNED" not in repr(chunks)


def test_an_event_of_type_error_has_its_code_and_message_at_its_top() -> None:
    error, _ = failure_of(ChatStreamDecoder(), event({"type": "error", "code": "INTERNAL", "message": "broke"}))
    assert error.code == "INTERNAL"
    assert "INTERNAL: broke" in str(error)
