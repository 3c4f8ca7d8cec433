"""How well a sentence answers a question: how much of it is in the sentence, and in what stands around it.

What speaks for and against a sentence is a handful of numbers, the features. Their weights were not set by hand: `python -m
tests.local.quality.fit` finds them on the development questions, as those under which the sentence that answers is the
likeliest choice among all candidates and "none of them", which fits 0 (a conditional logit).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pinecone_assistant_local.matching import ABSENT, ALIKE, EXACT, RELATED, SYNONYM, Level, Matcher
from pinecone_assistant_local.questions import Question

# How much of a term a text has that has it at a level.
_PART = {ABSENT: 0.0, ALIKE: 0.5, RELATED: 0.5, SYNONYM: 0.9, EXACT: 1.0}

IN_CONTEXT = 0.92

# Printed by the fit. After each, what leaving it out takes from 342 right answers of 452 where 60 of 242 unanswerable
# questions are answered, and from 252 where 24 are; all of them on questions that the weights were not found on.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "always": -4.14,
        "there": 1.30,  # 3, 18
        "elsewhere": -1.38,  # 3, 4
        "missing": -2.18,  # 3, -2
        "near": -1.57,  # 3, 19
        "more": 2.13,  # 16, 5
        "no_own": -1.44,  # 4, 14
        "held": 0.93,  # -3, 18
        "share": 3.20,  # 7, -1
        "kind_held": 1.60,  # 19, -3
        "no_kind": -3.30,  # 11, 36
        "no_person": -3.28,  # 17, 33
        "code": -2.10,  # 12, -1
    }
)
# A sentence that fits less is no answer. From -0.5 to -1, 12 more of the 452 development questions are answered right and 21
# more of the 242 unanswerable ones are answered (cross-validated).
THRESHOLD = -0.75
# No development question has quotation marks: by hand.
QUOTED_PHRASE = 2.0
# A follow-up is answered by what holds this part of its own words, not only of what was said before.
LEAST_OWN_PART = 0.4


@dataclass(frozen=True, slots=True)
class SentenceHit:
    """A sentence and how well it answers.

    Attributes:
        text: The sentence.
        fit: How well it answers; differences are logarithms of odds.
        is_answer: Whether it says enough of what is asked to be given as the answer.
        stems: Its words' stems.
        features: What it was judged by.
    """

    text: str
    fit: float
    is_answer: bool
    stems: frozenset[str]
    features: Mapping[str, float]

    @property
    def score(self) -> float:
        """The fit as a number in (0, 1)."""
        return 1 / (1 + math.exp(-self.fit))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a sentence; the terms of the question by their levels in it.

    Attributes:
        context: Above it: title and headings.
        replied: In the question that it replies to, if it follows one.
        before: In the sentences before it.
        passage: In the whole passage, with what stands above.
        is_meant: Whether the sentence speaks of what the ones before it name: "It is 25 meters high".
        held: How much of the question its file holds.
        share: The same, relative to the file that holds most.
    """

    context: Sequence[Level]
    replied: Sequence[Level]
    before: Sequence[Level]
    passage: Sequence[Level]
    is_meant: bool
    held: float
    share: float


class Judge:
    """Judges sentences by one question.

    Args:
        question: The question.
        weights: The weight of each of its terms in the collection that is searched, the carried ones last.
        matcher: Finds its terms.
    """

    def __init__(self, question: Question, weights: Sequence[float], matcher: Matcher) -> None:
        self._question = question
        self._weights = weights
        self._total = sum(weights)
        self._terms = question.all_terms
        self.matcher = matcher

    def covered(self, levels: Sequence[Level]) -> float:
        """The part of the question, in [0, 1], that stands at these levels."""
        return sum(w * _PART[level] for w, level in zip(self._weights, levels, strict=True)) / self._total

    def sentence(self, text: str, stems: tuple[str, ...], around: Surroundings) -> SentenceHit:
        """How well one sentence answers.

        Args:
            text: The sentence.
            stems: Its words' stems, in order.
            around: What stands around it.
        """
        own = frozenset(stems)
        levels = tuple(map(max, self.matcher.levels(own), around.replied))
        features = {
            "always": 1.0,
            **self._by_terms(levels, around),
            **self._by_kind(text, around),
            "code": _looks_like_code(text),
        }
        fit = sum(WEIGHTS[name] * value for name, value in features.items() if value)
        for phrase in self._question.quoted:
            if any(stems[start : start + len(phrase)] == phrase for start in range(len(stems))):
                fit += QUOTED_PHRASE
        is_answer = fit > THRESHOLD and self._asks_itself(levels, around)
        return SentenceHit(text, fit, is_answer, own, features)

    def _by_terms(self, own: Sequence[Level], around: Surroundings) -> dict[str, float]:
        """How much of the question stands in the sentence, above it, before it, elsewhere in the passage, or nowhere."""
        there = elsewhere = missing = near = more = beyond = 0.0
        for index, weight in enumerate(self._weights):
            level, above, passage = own[index], around.context[index], around.passage[index]
            known = max(level, above, around.before[index] if around.is_meant else ABSENT)
            if known >= SYNONYM:
                # What the headings say they say for every sentence under them, so it is worth a little less.
                there += weight * max(_PART[level], IN_CONTEXT * _PART[known])
            elif passage >= SYNONYM:
                near += weight
                elsewhere += weight * (level == ABSENT)
            else:
                missing += weight
            if above < SYNONYM and not self._terms[index].says_kind:
                beyond += weight
                more += weight * _PART[level]
        return {
            "there": there / self._total,
            "elsewhere": elsewhere / self._total,
            # Rare words count for more than many words, so here weights are not divided by their sum.
            "missing": missing,
            "near": near,
            # The part of what the headings do not say already.
            "more": more / beyond if beyond else 0.0,
            "no_own": float(max(own) <= ALIKE),
            "held": around.held,
            "share": around.share,
        }

    def _by_kind(self, text: str, around: Surroundings) -> dict[str, float]:
        """Whether the sentence has a thing of the kind that is asked for."""
        expectation = self._question.expectation
        if not expectation.kinds:
            return {}
        met = expectation.met_by(text)
        if expectation.is_certain:
            return {"kind_held": met * around.held, "no_kind": 1.0 - met}
        return {"no_person": 1.0 - met}

    def _asks_itself(self, levels: Sequence[Level], around: Surroundings) -> bool:
        """Whether enough of a follow-up's own terms is there; true for what is no follow-up."""
        if not self._question.carried:
            return True
        count = len(self._question.terms)
        best = map(max, levels[:count], around.context[:count], around.before[:count])
        part = sum(weight * _PART[level] for weight, level in zip(self._weights, best, strict=False))
        return part >= LEAST_OWN_PART * sum(self._weights[:count])


def _looks_like_code(text: str) -> float:
    return float(any(sign in text for sign in ("_", "()", ">>>", "=", "`", "*", "<")))
