"""Pieces to text: with markers and a reference list in it, or with the citations next to it.

A quoted sentence may contain brackets of its own: "described in chapter [4]". A client can distinguish them from citation
markers only by the reference list: a number that is not in the list is not a citation. So no file is given a number that
appears in brackets in the quoted text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from ..store.files import StoredFile
from .pieces import Cite, Piece, Source

LinkOf = Callable[[StoredFile], str]

_BRACKET = re.compile(r"\[(\d[\dpP\s,;.&\u2013-]{0,200})\]")
_NUMBER = re.compile(r"\d{1,9}")


def bracketed_numbers(texts: Iterable[str]) -> frozenset[int]:
    """Return the numbers in brackets that a client could take for markers: `[4]`, `[1, pp. 3-5]`."""
    return frozenset(
        int(number) for text in texts for inside in _BRACKET.findall(text) for number in _NUMBER.findall(inside)
    )


@dataclass(slots=True)
class InlineRenderer:
    """Writer of citations into the text: `...25 meters high  [1].`, and the list of references at its end.

    Args:
        link_of: The signed link to a file.
        with_references: Whether the text ends in the list.
        taken_numbers: Numbers that appear in brackets in the quoted text.
    """

    link_of: LinkOf
    with_references: bool = True
    taken_numbers: frozenset[int] = frozenset()
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _files: dict[int, StoredFile] = field(default_factory=dict)

    def text_of(self, piece: Piece) -> str:
        """Return the text of a piece; files are numbered in the order of their first citation."""
        if isinstance(piece, str):
            return piece
        markers = "; ".join(self._marker_of(source) for source in piece.sources)
        return f"  [{markers}]" if markers else ""

    def ending(self) -> str:
        """Return the list of references, or nothing if there are none."""
        if not self._files or not self.with_references:
            return ""
        lines = [f"{number}. [{file.name}]({self.link_of(file)}) \n" for number, file in self._files.items()]
        return "\n\nReferences:\n" + "".join(lines)

    def render(self, pieces: Iterable[Piece]) -> str:
        """Return the whole text."""
        return "".join([self.text_of(piece) for piece in pieces]) + self.ending()

    def _marker_of(self, source: Source) -> str:
        key = (source.file.id, source.file.name)
        number = self._numbers.get(key)
        if number is None:
            last = max(self._files, default=0)
            number = next(free for free in count(last + 1) if free not in self.taken_numbers)
            self._numbers[key] = number
            self._files[number] = source.file
        if not source.pages:
            return str(number)
        return f"{number}, pp. {_page_ranges(source.pages)}"


@dataclass(frozen=True, slots=True)
class PlacedCitation:
    """A citation and where it belongs: a character offset into the whole text."""

    position: int
    sources: tuple[Source, ...]


def place_citations(pieces: Iterable[Piece]) -> tuple[str, list[PlacedCitation]]:
    """Return the text without markers, and its citations with their places."""
    parts: list[str] = []
    placed: list[PlacedCitation] = []
    length = 0
    for piece in pieces:
        if isinstance(piece, Cite):
            placed.append(PlacedCitation(length, piece.sources))
        else:
            parts.append(piece)
            length += len(piece)
    return "".join(parts), placed


def _page_ranges(pages: Iterable[int]) -> str:
    """`1, 3-4` for the pages 1, 3 and 4."""
    ranges: list[list[int]] = []
    for page in sorted(set(pages)):
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
