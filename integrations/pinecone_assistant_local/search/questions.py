"""The question that a conversation asks: the terms to search for, and the kind of answer to expect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..text.words import STOP_WORDS, Stems, without_grammar, words_of
from .english import Synonyms
from .expectations import Expectation, expectation_of

MAX_TERMS = 48
# The weight of a term from an earlier turn; a term of the question itself has 1.
CARRIED_WEIGHT = 0.4

_FOLLOW_UP = re.compile(
    r"\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those|that|one|ones|former|latter|same)\b"
    r"|^\W*(and|but|or|so|also|what about|how about|why|tell me more|more|go on|really)\b",
    re.IGNORECASE,
)
# Words with a capital that do not begin a sentence.
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[^\W\d_a-z]\w+")
_NOTHING = Expectation()
_QUESTION_MARKS = ("?", "\uff1f")
_BLANK_LINE = re.compile(r"\n\s*\n")
_QUOTED = re.compile(r"[\"“]([^\"“”]{2,100})[\"”]")


@dataclass(frozen=True, slots=True)
class Term:
    """One search term of a question.

    Attributes:
        stem: The stem in the index.
        word: A word with that stem, for the full-text query.
        alternatives: Stems that may replace it.
        alternative_words: A word for each of them, for the full-text query.
        weight: 1 for the question's own terms, less for terms from earlier turns.
        is_name: Whether it is written like a name.
        says_kind: Whether it only says what kind of thing is asked for, such as "height".
        is_counted: Whether it follows "how many".
    """

    stem: str
    word: str
    alternatives: frozenset[str]
    alternative_words: tuple[str, ...]
    weight: float = 1.0
    is_name: bool = False
    says_kind: bool = False
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question, ready to be searched for.

    Attributes:
        text: The last user turn.
        terms: Its own terms.
        carried: The terms of earlier turns, if it is a follow-up.
        quoted: Word sequences in quotation marks, as stems.
        expectation: The expected kind of answer.
    """

    text: str
    terms: tuple[Term, ...]
    carried: tuple[Term, ...] = ()
    quoted: tuple[tuple[str, ...], ...] = ()
    expectation: Expectation = _NOTHING

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """Own terms, then the carried ones."""
        return self.terms + self.carried


def asking_part(text: str) -> str:
    """The last paragraph of a user turn that asks a question; the whole turn if none does.

    Adapters put a system message ("Be brief.") before the text of the next user turn, separated by a blank line. It is
    not part of the question.
    """
    asking = [part for part in _BLANK_LINE.split(text) if part.rstrip().endswith(_QUESTION_MARKS)]
    return asking[-1] if asking else text


class QuestionReader:
    """A reader of questions.

    Args:
        stems: Gives words the index's stems.
    """

    def __init__(self, stems: Stems) -> None:
        self._stems = stems
        self._synonyms = Synonyms(stems)

    def read(
        self,
        text: str,
        earlier: Sequence[str] = (),
        *,
        ignore: frozenset[str] = frozenset(),
        expects_one_kind: bool = True,
    ) -> Question:
        """The question that `text` asks.

        Args:
            text: The last user turn.
            earlier: The user turns before it, oldest first.
            ignore: Words to ignore, in addition to the stop words.
            expects_one_kind: Whether to expect one kind of answer; a JSON Schema is filled with things of many kinds.
        """
        text = asking_part(text)
        earlier = [asking_part(turn) for turn in earlier]
        expectation = expectation_of(text) if expects_one_kind else _NOTHING
        own = self._terms(text, ignore, weight=1.0, expectation=expectation)
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
            expectation=expectation,
        )

    def _terms(
        self, text: str, ignore: frozenset[str], *, weight: float, expectation: Expectation = _NOTHING
    ) -> list[Term]:
        words = [word for word in dict.fromkeys(words_of(text)) if word not in STOP_WORDS and word not in ignore]
        words = without_grammar([word for word in words if len(word) > 1 or word.isdigit() or not word.isascii()])
        names = {name.lower() for name in _NAME.findall(text)}
        terms: dict[str, Term] = {}
        for word, stem in zip(words, self._stems.of(words), strict=True):
            others = self._synonyms.of(stem)
            term = Term(
                stem=stem,
                word=word,
                alternatives=frozenset(others),
                alternative_words=tuple(others.values()),
                weight=weight,
                is_name=word in names,
                says_kind=word in expectation.words,
                is_counted=word in expectation.counted,
            )
            terms.setdefault(stem, term)
        return list(terms.values())
