"""Which terms of a question stand among the stems of a text, and how: as they are, as a synonym, or as something alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from pinecone_assistant_local.questions import Term

# How a term stands in a text, from not at all to word for word.
ABSENT, ALIKE, RELATED, SYNONYM, EXACT = range(5)
Level = int

# Stems that share a beginning of this length are alike if it is most of the shorter one: `wool`, `woollen`.
_SHARED_BEGINNING = 4
_SHARED_PART = 0.7
# A stem of this length may stand inside another one: `quake`, `earthquake`.
_INSIDE = 5


class Matcher:
    """Finds the terms of one question in texts of one vocabulary.

    Args:
        terms: What is asked for.
        vocabulary: Every stem of the texts.
    """

    def __init__(self, terms: Sequence[Term], vocabulary: Iterable[str]) -> None:
        self._count = len(terms)
        self._meant: dict[str, dict[int, Level]] = {}
        alike = _Alike(vocabulary)
        for index, term in enumerate(terms):
            self._add(index, alike.to(term.stem), ALIKE)
            self._add(index, term.related, RELATED)
            self._add(index, term.synonyms, SYNONYM)
            self._add(index, (term.stem, *term.forms), EXACT)
        self._known = frozenset(self._meant)

    def levels(self, stems: AbstractSet[str]) -> tuple[Level, ...]:
        """How each term stands among these stems."""
        levels = [ABSENT] * self._count
        for stem in self._known & stems:
            for index, level in self._meant[stem].items():
                levels[index] = max(levels[index], level)
        return tuple(levels)

    def _add(self, index: int, stems: Iterable[str], level: Level) -> None:
        for stem in stems:
            self._meant.setdefault(stem, {})[index] = level


class _Alike:
    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._by_beginning: dict[str, list[str]] = {}
        long = []
        for stem in vocabulary:
            if len(stem) >= _SHARED_BEGINNING and stem.isalpha():
                self._by_beginning.setdefault(stem[:_SHARED_BEGINNING], []).append(stem)
                long.append(stem)
        self._joined = f" {' '.join(long)} "

    def to(self, stem: str) -> list[str]:
        """The stems that look like a form or a compound of this one."""
        if len(stem) < _SHARED_BEGINNING or not stem.isalpha():
            return []
        found = [other for other in self._by_beginning.get(stem[:_SHARED_BEGINNING], ()) if _begin_alike(stem, other)]
        if len(stem) >= _INSIDE:
            found += re.findall(rf" (\S*{stem}\S*)(?= )", self._joined)
        return found


def _begin_alike(left: str, right: str) -> bool:
    shortest = min(len(left), len(right))
    needed = max(_SHARED_BEGINNING, round(_SHARED_PART * shortest))
    return left[:needed] == right[:needed]
