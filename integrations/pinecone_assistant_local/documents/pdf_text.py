"""The lines of a PDF to blocks: paragraphs by the space between lines, headings by their size and weight."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from statistics import median

from ..text.passages import Block
from ..text.sentences import ENDS, FINAL_MARK, split_sentences
from .contents import PdfContent, PdfLine
from .lists import BULLETS, ListReader
from .outline import Outline
from .pdf_lines import whole_lines
from .pdf_pages import without_running_lines

MAX_HEADING_CHARACTERS = 120
_LARGER = 1.12
# Of a line's height: more space than this above a line begins a paragraph, unless all lines are that far apart.
_GAP = 0.45
_MAX_GAP = 2.0
_MORE_THAN_TYPICAL = 1.25
_MIN_GAPS = 2
_MIN_PROSE = 3
_WIDE = 12.0  # in heights of a line: narrower columns are lists and tables
_EXACT, _RAGGED = 0.03, 0.2  # a line that ends this part of a column's width before its margin is still full
_OUTDENT = 0.3  # in heights of a line
_ABOVE = 0.5  # in heights of a line: so far above all others, a line is no column
_TURNED = 3.0  # in heights of a line
_COLUMN_WIDTH = 40.0  # points: lines that begin this near to each other are of one column
# PDFium writes U+FFFE (in older versions U+0002) for a hyphen at the end of a line, but leaves the U+2010 of browsers.
_HYPHEN_AT_END = re.compile("((?:[^\\W\\d_]+-)*)([^\\W\\d_]*)([\ufffe\x02]|[\xad\u2010]\n)\\s*([^\\W\\d_]*)")
# A range or number that was cut at a hyphen: "2020-" / "2021".
_NUMBER_CUT = re.compile("(?<=\\d)([-\u2010\u2011\u2013]|[\ufffe\x02])\n(?=\\d)")
# Of "well-known", "evidence-based": the document may have the whole word nowhere else. A longer part is before such a second one,
# because "un-known" is a word that was cut.
_COMPOUND_FIRST = frozenset({"self", "well"})
_COMPOUND_SECOND = frozenset(
    "aware based called defined dependent driven friendly known level oriented party related specific term wide year".split()  # noqa: SIM905  (no 16 quotes)
)
_MIN_COMPOUND_FIRST = 4
_ADVERB = re.compile(r"[^\W\d_]{4,}ly", re.IGNORECASE)  # "previously-cached"
# Browsers cut words with these hyphens; the author's own are "-" unless some are inside of lines.
_SOFT = "\xad\u2010"
_IN_LINE = re.compile(f"[^\\W\\d_][{_SOFT}][^\\W\\d_]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def pdf_blocks(document: PdfContent) -> Iterator[Block]:
    """Yield the paragraphs of each page, each with the headings above it. No block spans two pages.

    A page without text gets a sentence if the document has images: `Image on page 3.` Headers and footers that the pages
    repeat come last, each once.
    """
    pages, running = without_running_lines([whole_lines(lines) for lines in document.pages])
    yield from _Reader(pages, {image.page for image in document.images}).blocks()
    for text, page in running:
        yield Block(text, tuple(split_sentences(text)), "", page)


class _Reader:
    """Reader of the pages, one after another."""

    def __init__(self, pages: Sequence[Sequence[PdfLine]], illustrated: set[int]) -> None:
        self._pages = pages
        self._illustrated = illustrated
        self._body = _body_size(pages)
        self._body_is_bold = _is_mostly_bold(pages)
        self._words = frozenset(word.lower() for lines in pages for line in lines for word in _WORD.findall(line.text))
        self._has_soft_hyphens = any(_IN_LINE.search(line.text) for lines in pages for line in lines)
        self._outline = Outline()
        self._lists = ListReader()

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of all pages."""
        usual = _typical_gap([gap for lines in self._pages for gap in _gaps(lines)], 0.0)
        for number, lines in enumerate(self._pages, start=1):
            layout = _Layout(lines, _typical_gap(_gaps(lines), usual))
            paragraph: list[PdfLine] = []
            heading: list[PdfLine] = []
            for line in lines:
                is_heading = self._is_heading(line)
                if paragraph and (
                    is_heading or layout.begins_paragraph(paragraph[-1], line) or _ends_list(paragraph, line)
                ):
                    yield from self._paragraph(paragraph, layout, number)
                    paragraph = []
                if heading and not (is_heading and _continues_heading(heading[-1], line)):
                    yield from self._heading(heading, number)
                    heading = []
                (heading if is_heading else paragraph).append(line)
            if paragraph:
                yield from self._paragraph(paragraph, layout, number)
            if heading:
                yield from self._heading(heading, number)
            if not lines and number in self._illustrated:
                caption = f"Image on page {number}."
                yield from self._outline.under([Block(caption, (caption,), page=number)])
        yield from self._outline.close()

    def _heading(self, lines: Sequence[PdfLine], page: int) -> Iterator[Block]:
        """Open a heading; larger ones are further out."""
        yield from self._outline.add(-round(lines[0].size), self._joined([line.text for line in lines]), page)

    def _paragraph(self, lines: Sequence[PdfLine], layout: _Layout, page: int) -> Iterator[Block]:
        def ended(index: int) -> bool:
            return not layout.is_full(lines[index], lines[index + 1])

        for item in self._lists.items([line.text for line in lines], ended):
            text = self._joined(item.lines)
            sentences = tuple(split_sentences(item.unmarked(text)))
            yield from self._outline.under([Block(text, sentences, page=page)])

    def _joined(self, lines: Sequence[str]) -> str:
        """Return the text of lines on one line, with hyphenated words joined again."""
        joined = _NUMBER_CUT.sub(lambda cut: "-" if cut[1] in "\ufffe\x02" else cut[1], "\n".join(lines))
        text = _HYPHEN_AT_END.sub(self._without_hyphen, joined)
        return " ".join(_CONTROL.sub(" ", text).split())

    def _without_hyphen(self, match: re.Match[str]) -> str:
        """Join a word cut at the end of a line; its hyphen stays if the word has it elsewhere in the document."""
        before, first, mark, second = match.groups()
        whole, hyphened = f"{before}{first}{second}", f"{before}{first}-{second}"
        if mark[0] in _SOFT and not self._has_soft_hyphens:
            return hyphened if hyphened.lower() in self._words else whole
        is_compound = whole.lower() not in self._words and (
            hyphened.lower() in self._words
            or first.lower() in _COMPOUND_FIRST
            or (second.lower() in _COMPOUND_SECOND and len(first) >= _MIN_COMPOUND_FIRST)
            or _ADVERB.fullmatch(first)
            # "state-of-the-" / "art", but "two-dimen-" / "sional"
            or (before != "" and {first.lower(), second.lower()} <= self._words)
        )
        return whole if second[:1].islower() and not is_compound else hyphened

    def _is_heading(self, line: PdfLine) -> bool:
        is_bold = line.bold and not self._body_is_bold and line.size >= self._body
        return (
            (line.size > self._body * _LARGER or is_bold)
            and len(line.text) <= MAX_HEADING_CHARACTERS
            and any(character.isalpha() for character in line.text)
            and line.text[0] not in BULLETS  # it is often larger than the text of its item
            and line.text[-1] not in f"{ENDS},;"
        )


