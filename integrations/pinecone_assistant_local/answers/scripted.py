"""Scripted answers: texts and citations that a test queues for the next requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..store.files import StoredFile
from ..text.sentences import FINAL_MARK
from .pieces import Cite, Piece, Source

CitationLike = str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ScriptedCitation:
    """A citation as a test's author writes it; without a position it is put before the final full stop."""

    file_name: str
    pages: tuple[int, ...]
    position: int | None
    highlight: str


@dataclass(slots=True)
class ScriptedReply:
    """An answer, and for how many more requests it is used (None: for all)."""

    text: str
    citations: tuple[ScriptedCitation, ...]
    times: int | None

    def to_pieces(self, find_file: Callable[[str], StoredFile]) -> list[Piece]:
        """The reply as an answer; `find_file` returns the file of a name."""
        final = FINAL_MARK.search(self.text.rstrip())
        default = final.start() if final else len(self.text)
        by_position: dict[int, list[Source]] = {}
        for citation in self.citations:
            position = default if citation.position is None else min(citation.position, len(self.text))
            source = Source(find_file(citation.file_name), citation.pages, citation.highlight)
            by_position.setdefault(position, []).append(source)
        pieces: list[Piece] = []
        start = 0
        for position in sorted(by_position):
            pieces += [self.text[start:position], Cite(tuple(by_position[position]))]
            start = position
        return [*pieces, self.text[start:]]


class Replies:
    """The queued replies, first in, first out; a reply without a limit is used until another one is added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[ScriptedReply] = []

    def add(self, text: str, citations: Iterable[CitationLike], times: int | None) -> None:
        """Queue a reply."""
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, not {times}")
        reply = ScriptedReply(text, tuple(_to_citation(citation) for citation in citations), times)
        with self._lock:
            if self._waiting and self._waiting[-1].times is None:
                self._waiting.pop()
            self._waiting.append(reply)

    def next(self) -> ScriptedReply | None:
        """The reply for the next request, if one is scripted."""
        with self._lock:
            if not self._waiting:
                return None
            reply = self._waiting[0]
            if reply.times is not None:
                reply.times -= 1
                if reply.times == 0:
                    self._waiting.pop(0)
            return reply

    def clear(self) -> None:
        """Forget every reply."""
        with self._lock:
            self._waiting.clear()


def _to_citation(citation: CitationLike) -> ScriptedCitation:
    if isinstance(citation, str):
        return ScriptedCitation(citation, (), None, "")
    unknown = set(citation) - {"file", "pages", "position", "highlight"}
    if unknown or not isinstance(citation.get("file"), str):
        raise ValueError(f"a citation is a file name or {{'file', 'pages', 'position', 'highlight'}}, not {citation!r}")
    pages, position = citation.get("pages") or (), citation.get("position")
    if not isinstance(pages, list | tuple) or not all(isinstance(page, int) for page in pages):
        raise ValueError(f"pages must be a list of page numbers, not {pages!r}")
    if position is not None and (not isinstance(position, int) or position < 0):
        raise ValueError(f"position must be a character offset into the text, not {position!r}")
    return ScriptedCitation(str(citation["file"]), tuple(pages), position, str(citation.get("highlight") or ""))
