"""The headings above a text, for formats whose headings come one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..text.passages import Block

MAX_DEPTH = 9


@dataclass(slots=True)
class _Heading:
    rank: float
    title: str
    page: int | None
    is_used: bool = False


class Outline:
    """The open headings. A heading with nothing below it becomes text, so that it is not lost."""

    def __init__(self) -> None:
        self._open: list[_Heading] = []

    def under(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield blocks with the open headings above them. A block without a sentence is left out: it is not text of a heading."""
        for block in blocks:
            if block.sentences:
                yield Block(block.text, block.sentences, self._used(), block.page)

    def add(self, rank: float, title: str, page: int | None) -> Iterator[Block]:
        """Open a heading; a smaller rank is further out. Yield headings that this closes and that had no text below, as text."""
        yield from self.close(rank)
        if len(self._open) == MAX_DEPTH:
            yield from self.close(self._open[-1].rank)
        self._open.append(_Heading(rank, title, page))

    def close(self, rank: float = float("-inf")) -> Iterator[Block]:
        """Close the headings of this rank and those inside them."""
        unused: list[Block] = []
        while self._open and self._open[-1].rank >= rank:
            last = self._open.pop()
            if not last.is_used:
                unused.append(Block(last.title, (last.title,), self._joined(), last.page))
                for heading in self._open:
                    heading.is_used = True
        yield from reversed(unused)

    def _used(self) -> str:
        """Return the open headings, outermost first, and note that they have text below them."""
        for heading in self._open:
            heading.is_used = True
        return self._joined()

    def _joined(self) -> str:
        return " > ".join(heading.title for heading in self._open)
