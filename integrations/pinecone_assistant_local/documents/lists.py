"""Lines of a paragraph to list items, for formats that mark an item only by the first characters of its line.

A number or dash at the beginning of a line is often not the mark of an item but the rest of a sentence that was wrapped:
"First published in May" / "2006. This edition ...". Cutting it out would change what the file says. So a mark counts
only if the line above had ended, or if the marks of several lines form a list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..text.sentences import ENDS
from .fields import is_field

# These characters mark nothing but list items; a dash or an asterisk may also be part of a text. Ticks and empty boxes are
# not among them, because they say something.
BULLETS = (
    "\u2022\u2023\u2043\u2219\u25a0\u25aa\u25ab\u25b6\u25b8\u25ba"  # dots, squares, triangles
    "\u25c6\u25cb\u25cf\u25e6\u2756\u27a2\u27a4\uf0a7\uf0b7\uf0d8"  # diamonds, circles, arrows, those of symbol fonts
)
_MARK = re.compile(rf"\s*(?:(?P<symbol>[-*+\u2013{BULLETS}])|(?P<number>\d{{1,3}})[.)])\s+(?=\S)")
_AFTER_NUMBER_IN_DATE = re.compile(
    r"(?:jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Item:
    """Lines that belong together: a list item, or text between lists.

    Attributes:
        lines: The lines, unchanged.
        mark: The characters at the beginning that mark the item and are not part of its text.
    """

    lines: tuple[str, ...]
    mark: str = ""

    def unmarked(self, text: str) -> str:
        """Return a text made of the lines, without the mark of the item."""
        return text.lstrip().removeprefix(self.mark.strip()).lstrip() if self.mark else text


class ListReader:
    """Finder of the items of one paragraph after another; a numbered list may continue from paragraph to paragraph."""

    def __init__(self) -> None:
        self._last = 0  # the number of the last item

    def items(self, lines: Sequence[str], ended: Callable[[int], bool]) -> list[Item]:
        """Return the items of a paragraph, in order, with all of its lines.

        Args:
            lines: The lines of the paragraph.
            ended: Whether the line with an index ends so early that the author, not wrapping, began the next line.
        """
        marks = [_MARK.match(line) for line in lines]
        if not any(marks):
            are_fields = len(lines) > 1 and all(map(is_field, lines))
            return [Item((line,)) for line in lines] if are_fields else [Item(tuple(lines))]
        symbols = Counter(mark["symbol"] for mark in marks if mark and mark["symbol"])
        numbers = {int(mark["number"]) for mark in marks if mark and mark["number"]}
        found: list[tuple[list[str], str]] = []
        for index, (line, mark) in enumerate(zip(lines, marks, strict=True)):
            if mark is not None:
                has_ended = not index or lines[index - 1].rstrip()[-1:] in f"{ENDS}:;" or ended(index - 1)
                in_list = bool(found and found[-1][1])
                if self._begins(mark, symbols, numbers, has_ended=has_ended, in_list=in_list):
                    found.append(([line], self._mark_of(line, mark, numbers)))
                    self._last = int(mark["number"] or self._last)
                    continue
            if found:
                found[-1][0].append(line)
            else:
                found.append(([line], ""))
        return [Item(tuple(own), mark) for own, mark in found]

    def _begins(
        self, mark: re.Match[str], symbols: Counter[str], numbers: set[int], *, has_ended: bool, in_list: bool
    ) -> bool:
        if mark["symbol"]:
            return has_ended or mark["symbol"] in BULLETS or symbols[mark["symbol"]] > 1
        number = int(mark["number"])
        return has_ended or number == self._last + 1 > 1 or (number == 1 and (in_list or 2 in numbers))

    def _mark_of(self, line: str, mark: re.Match[str], numbers: set[int]) -> str:
        """Return the mark, or "" if it is part of the text: a number is a mark only in a sequence of numbers."""
        if mark["number"]:
            number = int(mark["number"])
            is_in_row = number in (1, self._last + 1) or number + 1 in numbers
            if not is_in_row or _AFTER_NUMBER_IN_DATE.match(line, mark.end()):
                return ""
        return mark.group()
