"""Headers and footers of a PDF: lines that most of its pages repeat at their edges, such as titles and page numbers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from ..text.sentences import FINAL_MARK
from .contents import PdfLine

_MIN_PAGES = 3
_MAX_PAGES_BEFORE = 50  # pages of a preface with numbers of their own
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"(?<![^\W_])\d+(?![^\W_])")
_LETTER = re.compile(r"[^\W\d_]")


def without_running_lines(pages: Sequence[Sequence[PdfLine]]) -> tuple[list[list[PdfLine]], list[tuple[str, int]]]:
    """Return the pages without such lines, and each such line once with its first page.

    A line that is the only text of its page, or ends like a sentence, is kept on the page. Of lines that differ only in
    the page number, such as `Page 3 of 9`, only the first one is returned; bare numbers that count the pages are dropped.
    """
    kept = [list(lines) for lines in pages]
    if len(pages) < _MIN_PAGES:
        return kept, []
    edges = Counter(key for lines in pages for key in {_key(line) for line in _edges(lines)})
    repeated = {key for key, count in edges.items() if count > len(pages) / 2}
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, lines in enumerate(kept, start=1):
        for line in _edges(lines):
            if len(lines) > 1 and _key(line) in repeated and not FINAL_MARK.search(line.text):
                is_first = line.top >= max(other.top for other in lines)
                lines[:] = [other for other in lines if other is not line]
                # Bare numbers at the top and at the bottom may count different things.
                place = "" if _LETTER.search(line.text) else f"{is_first} "
                found[f"{place}{_key(line)}"].append((number, line.text))
    return kept, [(text, page) for lines in found.values() for page, text in _distinct(lines)]


def _edges(lines: Sequence[PdfLine]) -> list[PdfLine]:
    """Return the first and last lines of a page, in reading order and by place: programs often draw footers before the text."""
    if not lines:
        return []
    places = (lines[0], lines[-1], max(lines, key=lambda line: line.top), min(lines, key=lambda line: line.bottom))
    return list({id(line): line for line in places}.values())


def _key(line: PdfLine) -> str:
    return _DIGITS.sub("0", line.text)


def _distinct(lines: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the lines worth keeping, of lines that differ only in digits: one, if the digits only count pages."""
    groups: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for page, text in lines:
        if _LETTER.search(text) or _NUMBER.search(text):
            groups[_NUMBER.sub("0", text)].append((page, text))
    found: list[tuple[int, str]] = []
    for group in groups.values():
        texts = sorted({text: (page, text) for page, text in reversed(group)}.values())
        columns = list(zip(*([int(number[:9]) for number in _NUMBER.findall(text)] for _, text in group), strict=True))
        pages = [page for page, _ in group]
        if not _LETTER.search(texts[0][1]) and any(_mostly_counts(column, pages) for column in columns):
            continue
        found += texts[:1] if all(_counts(column, pages) for column in columns) else texts
    return sorted(found)


def _counts(numbers: Sequence[int], pages: Sequence[int]) -> bool:
    """Return whether numbers are all equal or count the pages; larger numbers, as of invoices, may count up by chance."""
    if len(set(numbers)) == 1:
        return True
    before = {number - page for number, page in zip(numbers, pages, strict=True)}
    return len(before) == 1 and len(numbers) >= _MIN_PAGES and abs(before.pop()) <= _MAX_PAGES_BEFORE


def _mostly_counts(numbers: Sequence[int], pages: Sequence[int]) -> bool:
    """Return whether numbers go up with the pages, but where a chapter begins anew; a year or a date does not."""
    steps = list(zip(numbers, pages, strict=True))
    goes_on = sum(number - last == page - last_page > 0 for (last, last_page), (number, page) in pairwise(steps))
    return 2 * goes_on >= max(1, len(steps) - 1)
