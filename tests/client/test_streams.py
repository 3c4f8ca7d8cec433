"""Streamed answers: bytes in any split to chunks, or a typed error; never a silently shorter answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client.answers import ChatCompletionChunk, Usage
from pinecone_assistant_client.citations import Citation, Reference
from pinecone_assistant_client.errors import AssistantError, IncompleteStreamError, StreamError
from pinecone_assistant_client.streams import ChatCompletionStreamDecoder, ChatStreamDecoder, StreamDecoder

ID = "0123456789abcdef0123456789abcdef"
MODEL = "gpt-4o-2024-11-20"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
FILE = {"id": "f-1", "name": "pine.pdf", "signed_url": "https://storage.example/pine.pdf?X-Goog-Signature=SIGNED"}
CITATION = {"position": 22, "references": [{"file": FILE, "pages": [1, 2], "highlight": {"content": "25 m"}}]}

Decoder = type[StreamDecoder]


def event(value: Any, *, name: str = "") -> bytes:
    """An event as the service writes it: `data:` without a space."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data:{text}\n\n".encode()


def part(content: Any = None, finish: Any = None, *, role: Any = "assistant", **changes: Any) -> bytes:
    choice = {"index": 0, "delta": {"role": role, "content": content}, "finish_reason": finish}
    return event({"id": ID, "model": MODEL, "choices": [choice]} | changes)


def standard(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, "id": ID, "model": MODEL, **fields})


OPENAI = [
    part(),
    part("A red pine grows to ", role=None),
    part("25 m", role=""),
    part("ä.  [1", role=None),
    part(", pp. 1-2]", role=None),
    part(None, "stop", role=None),
    event({"id": ID, "model": MODEL, "choices": [], "usage": USAGE}),
]
OPENAI_TEXT = "A red pine grows to 25 mä.  [1, pp. 1-2]"
STANDARD = [
    standard("message_start", role="assistant", context_snippet_count=3),
    b":\n\n",
    standard("content_chunk", delta={"content": "A red pine grows "}),
    standard("content_chunk", delta={"content": "25 mä."}),
    standard("citation", citation=CITATION),
    standard("message_end", finish_reason="stop", usage=USAGE),
]
STANDARD_TEXT = "A red pine grows 25 mä."


def read(
    decoder: StreamDecoder, pieces: Iterable[bytes], into: list[ChatCompletionChunk] | None = None
) -> list[ChatCompletionChunk]:
    """The chunks, read as the client reads them: until the decoder is done."""
    chunks = [] if into is None else into
    for piece in pieces:
        chunks += decoder.feed(piece)
        if decoder.is_done:
            break
    chunks.extend(decoder.finish())
    return chunks


def read_openai(*pieces: bytes) -> list[ChatCompletionChunk]:
    return read(ChatCompletionStreamDecoder(), pieces)


def read_standard(*pieces: bytes) -> list[ChatCompletionChunk]:
    return read(ChatStreamDecoder(), pieces)


def text_of(chunks: Sequence[ChatCompletionChunk]) -> str:
    return "".join(chunk.content for chunk in chunks)


def summary(chunks: Sequence[ChatCompletionChunk]) -> tuple[Any, ...]:
    """What a caller puts together out of an answer's chunks."""
    return (
        text_of(chunks),
        [citation for chunk in chunks for citation in chunk.citations],
        [chunk.usage for chunk in chunks if chunk.usage],
        [chunk.finish_reason for chunk in chunks if chunk.finish_reason],
        {chunk.id for chunk in chunks},
    )


def failure_of(decoder: StreamDecoder, *pieces: bytes) -> tuple[StreamError, str]:
    """The error of a stream, and the text of the chunks that came before it."""
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(StreamError) as caught:
        read(decoder, pieces, chunks)
    return caught.value, text_of(chunks)


# What both interfaces have in common


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


BOTH = pytest.mark.parametrize(
    ("decoder", "events", "text"),
    [(ChatCompletionStreamDecoder, OPENAI, OPENAI_TEXT), (ChatStreamDecoder, STANDARD, STANDARD_TEXT)],
    ids=["openai", "standard"],
)


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
    """Half a stream that the service itself calls broken is not passed as good."""
    error, shown = failure_of(ChatCompletionStreamDecoder(), *OPENAI[:6], event({"error": "late"}))
    assert "late" in str(error)
    assert shown == OPENAI_TEXT


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


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        b"[1, 2]",
        b"{}",
        b'{"hello": "world"}',
        b'{"choices": []}',
        b'{"error": {"code": "X", "message": "m"}}',
        b'{"choices',
    ],
)
def test_json_that_is_no_answer_to_a_streamed_request_raises(
    decoder: Decoder, events: list[bytes], text: str, body: bytes
) -> None:
    for pieces in ([body], [bytes([byte]) for byte in body]):
        error, shown = failure_of(decoder(), *pieces)
        assert shown == ""
        assert isinstance(error, AssistantError)


def test_white_space_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(StreamError, match="white space"):
        read_openai(*[b" " * 1024] * 1000)


# The OpenAI-compatible interface


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


# The standard interface


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


@pytest.mark.parametrize("fields", [{}, {"citation": None}, {"citation": {}}, {"citation": {"position": "3"}}])
def test_a_citation_event_without_a_citation_raises(fields: dict[str, Any]) -> None:
    error, shown = failure_of(ChatStreamDecoder(), STANDARD[2], standard("citation", **fields), STANDARD[-1])
    assert not isinstance(error, IncompleteStreamError)
    assert shown == error.text == "A red pine grows "


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
