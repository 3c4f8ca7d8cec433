"""Stop sequences and the reference list: any split into pieces has the same result as the whole text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinecone_assistant_client import (
    ChatCompletion,
    ChatCompletionChunk,
    IncompleteStreamError,
    InvalidRequestError,
    Usage,
    extract_citations,
)
from pinecone_assistant_client.shaping import AnswerShaper, ShapedDecoder, StopCutter, checked_stop, shaper_for
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder

from .support.asking import text_of
from .support.pieces import CUTS, split
from .support.stream_bodies import part


def cut(stop: tuple[str, ...], *pieces: str) -> str:
    cutter = StopCutter(stop)
    return "".join(cutter.feed(piece) for piece in pieces) + cutter.finish()


def plainly(stop: tuple[str, ...], text: str) -> str:
    """Write the text character by character and stop when it ends with a stop sequence, as a model does."""
    for end in range(len(text) + 1):
        ended = [sequence for sequence in stop if text[:end].endswith(sequence)]
        if ended:
            return text[: end - max(map(len, ended))]
    return text


STOPS = st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), min_size=1, max_size=3).map(tuple)


@given(st.text(alphabet="ab\nx", max_size=30), STOPS, CUTS)
@example("xabcd", ("abcd", "bc"), [])
@example("aab", ("aab", "ab"), [])
def test_the_text_before_a_stop_does_not_depend_on_the_split(text: str, stop: tuple[str, ...], cuts: list[int]) -> None:
    assert cut(stop, text) == cut(stop, *split(text, cuts)) == cut(stop, *text) == plainly(stop, text)


def test_text_that_may_begin_a_stop_is_held_and_shown_when_it_does_not() -> None:
    cutter = StopCutter(("\nUser:",))
    assert cutter.feed("Pine") == "Pine"
    assert cutter.feed(".\nUs") == "."
    assert cutter.feed("age") == "\nUsage"
    assert cutter.feed("\nUser") == ""
    hits = [cutter.is_hit]
    assert cutter.feed(": more") == ""
    assert [*hits, cutter.is_hit] == [False, True]
    assert cutter.feed("and more") == ""
    assert cutter.finish() == ""


def test_held_text_comes_out_at_the_end_once() -> None:
    cutter = StopCutter(("END",))
    assert cutter.feed("It is EN") == "It is "
    assert cutter.finish() == "EN"
    assert cutter.finish() == ""


def test_without_sequences_nothing_is_held() -> None:
    assert StopCutter(()).feed("Pine") == "Pine"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [(None, ()), ("END", ("END",)), (["a", "b"], ("a", "b")), (("a",), ("a",)), ([], ()), ("\n", ("\n",))],
)
def test_a_stop_is_one_text_or_several(stop: Any, expected: tuple[str, ...]) -> None:
    assert checked_stop(stop) == expected


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("", "stop[0] is ''"),
        (["a", ""], "stop[1] is ''"),
        (["a", 7], "stop[1] is 7"),
        ([None], "stop[0] is None"),
        (7, "stop is 7"),
        (True, "stop is True"),
        ({"END": 1}, "stop is {'END': 1}"),
        (b"END", "stop is b'END'"),
    ],
)
def test_a_stop_that_is_no_text_is_refused(stop: Any, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        checked_stop(stop)
    assert str(caught.value).startswith(said)
    assert "a stop sequence is text that is not empty" in str(caught.value)


# The shape of an answer: alike for a whole one and for its stream

URL = "https://a.example/pine.pdf?sig=SIGNED"
TEXT = f"Pine [1]. END Fir [1].\n\nReferences:\n1. [pine.pdf]({URL}) \n"
USAGE = Usage(9, 4, 13)


def answer(text: str, **changes: Any) -> ChatCompletion:
    fields: dict[str, Any] = {"finish_reason": "length", "usage": USAGE, "citations": tuple(extract_citations(text))}
    return ChatCompletion("id", "model", text, **fields | changes)


def streamed(shaper: AnswerShaper, text: str, pieces: list[str]) -> list[ChatCompletionChunk]:
    """The chunks of an answer, shaped."""
    chunks = [ChatCompletionChunk("id", "model", piece) for piece in pieces]
    chunks.append(ChatCompletionChunk("id", "model", "", "length", None, tuple(extract_citations(text))))
    chunks.append(ChatCompletionChunk("id", "model", "", None, USAGE))
    shaped = [one for chunk in chunks if (one := shaper.feed(chunk)) is not None]
    rest = shaper.finish()
    return shaped if rest is None else [*shaped, rest]


ANSWERS = st.lists(
    st.sampled_from(
        ["Pine", " [1]", ".", "\n\n", "\n", "END", "E", "N", "References:\n", "1. a.pdf\n", "[1] b.pdf", " "]
    ),
    max_size=12,
).map("".join)


@given(ANSWERS, CUTS, st.sampled_from([(), ("END",), ("END", "\n\n"), ("[1]",), ("ferences",)]), st.booleans())
@example(TEXT, [3, 9, 30], ("END",), True)
def test_a_stream_is_shaped_as_the_whole_answer_is(
    text: str, cuts: list[int], stop: tuple[str, ...], strip: bool
) -> None:
    whole = AnswerShaper(stop=stop, strip_references=strip).whole(answer(text))
    chunks = streamed(AnswerShaper(stop=stop, strip_references=strip), text, split(text, cuts))
    assert "".join(chunk.content for chunk in chunks) == whole.content
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [whole.finish_reason]
    assert tuple(citation for chunk in chunks for citation in chunk.citations) == whole.citations
    assert [chunk.usage for chunk in chunks if chunk.usage] == [whole.usage] == [USAGE]
    assert {(chunk.id, chunk.model) for chunk in chunks} == {("id", "model")}


def test_a_stop_ends_the_text_the_citations_after_it_and_says_stop() -> None:
    shaped = AnswerShaper(stop=("END",)).whole(answer(TEXT))
    assert (shaped.content, shaped.finish_reason, shaped.usage) == ("Pine [1]. ", "stop", USAGE)
    assert [(citation.start, citation.references[0].file_name) for citation in shaped.citations] == [(5, "pine.pdf")]


def test_without_a_hit_the_finish_reason_stays() -> None:
    shaped = AnswerShaper(stop=("NEVER",)).whole(answer(TEXT))
    assert shaped == answer(TEXT)


def test_stripping_drops_the_list_and_keeps_the_citations_with_their_files() -> None:
    shaped = AnswerShaper(strip_references=True).whole(answer(TEXT))
    assert shaped.content == "Pine [1]. END Fir [1]."
    assert shaped.citations == answer(TEXT).citations
    assert "SIGNED" not in repr(shaped)


def test_an_answer_without_a_finish_reason_gives_what_was_held() -> None:
    """A whole JSON answer to a streamed request may have none."""
    shaper = AnswerShaper(stop=("END",), strip_references=True)
    first = shaper.feed(ChatCompletionChunk("id", "model", "It is EN"))
    rest = shaper.finish()
    assert first is not None
    assert rest is not None
    assert (first.content, rest.content, rest.id, rest.model) == ("It is", " EN", "id", "model")
    assert shaper.finish() is None


def test_a_chunk_of_which_nothing_is_left_is_none() -> None:
    shaper = AnswerShaper(stop=("END",))
    assert shaper.feed(ChatCompletionChunk("id", "model", "EN")) is None
    assert shaper.feed(ChatCompletionChunk("id", "model", "D")) is None
    assert shaper.feed(ChatCompletionChunk("id", "model", "more")) is None
    assert shaper.feed(ChatCompletionChunk("id", "model", context_snippet_count=0)) is not None
    last = shaper.feed(ChatCompletionChunk("id", "model", "", "length", USAGE))
    assert last is not None
    assert (last.content, last.finish_reason, last.usage) == ("", "stop", USAGE)


def test_there_is_no_shaper_where_there_is_nothing_to_shape() -> None:
    assert shaper_for((), strip_references=False) is None
    assert shaper_for(("END",), strip_references=False) is not None
    assert shaper_for((), strip_references=True) is not None


def decoder_of(stop: tuple[str, ...], *, strip_references: bool) -> ShapedDecoder:
    return ShapedDecoder(ChatCompletionStreamDecoder(), AnswerShaper(stop=stop, strip_references=strip_references))


@pytest.mark.parametrize(
    ("stop", "strip", "content", "finish_reason"),
    [
        (("END",), False, "Pine [1]. ", "stop"),
        ((), True, "Pine [1]. END Fir [1].", "length"),
        (("NEVER",), True, "Pine [1]. END Fir [1].", "length"),
    ],
)
def test_a_shaped_decoder_gives_the_shaped_chunks_of_the_bytes(
    stop: tuple[str, ...], strip: bool, content: str, finish_reason: str
) -> None:
    decoder = decoder_of(stop, strip_references=strip)
    pieces = [*(part(piece) for piece in split(TEXT, [3, 12, 30])), part(finish="length"), b"data: [DONE]\n\n"]
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    assert text_of(chunks) == content
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [finish_reason]
    assert decoder.is_done
    assert decoder.is_whole
    assert not list(decoder.finish())


def test_what_a_shaped_decoder_held_back_comes_at_the_end_of_a_whole_json_answer() -> None:
    decoder = decoder_of(("END",), strip_references=True)
    assert not decoder.feed(b'{"choices": [{"message": {"content": "It is EN"}, "finish_reason": "null"}]}')
    assert text_of(decoder.finish()) == "It is EN"


def test_the_text_of_an_answer_that_was_cut_has_nothing_of_the_reference_list() -> None:
    decoder = decoder_of((), strip_references=True)
    assert text_of(decoder.feed(part(TEXT))) == "Pine [1]. END Fir [1]."
    with pytest.raises(IncompleteStreamError, match=rf"cut after {len(TEXT)} characters") as caught:
        list(decoder.finish())
    assert caught.value.text == decoder.cut("it broke").text == decoder.text == "Pine [1]. END Fir [1]."


def test_what_a_shaped_decoder_held_back_after_the_finish_comes_when_the_connection_breaks() -> None:
    decoder = decoder_of(("END",), strip_references=False)
    assert text_of(decoder.feed(part("Yes.") + part(finish="stop") + part(" EN"))) == "Yes. "
    assert text_of(decoder.rest()) == "EN"


@pytest.mark.parametrize("options", [{"strip_references": True}, {"strip_citations": True}, {"stop": ("x",)}])
def test_an_answer_of_which_nothing_is_shown_is_one_empty_chunk(options: dict[str, Any]) -> None:
    """A stream without chunks was an UnboundLocalError in LlamaIndex's engines, which use the last chunk."""
    shaper = AnswerShaper(**options)
    assert shaper.feed(ChatCompletionChunk("id", "gpt")) is None
    assert shaper.finish() == ChatCompletionChunk("id", "gpt")
    shaper = AnswerShaper(**options)
    assert shaper.feed(ChatCompletionChunk("id", "gpt", finish_reason="stop")) is not None
    assert shaper.finish() is None