class _Layout:
    """The beginnings of paragraphs on a page.

    Args:
        lines: The lines of the page.
        typical_gap: The usual space above a line, in heights of a line.
    """

    def __init__(self, lines: Sequence[PdfLine], typical_gap: float) -> None:
        self._margins: dict[int, float] = {}
        for line in lines:
            column = round(line.left / _COLUMN_WIDTH)
            self._margins[column] = max(line.right, self._margins.get(column, 0.0))
        tops = accumulate((line.top for line in lines), max)
        self._highest = {
            id(line) for top, line in zip(tops, lines[1:], strict=False) if line.top > top + _ABOVE * line.size
        }
        self._most = _MORE_THAN_TYPICAL * typical_gap
        # In widely spaced text, consecutive full lines are prose if there are several, or if one begins with a small letter;
        # a single full line belongs to a form or list.
        self._prose: set[int] = set()
        for is_full, run in groupby(pairwise(lines), lambda pair: self.is_full(*pair)):
            wrapped = list(run)
            if is_full and (len(wrapped) >= _MIN_PROSE or any(line.text[:1].islower() for _, line in wrapped)):
                self._prose.update(id(last) for last, _ in wrapped)

    def begins_paragraph(self, last: PdfLine, line: PdfLine) -> bool:
        """Return whether a line begins a paragraph below the last one."""
        gap = last.bottom - line.top
        if last.filled or line.filled:
            return True
        if gap < -line.size:
            # Further up: a sentence may go on in the next column, but not in a header drawn last or after a footer drawn first.
            is_column = id(line) not in self._highest and _is_next_column(last, line)
            return not is_column or bool(FINAL_MARK.search(last.text))
        if gap <= _GAP * line.size:
            return False
        # In double-spaced text, a sentence continues below a full line.
        goes_on = line.text[:1].islower() and not FINAL_MARK.search(last.text)
        if (
            gap > (_MAX_GAP if goes_on else self._most) * line.size
            or self._margin(last) - last.left < _WIDE * line.size
        ):
            return True
        return not self.is_full(last, line, _RAGGED) if goes_on else id(last) not in self._prose

    def _margin(self, line: PdfLine) -> float:
        """Return the right edge of the longest line of a column."""
        column = round(line.left / _COLUMN_WIDTH)
        return max(self._margins.get(near, 0.0) for near in (column - 1, column, column + 1))

    def is_full(self, last: PdfLine, line: PdfLine, tolerance: float = _EXACT) -> bool:
        """Return whether the first word of a line would not have fitted on the line above, so that it was wrapped."""
        margin = self._margin(last)
        first = len(line.text.split(maxsplit=1)[0]) + 1 if line.text.strip() else 0
        width = (line.right - line.left) / max(1, len(line.text))
        return last.right + first * width > margin - tolerance * (margin - last.left)


