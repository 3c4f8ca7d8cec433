"""The reference list of an answer: found, read, stripped, and held back from a text that comes in pieces."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinecone_assistant_client import Citation, Reference, extract_citations
from pinecone_assistant_client.citations import ReferenceListHoldback, reference_list_start, strip_reference_list

from .support.markers import cited, found
from .support.pieces import CUTS, split

URL = "https://storage.googleapis.com/b/pine.pdf?X-Goog-Signature=SIGNED&X-Goog-Expires=3600"


def test_the_recorded_answer_of_the_documentation_is_read() -> None:
    text = "A red pine ... can grow up to 25 meters high and 75 centimeters in diameter. [1, pp. 1]"
    assert found(text) == [("[1, pp. 1]", [(1, (1,))])]
    recorded = f'...some temporary data"  [1].\n\nReferences:\n1. [test-chat.txt]({URL}) \n'
    assert extract_citations(recorded) == [
        Citation(25, 28, (Reference(number=1, file_name="test-chat.txt", url=URL),)),
    ]
    assert strip_reference_list(recorded) == '...some temporary data"  [1].'


@pytest.mark.parametrize(
    "heading",
    ["References:", "References", "references:", "REFERENCES", "Sources:", "## References", "###### Sources:", "**References:**",
     "**References**:", "***Sources***", "  References:  ", "References:\r", "#Sources"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("entry", "name", "url"),
    [
        (f"1. [pine.pdf]({URL}) ", "pine.pdf", URL),
        (f"1) [pine.pdf]({URL})", "pine.pdf", URL),
        (f"[1] [pine.pdf]({URL})", "pine.pdf", URL),
        ("1. pine.pdf", "pine.pdf", None),
        ("[1] pine.pdf", "pine.pdf", None),
        ("[1]: my pine (2).pdf", "my pine (2).pdf", None),
        ("- [1] pine.pdf", "pine.pdf", None),
        ("  * 1. pine.pdf\r", "pine.pdf", None),
    ],
)
def test_a_list_with_a_heading_gives_names_and_links(heading: str, entry: str, name: str, url: str | None) -> None:
    text = f"Pine [1].\n\n{heading}\n{entry}\n"
    assert extract_citations(text) == [Citation(5, 8, (Reference(number=1, file_name=name, url=url),))]
    assert reference_list_start(text) == 9
    assert strip_reference_list(text) == "Pine [1]."


def test_a_last_paragraph_of_numbered_names_is_a_list_without_a_heading() -> None:
    text = "Pine [1] and fir [2].\n\n[1] pine.pdf\n[2] [fir.md](https://a.example/fir.md)\n"
    one, two = extract_citations(text)
    assert one.references == (Reference(number=1, file_name="pine.pdf"),)
    assert two.references == (Reference(number=2, file_name="fir.md", url="https://a.example/fir.md"),)
    assert strip_reference_list(text) == "Pine [1] and fir [2]."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Pine.",
        "Steps:\n\n1. Dig.\n2. Plant.",
        "Pine.\n\n[1] says so.",
        "Pine.\n\n[1] says so!\n[2] denies?",
        "[1] pine.pdf",
        "Pine.\n[1] pine.pdf",
        "Pine.\n\n[a] pine.pdf",
        "Pine.\n\n[1] pine.pdf\n\nThat is all",
        "Pine.\n\nReferences:\n",
        "Pine.\n\nReferences:\nnone",
        "Pine.\n\nReferences:\n1. pine.pdf\nThat is all.",
        "Pine.\n\nReferences: 1. pine.pdf",
        "References are in the file.\n\nSee References",
    ],
)
def test_what_is_no_reference_list_stays(text: str) -> None:
    assert reference_list_start(text) is None
    assert strip_reference_list(text) == text


def test_only_the_last_heading_begins_the_list() -> None:
    text = "References:\n1. are numbered\nPine [1].\n\nSources:\n1. pine.pdf"
    assert strip_reference_list(text) == "References:\n1. are numbered\nPine [1]."
    assert extract_citations(text)[0].references[0].file_name == "pine.pdf"


def test_a_list_alone_is_stripped_to_nothing() -> None:
    assert strip_reference_list("References:\n1. pine.pdf") == ""
    assert extract_citations("References:\n1. pine.pdf") == []


def test_numbers_that_the_list_does_not_have_are_no_citations() -> None:
    text = "In [1] not [2], nor [1, 2], but [1, pp. 2].\n\nReferences:\n1. pine.pdf"
    assert cited(text) == ["[1]", "[1, pp. 2]"]


def test_markers_inside_the_list_are_no_citations() -> None:
    assert cited("Pine [1].\n\n[1] pine.pdf\n[2] fir [1].pdf") == ["[1]"]


def test_several_references_of_one_marker_each_get_their_file() -> None:
    text = "Pine [1, pp. 2; 2].\n\nReferences:\n1. [a.pdf](https://a.example/a)\n2. [b.pdf](https://a.example/b)"
    (citation,) = extract_citations(text)
    assert citation.references == (
        Reference(number=1, pages=(2,), file_name="a.pdf", url="https://a.example/a"),
        Reference(number=2, file_name="b.pdf", url="https://a.example/b"),
    )


@pytest.mark.parametrize(
    ("entry", "name", "url"),
    [
        ("[a [b] c.pdf](https://a.example/x)", "a [b] c.pdf", "https://a.example/x"),
        ("[a (1).pdf](https://a.example/a%20(1).pdf?s=1)", "a (1).pdf", "https://a.example/a%20(1).pdf?s=1"),
        ("[a](b).pdf](https://a.example/x)", "a](b).pdf", "https://a.example/x"),
        ("[漢字.pdf](https://a.example/x) , p. 3", "漢字.pdf", "https://a.example/x"),
        ("[](https://a.example/x)", None, "https://a.example/x"),
        ("[a.pdf]()", "a.pdf", None),
        ("[a.pdf]", "[a.pdf]", None),
        ("a.pdf: https://a.example/x?sig=SIGNED", "a.pdf", "https://a.example/x?sig=SIGNED"),
        ("a.pdf (https://a.example/x?sig=SIGNED)", "a.pdf", "https://a.example/x?sig=SIGNED"),
        ("https://a.example/x?sig=SIGNED", None, "https://a.example/x?sig=SIGNED"),
        ("<HTTPS://a.example/x?sig=SIGNED>", None, "HTTPS://a.example/x?sig=SIGNED"),
        ("[a.pdf](https://a.example/x?sig=SIGNED", "a.pdf", "https://a.example/x?sig=SIGNED"),
        ("[a.pdf](https://a.example/x?sig=SIG NED)", "a.pdf", "https://a.example/x?sig=SIG"),
        ("[https://a.example/x?sig=SIGNED](https://a.example/x?sig=SIGNED)", "https://a.example/x?[cut]", "https://a.example/x?sig=SIGNED"),
    ],
)  # fmt: skip
def test_a_name_may_have_brackets_and_never_has_a_signed_link(entry: str, name: str | None, url: str | None) -> None:
    (citation,) = extract_citations(f"Pine [1].\n\nReferences:\n1. {entry}\n")
    assert citation.references == (Reference(number=1, file_name=name, url=url),)
    assert "SIGNED" not in repr(citation)


def test_stripping_keeps_the_offsets_of_the_citations() -> None:
    text = f"Pine [1].\n\nReferences:\n1. [a]({URL})"
    stripped = strip_reference_list(text)
    assert [(c.start, c.end) for c in extract_citations(stripped)] == [
        (c.start, c.end) for c in extract_citations(text)
    ]
    assert strip_reference_list(stripped) == stripped


def held_back(*pieces: str) -> str:
    holdback = ReferenceListHoldback()
    return "".join(holdback.feed(piece) for piece in pieces) + holdback.finish()


TEXTS = st.lists(
    st.sampled_from(
        ["Pine", " [1]", ".", "\n", "\n\n", " ", "References", "References:", "**Sources**", "Refer", "## ", "1. a.pdf",
         "[1] a.pdf", "[2] [b](https://a.example/b)", "- [1] c", "[", "[1", "1", "x", "\r\n", "\u2028", "\t"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(TEXTS, CUTS)
@example("References:\n1. a.pdf", [3])
@example("Pine.\n\nReferences:\n1. a.pdf\n\nSources:\n1. b.pdf", [])
@example("Pine.\n\n[1] a.pdf\n\n[1] b.pdf", [])
@example("Pine.\n\nReferences:\r\n1. a.pdf", [18])
def test_holding_back_in_pieces_gives_the_text_without_its_list(text: str, cuts: list[int]) -> None:
    assert held_back(*split(text, cuts)) == held_back(*text) == strip_reference_list(text)


def test_text_that_cannot_be_of_the_list_is_shown_at_once() -> None:
    holdback = ReferenceListHoldback()
    assert holdback.feed("Pine") == "Pine"
    assert holdback.feed(" grows [1") == " grows [1"
    assert holdback.feed("].\n") == "]."
    assert holdback.feed("\nRe") == ""
    assert holdback.feed("d pine") == "\n\nRed pine"
    assert holdback.feed(".\n\nReferences:\n") == "."
    assert holdback.feed("1. a.pdf") == ""
    assert holdback.finish() == ""


def test_what_looked_like_a_list_and_was_none_comes_at_the_end() -> None:
    holdback = ReferenceListHoldback()
    assert holdback.feed("Pine.\n\n[1] says so") == "Pine."
    assert held_back("Pine.\n\n[1] says", " so.") == "Pine.\n\n[1] says so."


def test_blanks_without_end_are_shown_before_they_fill_the_memory() -> None:
    holdback = ReferenceListHoldback()
    shown = "".join(holdback.feed(" " * 100) for _ in range(100))
    assert len(shown) >= 10_000 - 400
    assert len(shown + holdback.finish()) == 10_000


@pytest.mark.parametrize("blank", [" ", "\n", " \n"])
def test_a_list_after_more_blanks_than_are_held_is_dropped_all_the_same(blank: str) -> None:
    """Its heading was let through with the blanks, and after it the links."""
    for size in range(100, 300):
        text = "Pine." + blank * size + f"\nReferences:\n1. [a.pdf]({URL})"
        assert held_back(*text).rstrip() == held_back(text) == "Pine."
