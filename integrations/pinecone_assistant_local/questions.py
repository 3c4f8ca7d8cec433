"""What a conversation asks for: the terms to search, and what kind of answer would do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pinecone_assistant_local.expectations import Expectation, expectation_of
from pinecone_assistant_local.phrases import meanings_in
from pinecone_assistant_local.synonyms import shared_synonyms
from pinecone_assistant_local.words import STOP_WORDS, Stems, without_grammar, words_of

MAX_TERMS = 48
# What an earlier turn contributes, relative to a term of the question itself.
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
    """One thing that is asked for.

    Attributes:
        stem: The stem in the index.
        word: A word with that stem, for the full-text query.
        forms: Stems of its other forms.
        synonyms: Stems of words for the same.
        related: Stems of words for one of its kind, or for what it is one of.
        search_words: Each of these stems with a word that has it, for the full-text query.
        weight: 1 for the question's own terms, less for what earlier turns carry over.
        is_name: Whether it is written like a name.
        says_kind: Whether it only says what kind of thing is asked for, such as "height".
        is_counted: Whether it is what "how many" asks for.
    """

    stem: str
    word: str
    forms: frozenset[str] = frozenset()
    synonyms: frozenset[str] = frozenset()
    related: frozenset[str] = frozenset()
    search_words: tuple[tuple[str, str], ...] = ()
    weight: float = 1.0
    is_name: bool = False
    says_kind: bool = False
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question, ready to be searched for.

    Attributes:
        text: The last user turn.
        terms: What it asks for itself.
        carried: What the earlier turns add, if it is a follow-up.
        quoted: Word sequences in quotation marks, as stems.
        expectation: What an answer should have.
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


def split_question(text: str) -> tuple[list[str], str]:
    """What stands in a user turn beside the question, and the last paragraph that asks; all of the turn if none does.

    Adapters fold a system message ("Be brief.") into the user turn after it, with a blank line between: what it says is
    not what is asked for.
    """
    paragraphs = [paragraph for paragraph in _BLANK_LINE.split(text) if paragraph.strip()]
    asking = [index for index, paragraph in enumerate(paragraphs) if paragraph.rstrip().endswith(_QUESTION_MARKS)]
    if len(paragraphs) < 2 or not asking:
        return [], text
    return paragraphs[: asking[-1]], paragraphs[asking[-1]]


class QuestionReader:
    """Reads questions.

    Args:
        stems: Gives words the index's stems.
    """

    def __init__(self, stems: Stems) -> None:
        self._stems = stems

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
            ignore: Words that do not count, beside the stop words.
            expects_one_kind: Whether a thing of the kind that the text asks for is the answer; a filled JSON Schema has
                things of many kinds.
        """
        before, text = split_question(text)
        earlier = [*earlier, *before]
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
        meanings = _by_word(meanings_in(text))
        words = list(dict.fromkeys(words_of(text)))
        words = [word for word in words if (word not in STOP_WORDS or word in meanings) and word not in ignore]
        words = without_grammar([word for word in words if len(word) > 1 or word.isdigit() or not word.isascii()])
        names = {name.lower() for name in _NAME.findall(text)}
        terms: dict[str, Term] = {}
        for word, stem in zip(words, self._stems.of(words), strict=True):
            kin = shared_synonyms().of(stem)
            synonyms = {**kin.synonyms, **self._synonyms_of_word(meanings.get(word))}
            term = Term(
                stem=stem,
                word=word,
                forms=frozenset(kin.forms),
                synonyms=frozenset(synonyms),
                related=frozenset(kin.related),
                search_words=tuple({stem: word, **kin.forms, **synonyms, **kin.related}.items()),
                weight=weight,
                is_name=word in names,
                says_kind=word in expectation.words,
                is_counted=word in expectation.counted,
            )
            terms.setdefault(stem, term)
        return list(terms.values())

    def _synonyms_of_word(self, word: str | None) -> dict[str, str]:
        """A word with its forms and synonyms, by their stems."""
        if word is None:
            return {}
        [stem] = self._stems.of([word])
        kin = shared_synonyms().of(stem)
        return {stem: word, **kin.forms, **kin.synonyms}


def _by_word(meanings: Mapping[str, str]) -> dict[str, str]:
    """The meanings of phrases, each at the word of its phrase that is searched; at the first one if none is."""
    by_word = {}
    for phrase, meaning in meanings.items():
        words = phrase.split()
        by_word[next((word for word in words if word not in STOP_WORDS), words[0])] = meaning
    return by_word
