"""Stripping citation marks, from whole texts and pieces; the citations keep the places of their marks."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinecone_assistant_client import ChatCompletion, ChatCompletionChunk, Citation, Reference, extract_citations
from pinecone_assistant_client.citations import strip_reference_list
from pinecone_assistant_client.shaping import AnswerShaper, MarkStripper

from .support.pieces import CUTS, split

LIST = "\n\nReferences:\n1. [a.txt](https://a.example/a?sig=SIGNED)\n2. b.md\n"


def stripped(*pieces: str) -> str:
    stripper = MarkStripper()
    return "".join(stripper.feed(piece) for piece in pieces) + stripper.finish()


TEXTS = st.lists(
    st.sampled_from(
        ["Pine", " [1]", "[2, pp. 3]", "[1][2]", "[", "]", "[1", "(", ".", ":", "\n", " ", "\t", "  ", "`", "```", "x", "_",
         '{"a": ', "}", '"', "a[1]", " " * 300, "`" + "c" * 499, "[1, " + "1" * 200, "漢", ", ", "9"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pine [1].", "Pine."),
        ("Pine  [1, pp. 1-2]. Fir [2][3], oak [1] [2].", "Pine. Fir, oak."),
        ("Pine [1] and fir", "Pine and fir"),
        ("Pine [1]\nFir\n[2] and oak\n[3]", "Pine\nFir\nand oak\n"),
        ("[1] [2] Pine", "Pine"),
        ("- [1] Pine", "- Pine"),
        ("a height [1]in meters", "a height in meters"),
        ("a height [1][2]in meters", "a height in meters"),
        ("高い[1]木", "高い木"),
        ('{"choice": 1} [1]', '{"choice": 1}'),
        ('{"pages": [1, 2], "tall" : [3], "text": "43 m [1, pp. 1]"}', '{"pages": [1, 2], "tall" : [3], "text": "43 m"}'),
        ("As follows: [1]", "As follows:"),
        ("array[1], f(x)[1], m[1][2], [1](https://a.example), [a], [], [0], [1-3], 1]", None),
        ("`in [1] code` and ```\nin [2] a fence", None),
        ("` no code [1]\n", "` no code\n"),
        ("```x``` [1]```[2]```", "```x``````[2]```"),
        ("[1]", ""),
        ("", ""),
        ("Pine [", None),
        ("Pine   ", None),
    ],
)  # fmt: skip
def test_marks_leave_the_text_with_the_blanks_before_them(text: str, expected: str | None) -> None:
    expected = text if expected is None else expected
    assert stripped(text) == expected
    assert stripped(*text) == expected


@given(TEXTS, CUTS)
@example("a [1]b", [3])
@example("``[1]`", [1])
def test_the_text_without_marks_does_not_depend_on_the_split(text: str, cuts: list[int]) -> None:
    assert stripped(*split(text, cuts)) == stripped(*text) == stripped(text)


@given(TEXTS)
def test_what_leaves_is_what_is_extracted_and_places_fit(text: str) -> None:
    """For a text without a list at the end. The characters before each place are those that were before the mark."""
    if strip_reference_list(text) != text:
        return
    stripper = MarkStripper()
    shown = stripper.feed(text) + stripper.finish()
    citations = extract_citations(text)
    rest = list(text)
    for citation in citations:
        rest[citation.start : citation.end] = [""] * (citation.end - citation.start)
    assert "".join("".join(rest).split()) == "".join(shown.split())
    for citation in citations:
        place = stripper.place(citation.start)
        assert place == stripper.place(citation.end - 1)
        assert "".join("".join(rest[: citation.start]).split()) == "".join(shown[:place].split())


def test_text_that_no_mark_can_be_in_is_shown_at_once() -> None:
    stripper = MarkStripper()
    assert stripper.feed("Pine") == "Pine"
    assert stripper.feed(" grows ") == " grows"
    assert stripper.feed("[1") == ""
    assert stripper.feed("]") == ""
    assert stripper.feed(" to 43 m.") == " to 43 m."
    assert stripper.feed(" [1x") == " [1x"
    assert stripper.feed("```\nfence [1]") == "```\nfence [1]"


def chunks_of(text: str, pieces: list[str]) -> list[ChatCompletionChunk]:
    return [
        *(ChatCompletionChunk("id", "gpt", piece) for piece in pieces),
        ChatCompletionChunk("id", "gpt", finish_reason="stop", citations=tuple(extract_citations(text))),
    ]


def streamed(shaper: AnswerShaper, chunks: list[ChatCompletionChunk]) -> tuple[str, tuple[Citation, ...], str | None]:
    shown = [*(shaper.feed(chunk) for chunk in chunks), shaper.finish()]
    seen = [chunk for chunk in shown if chunk is not None]
    citations = tuple(citation for chunk in seen for citation in chunk.citations)
    finish_reason = next((chunk.finish_reason for chunk in seen if chunk.finish_reason), None)
    return "".join(chunk.content for chunk in seen), citations, finish_reason


@given(
    TEXTS.map(lambda text: text + " [1] STOP [2].") | TEXTS,
    st.sampled_from(["", LIST]),
    CUTS,
    st.sampled_from([(), ("STOP",)]),
)
def test_a_stream_is_shaped_as_the_whole_answer_is(text: str, end: str, cuts: list[int], stop: tuple[str, ...]) -> None:
    text += end
    if re.search(r"\s{257}", text) and strip_reference_list(text) != text:
        return  # a stream shows more than 256 blanks before it can know that the list follows them
    whole = AnswerShaper(stop=stop, strip_citations=True).whole(
        ChatCompletion("id", "gpt", text, "stop", citations=tuple(extract_citations(text)))
    )
    shaper = AnswerShaper(stop=stop, strip_citations=True)
    assert streamed(shaper, chunks_of(text, split(text, cuts))) == (whole.content, whole.citations, "stop")
    assert "SIGNED" not in whole.content


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Pine.\n\n[1] says so.", "Pine.\n\nsays so."), ("Pine [1] EN", "Pine EN"), ("Pine [1]EN", "Pine EN")],
)
def test_a_mark_in_what_was_held_back_to_the_end_leaves_too(text: str, expected: str) -> None:
    """It was held back because it could have belonged to the reference list or to a stop sequence."""
    whole = ChatCompletion("id", "gpt", text, "stop")
    assert AnswerShaper(stop=("END",), strip_citations=True).whole(whole).content == expected
    shown, _, _ = streamed(AnswerShaper(stop=("END",), strip_citations=True), chunks_of(text, [*text]))
    assert shown == expected


def test_the_list_leaves_too_and_the_citations_keep_their_files() -> None:
    text = f"Pine [1] and fir [2, pp. 3].{LIST}"
    answer = ChatCompletion("id", "gpt", text, "stop", citations=tuple(extract_citations(text)))
    shaped = AnswerShaper(strip_citations=True).whole(answer)
    assert shaped.content == "Pine and fir."
    assert shaped.citations == (
        Citation(4, 4, (Reference(1, None, "a.txt", url="https://a.example/a?sig=SIGNED"),)),
        Citation(12, 12, (Reference(2, (3,), "b.md"),)),
    )


def test_citations_of_the_standard_interface_come_in_order_and_at_their_new_places() -> None:
    """The standard interface is not known to write marks; if a text has one, the later places move."""
    one, two, late = (Citation(at, at, (Reference(file_id=str(at)),)) for at in (4, 12, 99))
    chunks = [
        ChatCompletionChunk("id", "gpt", "Pine [1"),
        ChatCompletionChunk("id", "gpt", citations=(one,)),
        ChatCompletionChunk("id", "gpt", "] fir"),
        ChatCompletionChunk("id", "gpt", citations=(two,)),
        ChatCompletionChunk("id", "gpt", ".", citations=(late,)),
        ChatCompletionChunk("id", "gpt", finish_reason="stop"),
    ]
    text, citations, _ = streamed(AnswerShaper(strip_citations=True), chunks)
    assert text == "Pine fir."
    assert [(citation.start, citation.references[0].file_id) for citation in citations] == [
        (4, "4"),
        (8, "12"),
        (9, "99"),
    ]
    whole = ChatCompletion("id", "gpt", "Pine [1] fir.", "stop", citations=(one, two, late))
    assert AnswerShaper(strip_citations=True).whole(whole).citations == citations


def test_a_cut_answer_shows_no_half_mark() -> None:
    assert AnswerShaper(strip_citations=True).text_so_far("Pine [1] and fir [2") == "Pine and fir"
