"""The lines of a PDF to blocks: paragraphs by the space between lines, headings by their size and weight."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ..text.passages import Block
from ..text.sentences import ENDS, FINAL_MARK, split_sentences
from .contents import PdfContent, PdfLine
from .outline import Outline

MAX_HEADING_CHARACTERS = 120
_LARGER = 1.12
_GAP = 0.45  # of a line's height: more space than this above a line begins a paragraph
_MIN_PAGES_WITH_RUNNING_LINES = 3
_BULLET = re.compile(r"(?:[-*\u2022\u2013\u25aa\u25cf]|\d{1,3}[.)])\s+")
# PDFium writes U+FFFE (in older versions U+0002) for a hyphen at the end of a line.
_HYPHEN_AT_END = re.compile("[\ufffe\x02]\\s*(?=([^\\W\\d_])?)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_DIGITS = re.compile(r"\d+")


def pdf_blocks(document: PdfContent) -> Iterator[Block]:
    """The paragraphs of each page, each with the headings above it. No block goes from one page to the next.

    A page without text in a document with images says what is on it: `Image on page 3.`
    """
    pages = _without_running_lines(document.pages)
    body = _body_size(pages)
    body_is_bold = _is_mostly_bold(pages)
    illustrated = {image.page for image in document.images}
    outline = Outline()
    for number, lines in enumerate(pages, start=1):
        paragraph: list[PdfLine] = []
        heading: list[PdfLine] = []
        for line in lines:
            is_heading = _is_heading(line, body, body_is_bold=body_is_bold)
            if paragraph and (is_heading or _begins_paragraph(paragraph[-1], line)):
                yield _to_block(paragraph, outline, number)
                paragraph = []
            if heading and not (is_heading and _continues_heading(heading[-1], line)):
                yield from outline.add(_rank(heading[0]), _joined(heading), number)
                heading = []
            (heading if is_heading else paragraph).append(line)
        if paragraph:
            yield _to_block(paragraph, outline, number)
        if heading:
            yield from outline.add(_rank(heading[0]), _joined(heading), number)
        if not lines and number in illustrated:
            yield Block(f"Image on page {number}.", (f"Image on page {number}.",), outline.heading, number)
    yield from outline.close()


def _to_block(lines: Sequence[PdfLine], outline: Outline, page: int) -> Block:
    text = _joined(lines)
    return Block(text, tuple(split_sentences(_BULLET.sub("", text, count=1))), outline.heading, page)


def _joined(lines: Sequence[PdfLine]) -> str:
    """The text of lines without the ends of lines, and words that were cut at one in one piece."""
    text = _HYPHEN_AT_END.sub(
        lambda match: "" if match[1] and match[1].islower() else "-", " ".join(line.text for line in lines)
    )
    return " ".join(_CONTROL.sub(" ", text).split())


def _body_size(pages: Sequence[Sequence[PdfLine]]) -> float:
    """The size of most of the text."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _is_mostly_bold(pages: Sequence[Sequence[PdfLine]]) -> bool:
    weights = [len(line.text) if line.bold else -len(line.text) for lines in pages for line in lines]
    return sum(weights) > 0


def _is_heading(line: PdfLine, body: float, *, body_is_bold: bool) -> bool:
    stands_out = line.size > body * _LARGER or (line.bold and not body_is_bold and line.size >= body)
    return (
        stands_out
        and len(line.text) <= MAX_HEADING_CHARACTERS
        and any(character.isalpha() for character in line.text)
        and line.text[-1] not in f"{ENDS},;"
    )


def _rank(line: PdfLine) -> float:
    """Larger headings are further out."""
    return -round(line.size)


def _continues_heading(last: PdfLine, line: PdfLine) -> bool:
    return line.size == last.size and line.bold == last.bold and 0 <= last.bottom - line.top <= _GAP * line.size


def _begins_paragraph(last: PdfLine, line: PdfLine) -> bool:
    if _BULLET.match(line.text):
        return True
    gap = last.bottom - line.top
    if gap < -line.size:  # further up: the next column, where a sentence may go on
        return bool(FINAL_MARK.search(last.text))
    return gap > _GAP * line.size


def _without_running_lines(pages: Sequence[list[PdfLine]]) -> list[list[PdfLine]]:
    """The pages without the headers and footers that most of them repeat: page numbers, the title of the document."""
    if len(pages) < _MIN_PAGES_WITH_RUNNING_LINES:
        return list(pages)
    edges = Counter(key for lines in pages for key in {_running_key(line) for line in (lines[:1] + lines[-1:])})
    running = {key for key, count in edges.items() if count > len(pages) / 2}
    return [_stripped(lines, running) for lines in pages]


def _stripped(lines: list[PdfLine], running: set[str]) -> list[PdfLine]:
    """A page without its running lines; text that is all there is on a page, or ends as a sentence does, stays."""
    kept = list(lines)
    for edge in (0, -1):
        if len(kept) > 1 and _running_key(kept[edge]) in running and not FINAL_MARK.search(kept[edge].text):
            kept.pop(edge)
    return kept


def _running_key(line: PdfLine) -> str:
    return _DIGITS.sub("0", line.text)
