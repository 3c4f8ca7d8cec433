"""The `generate` hook: the user's function writes the answer, this module makes the citations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..search.scoring import Hit
from .extracted import DECLINE
from .pieces import Cite, Piece, Source, merged, source_of
from .requests import Turn

_MARKER = re.compile(r"\s*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
# While the text so far ends like this, the rest of a marker may still follow.
_MAYBE_MARKER = re.compile(r"\s*\[[\d\s,]{0,16}\Z|\s+\Z")
_MAX_CITED = 3
# A bracket is part of a quotation only if at least so many characters before it are quoted too; otherwise it is a citation.
_MIN_QUOTED, _MAX_QUOTED = 6, 30


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage as the hook gets it.

    Attributes:
        number: What the hook writes in brackets, such as `[1]`, to cite the passage.
        text: The text.
        heading: The headings above it.
        file_name: The file it is in.
        page: Its page, where the format has pages.
        score: How well it matches the question, in (0, 1].
    """

    number: int
    text: str
    heading: str
    file_name: str
    page: int | None
    score: float


Write = Callable[[Sequence[Turn], str, Sequence[FoundPassage]], "str | Iterable[str]"]
"""A function that writes an answer. Arguments: the turns, the question of the last turn, the passages found."""


def generate_pieces(write: Write, turns: Sequence[Turn], question: str, hits: Sequence[Hit]) -> Iterator[Piece]:
    """Yield the text of the hook as it comes, with its markers turned into citations.

    If the text cites nothing, the best passage of each of the first files is cited at its end, unless the text declines or
    is empty.
    """
    passages = [
        FoundPassage(number, hit.body, hit.heading, hit.file.name, hit.page, hit.score)
        for number, hit in enumerate(hits, start=1)
    ]
    answer = write(turns, question, passages)
    cited, beginning = False, ""
    for piece in _find_markers([answer] if isinstance(answer, str) else answer, hits):
        if isinstance(piece, Cite):
            cited = True
        elif len(beginning) < len(DECLINE):
            beginning = f"{beginning}{piece}".lstrip()
        yield piece
    if beginning and not cited and not beginning.startswith(DECLINE.rstrip(".")):
        best: dict[int, Source] = {}
        for hit in hits:
            best.setdefault(hit.file.row, source_of(hit, hit.sentences[0].text))
        if best:
            yield Cite(tuple(best.values())[:_MAX_CITED])


def _find_markers(parts: Iterable[str], hits: Sequence[Hit]) -> Iterator[Piece]:
    """Yield text and citations. A bracket quoted from a passage, together with the words before it, stays text."""
    bodies = [" ".join(hit.body.split()) for hit in hits]
    held = said = ""
    for part in parts:
        held += part
        while True:
            match = _MARKER.search(held)
            if match is None:
                break
            yield from _before_marker(held[: match.start()])
            said = (said + held[: match.end()])[-3 * _MAX_QUOTED :]
            held = held[match.end() :]
            if _is_quoted(said, match.group(), bodies):
                yield match.group()
                continue
            numbers = [int(number) for number in re.findall(r"\d+", match[1])]
            sources = [
                source_of(hits[number - 1], hits[number - 1].sentences[0].text)
                for number in numbers
                if 1 <= number <= len(hits)
            ]
            yield Cite(merged(sources)) if sources else match.group()
        tail = _MAYBE_MARKER.search(held)
        ready = held[: tail.start()] if tail else held
        yield from _before_marker(ready)
        said = (said + ready)[-3 * _MAX_QUOTED :]
        held = held[len(ready) :]
    yield from _before_marker(held)


def _is_quoted(said: str, bracket: str, bodies: Sequence[str]) -> bool:
    """Return whether a passage contains this bracket together with the text before it."""
    end = " ".join(said.split())[-_MAX_QUOTED:]
    return len(end) - len(bracket.strip()) >= _MIN_QUOTED and any(end in body for body in bodies)


def _before_marker(text: str) -> Iterator[Piece]:
    if text:
        yield text
