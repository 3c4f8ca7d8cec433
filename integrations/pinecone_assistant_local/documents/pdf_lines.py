"""The lines of a PDF page put together again where PDFium returns one in several pieces."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .contents import PdfLine
from .lists import BULLETS

# In heights of a line: the space between two pieces of one word, and between the mark of a list item and its text.
_TOUCHING = 0.1
_MARK_DISTANCE = 3.0
_SAME_HEIGHT = 0.25
_MARK = re.compile(rf"[{BULLETS}]|\d{{1,3}}[.)]")


def whole_lines(lines: Sequence[PdfLine]) -> list[PdfLine]:
    """Return the lines with their pieces joined.

    PDFium ends a line at lowered or raised characters, "H2" / "O". Some programs draw the marks of list items after all of
    the page's text.
    """
    return _with_marks(_joined_pieces(lines))


def _joined_pieces(lines: Sequence[PdfLine]) -> list[PdfLine]:
    found: list[PdfLine] = []
    for line in lines:
        if found and _touches(found[-1], line):
            last = found.pop()
            text, bold = last.text + line.text, last.bold and line.bold
            line = PdfLine(text, last.size, last.top, line.bottom, bold, last.left, line.right)  # noqa: PLW2901
        found.append(line)
    return found


def _touches(last: PdfLine, line: PdfLine) -> bool:
    if last.filled or line.filled or last.left > last.right:
        return False
    is_beside = min(last.top, line.top) > max(last.bottom, line.bottom)
    return is_beside and abs(line.left - last.right) <= _TOUCHING * last.size


def _with_marks(lines: Sequence[PdfLine]) -> list[PdfLine]:
    """Return the lines with each mark that is a line of its own before the text to the right of it."""
    found = list(lines)
    for mark in lines:
        if not _MARK.fullmatch(mark.text):
            continue
        index = next((index for index, line in enumerate(found) if _is_marked(line, mark)), None)
        if index is not None:
            item = found[index]
            text = f"{mark.text} {item.text}"
            found[index] = PdfLine(
                text, item.size, item.top, item.bottom, item.bold, mark.left, item.right, item.filled
            )
            found = [line for line in found if line is not mark]
    return found


def _is_marked(line: PdfLine, mark: PdfLine) -> bool:
    return (
        abs(line.top - mark.top) <= _SAME_HEIGHT * line.size
        and 0 < line.left - mark.right <= _MARK_DISTANCE * line.size
        and not _MARK.match(line.text)
    )
