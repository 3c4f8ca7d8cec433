"""Uploaded bytes to blocks, sentences and passages."""

from __future__ import annotations

import pytest

from pinecone_assistant_local.documents.reading import parse_document
from pinecone_assistant_local.errors import DocumentError
from pinecone_assistant_local.text.passages import (
    MAX_SENTENCE_CHARACTERS,
    TARGET_CHARACTERS,
    Block,
    title_of,
    to_passages,
)


def _quoted(name: str, text: str) -> list[tuple[str, str]]:
    """Each sentence with the headings above it."""
    return [(block.heading, sentence) for block in parse_document(name, text.encode()) for sentence in block.sentences]


def test_markdown_headings_stay_with_what_stands_under_them() -> None:
    text = "# A\n\nOne.\n\n## B ##\nTwo.\n\n### C\n\nThree.\n\n## D\n\nFour.\n\nSetext\n======\nFive.\n"
    assert _quoted("x.md", text) == [
        ("A", "One."),
        ("A > B", "Two."),
        ("A > B > C", "Three."),
        ("A > D", "Four."),
        ("Setext", "Five."),
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A **bold** and _soft_ [link](http://x) `code`.", ["A bold and soft link `code`."]),
        ("![alt](a.png) snake_case_name \\*kept\\*", ["alt snake_case_name *kept*"]),
        ("- one\n- two\n  more\n1. three", ["one", "two more", "three"]),
        ("- [x] done", ["done"]),
        ("> quoted\n> text", ["quoted text"]),
        ("---\ntitle: x\n---\nBody.", ["Body."]),
        ("<!-- hidden --> <b>Shown</b>.", ["Shown."]),
        ("| A | B |\n|---|:-:|\n| 1 | 2 |\n| 3 | |", ["A: 1; B: 2", "A: 3"]),
        ("```python\n# no heading\nprint(1)\n```\nAfter.", ["# no heading", "print(1)", "After."]),
        ("Above.\n\n***\n\nBelow.", ["Above.", "Below."]),
    ],
)
def test_what_is_quoted_from_markdown_has_no_markup(text: str, sentences: list[str]) -> None:
    assert [sentence for _, sentence in _quoted("x.md", text)] == sentences


def test_a_short_line_alone_is_a_heading_in_plain_text() -> None:
    text = "Leave policy\n\nThere are 28 days. Ask first.\n\nSick leave\n==========\nStay at home.\n\n- one\n- two\n"
    assert _quoted("x.txt", text) == [
        ("Leave policy", "There are 28 days."),
        ("Leave policy", "Ask first."),
        ("Sick leave", "Stay at home."),
        ("Sick leave", "one"),
        ("Sick leave", "two"),
    ]


def test_json_values_keep_the_fields_that_identify_them() -> None:
    text = (
        '{"trees": [{"name": "Red pine", "max_height_m": 25, "native": true, "notes": {"bark": "red"}, "tags": ["a"]}]}'
    )
    assert _quoted("x.json", text) == [
        ("trees > Red pine", "name: Red pine"),
        ("trees > Red pine", "Red pine: max height m: 25"),
        ("trees > Red pine", "Red pine: native: yes"),
        ("trees > notes > Red pine", "Red pine: bark: red"),
        ("trees > tags > Red pine", "Red pine: tags: a"),
    ]


@pytest.mark.parametrize("text", ['"just text"', "5", "[1, 2]", '{"a": 1}'])
def test_any_json_value_with_something_in_it_is_a_document(text: str) -> None:
    assert _quoted("x.json", text)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"a": null}', '{"a": ""}', "[[], {}]"])
def test_json_without_a_value_is_an_error(text: str) -> None:
    with pytest.raises(DocumentError, match="No text"):
        parse_document("x.json", text.encode())


def test_passages_are_a_few_sentences_long_and_never_cross_a_heading_or_a_page() -> None:
    blocks = [
        Block("One.", ("One.",), "A", 1),
        Block("Two.", ("Two.",), "A", 1),
        Block("Three.", ("Three.",), "A", 2),
        Block("Four.", ("Four.",), "B", 2),
    ]
    passages = list(to_passages(blocks, "x.pdf"))
    assert [(passage.body, passage.heading, passage.page) for passage in passages] == [
        ("One.\nTwo.", "A", 1),
        ("Three.", "A", 2),
        ("Four.", "B", 2),
    ]


def test_long_text_is_cut_at_sentences_and_endless_sentences_at_words() -> None:
    sentences = tuple(f"Sentence number {number} is here." for number in range(100))
    passages = list(to_passages([Block(" ".join(sentences), sentences)], "x.txt"))
    assert [sentence for passage in passages for sentence in passage.sentences] == list(sentences)
    assert max(len(passage.body) for passage in passages) <= TARGET_CHARACTERS + 40
    endless = "word " * 5000
    pieces = list(to_passages([Block(endless, (endless.strip(),))], "x.txt"))
    assert max(len(sentence) for piece in pieces for sentence in piece.sentences) <= MAX_SENTENCE_CHARACTERS
    assert " ".join(sentence for piece in pieces for sentence in piece.sentences) == endless.strip()


@pytest.mark.parametrize(
    ("name", "title"),
    [("red_pine.md", "red pine"), ("docs/a-b.txt", "a b"), ("C:\\x\\Notes 2024.md", "Notes 2024"), (".md", "")],
)
def test_the_title_is_the_words_of_the_name(name: str, title: str) -> None:
    assert title_of(name) == title
