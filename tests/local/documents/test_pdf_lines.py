"""Lines of PDF files in the order and the pieces in which programs draw them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest

from pinecone_assistant_local.documents.contents import PdfContent, PdfLine
from pinecone_assistant_local.documents.pdf_text import pdf_blocks

from .made_files import pdf_of
from .reading import pdf_blocks_of


def _line(text: str, top: float, left: float = 72.0, *, right: float | None = None, size: float = 12.0) -> PdfLine:
    return PdfLine(text, size, top, top - 12.0, False, left, left + 6.0 * len(text) if right is None else right)


def _quoted(*pages: Sequence[PdfLine]) -> list[tuple[int | None, str, str]]:
    blocks = pdf_blocks(PdfContent([list(lines) for lines in pages]))
    return [(block.page, block.heading, sentence) for block in blocks for sentence in block.sentences]


def test_headers_and_footers_that_are_drawn_before_the_text_are_not_part_of_it() -> None:
    pages = [
        [_line("Annual report", 780), _line(f"Page {page} of 3", 40), _line(f"The {word} part is about pines", 700),
         _line("and about larches.", 687)]
        for page, word in enumerate(("first", "second", "third"), start=1)
    ]  # fmt: skip
    assert _quoted(*pages) == [
        (1, "", "The first part is about pines and about larches."),
        (2, "", "The second part is about pines and about larches."),
        (3, "", "The third part is about pines and about larches."),
        (1, "", "Annual report"),
        (1, "", "Page 1 of 3"),
    ]


def test_a_footer_that_is_drawn_first_on_the_only_page_is_a_text_of_its_own() -> None:
    footer = _line("Price list 7", 40, left=280)
    assert _quoted([footer, _line("All prices in this list are without", 700), _line("tax.", 687)]) == [
        (1, "", "Price list 7"),
        (1, "", "All prices in this list are without tax."),
    ]


def test_a_sentence_continues_in_the_next_column() -> None:
    left = [_line("The oldest pine of the country", 114), _line("stands in a park near", 101)]
    right = [_line("the sea. It is protected.", 114, left=320)]
    assert [sentence for _, _, sentence in _quoted([*left, *right])] == [
        "The oldest pine of the country stands in a park near the sea.",
        "It is protected.",
    ]


def test_a_header_that_is_drawn_last_is_no_column() -> None:
    header = _line("My book", 780, left=300)
    assert _quoted([_line("The oldest pine of the country", 114), _line("stands here", 101), header]) == [
        (1, "", "The oldest pine of the country stands here"),
        (1, "", "My book"),
    ]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["Send it with the up\u2010", "stream request."], "Send it with the upstream request."),
        (
            ["An auth-and-writes key. Use auth-and\ufffe", "writes then."],
            "An auth-and-writes key. Use auth-and-writes then.",
        ),
        (
            ["The state of the art is a state-of-the\ufffe", "art pump."],
            "The state of the art is a state-of-the-art pump.",
        ),
        (["This is a two-dimen\u2010", "sional drawing."], "This is a two-dimensional drawing."),
        (["It is non\u2010standard and well\u2010", "known."], "It is non\u2010standard and well-known."),
        (["It is the field search\u2010", "Score of an answer."], "It is the field searchScore of an answer."),
        (["It is a previously\ufffe", "cached page."], "It is a previously-cached page."),
        (["A hyphen\xad", "ated word."], "A hyphenated word."),
    ],
)
def test_words_that_a_program_cut_at_the_end_of_a_line_are_whole(lines: list[str], text: str) -> None:
    found = _quoted([_line(line, 700 - 13 * number) for number, line in enumerate(lines)])
    assert " ".join(sentence for _, _, sentence in found) == text


def test_right_to_left_text_continues_in_the_column_to_its_left() -> None:
    right = [_line("\u05e9\u05dc\u05d5\u05dd", top, left=540, right=320) for top in (114, 101)]
    assert len(_quoted([*right, _line("\u05e2\u05d5\u05dc\u05dd.", 114, left=300, right=72)])) == 1


def test_lines_that_run_upwards_are_one_paragraph() -> None:
    lines = [PdfLine(text, 12.0, 700.0, 200.0, False, left, left + 12.0)
             for text, left in (("Insert the cable, and then", 72.0), ("remove the tape.", 86.0))]  # fmt: skip
    assert _quoted(lines) == [(1, "", "Insert the cable, and then remove the tape.")]


def test_items_whose_bullets_are_larger_than_their_text_are_items_and_no_heading() -> None:
    prose = [_line("Before the first use of the machine, read all of this.", 700)]
    items = [_line("\u2022 Close the lid", 685, size=14.0), _line("\u25a0 Press start", 672, size=14.0)]
    assert _quoted([*prose, *items]) == [
        (1, "", "Before the first use of the machine, read all of this."),
        (1, "", "Close the lid"),
        (1, "", "Press start"),
    ]


def test_a_text_left_of_the_bullets_above_it_is_no_part_of_the_last_item() -> None:
    items = [_line("\u2022 Store it below 5 degrees, away from", 700, left=90), _line("children", 687, left=102)]
    assert [sentence for _, _, sentence in _quoted([*items, _line("Warning: It is toxic.", 674)])] == [
        "Store it below 5 degrees, away from children",
        "Warning: It is toxic.",
    ]


def test_lowered_and_raised_characters_belong_to_their_word() -> None:
    pieces = [
        _line("H2", 700, right=84),
        _line("O boils at 100 degrees, and x2", 700, left=84, right=264),
        _line("is positive.", 700, left=268),
    ]
    assert [sentence for _, _, sentence in _quoted(pieces)] == ["H2O boils at 100 degrees, and x2 is positive."]


def test_marks_that_are_drawn_after_all_of_the_text_belong_to_their_items() -> None:
    items = [_line("Open the lid", 700, left=90), _line("Pour the milk", 687, left=90), _line("bread", 660, left=90)]
    marks = [_line("1.", 700, right=84), _line("2.", 687, right=84), _line("\u2022", 660, right=78)]
    assert [sentence for _, _, sentence in _quoted([*items, *marks])] == ["Open the lid", "Pour the milk", "bread"]


def _drawn(*texts: tuple[int, int, str]) -> list[str]:
    """Return what is quoted from a page with texts at these places."""
    drawn = "".join(f"BT /F1 12 Tf {left} {bottom} Td ({text}) Tj ET\n" for left, bottom, text in texts)
    return [block.text for block in pdf_blocks_of(pdf_of([(zlib.compress(drawn.encode()), [])]))]


def test_single_digits_below_each_other_are_not_one_number() -> None:
    assert _drawn((31, 770, "Name"), (131, 770, "1"), (31, 747, "Ann"), (131, 747, "3"), (131, 720, "5")) == [
        "Name 1",
        "Ann 3",
        "5",
    ]


def test_items_that_pdfium_joins_on_a_short_page_are_quoted_one_by_one() -> None:
    title = [(31, 794, "Head"), (31, 770, "Some text."), (31, 758, " ")]
    items = [(35, 747, "*"), (45, 747, "apple"), (35, 735, "*"), (45, 735, "pear")]
    table = [(158, 721, "A"), (427, 721, "B"), (31, 705, "1"), (300, 705, "2")]
    assert _drawn(*title, *items, *table)[:3] == ["Head", "Some text.", "* apple"]
