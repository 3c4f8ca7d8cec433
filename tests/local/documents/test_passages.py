"""Blocks to passages."""

from __future__ import annotations

import pytest

from pinecone_assistant_local.text.passages import (
    MAX_SENTENCE_CHARACTERS,
    TARGET_CHARACTERS,
    Block,
    title_of,
    to_passages,
)


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


def test_a_long_block_keeps_what_is_not_quoted_from_it() -> None:
    """The mark of a list item, and where a link leads."""
    sentences = tuple(f"Sentence number {number} is here." for number in range(60))
    text = "12. " + "\n".join(sentences) + "\nhttps://example.org/a"
    passages = list(to_passages([Block(text, sentences)], "x.md"))
    assert [sentence for passage in passages for sentence in passage.sentences] == list(sentences)
    assert " ".join(passage.body for passage in passages).split() == text.split()
