"""`python -m tests.local.quality.fit`: the weights of scoring.py, found on the development questions.

It prints what they are, and how well weights do on questions that they were not found on: the questions are dealt into six
parts by the file they are about, and each part is answered with weights from the other five. It never reads the half "test".
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from unittest import mock
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pinecone_assistant_local import answers, scoring
from pinecone_assistant_local.answers import choose_sentences
from pinecone_assistant_local.retrieval import Hit

from ..corpus import ANSWERED, DOCUMENTS, UNANSWERABLE
from .measure import Asked, Judged, measure, read_development_passages, read_tuning_questions

_PARTS = 6
# Keeps weights small that few questions speak for.
_RIDGE = 1.0
_STEPS = 600
_RATE = 0.05

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """The sentences that could answer a question.

    Attributes:
        asked: The question.
        features: One row for each sentence.
        is_right: Whether it is the one that answers.
    """

    asked: Asked
    features: Numbers
    is_right: NDArray[np.bool_]


def main() -> None:
    """Prints the cross-validated result for some thresholds, and the weights."""
    names = tuple(scoring.WEIGHTS)
    questions = read_tuning_questions()
    small = read_development_passages()
    candidates = gather(questions, names)
    # In a small collection, too: words are rarer in a large one.
    candidates += gather([one for one in questions if one.file is None or one.file in small], names, small)
    candidates += gather(_library_questions(), names, DOCUMENTS)
    held_out = cross_validated(candidates)
    for threshold in sorted({scoring.THRESHOLD, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0}):
        sys.stdout.write(f"threshold {threshold:5.2f}: {_result(candidates, held_out, threshold)}\n")
    for name, weight in zip(names, fit(candidates), strict=True):
        sys.stdout.write(f'    "{name}": {weight:.2f},\n')


def _library_questions() -> list[Asked]:
    """Those of test_retrieval.py."""
    answered = []
    for question, phrase in ANSWERED:
        file = next(name for name, text in DOCUMENTS.items() if phrase in " ".join(text.split()))
        answered.append(Asked("tune", question, file, phrase))
    return answered + [Asked("tune", question, None, None) for question in UNANSWERABLE]


def gather(
    questions: Sequence[Asked], names: Sequence[str], texts: Mapping[str, str] | None = None
) -> list[Candidates]:
    """What the search finds for each question, whatever the weights are now."""
    found: list[Sequence[Hit]] = []

    def remember(hits: Sequence[Hit]) -> list[object]:
        found.append(hits)
        return cast("list[object]", choose_sentences(hits))

    with mock.patch.object(answers, "choose_sentences", remember):
        judged: list[Judged] = measure(questions, texts)
    gathered = []
    for asked, hits in zip((one.asked for one in judged), found, strict=True):
        pairs = [(hit, one) for hit in hits for one in hit.sentences if not one.text.endswith("?")]
        right = [hit.file.name == asked.file and (asked.phrase or "") in one.text for hit, one in pairs]
        rows = [[one.features.get(name, 0.0) for name in names] for _, one in pairs]
        gathered.append(Candidates(asked, np.array(rows).reshape(-1, len(names)), np.array(right, dtype=bool)))
    return gathered


def fit(candidates: Sequence[Candidates]) -> Numbers:
    """The weights under which what is right is likeliest: the right sentence, or none where no sentence answers."""
    usable = [one for one in candidates if one.asked.file is None or one.is_right.any()]
    count = usable[0].features.shape[1]
    longest = max(len(one.features) for one in usable)
    rows = np.zeros((len(usable), longest, count))
    absent = np.full((len(usable), longest), -1e9)
    right = np.zeros((len(usable), longest + 1))
    for index, one in enumerate(usable):
        rows[index, : len(one.features)] = one.features
        absent[index, : len(one.features)] = 0.0
        right[index, 1 : 1 + len(one.is_right)] = one.is_right
        right[index, 0] = one.asked.file is None
    weights, momentum, scale = np.zeros(count), np.zeros(count), np.zeros(count)
    for step in range(1, _STEPS + 1):
        fits = np.concatenate([np.zeros((len(usable), 1)), rows @ weights + absent], axis=1)
        chances = np.exp(fits - fits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        wanted = chances * right
        wanted /= np.maximum(wanted.sum(axis=1, keepdims=True), 1e-12)
        gradient = _RIDGE * weights - np.einsum("qs,qsf->f", (wanted - chances)[:, 1:], rows)
        # Adam: steps of about one rate whatever the size of a feature.
        momentum = 0.9 * momentum + 0.1 * gradient
        scale = 0.999 * scale + 0.001 * gradient**2
        weights -= _RATE * (momentum / (1 - 0.9**step)) / (np.sqrt(scale / (1 - 0.999**step)) + 1e-8)
    return weights


def cross_validated(candidates: Sequence[Candidates]) -> list[Numbers]:
    """For each question, how well its sentences fit under weights that were found without it."""
    parts = [
        (crc32(one.asked.file.encode()) if one.asked.file else index // 3) % _PARTS
        for index, one in enumerate(candidates)
    ]
    weights = [fit([one for one, its in zip(candidates, parts, strict=True) if its != part]) for part in range(_PARTS)]
    return [one.features @ weights[part] for one, part in zip(candidates, parts, strict=True)]


def _result(candidates: Sequence[Candidates], fits: Sequence[Numbers], threshold: float) -> str:
    right = first = wrong = answered = 0
    for one, its in zip(candidates, fits, strict=True):
        best = np.argsort(-its, kind="stable")[: answers.MAX_SENTENCES]
        chosen = [i for i in best if its[i] > threshold and its[i] >= its[best[0]] - answers.NEARLY_AS_GOOD]
        answered += bool(chosen) and one.asked.file is None
        right += any(one.is_right[i] for i in chosen)
        first += bool(chosen) and bool(one.is_right[chosen[0]])
        wrong += bool(chosen) and one.asked.file is not None and not any(one.is_right[i] for i in chosen)
    answerable = sum(one.asked.file is not None for one in candidates)
    return (
        f"{right} of {answerable} right ({first} first), {wrong} wrong; "
        f"{answered} of {len(candidates) - answerable} unanswerable answered"
    )


if __name__ == "__main__":
    main()
