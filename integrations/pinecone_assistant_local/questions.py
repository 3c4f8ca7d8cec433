"""What a conversation asks for: the terms to search, and what kind of answer would do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pinecone_assistant_local.synonyms import Synonyms
from pinecone_assistant_local.words import STOP_WORDS, Stems, words_of

MAX_TERMS = 48
# What an earlier turn contributes, relative to a term of the question itself.
CARRIED_WEIGHT = 0.4

_FOLLOW_UP = re.compile(
    r"\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those|that|one|ones|former|latter|same)\b"
    r"|^\W*(and|but|or|so|also|what about|how about|why|tell me more|more|go on|really)\b",
    re.IGNORECASE,
)
_WANTS_NUMBER = re.compile(
    r"\bhow (many|much|tall|high|long|old|far|deep|wide|heavy|big|large|fast|often|hot|cold|thick|quickly|soon)\b"
    r"|\b(when|year|date|number|height|length|width|depth|weight|diameter|age|lifespan|price|cost|fee|speed|temperature|area"
    r"|population|percentage|maximum|minimum|limit|deadline|rate|amount|size|distance|capacity|elevation|altitude)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“]([^\"“”]{2,100})[\"”]")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is asked for.

    Attributes:
        stem: The stem in the index.
        word: A word with that stem, for the full-text query.
        alternatives: Stems that may stand for it.
        alternative_words: A word for each of them, for the full-text query.
        weight: 1 for the question's own terms, less for what earlier turns carry over.
    """

    stem: str
    word: str
    alternatives: frozenset[str]
    alternative_words: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """A question, ready to be searched for.

    Attributes:
        text: The last user turn.
        terms: What it asks for itself.
        carried: What the earlier turns add, if it is a follow-up.
        quoted: Word sequences in quotation marks, as stems.
        wants_number: Whether a sentence with a number is the likelier answer.
    """

    text: str
    terms: tuple[Term, ...]
    carried: tuple[Term, ...] = ()
    quoted: tuple[tuple[str, ...], ...] = ()
    wants_number: bool = False

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """Own terms, then the carried ones."""
        return self.terms + self.carried


class QuestionReader:
    """Reads questions.

    Args:
        stems: Gives words the index's stems.
    """

    def __init__(self, stems: Stems) -> None:
        self._stems = stems
        self._synonyms = Synonyms(stems)

    def read(self, text: str, earlier: Sequence[str] = (), *, ignore: frozenset[str] = frozenset()) -> Question:
        """The question that `text` asks.

        Args:
            text: The last user turn.
            earlier: The user turns before it, oldest first.
            ignore: Words that do not count, beside the stop words.
        """
        own = self._terms(text, ignore, weight=1.0)
        carried: list[Term] = []
        if earlier and (len(own) < 2 or _FOLLOW_UP.search(text)):
            seen = {term.stem for term in own}
            for turn in list(reversed(earlier))[:3]:
                fresh = [term for term in self._terms(turn, ignore, weight=CARRIED_WEIGHT) if term.stem not in seen]
                carried += fresh
                seen.update(term.stem for term in fresh)
                if len(fresh) > 1 and not _FOLLOW_UP.search(turn):
                    break
        if not own:
            own, carried = [replace(term, weight=1.0) for term in carried], []
        return Question(
            text=text,
            terms=tuple(own[:MAX_TERMS]),
            carried=tuple(carried[:MAX_TERMS]),
            quoted=tuple(tuple(self._stems.of_text(phrase)) for phrase in _QUOTED.findall(text)),
            wants_number=_WANTS_NUMBER.search(text) is not None,
        )

    def _terms(self, text: str, ignore: frozenset[str], *, weight: float) -> list[Term]:
        words = [word for word in dict.fromkeys(words_of(text)) if word not in STOP_WORDS and word not in ignore]
        words = [word for word in words if len(word) > 1 or word.isdigit() or not word.isascii()]
        terms: dict[str, Term] = {}
        for word, stem in zip(words, self._stems.of(words), strict=True):
            others = self._synonyms.of(stem)
            terms.setdefault(stem, Term(stem, word, frozenset(others), tuple(others.values()), weight))
        return list(terms.values())
