"""Answers out of passages: extracted sentences with their citations, or an honest decline.

An answer is a sequence of pieces: texts and citations. Both chat interfaces render the same pieces: one writes the
citations into the text as markers, the other sends them next to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..search.scoring import Hit, SentenceHit
from ..text.sentences import ENDS, FINAL_MARK
from .pieces import Cite, Piece, source_of

# A further sentence is quoted only if it is nearly as good as the best one.
NEARLY_AS_GOOD = 0.85
MAX_SENTENCES = 3
MAX_OVERLAP = 0.7

DECLINE = "I could not find an answer to that in the files I can use for this question."

# A sentence that ends in note numbers: "It is 25 meters high.[4][5, 6]".
_NOTES_AT_END = re.compile(rf"[{ENDS}][^\w\s]*(?: ?\[\d[\d, \u2013-]{{0,20}}\])+$")


def compose_answer(hits: Sequence[Hit]) -> list[Piece]:
    """Return the best sentences of the passages with their citations; a decline if none is good enough."""
    pieces: list[Piece] = []
    for hit, sentence in choose_sentences(hits):
        if pieces:
            pieces.append(" ")
        pieces += quote(hit, sentence)
    return pieces or [DECLINE]


def choose_sentences(hits: Sequence[Hit]) -> list[tuple[Hit, SentenceHit]]:
    """Return the sentences to answer with, best first; none if the question is not answered."""
    candidates = [
        (hit, sentence)
        for hit in hits
        for sentence in hit.sentences
        if sentence.is_answer and not sentence.text.endswith("?")
    ]
    candidates.sort(key=lambda candidate: -candidate[1].score)
    if candidates and not candidates[0][1].says_more:
        # If many sentences match equally well and none has a word beyond the subject of the question, none of them answers it.
        best = candidates[0][1].score
        if sum(sentence.score >= NEARLY_AS_GOOD * best for _, sentence in candidates) > MAX_SENTENCES:
            return []
    chosen: list[tuple[Hit, SentenceHit]] = []
    for hit, sentence in candidates:
        if len(chosen) == MAX_SENTENCES or (chosen and sentence.score < NEARLY_AS_GOOD * chosen[0][1].score):
            break
        if all(_overlap(sentence.stems, other.stems) <= MAX_OVERLAP for _, other in chosen):
            chosen.append((hit, sentence))
    return chosen


def quote(hit: Hit, sentence: SentenceHit) -> Iterator[Piece]:
    """Yield a sentence as it is in the file, with its citation before the final mark, as the service writes it."""
    text = sentence.text
    final = FINAL_MARK.search(text)
    yield text[: final.start()] if final else text
    yield Cite((source_of(hit, text),))
    if final or not _NOTES_AT_END.search(text):
        yield final.group() if final else "."


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / max(1, len(left | right))
