"""The parts of a DOCX document to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from ..text.passages import Block
from ..text.sentences import split_sentences
from .contents import DocxContent, DocxParagraph, DocxTable
from .docx_tables import docx_table_blocks, is_layout
from .markdown_text import MAX_HEADING_CHARACTERS
from .outline import Outline
from .tables import one_line


def docx_blocks(document: DocxContent) -> Iterator[Block]:
    """Yield the paragraphs and table rows, each with the headings above it, then the headers and footers."""
    outline = Outline()
    yield from _part_blocks(document.parts, outline)
    yield from outline.close()
    known: set[str] = set()
    running = Outline()
    for block in chain(_part_blocks(document.running, running), running.close()):
        if block.text not in known:
            known.add(block.text)
            yield block


def _part_blocks(parts: Sequence[DocxParagraph | DocxTable], outline: Outline) -> Iterator[Block]:
    for part in parts:
        if isinstance(part, DocxTable):
            if is_layout(part):
                yield from _part_blocks(
                    [inner for row in part.rows for cell in row.cells for inner in cell.parts], outline
                )
            else:
                yield from outline.under(docx_table_blocks(part))
        elif part.level and len(part.text) <= MAX_HEADING_CHARACTERS:
            yield from outline.add(part.level, one_line(part.text), part.page)
        else:
            yield from outline.under([Block(part.text, tuple(split_sentences(part.text)), page=part.page)])
