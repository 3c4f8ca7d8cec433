"""The pieces of an answer: text, and citations of the passages that support it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..search.scoring import Hit
from ..store.files import StoredFile
from ..text.tokens import clip_tokens


def snippet_text(hit: Hit, max_tokens: int) -> str:
    """A passage with its heading above it, cut to a number of tokens at a sentence or a word."""
    text = f"{hit.heading}\n\n{hit.body}" if hit.heading else hit.body
    return clip_tokens(text, max_tokens)


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a statement.

    Attributes:
        file: The file.
        pages: The pages, empty for formats without pages.
        highlight: The words of the file that support the statement.
    """

    file: StoredFile
    pages: tuple[int, ...] = ()
    highlight: str = ""


@dataclass(frozen=True, slots=True)
class Cite:
    """A citation for the text before it."""

    sources: tuple[Source, ...]


Piece = str | Cite


def merged(sources: Iterable[Source]) -> tuple[Source, ...]:
    """The sources with each file once: the pages of all its sources, the highlight of its first one."""
    by_file: dict[str, Source] = {}
    for source in sources:
        known = by_file.setdefault(source.file.id, source)
        by_file[source.file.id] = replace(known, pages=tuple(sorted({*known.pages, *source.pages})))
    return tuple(by_file.values())


def source_of(hit: Hit, highlight: str) -> Source:
    """The source for a highlight in a passage."""
    return Source(hit.file, () if hit.page is None else (hit.page,), highlight)
