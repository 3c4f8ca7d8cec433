"""The search: a full-text query finds candidates, then their sentences are scored.

bm25 ranks passages well in a large collection, but in a small one its term weights mean nothing (a word in more than
half of the passages weighs zero). So it only picks the candidates. The answer is chosen by how much of the question a
sentence covers, with weights that are positive in any collection.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice

from ..store.filters import Condition
from ..store.passages import Passages, PassageSnapshot, StoredPassage
from ..text.passages import title_of
from ..text.words import Stems
from .questions import Question
from .scoring import Hit, ReadPassage, judge, likely_files, unjudged, weigh

CANDIDATES = 64
# The full-text query visits every passage with a word of the query: with common words and their synonyms that is most of a
# large collection, and most of the time of an answer. There, the query has only the rarest words, which about so many have.
MAX_MATCHED = 4_000
# How many of the candidates are read sentence by sentence, unless more are asked for.
CLOSELY = 16
_MAX_REMEMBERED_PASSAGES = 4_096


class Retriever:
    """The search for passages.

    Args:
        passages: Where the passages are.
        stems: Gives words the index's stems.
    """

    def __init__(self, passages: Passages, stems: Stems) -> None:
        self._passages = passages
        self._stems = stems
        self._read: OrderedDict[int, ReadPassage] = OrderedDict()

    def search(self, assistant: str, question: Question, condition: Condition, limit: int) -> list[Hit]:
        """The passages that fit best, best first; empty if no passage has a word of the question."""
        if not question.terms:
            return []
        with self._passages.snapshot() as snapshot:
            total = snapshot.count(assistant)
            counts = _passages_with(snapshot, question)
            words = _words_to_match(question, counts, total)
            passages = self._load(snapshot, snapshot.matching(assistant, words, condition, CANDIDATES))
            files = snapshot.files({passage.file for passage in passages})
        asked = weigh(question, counts, total)
        titles = {row: frozenset(self._stems.of_text(title_of(file.name))) for row, file in files.items()}
        covered = [asked.covered(passage.all_stems | titles[passage.file]) for passage in passages]
        likely = likely_files(asked, passages, titles)
        # The passages that cover most of the question are read sentence by sentence.
        order = sorted(range(len(passages)), key=lambda index: -covered[index])[: max(CLOSELY, limit)]
        hits = [
            judge(asked, passages[index], files[passages[index].file], titles[passages[index].file], likely)
            for index in order
        ]
        hits = [hit for hit in hits if hit.score > 0]
        hits.sort(key=lambda hit: (-hit.score, hit.file.row, hit.position))
        return hits[:limit]

    def first(self, assistant: str, condition: Condition, limit: int) -> list[Hit]:
        """The first passages of the files, for answers that need some text, relevant or not; their score is 0."""
        with self._passages.snapshot() as snapshot:
            passages = self._load(snapshot, snapshot.first(assistant, condition, limit))
            files = snapshot.files({passage.file for passage in passages})
        return [unjudged(passage, files[passage.file]) for passage in passages]

    def _load(self, snapshot: PassageSnapshot, ids: Sequence[int]) -> list[ReadPassage]:
        """The passages with these identifiers, in this order. Identifiers are never reused, so cached passages stay valid."""
        found = {passage_id: self._read[passage_id] for passage_id in ids if passage_id in self._read}
        missing = [passage_id for passage_id in ids if passage_id not in found]
        if missing:
            found.update((passage.id, passage) for passage in self._remember(snapshot.load(missing)))
        return [found[passage_id] for passage_id in ids]

    def _remember(self, stored: Sequence[StoredPassage]) -> list[ReadPassage]:
        stems = self._stems.of_texts(text for one in stored for text in (one.heading, *one.sentences))
        passages = [ReadPassage.of(one, next(stems), tuple(islice(stems, len(one.sentences)))) for one in stored]
        self._read.update((passage.id, passage) for passage in passages)
        while len(self._read) > _MAX_REMEMBERED_PASSAGES:
            self._read.popitem(last=False)
        return passages


def _passages_with(snapshot: PassageSnapshot, question: Question) -> list[int]:
    """For each term, the number of passages that have it or a stem that may replace it."""
    groups = [{term.stem, *term.alternatives} for term in question.all_terms]
    counts = snapshot.counts_by_stem(set().union(*groups))
    return [sum(counts.get(stem, 0) for stem in group) for group in groups]


def _words_to_match(question: Question, counts: Sequence[int], total: int) -> list[str]:
    """Every word of the question; in a large collection the rarest, at least one."""
    rarest = sorted(zip(question.all_terms, counts, strict=True), key=lambda counted: counted[1])
    words: dict[str, None] = {}
    left = MAX_MATCHED if total > MAX_MATCHED else math.inf
    for term, count in rarest:
        left -= count
        if words and left < 0:
            break
        words |= dict.fromkeys((term.word, *term.alternative_words))
    return list(words)
