"""Scores of sentences and passages: how much of a question a sentence and the text around it cover."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from ..store.files import StoredFile
from ..store.passages import StoredPassage
from .questions import Question, Term

# Weights. A word that is not in the collection may have a synonym there, so it weighs less; a name has none and weighs more.
UNSEEN_WORD = 0.85
NAME = 1.3
# A word that only names the kind of answer, such as "height", is covered by a thing of that kind, so it weighs less.
KIND = 0.5
# The counted thing of "how many" is the subject of the question, so it weighs more.
COUNTED = 1.5
# A file is about something else if it covers less of the question than this share of what the best file covers.
FILE_SHARE = 0.75

# Credit for a term that the sentence itself does not have.
IN_SYNONYM = 0.92
IN_KIND = 0.85
IN_CONTEXT = 0.92
IN_RESEMBLANCE = 0.6
IN_MEANT = 0.8
IN_NEIGHBOUR = 0.5
IN_PASSAGE = 0.3
EXPECTATION_MET = 0.2
DENIAL_MET = 0.1
ADJACENT_TERMS = 0.04
QUOTED_PHRASE = 0.2
# A sentence that covers less than this share of the question is not an answer. A sentence with a thing of the expected
# kind, such as a length, needs to cover less: it may say the rest in other words.
MIN_COVERAGE = 0.5
MIN_COVERAGE_OF_KIND = 0.4
# The score of a sentence that covers everything and gets every bonus; scores are divided by it to stay in (0, 1].
FULL_SCORE = 1.4
_SHARED_CHARACTERS = 5
_LEAST_CHARACTERS = 4
_REFERS_BACK = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|this|these|those|both)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SentenceHit:
    """A sentence and how well it answers.

    Attributes:
        text: The sentence.
        score: For ranking, in (0, 1].
        is_answer: Whether it covers enough of the question to be the answer.
        says_more: Whether it has a term of the question that the headings lack; true if they lack none.
        stems: Its words' stems.
    """

    text: str
    score: float
    is_answer: bool
    says_more: bool
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    Attributes:
        file: The file it is in.
        position: Its place in the file.
        page: Its page, where the format has pages.
        heading: The headings above it.
        body: Its text.
        sentences: Its sentences in order.
        score: How well it matches the question, in (0, 1].
    """

    file: StoredFile
    position: int
    page: int | None
    heading: str
    body: str
    sentences: tuple[SentenceHit, ...]
    score: float

    @classmethod
    def of(cls, passage: StoredPassage, file: StoredFile, sentences: Sequence[SentenceHit], score: float) -> Hit:
        """The passage with these scores."""
        return cls(file, passage.position, passage.page, passage.heading, passage.body, tuple(sentences), score)


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """A passage with its stems, cached between searches."""

    id: int
    file: int
    stored: StoredPassage
    sentence_stems: tuple[tuple[str, ...], ...]
    heading_stems: frozenset[str]
    all_stems: frozenset[str]

    @classmethod
    def of(
        cls, stored: StoredPassage, heading_stems: Sequence[str], sentence_stems: tuple[tuple[str, ...], ...]
    ) -> ReadPassage:
        """The passage with the stems of its heading and of each sentence."""
        heading = frozenset(heading_stems)
        return cls(stored.id, stored.file, stored, sentence_stems, heading, heading.union(*sentence_stems))


