"""How well a sentence answers a question: how much of it is in the sentence, and in what stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pinecone_assistant_local.questions import Question, Term

# How much of a term counts when the sentence itself does not have it.
IN_SYNONYM = 0.85
IN_CONTEXT = 0.85
IN_NEIGHBOUR = 0.5
ANSWERS_IN_NUMBERS = 0.12
ADJACENT_TERMS = 0.04
QUOTED_PHRASE = 0.2
# Of what is asked beyond the headings, a sentence must hold this part: "What does a red pine cost?" is not answered by
# whatever stands under "Red pine".
MIN_BEYOND_CONTEXT = 0.35
# What a sentence with everything and every bonus comes to; scores are divided by it to stay in (0, 1].
FULL_SCORE = 1.3


_NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|twice"
    r"|once|daily|weekly|monthly|yearly|annually|january|february|march|april|june|july|august|september|october|november"
    r"|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SentenceHit:
    """A sentence and how well it answers.

    Attributes:
        text: The sentence.
        score: For ranking, in (0, 1].
        coverage: The part of the question's own terms that the sentence and its context hold, in [0, 1].
        stems: Its words' stems.
    """

    text: str
    score: float
    coverage: float
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question whose terms have a weight in the collection that is searched.

    Attributes:
        question: The question.
        weights: One for each of its terms, the carried ones last.
    """

    question: Question
    weights: tuple[float, ...]

    def score_sentence(
        self, text: str, stems: tuple[str, ...], *, context: frozenset[str], neighbours: frozenset[str]
    ) -> SentenceHit:
        """How well one sentence answers.

        Args:
            text: The sentence.
            stems: Its words' stems, in order.
            context: The stems of what stands above it: title, headings, a question it replies to.
            neighbours: The stems of the sentences before it.
        """
        question = self.question
        own = frozenset(stems)
        parts = [_presence(term, own, context, neighbours) for term in question.all_terms]
        own_weights = self.weights[: len(question.terms)]
        coverage = _dot(parts, own_weights) / sum(own_weights)
        beyond = [not _has(context, term) for term in question.terms]
        if any(beyond):
            weights = [weight * is_beyond for weight, is_beyond in zip(own_weights, beyond, strict=True)]
            covered_beyond = _dot(parts, weights) / sum(weights)
            coverage = coverage if covered_beyond >= MIN_BEYOND_CONTEXT else min(coverage, covered_beyond)
        score = _dot(parts, self.weights) / sum(self.weights)
        # A sentence that only its surroundings speak for is no answer, however well they fit.
        if not any(_has(own, term) for term in question.terms):
            score *= 0.6
        if score > 0:
            score += _bonus(question, text, stems, context)
        if text.endswith("?"):
            score *= 0.5
        return SentenceHit(text, max(0.0, min(1.0, score / FULL_SCORE)), coverage, own)

    def covered(self, stems: frozenset[str]) -> float:
        """The part of the question, in [0, 1], that is anywhere among these stems."""
        parts = [float(_has(stems, term)) for term in self.question.all_terms]
        return _dot(parts, self.weights) / sum(self.weights)


def _dot(parts: Sequence[float], weights: Sequence[float]) -> float:
    return sum(part * weight for part, weight in zip(parts, weights, strict=False))


def _has(stems: frozenset[str], term: Term) -> bool:
    return term.stem in stems or not stems.isdisjoint(term.alternatives)


def _presence(term: Term, own: frozenset[str], context: frozenset[str], neighbours: frozenset[str]) -> float:
    """How far a sentence has a term: in its own words, a synonym, the headings above, or the sentences before."""
    if term.stem in own:
        return 1.0
    if not own.isdisjoint(term.alternatives):
        return IN_SYNONYM
    if term.stem in context:
        return IN_CONTEXT
    if not context.isdisjoint(term.alternatives):
        return IN_CONTEXT * IN_SYNONYM
    return IN_NEIGHBOUR if term.stem in neighbours else 0.0


def _bonus(question: Question, text: str, stems: tuple[str, ...], context: frozenset[str]) -> float:
    bonus = ANSWERS_IN_NUMBERS if question.wants_number and _NUMBER.search(text) else 0.0
    pairs = set(pairwise(stems))
    # Words that stand together in the headings already say nothing by standing together here too.
    asked = (pair for pair in pairwise(term.stem for term in question.terms) if not context.issuperset(pair))
    bonus += ADJACENT_TERMS * min(3, sum(pair in pairs for pair in asked))
    for phrase in question.quoted:
        if any(stems[start : start + len(phrase)] == phrase for start in range(len(stems))):
            bonus += QUOTED_PHRASE
    # Long sentences cover more words by their length alone.
    return bonus - 0.002 * max(0, len(stems) - 40)
