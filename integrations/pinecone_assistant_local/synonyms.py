"""Words that ask for the same thing: a question's `remove` is a text's `delete`, its `animal` may be a text's `heron`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations

from pinecone_assistant_local.irregular import IRREGULAR_FORMS
from pinecone_assistant_local.words import STOP_WORDS, Stems


@dataclass(frozen=True, slots=True)
class Kin:
    """Stems that may stand for a stem, each with a word that has it.

    Attributes:
        forms: The same word: `kept` for `keep`.
        synonyms: Words for the same thing.
        related: Words for one of its kind, or for what it is one of.
    """

    forms: dict[str, str]
    synonyms: dict[str, str]
    related: dict[str, str]


class Synonyms:
    """Stems that may stand for another stem.

    Args:
        stems: Gives words the index's stems.
    """

    def __init__(self, stems: Stems) -> None:
        words = sorted(set(_vocabulary()))
        self._stem_of = dict(zip(words, stems.of(words), strict=True))
        self._forms = self._grouped(_form_groups())
        self._synonyms = self._paired(_synonym_pairs())
        self._related = self._paired((*_kind_pairs(), *_line_pairs()))

    def of(self, stem: str) -> Kin:
        """The other stems that may stand for this one."""
        forms = {stem: "", **{form: word for form, word in self._forms.get(stem, {}).items() if form not in STOP_WORDS}}
        synonyms = self._spread(forms, self._synonyms)
        related = {other: word for other, word in self._spread(forms, self._related).items() if other not in synonyms}
        del forms[stem]
        return Kin(forms, synonyms, related)

    def _spread(self, forms: Iterable[str], pairs: dict[str, dict[str, str]]) -> dict[str, str]:
        """What any form is paired with, in any of its forms."""
        found: dict[str, str] = {}
        for form in forms:
            for other, word in pairs.get(form, {}).items():
                found.update({other: word, **self._forms.get(other, {})})
        # The stem of "ate" is "at".
        found = {stem: word for stem, word in found.items() if stem not in STOP_WORDS}
        for form in forms:
            found.pop(form, None)
        return found

    def _grouped(self, groups: Iterable[list[str]]) -> dict[str, dict[str, str]]:
        by_stem: dict[str, dict[str, str]] = {}
        for words in groups:
            group = {self._stem_of[word]: word for word in words}
            for stem in group:
                by_stem.setdefault(stem, {}).update(group)
        return by_stem

    def _paired(self, pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
        by_stem: dict[str, dict[str, str]] = {}
        for left, right in pairs:
            by_stem.setdefault(self._stem_of[left], {})[self._stem_of[right]] = right
            by_stem.setdefault(self._stem_of[right], {})[self._stem_of[left]] = left
        return by_stem


@cache
def shared_synonyms() -> Synonyms:
    """The synonyms of this process: read when the first question comes, because that takes a tenth of a second."""
    stems = Stems()
    try:
        return Synonyms(stems)
    finally:
        stems.close()


@cache
def _lines() -> tuple[str, ...]:
    text = files("pinecone_assistant_local").joinpath("thesaurus.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def _form_groups() -> Iterator[list[str]]:
    for line in IRREGULAR_FORMS.split("\n"):
        yield line.split()


def _synonym_pairs() -> Iterator[tuple[str, str]]:
    """The first word of a line with each further one: these need not mean the same among themselves."""
    for line in _lines():
        if ":" not in line:
            first, *others = [word for word in line.split() if word not in STOP_WORDS] or [""]
            yield from ((first, other) for other in others)


def _line_pairs() -> Iterator[tuple[str, str]]:
    """The further words of a line with each other."""
    for line in _lines():
        if ":" not in line:
            _, *others = [word for word in line.split() if word not in STOP_WORDS] or [""]
            yield from combinations(others, 2)


def _kind_pairs() -> Iterator[tuple[str, str]]:
    for line in _lines():
        kind, colon, members = line.partition(":")
        if colon:
            yield from ((kind, member) for member in members.split())


def _vocabulary() -> Iterator[str]:
    for group in _form_groups():
        yield from group
    for left, right in (*_synonym_pairs(), *_kind_pairs()):
        yield left
        yield right
