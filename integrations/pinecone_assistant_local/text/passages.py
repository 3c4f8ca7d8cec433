"""Documents to passages: a few sentences that keep their heading and never cross a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .words import index_text

# About five sentences: enough for a fact and its subject, small enough to be cited.
TARGET_CHARACTERS = 600
MAX_SENTENCE_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document that belongs together: a paragraph, a list item, a table row.

    Attributes:
        text: Its whole text, in the order of the sentences.
        sentences: The sentences that can be quoted, each on one line.
        heading: The headings above it, outermost first, joined by " > ".
        page: Its page number, where the format has pages.
    """

    text: str
    sentences: tuple[str, ...]
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit of the search: a text as it appears in its file, its sentences and its place."""

    body: str
    sentences: tuple[str, ...]
    heading: str
    page: int | None
    title: str

    @property
    def index_context(self) -> str:
        """The text above the passage as it is indexed: the title and the headings."""
        return index_text(f"{self.title} {self.heading}")

    @property
    def index_body(self) -> str:
        """The text of the passage as it is indexed."""
        return index_text(self.body)


def to_passages(blocks: Iterable[Block], file_name: str) -> Iterator[Passage]:
    """Join neighbouring blocks of one heading and page until a passage has about `TARGET_CHARACTERS`."""
    title = title_of(file_name)
    gathered: list[Block] = []
    size = 0
    for block in _split_long(blocks):
        if gathered and (
            (block.heading, block.page) != (gathered[0].heading, gathered[0].page)
            or size + len(block.text) > TARGET_CHARACTERS
        ):
            yield _join(gathered, title)
            gathered, size = [], 0
        gathered.append(block)
        size += len(block.text)
    if gathered:
        yield _join(gathered, title)


def title_of(file_name: str) -> str:
    """Return the words of a file's name: `docs/red_pine.md` becomes `red pine`."""
    stem = re.split(r"[/\\]", file_name)[-1].rsplit(".", 1)[0]
    return re.sub(r"[\W_]+", " ", stem).strip()


def _split_long(blocks: Iterable[Block]) -> Iterator[Block]:
    """Cut a block that is longer than a passage at its sentences, and an overlong sentence at its words."""
    for block in blocks:
        if len(block.text) <= TARGET_CHARACTERS:
            yield block
            continue
        texts: list[str] = []
        sentences: list[str] = []
        size = 0
        for text, sentence in _with_texts(block):
            if texts and size + len(text) > TARGET_CHARACTERS:
                yield Block(" ".join(texts), tuple(sentences), block.heading, block.page)
                texts, sentences, size = [], [], 0
            texts.append(text)
            sentences.append(sentence)
            size += len(text)
        if texts:
            yield Block(" ".join(texts), tuple(sentences), block.heading, block.page)


def _with_texts(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each sentence with its part of the block's text, which may have more: the mark of a list item, a link.

    The text has the words of the sentences in the same order, so their positions show where to cut it.
    """
    sentences = [piece for whole in block.sentences for piece in _cut(whole)]
    start = 0
    for number, sentence in enumerate(sentences, start=1):
        end = start
        for word in sentence.split():
            found = block.text.find(word, end)
            end = found + len(word) if found >= 0 else end
        if number == len(sentences):
            end = len(block.text)
        yield block.text[start:end].strip(), sentence
        start = end


def _cut(sentence: str) -> Iterator[str]:
    start = 0
    while len(sentence) - start > MAX_SENTENCE_CHARACTERS:
        space = sentence.rfind(" ", start + 1, start + MAX_SENTENCE_CHARACTERS)
        end = space if space > 0 else start + MAX_SENTENCE_CHARACTERS
        yield sentence[start:end]
        start = end + (sentence[end] == " ")
    if start < len(sentence):
        yield sentence[start:]


def _join(blocks: list[Block], title: str) -> Passage:
    return Passage(
        body="\n".join(block.text for block in blocks),
        sentences=tuple(sentence for block in blocks for sentence in block.sentences),
        heading=blocks[0].heading,
        page=blocks[0].page,
        title=title,
    )
