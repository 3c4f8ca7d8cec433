"""The paragraphs of a DOCX document to blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..text.passages import Block
from ..text.sentences import split_sentences
from .contents import DocxContent, DocxParagraph
from .markdown_text import MAX_COLUMN_NAME_CHARACTERS, MAX_HEADING_CHARACTERS
from .outline import Outline


def docx_blocks(document: DocxContent) -> Iterator[Block]:
    """The paragraphs and table rows, each with the headings above it; a row names the column of each cell."""
    outline = Outline()
    names: list[str] = []
    waiting: DocxParagraph | None = None  # the first row of a table: names of columns, unless it is the only row
    for paragraph in document.paragraphs:
        if waiting is not None and (paragraph.cells is None or paragraph.first_row):
            yield from _text_blocks(outline, waiting)
            waiting = None
        if paragraph.cells is not None:
            if paragraph.first_row:
                waiting, names = paragraph, [_one_line(cell)[:MAX_COLUMN_NAME_CHARACTERS] for cell in paragraph.cells]
            else:
                waiting = None
                yield from _row_blocks(outline, paragraph.page, zip_cells(names, paragraph.cells))
        elif paragraph.level and len(paragraph.text) <= MAX_HEADING_CHARACTERS:
            yield from outline.add(paragraph.level, _one_line(paragraph.text), paragraph.page)
        else:
            yield from _text_blocks(outline, paragraph)
    if waiting is not None:
        yield from _text_blocks(outline, waiting)
    yield from outline.close()


def zip_cells(names: list[str], cells: list[str]) -> Iterator[str]:
    """`name: cell` for each cell that is not empty."""
    for index, cell in enumerate(cells):
        text = _one_line(cell)
        name = names[index] if index < len(names) else ""
        if text:
            yield f"{name}: {text}" if name else text


def _row_blocks(outline: Outline, page: int, pairs: Iterable[str]) -> Iterator[Block]:
    sentence = "; ".join(pairs)
    if sentence:
        yield Block(sentence, (sentence,), outline.heading, page)


def _text_blocks(outline: Outline, paragraph: DocxParagraph) -> Iterator[Block]:
    yield Block(paragraph.text, tuple(split_sentences(paragraph.text)), outline.heading, paragraph.page)


def _one_line(text: str) -> str:
    return " ".join(text.split())