@dataclass(frozen=True, slots=True)
class Heading:
    """The text above sentences (title, headings, a question that they answer), compared with the question.

    Attributes:
        stems: Its words' stems.
        names_subject: Whether it has any term of the question.
        unsaid: The places of the question's own terms that it does not have, except terms that only name a kind.
        pairs: The pairs of neighbouring terms of the question, except pairs that it has both terms of.
    """

    stems: frozenset[str]
    names_subject: bool
    unsaid: tuple[int, ...]
    pairs: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The text around a sentence.

    Attributes:
        heading: Above it.
        neighbours: The stems of the sentences before it.
        passage: The stems of the whole passage.
        is_meant: Whether the sentence refers back to those before it: "It is 25 meters high".
        is_likely: Whether no other file covers much more of the question.
    """

    heading: Heading
    neighbours: frozenset[str]
    passage: frozenset[str]
    is_meant: bool = False
    is_likely: bool = True


class Weighed:
    """A question with the weights of its terms in the searched collection.

    Args:
        question: The question.
        weights: One for each of its terms, the carried ones last.
    """

    def __init__(self, question: Question, weights: Sequence[float]) -> None:
        self.question = question
        self._weights = weights
        self._total = sum(weights)
        self._weighed_terms = tuple(zip(question.all_terms, weights, strict=True))
        terms = question.terms
        self._own_stems = frozenset[str]().union(*({term.stem, *term.alternatives} for term in terms))
        self._counted = tuple(place for place, term in enumerate(terms) if term.is_counted)
        self._pairs = frozenset(pairwise(term.stem for term in terms))
        # A length in a sentence does not show which thing has that length.
        self._telling = [weight * (not term.says_kind) for weight, term in zip(weights, terms, strict=False)]
        if not any(self._telling):  # "Which film is here?" has no other terms
            self._telling = list(weights[: len(terms)])
        self._telling_total = sum(self._telling)

    def heading(self, stems: frozenset[str]) -> Heading:
        """Compare the words above some sentences with the question."""
        terms = self.question.terms
        return Heading(
            stems,
            not stems.isdisjoint(self._own_stems),
            tuple(place for place, term in enumerate(terms) if not term.says_kind and not _has(stems, term)),
            frozenset(pair for pair in self._pairs if not stems.issuperset(pair)),
        )

    def score_sentence(self, text: str, stems: tuple[str, ...], around: Surroundings) -> SentenceHit:
        """Score one sentence.

        Args:
            text: The sentence.
            stems: Its words' stems, in order.
            around: The text around it.
        """
        question, expectation, heading = self.question, self.question.expectation, around.heading
        own = frozenset(stems)
        joined = f" {' '.join((*stems, *heading.stems))} "
        met = expectation.met_by(text)
        denies = expectation.wants_prohibition and expectation.denies(text)
        parts = [_presence(term, own, joined, around, met=met) for term in question.all_terms]
        score = _dot(parts, self._weights) / self._total
        # If only the text around a sentence matches, the sentence is not an answer.
        if not (met and expectation.is_certain) and own.isdisjoint(self._own_stems):
            score *= 0.6
        if score > 0:
            score += _bonus(question, stems, heading.pairs, met=met, denies=denies)
        if text.endswith("?") or (expectation.is_certain and not met):
            score *= 0.5
        says_more = not heading.unsaid or max([parts[place] for place in heading.unsaid]) >= IN_NEIGHBOUR
        return SentenceHit(
            text,
            max(0.0, min(1.0, score / FULL_SCORE)),
            around.is_likely and self._is_answer(parts, heading, met=met, adds=bool(denies) or says_more),
            says_more,
            own,
        )

    def _is_answer(self, parts: Sequence[float], heading: Heading, *, met: float, adds: bool) -> bool:
        coverage = _dot(parts, self._telling) / self._telling_total
        if self.question.expectation.is_certain:
            is_of_it = not self._counted or max(parts[place] for place in self._counted) >= IN_NEIGHBOUR
            return met > 0 and coverage >= MIN_COVERAGE_OF_KIND and is_of_it
        # Under a heading that names the subject, one more term of the question is enough.
        if heading.names_subject and not met and not adds:
            return False
        return coverage >= (MIN_COVERAGE_OF_KIND if met or heading.names_subject else MIN_COVERAGE)

    def covered(self, stems: AbstractSet[str]) -> float:
        """The share of the question, in [0, 1], that is among these stems."""
        return sum([weight for term, weight in self._weighed_terms if _has(stems, term)]) / self._total


def weigh(question: Question, counts: Sequence[int], total: int) -> Weighed:
    """The question with the weights of its terms.

    Args:
        question: The question.
        counts: How many passages have each of its terms.
        total: How many passages there are.
    """
    weights = [_weight(term, count, total) for term, count in zip(question.all_terms, counts, strict=True)]
    return Weighed(question, tuple(weights))


def likely_files(
    asked: Weighed, passages: Sequence[ReadPassage], titles: Mapping[int, frozenset[str]]
) -> frozenset[int]:
    """The files that cover about as much of the question as the best file does."""
    stems = {row: set(title) for row, title in titles.items()}
    for passage in passages:
        stems[passage.file] |= passage.all_stems
    covered = {row: asked.covered(found) for row, found in stems.items()}
    least = FILE_SHARE * max(covered.values(), default=0.0)
    return frozenset(row for row, part in covered.items() if part >= least)


def judge(asked: Weighed, passage: ReadPassage, file: StoredFile, title: frozenset[str], likely: frozenset[int]) -> Hit:
    """A passage with the scores of its sentences."""
    above = passage.heading_stems | title
    heading = asked.heading(above)
    everything = passage.all_stems | title
    stems = passage.sentence_stems
    sentences = passage.stored.sentences
    hits = []
    for index, (text, own) in enumerate(zip(sentences, stems, strict=True)):
        replies = index and sentences[index - 1].endswith("?")
        around = Surroundings(
            heading=asked.heading(above.union(stems[index - 1])) if replies else heading,
            neighbours=frozenset[str]().union(*stems[max(0, index - 2) : index]),
            passage=everything,
            is_meant=_REFERS_BACK.search(text) is not None,
            is_likely=file.row in likely,
        )
        hits.append(asked.score_sentence(text, own, around))
    best = max(hit.score for hit in hits)
    return Hit.of(passage.stored, file, hits, min(1.0, 0.8 * best + 0.2 * asked.covered(everything)))


def unjudged(passage: ReadPassage, file: StoredFile) -> Hit:
    """A passage with no scores."""
    sentences = [
        SentenceHit(text, 0.0, is_answer=False, says_more=False, stems=frozenset(stems))
        for text, stems in zip(passage.stored.sentences, passage.sentence_stems, strict=True)
    ]
    return Hit.of(passage.stored, file, sentences, 0.0)


def _weight(term: Term, passages: int, total: int) -> float:
    """The weight of a term, by how many of all passages have it."""
    weight = term.weight * math.log(2 + total / (passages + 0.5))
    if term.says_kind:
        return weight * KIND
    if term.is_counted:
        return weight * COUNTED
    if term.is_name:
        return weight * NAME
    return weight if passages else weight * UNSEEN_WORD


def _dot(parts: Sequence[float], weights: Sequence[float]) -> float:
    return sum(part * weight for part, weight in zip(parts, weights, strict=False))


def _has(stems: AbstractSet[str], term: Term) -> bool:
    return term.stem in stems or not term.alternatives.isdisjoint(stems)


def _presence(term: Term, own: frozenset[str], joined: str, around: Surroundings, *, met: float) -> float:
    """The degree to which a sentence has a term: in its own words, a synonym, the headings above, the sentences before."""
    if term.stem in own:
        return 1.0
    # Headings apply to every sentence under them, so a sentence that repeats them is not a much better answer.
    if term.stem in around.heading.stems:
        return IN_CONTEXT
    if not own.isdisjoint(term.alternatives):
        return IN_SYNONYM
    if term.says_kind and met:
        return IN_KIND
    if not around.heading.stems.isdisjoint(term.alternatives):
        return IN_SYNONYM
    if term.stem in around.neighbours:
        return IN_MEANT if around.is_meant else IN_NEIGHBOUR
    if any(piece in joined for piece in _resembling(term.stem)):
        return IN_RESEMBLANCE
    return IN_PASSAGE if term.stem in around.passage else 0.0


@lru_cache(maxsize=4_096)
def _resembling(stem: str) -> tuple[str, ...]:
    """Return the strings to look for, in stems joined by spaces, to find similar stems: same beginning or a long shared part."""
    if len(stem) < _LEAST_CHARACTERS or not stem.isalnum():
        return ()
    pieces = (stem[start : start + _SHARED_CHARACTERS] for start in range(len(stem) - _SHARED_CHARACTERS + 1))
    beginnings = (f" {stem[:length]} " for length in range(_LEAST_CHARACTERS, len(stem)))
    return (f" {stem}", *pieces, *beginnings)


def _bonus(
    question: Question, stems: tuple[str, ...], pairs: frozenset[tuple[str, str]], *, met: float, denies: bool
) -> float:
    bonus = EXPECTATION_MET * met + DENIAL_MET * denies
    # Pairs of words that are together in the headings get no bonus for being together here too.
    bonus += ADJACENT_TERMS * min(3, len(pairs.intersection(pairwise(stems))))
    for phrase in question.quoted:
        if any(stems[start : start + len(phrase)] == phrase for start in range(len(stems))):
            bonus += QUOTED_PHRASE
    # Long sentences cover more words by their length alone.
    return bonus - 0.002 * max(0, len(stems) - 40)
