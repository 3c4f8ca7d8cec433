"""Emojis that are split into halves (surrogates): halves are joined across events; a lone one becomes U+FFFD."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pinecone_assistant_client.answers import ChatCompletionChunk
from pinecone_assistant_client.errors import IncompleteStreamError, StreamError
from pinecone_assistant_client.wire.decoding import decode_chat, decode_chat_completion, decode_context
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder

from ..support.asking import text_of
from ..support.bodies import CITATION, chat_answer, chat_event, completion, part
from ..support.stream_bodies import failure_of, read

HIGH, LOW = "\ud83c", "\udf32"
TREE = "\U0001f332"
ALONE = "\ufffd"
SPLITS = {
    "together": ([HIGH + LOW], TREE),
    "apart": ([HIGH, LOW], TREE),
    "with text around": (["a pine " + HIGH, LOW + " is green"], f"a pine {TREE} is green"),
    "with an empty event between": ([HIGH, "", LOW], TREE),
    "twice": ([HIGH, LOW + HIGH, LOW], TREE * 2),
    "first half alone": (["a" + HIGH, "b"], f"a{ALONE}b"),
    "first half alone in the middle": ([f"a{HIGH}b"], f"a{ALONE}b"),
    "first half alone at the end": (["a" + HIGH], f"a{ALONE}"),
    "second half alone": (["a", LOW + "b"], f"a{ALONE}b"),
    "second half alone in the middle": ([f"a{LOW}b"], f"a{ALONE}b"),
    "in the wrong order": ([LOW, HIGH], ALONE * 2),
    "two first halves": ([HIGH, HIGH + LOW], ALONE + TREE),
    "two first halves apart": ([HIGH, HIGH, LOW], ALONE + TREE),
    "other letters of many bytes": (["ä漢", TREE, "\ue000\uffff"], f"ä漢{TREE}\ue000\uffff"),
}
EACH = pytest.mark.parametrize("name", SPLITS)


def openai(*texts: str) -> list[bytes]:
    return [part(), *(part(text) for text in texts), part(finish="stop")]


def standard(*texts: str, **end: Any) -> list[bytes]:
    contents = [chat_event("content_chunk", delta={"content": text}) for text in texts]
    return [chat_event("message_start"), *contents, chat_event("message_end", **{"finish_reason": "stop"} | end)]


def read_both(*texts: str) -> list[list[ChatCompletionChunk]]:
    return [read(ChatCompletionStreamDecoder(), openai(*texts)), read(ChatStreamDecoder(), standard(*texts))]


@EACH
def test_halves_are_joined_over_events_and_a_lone_one_is_replaced(name: str) -> None:
    texts, whole = SPLITS[name]
    for chunks in read_both(*texts):
        assert text_of(chunks) == whole
        assert all(chunk.content.encode() is not None for chunk in chunks)


@EACH
def test_halves_in_whole_answers(name: str) -> None:
    texts, whole = SPLITS[name]
    text = "".join(texts)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert decode_chat_completion(json.dumps(completion(text)).encode()).content == whole
    assert decode_chat(json.dumps(chat_answer(text)).encode()).content == whole
    assert decode_context(json.dumps({"snippets": [{"content": text}]}).encode()).snippets[0].content == whole


def test_a_half_is_given_no_later_than_its_other_half() -> None:
    for chunks in read_both("a" + HIGH, LOW + "b"):
        assert [chunk.content for chunk in chunks if chunk.content] == ["a", f"{TREE}b"]


@pytest.mark.parametrize("texts", [[HIGH, LOW + " [1]"], [HIGH, "x [1]"], ["x" + LOW, " [1]"], [f"a{HIGH} [", "1]"]])
def test_citations_count_characters_after_halves_were_joined(texts: list[str]) -> None:
    chunks = read(ChatCompletionStreamDecoder(), openai(*texts))
    text = text_of(chunks)
    (citation,) = chunks[-1].citations
    assert text[citation.start : citation.end] == "[1]"
    whole = decode_chat_completion(json.dumps(completion("".join(texts))).encode())
    assert (whole.content, whole.citations[0].start) == (text, citation.start)


def test_a_half_before_the_finish_comes_with_it_and_counts_for_citations() -> None:
    chunks = read(ChatCompletionStreamDecoder(), openai("Pine [1]" + HIGH))
    assert chunks[-1].content == ALONE
    assert [(c.start, c.end) for c in chunks[-1].citations] == [(5, 8)]
    both = part(LOW + ".", finish="stop")
    assert text_of(read(ChatCompletionStreamDecoder(), [part(HIGH), both])) == f"{TREE}."


def test_other_events_between_the_halves_are_no_matter() -> None:
    between = chat_event("citation", citation=CITATION)
    events = standard(HIGH, LOW)
    chunks = read(ChatStreamDecoder(), [*events[:2], between, b":\n\n", b"event: ping\ndata: {}\n\n", *events[2:]])
    assert text_of(chunks) == TREE


def test_half_an_emoji_at_a_cut_is_not_in_the_text() -> None:
    for decoder, events in (
        (ChatCompletionStreamDecoder, openai("a" + HIGH)),
        (ChatStreamDecoder, standard("a" + HIGH)),
    ):
        error, shown = failure_of(decoder(), *events[:-1])
        assert isinstance(error, IncompleteStreamError)
        assert error.text == shown == "a"


def test_lone_halves_in_names_ids_and_links_are_replaced() -> None:
    reference = {"file": {"id": LOW, "name": f"{HIGH}.md", "signed_url": HIGH}, "highlight": {"content": HIGH}}
    answer = decode_chat(
        json.dumps(chat_answer(id=HIGH, model=HIGH, citations=[{"position": 1, "references": [reference]}])).encode()
    )
    found = answer.citations[0].references[0]
    texts = (answer.id, answer.model, found.file_id, found.file_name, found.url, found.highlight)
    assert texts == (ALONE, ALONE, ALONE, f"{ALONE}.md", ALONE, ALONE)


def test_lone_halves_nobody_reads_are_no_matter() -> None:
    assert decode_chat_completion(json.dumps(completion("Pine.", note=HIGH)).encode()).content == "Pine."
    assert decode_chat_completion(json.dumps(completion("Pine.", **{HIGH: 1})).encode()).content == "Pine."


def test_lone_halves_in_an_error_of_the_service_can_be_printed() -> None:
    body = {"error": {"code": "X" + HIGH, "message": f"no {LOW}", "more": float("nan")}}
    with pytest.raises(StreamError) as caught:
        decode_chat(json.dumps(body).encode())
    assert f"no {ALONE}" in str(caught.value)
    assert (str(caught.value) + repr(caught.value.body)).encode()
    assert caught.value.code == f"X{ALONE}"
