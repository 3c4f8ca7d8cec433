"""Pieces to text: with markers and a reference list in it, or with the citations beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..store.files import StoredFile
from .pieces import Cite, Piece, Source

LinkOf = Callable[[StoredFile], str]


@dataclass(slots=True)
class InlineRenderer:
    """Writes citations into the text: `...25 meters high  [1].`, and the list of references at its end.

    Args:
        link_of: The signed link to a file.
        with_references: Whether the text ends in the list.
    """

    link_of: LinkOf
    with_references: bool = True
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _files: list[StoredFile] = field(default_factory=list)

    def text_of(self, piece: Piece) -> str:
        """The text of a piece; files are numbered in the order of their first citation."""
        if isinstance(piece, str):
            return piece
        markers = "; ".join(self._marker_of(source) for source in piece.sources)
        return f"  [{markers}]" if markers else ""

    def ending(self) -> str:
        """The list of references, or nothing if there are none."""
        if not self._files or not self.with_references:
            return ""
        lines = [
            f"{number}. [{file.name}]({self.link_of(file)}) \n" for number, file in enumerate(self._files, start=1)
        ]
        return "\n\nReferences:\n" + "".join(lines)

    def render(self, pieces: Iterable[Piece]) -> str:
        """The whole text."""
        return "".join([self.text_of(piece) for piece in pieces]) + self.ending()

    def _marker_of(self, source: Source) -> str:
        key = (source.file.id, source.file.name)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._files) + 1
            self._files.append(source.file)
        if not source.pages:
            return str(number)
        return f"{number}, pp. {_page_ranges(source.pages)}"


@dataclass(frozen=True, slots=True)
class PlacedCitation:
    """A citation and where it belongs: a character offset into the whole text."""

    position: int
    sources: tuple[Source, ...]


def place_citations(pieces: Iterable[Piece]) -> tuple[str, list[PlacedCitation]]:
    """The text without markers, and its citations with their places."""
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
