"""Streamed answers: any split of the bytes has the same result, chunks or a typed error, never a silently shorter answer."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client.answers import ChatCompletionChunk, Usage
from pinecone_assistant_client.citations import Citation, Reference
from pinecone_assistant_client.errors import IncompleteStreamError

from ..support.asking import text_of
from ..support.stream_bodies import (
    BOTH,
    CITATION,
    FILE,
    ID,
    MODEL,
    OPENAI,
    STANDARD,
    STANDARD_TEXT,
    USAGE,
    Decoder,
    failure_of,
    part,
    read,
    read_openai,
    read_standard,
    summary,
)


def test_the_openai_stream_gives_its_text_citations_finish_and_usage() -> None:
    chunks = read_openai(*OPENAI)
    assert [chunk.content for chunk in chunks] == ["A red pine grows to ", "25 m", "ä.  [1", ", pp. 1-2]", "", ""]
    finish, usage = chunks[-2:]
    assert finish.finish_reason == "stop"
    assert finish.citations == (Citation(28, 40, (Reference(number=1, pages=(1, 2)),)),)
    assert usage.usage == Usage(9, 4, 13)
    assert [chunk.citations for chunk in (*chunks[:-2], usage)] == [()] * 5
    assert {(chunk.id, chunk.model) for chunk in chunks} == {(ID, MODEL)}


def test_the_standard_stream_gives_its_text_citations_finish_usage_and_count() -> None:
    chunks = read_standard(*STANDARD)
    assert text_of(chunks) == STANDARD_TEXT
    reference = Reference(pages=(1, 2), file_name="pine.pdf", file_id="f-1", url=FILE["signed_url"], highlight="25 m")
    assert [chunk.citations for chunk in chunks if chunk.citations] == [(Citation(22, 22, (reference,)),)]
    assert (chunks[-1].finish_reason, chunks[-1].usage) == ("stop", Usage(9, 4, 13))
    assert [chunk.context_snippet_count for chunk in chunks if chunk.context_snippet_count is not None] == [3]
    assert {(chunk.id, chunk.model) for chunk in chunks} == {(ID, MODEL)}


@BOTH
def test_a_stream_cut_after_any_byte_is_the_whole_answer_or_an_error_with_the_text_so_far(
    decoder: Decoder, events: list[bytes], text: str
) -> None:
    body = b"".join(events)
    whole = 0
    for size in range(len(body) + 1):
        for pieces in ([body[:size]], [body[at : at + 1] for at in range(size)]):
            reading = decoder()
            chunks: list[ChatCompletionChunk] = []
            cut = None
            try:
                read(reading, pieces, chunks)
            except IncompleteStreamError as error:
                cut = error
            if cut is None:
                whole += 1
                assert text_of(chunks) == text
            else:
                assert text.startswith(text_of(chunks))
                assert cut.text == text_of(chunks)
            assert reading.is_whole == (cut is None)
    assert whole >= 2


@BOTH
def test_what_a_cut_stream_gave_and_said_does_not_depend_on_the_split(
    decoder: Decoder, events: list[bytes], text: str
) -> None:
    body = b"".join(events[:5]) + events[5][:40]
    whole, shown = failure_of(decoder(), body)
    for size in (1, 2, 5, 100):
        error, bytewise = failure_of(decoder(), *(body[at : at + size] for at in range(0, len(body), size)))
        assert (type(error), str(error), bytewise) == (type(whole), str(whole), shown)


@BOTH
@given(cuts=st.lists(st.integers(min_value=0, max_value=2000), max_size=30))
def test_text_citations_and_usage_do_not_depend_on_the_split(
    decoder: Decoder, events: list[bytes], text: str, cuts: list[int]
) -> None:
    body = b"".join(events)
    borders = sorted({0, len(body), *(cut % len(body) for cut in cuts)})
    chunks = read(decoder(), [body[start:end] for start, end in pairwise(borders)])
    assert summary(chunks) == summary(read(decoder(), events))


@BOTH
@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=repr)
def test_the_answer_does_not_depend_on_the_line_ends(
    decoder: Decoder, events: list[bytes], text: str, end: bytes
) -> None:
    body = b"".join(events).replace(b"\n", end)
    assert summary(read(decoder(), [body])) == summary(read(decoder(), events))


@BOTH
@pytest.mark.parametrize(
    "before", [b"\n", b": hello\n\n", b"event: ping\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n \n", b"data:\n\n"]
)
def test_what_comes_before_the_first_event_is_no_matter(
    decoder: Decoder, events: list[bytes], text: str, before: bytes
) -> None:
    for pieces in (
        [before, *events],
        [before + b"".join(events)],
        [bytes([byte]) for byte in before + b"".join(events)],
    ):
        assert text_of(read(decoder(), pieces)) == text


@BOTH
def test_done_ends_the_stream_and_what_follows_is_not_read(decoder: Decoder, events: list[bytes], text: str) -> None:
    body = [*events, b"data: [DONE]\n\n", part("more"), b"data:{\n\n"]
    reading = decoder()
    assert text_of(read(reading, body)) == text
    assert reading.is_done
    assert text_of(read(decoder(), [b"".join(body)])) == text


@BOTH
def test_half_an_event_after_the_finish_is_no_error(decoder: Decoder, events: list[bytes], text: str) -> None:
    finish = events.index(next(e for e in events if b'"finish_reason": "stop"' in e))
    assert text_of(read(decoder(), [*events[: finish + 1], b'data:{"id": "01'])) == text


def test_a_whole_json_answer_to_a_streamed_openai_request_is_one_chunk() -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Pine. [1]"}}
    for answer in (
        {"id": ID, "model": MODEL, "choices": [choice], "usage": USAGE},
        {"chat_completion": {"id": ID, "model": MODEL, "choices": [choice], "usage": USAGE}},
    ):
        body = b" \n" + json.dumps(answer, indent=1).encode()
        for pieces in ([body], [bytes([byte]) for byte in body], [b"\xef\xbb\xbf" + body]):
            (chunk,) = read_openai(*pieces)
            assert chunk == ChatCompletionChunk(
                ID, MODEL, "Pine. [1]", "stop", Usage(9, 4, 13), (Citation(6, 9, (Reference(number=1),)),)
            )


def test_a_whole_json_answer_to_a_streamed_standard_request_is_one_chunk() -> None:
    answer = {
        "id": ID,
        "model": MODEL,
        "message": {"role": "assistant", "content": "Pine."},
        "finish_reason": "stop",
        "usage": USAGE,
        "citations": [CITATION],
        "context_snippet_count": 2,
    }
    (chunk,) = read_standard(json.dumps(answer).encode())
    assert (chunk.content, chunk.finish_reason, chunk.usage) == ("Pine.", "stop", Usage(9, 4, 13))
    assert chunk.citations[0].start == 22
    assert chunk.context_snippet_count == 2


def test_a_whole_json_answer_without_a_finish_reason_is_whole_all_the_same() -> None:
    (chunk,) = read_openai(b'{"choices": [{"message": {"content": "Pine."}, "finish_reason": "null"}]}')
    assert (chunk.content, chunk.finish_reason, chunk.id, chunk.model, chunk.usage) == ("Pine.", None, None, None, None)
