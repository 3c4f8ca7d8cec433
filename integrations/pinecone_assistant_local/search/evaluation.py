"""Scores of an answer against the right one, by the words that their sentences share; no language model is used.

This is a local heuristic with fixed thresholds; the reason reported for each fact says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..text.sentences import split_sentences
from ..text.words import STOP_WORDS, Stems, words_of

# A fact is entailed if at least this share of its words is in the other text.
ENTAILED = 0.7
# From this share on, a sentence has the same subject, so that a different number or a "not" contradicts the fact.
SAME_SUBJECT = 0.4

_NEGATIONS = frozenset({"not", "no", "never", "none", "neither", "nor", "cannot", "without"})


@dataclass(frozen=True, slots=True)
class EvaluatedFact:
    """A sentence, compared with the other text.

    Attributes:
        content: The sentence.
        entailment: `entailed`, `contradicted` or `neutral`.
        overlap: The share of its words that is in the other text.
    """

    content: str
    entailment: str
    overlap: float

    @property
    def reasoning(self) -> str:
        """The reason of the judgement."""
        return f"local heuristic: {round(self.overlap * 100)}% of its words are in the other text"


@dataclass(frozen=True, slots=True)
class Alignment:
    """Scores of an answer against the right one, each in [0, 1].

    Attributes:
        correctness: The share of the answer's sentences that the right answer entails.
        completeness: The share of the right answer's sentences that the answer entails.
        facts: The right answer's sentences, then those of the answer that it does not entail.
    """

    correctness: float
    completeness: float
    facts: tuple[EvaluatedFact, ...]

    @property
    def alignment(self) -> float:
        """The harmonic mean of both."""
        total = self.correctness + self.completeness
        return 2 * self.correctness * self.completeness / total if total else 0.0


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    stems: frozenset[str]
    numbers: frozenset[str]
    is_negated: bool


def evaluate_alignment(stems: Stems, *, question: str, answer: str, ground_truth: str) -> Alignment:
    """Compare an answer with the right one; words of the question are ignored."""
    asked = frozenset(stems.of_text(question))
    said = [_read(stems, sentence, asked) for sentence in split_sentences(answer)]
    right = [_read(stems, sentence, asked) for sentence in split_sentences(ground_truth)]
    right_facts = [_judge(sentence, said) for sentence in right]
    said_facts = [_judge(sentence, right) for sentence in said]
    return Alignment(
        correctness=_entailed_part(said_facts),
        completeness=_entailed_part(right_facts),
        facts=(*right_facts, *(fact for fact in said_facts if fact.entailment != "entailed")),
    )


def _read(stems: Stems, text: str, asked: frozenset[str]) -> _Sentence:
    words = words_of(text)
    telling = frozenset(stems.of(word for word in words if word not in STOP_WORDS))
    return _Sentence(
        text,
        # "Madrid." answers as much as "The capital of Spain is Madrid."; but at least one word must be left to compare.
        stems=telling - asked or telling or frozenset(stems.of(words)),
        numbers=frozenset(word for word in words if any(character.isdigit() for character in word)),
        is_negated=not _NEGATIONS.isdisjoint(words) or "n't" in text.lower().replace("\u2019", "'"),
    )


def _judge(fact: _Sentence, others: Sequence[_Sentence]) -> EvaluatedFact:
    everything = frozenset(stem for other in others for stem in other.stems)
    overlap = _part_of(fact, everything)
    numbers = frozenset(number for other in others for number in other.numbers)
    entailment = "entailed" if overlap >= ENTAILED and fact.numbers <= numbers else "neutral"
    closest = max(others, key=lambda other: _part_of(fact, other.stems), default=None)
    if closest is not None and _part_of(fact, closest.stems) >= SAME_SUBJECT:
        has_other_numbers = not fact.numbers <= numbers and not closest.numbers <= fact.numbers
        if has_other_numbers or fact.is_negated != closest.is_negated:
            entailment = "contradicted"
    return EvaluatedFact(fact.text, entailment, overlap)


def _part_of(fact: _Sentence, stems: frozenset[str]) -> float:
    return len(fact.stems & stems) / max(1, len(fact.stems))


def _entailed_part(facts: Sequence[EvaluatedFact]) -> float:
    return sum(fact.entailment == "entailed" for fact in facts) / max(1, len(facts))