def _gaps(lines: Sequence[PdfLine]) -> list[float]:
    """Return the space above each line that is below another, in heights of a line."""
    pairs = pairwise(lines)
    gaps = ((last.bottom - line.top) / line.size for last, line in pairs if line.size > 0 and line.size == last.size)
    return [gap for gap in gaps if -_GAP <= gap <= _MAX_GAP]


def _typical_gap(gaps: Sequence[float], otherwise: float) -> float:
    return median(gaps) if len(gaps) >= _MIN_GAPS else otherwise


def _body_size(pages: Sequence[Sequence[PdfLine]]) -> float:
    """Return the font size of most of the text."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _is_mostly_bold(pages: Sequence[Sequence[PdfLine]]) -> bool:
    weights = [len(line.text) if line.bold else -len(line.text) for lines in pages for line in lines]
    return sum(weights) > 0


def _continues_heading(last: PdfLine, line: PdfLine) -> bool:
    return line.size == last.size and line.bold == last.bold and 0 <= last.bottom - line.top <= _GAP * line.size


def _is_next_column(last: PdfLine, line: PdfLine) -> bool:
    """Return whether a line is next to another in the direction of its text; right-to-left lines end at their left."""
    if all(one.top - one.bottom > _TURNED * one.size for one in (last, line)):
        return True  # in text that runs upwards, each line is next to the one before
    if line.left > line.right:
        return line.left <= last.right
    return line.left >= last.right


def _ends_list(paragraph: Sequence[PdfLine], line: PdfLine) -> bool:
    """Return whether a line begins left of the bullet above it: the lines of an item begin at its bullet or further right."""
    bullet = next((above for above in reversed(paragraph) if above.text[0] in BULLETS), None)
    return bullet is not None and line.left < bullet.left - _OUTDENT * line.size
