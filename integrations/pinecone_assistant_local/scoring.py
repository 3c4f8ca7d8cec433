"""How well a sentence answers a question: how much of it is in the sentence, and in what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pinecone_assistant_local.questions import Question, Term

# How much of a term counts when the sentence itself does not have it.
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
# Below this part of the question, a sentence is no answer to it. A sentence with a thing of the kind that is asked for,
# such as a length, may say the rest in other words.
MIN_COVERAGE = 0.5
MIN_COVERAGE_OF_KIND = 0.4
# What a sentence with everything and every bonus comes to; scores are divided by it to stay in (0, 1].
FULL_SCORE = 1.4
_SHARED_CHARACTERS = 5
_LEAST_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class SentenceHit:
    """A sentence and how well it answers.

    Attributes:
        text: The sentence.
        score: For ranking, in (0, 1].
        is_answer: Whether it says enough of what is asked to be given as the answer.
        says_more: Whether it has a word of what is asked beyond the headings; true if nothing is.
        stems: Its words' stems.
    """

    text: str
    score: float
    is_answer: bool
    says_more: bool
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The stems of what stands around a sentence.

    Attributes:
        context: Above it: title, headings, a question it replies to.
        neighbours: In the sentences before it.
        passage: In the whole passage.
        is_meant: Whether the sentence speaks of what the ones before it name: "It is 25 meters high".
        is_likely: Whether no other file holds much more of the question.
    """

    context: frozenset[str]
    neighbours: frozenset[str]
    passage: frozenset[str]
    is_meant: bool = False
    is_likely: bool = True


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question whose terms have a weight in the collection that is searched.

    Attributes:
        question: The question.
        weights: One for each of its terms, the carried ones last.
    """

    question: Question
    weights: tuple[float, ...]

    def score_sentence(self, text: str, stems: tuple[str, ...], around: Surroundings) -> SentenceHit:
        """How well one sentence answers.

        Args:
            text: The sentence.
            stems: Its words' stems, in order.
            around: What stands around it.
        """
        question, expectation = self.question, self.question.expectation
        own = frozenset(stems)
        joined = f" {' '.join((*stems, *around.context))} "
        met = expectation.met_by(text)
        denies = expectation.wants_prohibition and expectation.denies(text)
        parts = [_presence(term, own, joined, around, met=met) for term in question.all_terms]
        score = _dot(parts, self.weights) / sum(self.weights)
        # A sentence that only its surroundings speak for is no answer, however well they fit.
        if not (met and expectation.is_certain) and not any(_has(own, term) for term in question.terms):
            score *= 0.6
        if score > 0:
            score += _bonus(question, stems, around.context, met=met, denies=denies)
        if text.endswith("?") or (expectation.is_certain and not met):
            score *= 0.5
        says_more = self._says_more(parts, around.context)
        return SentenceHit(
            text,
            max(0.0, min(1.0, score / FULL_SCORE)),
            self._is_answer(parts, around, met=met, adds=bool(denies) or says_more),
            says_more,
            own,
        )

    def _is_answer(self, parts: Sequence[float], around: Surroundings, *, met: float, adds: bool) -> bool:
        if not around.is_likely:
            return False
        terms = self.question.terms
        weights = self.weights[: len(terms)]
        # That there is a length in a sentence says nothing of what it is the length of.
        telling = [weight * (not term.says_kind) for weight, term in zip(weights, terms, strict=True)]
        if not any(telling):  # "Which film is here?" has nothing else to go by
            telling = list(weights)
        coverage = _dot(parts, telling) / sum(telling)
        if self.question.expectation.is_certain:
            counted = [part for part, term in zip(parts, terms, strict=False) if term.is_counted]
            return met > 0 and coverage >= MIN_COVERAGE_OF_KIND and (not counted or max(counted) >= IN_NEIGHBOUR)
        # Under a heading that names the subject, one word more of what is asked will do.
        is_named = any(_has(around.context, term) for term in terms)
        if is_named and not met and not adds:
            return False
        return coverage >= (MIN_COVERAGE_OF_KIND if met or is_named else MIN_COVERAGE)

    def _says_more(self, parts: Sequence[float], context: frozenset[str]) -> bool:
        more = [
            part
            for part, term in zip(parts, self.question.terms, strict=False)
            if not term.says_kind and not _has(context, term)
        ]
        return not more or max(more) >= IN_NEIGHBOUR

    def covered(self, stems: AbstractSet[str]) -> float:
        """The part of the question, in [0, 1], that is anywhere among these stems."""
        terms = zip(self.question.all_terms, self.weights, strict=True)
        return sum(weight for term, weight in terms if _has(stems, term)) / sum(self.weights)


def _dot(parts: Sequence[float], weights: Sequence[float]) -> float:
    return sum(part * weight for part, weight in zip(parts, weights, strict=False))


def _has(stems: AbstractSet[str], term: Term) -> bool:
    return term.stem in stems or not term.alternatives.isdisjoint(stems)


def _presence(term: Term, own: frozenset[str], joined: str, around: Surroundings, *, met: float) -> float:
    """How far a sentence has a term: in its own words, a synonym, the headings above, or the sentences before."""
    if term.stem in own:
        return 1.0
    # What the headings say, they say for every sentence under them: saying it again makes none a much better answer.
    if term.stem in around.context:
        return IN_CONTEXT
    if not own.isdisjoint(term.alternatives):
        return IN_SYNONYM
    if term.says_kind and met:
        return IN_KIND
    if not around.context.isdisjoint(term.alternatives):
        return IN_SYNONYM
    if term.stem in around.neighbours:
        return IN_MEANT if around.is_meant else IN_NEIGHBOUR
    if any(piece in joined for piece in _resembling(term.stem)):
        return IN_RESEMBLANCE
    return IN_PASSAGE if term.stem in around.passage else 0.0


@lru_cache(maxsize=4_096)
def _resembling(stem: str) -> tuple[str, ...]:
    """What a stem that begins alike, or shares a long piece, has in it when it stands between spaces: `wool`, `woollen`."""
    if len(stem) < _LEAST_CHARACTERS or not stem.isalnum():
        return ()
    pieces = (stem[start : start + _SHARED_CHARACTERS] for start in range(len(stem) - _SHARED_CHARACTERS + 1))
    beginnings = (f" {stem[:length]} " for length in range(_LEAST_CHARACTERS, len(stem)))
    return (f" {stem}", *pieces, *beginnings)


def _bonus(question: Question, stems: tuple[str, ...], context: frozenset[str], *, met: float, denies: bool) -> float:
    bonus = EXPECTATION_MET * met + DENIAL_MET * denies
    pairs = set(pairwise(stems))
    # Words that stand together in the headings already say nothing by standing together here too.
    asked = (pair for pair in pairwise(term.stem for term in question.terms) if not context.issuperset(pair))
    bonus += ADJACENT_TERMS * min(3, sum(pair in pairs for pair in asked))
    for phrase in question.quoted:
        if any(stems[start : start + len(phrase)] == phrase for start in range(len(stems))):
            bonus += QUOTED_PHRASE
    # Long sentences cover more words by their length alone.
    return bonus - 0.002 * max(0, len(stems) - 40)
