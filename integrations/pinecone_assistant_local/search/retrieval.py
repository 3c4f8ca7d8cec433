"""The search: a full-text query for candidates, then a second look at their sentences.

bm25 orders passages well in a large collection, but in a small one its term weights mean nothing (a word in more than
half of the passages weighs zero). So it only picks the candidates; what is answered is decided by how much of the
question a sentence covers, with weights that stay positive however small the collection is.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ..store.database import Database
from ..store.files import StoredFile, to_stored_file
from ..store.filters import Condition
from ..text.passages import title_of
from ..text.words import Stems
from .questions import Question, Term
from .scoring import SentenceHit, Surroundings, Weighed

CANDIDATES = 64
# The full-text index looks at every passage that has a word of the query: with common words and their synonyms that is
# most of a large collection, and most of the time of an answer. Of a larger one about so many are looked at, by the rarest words.
MAX_MATCHED = 4_000
# How many of the candidates are read sentence by sentence, unless more are asked for.
CLOSELY = 16
# A word that the collection does not have may be said there in another way, a name may not.
UNSEEN_WORD = 0.85
NAME = 1.3
# What says only which kind of thing is asked for is answered by a thing of that kind.
KIND = 0.5
# What "how many" asks for is what the question is about.
COUNTED = 1.5
# A file that holds less of the question than this part of what the best one holds is about something else.
FILE_SHARE = 0.75
_MAX_REMEMBERED_PASSAGES = 4_096
_REFERS_BACK = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|this|these|those|both)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    Attributes:
        file: The file it stands in.
        position: Its place in the file.
        page: Its page, where the format has pages.
        heading: The headings above it.
        body: Its text.
        sentences: Its sentences in order.
        score: How well it fits, in (0, 1].
    """

    file: StoredFile
    position: int
    page: int | None
    heading: str
    body: str
    sentences: tuple[SentenceHit, ...]
    score: float


@dataclass(frozen=True, slots=True)
class _ReadPassage:
    """A passage with its words, as remembered between searches."""

    id: int
    file: int
    position: int
    page: int | None
    heading: str
    body: str
    sentences: tuple[str, ...]
    sentence_stems: tuple[tuple[str, ...], ...]
    heading_stems: frozenset[str]
    all_stems: frozenset[str]


class Retriever:
    """Finds passages.

    Args:
        database: Where the passages are.
        stems: Gives words the index's stems.
    """

    def __init__(self, database: Database, stems: Stems) -> None:
        self._database = database
        self._stems = stems
        self._read: OrderedDict[int, _ReadPassage] = OrderedDict()

    def has_available_file(self, assistant: str) -> bool:
        """Whether anything can be searched at all."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM files WHERE assistant = ? AND status = 'Available' LIMIT 1", (assistant,)
            ).fetchone()
        return row is not None

    def search(self, assistant: str, question: Question, condition: Condition, limit: int) -> list[Hit]:
        """The passages that fit best, best first; none if no word of the question is in any."""
        if not question.terms:
            return []
        with self._database.read() as connection:
            total = _passages_of(connection, assistant)
            counts = _passages_with(connection, question.all_terms)
            ids = self._candidates(connection, assistant, _match_expression(question, counts, total), condition)
            passages = self._load(connection, ids)
            asked = Weighed(
                question, tuple(_weight(term, n, total) for term, n in zip(question.all_terms, counts, strict=True))
            )
            files = _load_files(connection, {passage.file for passage in passages})
        titles = {row: frozenset(self._stems.of_text(title_of(file.name))) for row, file in files.items()}
        covered = [asked.covered(passage.all_stems | titles[passage.file]) for passage in passages]
        likely = _likely_files(asked, passages, titles)
        # What the passages hold of the question decides which of them are read sentence by sentence.
        order = sorted(range(len(passages)), key=lambda index: -covered[index])[: max(CLOSELY, limit)]
        hits = [
            _judge(asked, passages[index], files[passages[index].file], titles[passages[index].file], likely)
            for index in order
        ]
        hits = [hit for hit in hits if hit.score > 0]
        hits.sort(key=lambda hit: (-hit.score, hit.file.row, hit.position))
        return hits[:limit]

    def first(self, assistant: str, condition: Condition, limit: int) -> list[Hit]:
        """The first passages of the files, for answers that need some text whatever it says; scored 0."""
        with self._database.read() as connection:
            # The condition's SQL is written in filters.py; every value in it is a parameter. So below.
            sql = (
                "SELECT p.id FROM passages p JOIN files f ON f.row = p.file WHERE f.assistant = ?"  # noqa: S608
                f" AND f.status = 'Available' AND {condition.sql} ORDER BY p.id LIMIT ?"
            )
            rows = connection.execute(sql, (assistant, *condition.parameters, limit))
            passages = self._load(connection, [row["id"] for row in rows])
            files = _load_files(connection, {passage.file for passage in passages})
        return [_unjudged(passage, files[passage.file]) for passage in passages]

    def _candidates(
        self, connection: sqlite3.Connection, assistant: str, words: str, condition: Condition
    ) -> list[int]:
        sql = (
            "SELECT p.id FROM passage_index JOIN passages p ON p.id = passage_index.rowid"  # noqa: S608
            " JOIN files f ON f.row = p.file WHERE passage_index MATCH ? AND f.assistant = ?"
            f" AND f.status = 'Available' AND {condition.sql} ORDER BY bm25(passage_index, 0.6, 1.0), p.id LIMIT ?"
        )
        rows = connection.execute(sql, (words, assistant, *condition.parameters, CANDIDATES))
        return [row["id"] for row in rows]

    def _load(self, connection: sqlite3.Connection, ids: Sequence[int]) -> list[_ReadPassage]:
        """The passages of these ids; ids are never used twice, so what was read once stays true."""
        found: dict[int, _ReadPassage] = {}
        for passage_id in ids:
            known = self._read.get(passage_id)
            if known is not None:
                found[passage_id] = known
        missing = [passage_id for passage_id in ids if passage_id not in found]
        if missing:
            marks = ", ".join("?" * len(missing))
            rows = connection.execute(f"SELECT * FROM passages WHERE id IN ({marks})", missing).fetchall()  # noqa: S608  (question marks)
            found.update((passage.id, passage) for passage in self._remember(rows))
        return [found[passage_id] for passage_id in ids]

    def _remember(self, rows: Sequence[sqlite3.Row]) -> list[_ReadPassage]:
        sentences = [tuple(row["sentences"].split("\n")) for row in rows]
        texts = (text for row, own in zip(rows, sentences, strict=True) for text in (row["heading"], *own))
        stems = self._stems.of_texts(texts)
        passages = []
        for row, own in zip(rows, sentences, strict=True):
            heading_stems = frozenset(next(stems))
            sentence_stems = tuple(islice(stems, len(own)))
            passage = _ReadPassage(
                id=row["id"],
                file=row["file"],
                position=row["position"],
                page=row["page"],
                heading=row["heading"],
                body=row["body"],
                sentences=own,
                sentence_stems=sentence_stems,
                heading_stems=heading_stems,
                all_stems=heading_stems.union(*sentence_stems),
            )
            self._read[passage.id] = passage
            passages.append(passage)
        while len(self._read) > _MAX_REMEMBERED_PASSAGES:
            self._read.popitem(last=False)
        return passages


def _passages_of(connection: sqlite3.Connection, assistant: str) -> int:
    """How many passages the assistant has."""
    found = connection.execute(
        "SELECT coalesce(sum(passages), 0) AS total FROM files WHERE assistant = ?", (assistant,)
    ).fetchone()
    return int(found["total"])


def _passages_with(connection: sqlite3.Connection, terms: Sequence[Term]) -> list[int]:
    """How many passages have each term, or what may stand for it."""
    stems = sorted({stem for term in terms for stem in (term.stem, *term.alternatives)})
    marks = ", ".join("?" * len(stems))
    counts = {
        row["term"]: row["doc"]
        for row in connection.execute(
            f"SELECT term, doc FROM passage_terms WHERE term IN ({marks})",  # noqa: S608  (as above)
            stems,
        )
    }
    return [sum(counts.get(stem, 0) for stem in {term.stem, *term.alternatives}) for term in terms]


def _likely_files(
    asked: Weighed, passages: Sequence[_ReadPassage], titles: Mapping[int, frozenset[str]]
) -> frozenset[int]:
    """The files that hold about as much of the question as the one that holds most of it."""
    stems = {row: set(title) for row, title in titles.items()}
    for passage in passages:
        stems[passage.file] |= passage.all_stems
    covered = {row: asked.covered(found) for row, found in stems.items()}
    least = FILE_SHARE * max(covered.values(), default=0.0)
    return frozenset(row for row, part in covered.items() if part >= least)


def _judge(
    asked: Weighed, passage: _ReadPassage, file: StoredFile, title: frozenset[str], likely: frozenset[int]
) -> Hit:
    """A passage with the scores of its sentences."""
    above = passage.heading_stems | title
    heading = asked.heading(above)
    everything = passage.all_stems | title
    stems = passage.sentence_stems
    hits = []
    for index, (text, own) in enumerate(zip(passage.sentences, stems, strict=True)):
        replies = index and passage.sentences[index - 1].endswith("?")
        around = Surroundings(
            heading=asked.heading(above.union(stems[index - 1])) if replies else heading,
            neighbours=frozenset[str]().union(*stems[max(0, index - 2) : index]),
            passage=everything,
            is_meant=_REFERS_BACK.search(text) is not None,
            is_likely=file.row in likely,
        )
        hits.append(asked.score_sentence(text, own, around))
    best = max(hit.score for hit in hits)
    score = min(1.0, 0.8 * best + 0.2 * asked.covered(everything))
    return Hit(file, passage.position, passage.page, passage.heading, passage.body, tuple(hits), score)


def _weight(term: Term, passages: int, total: int) -> float:
    """The weight of a term that so many of all passages have."""
    weight = term.weight * math.log(2 + total / (passages + 0.5))
    if term.says_kind:
        return weight * KIND
    if term.is_counted:
        return weight * COUNTED
    if term.is_name:
        return weight * NAME
    return weight if passages else weight * UNSEEN_WORD


def _unjudged(passage: _ReadPassage, file: StoredFile) -> Hit:
    sentences = tuple(
        SentenceHit(text, 0.0, is_answer=False, says_more=False, stems=frozenset(stems))
        for text, stems in zip(passage.sentences, passage.sentence_stems, strict=True)
    )
    return Hit(file, passage.position, passage.page, passage.heading, passage.body, sentences, 0.0)


def _match_expression(question: Question, counts: Sequence[int], total: int) -> str:
    """The full-text query: every word of the question; in a large collection the rarest, at least one."""
    rarest = sorted(zip(question.all_terms, counts, strict=True), key=lambda counted: counted[1])
    words: dict[str, None] = {}
    left = MAX_MATCHED if total > MAX_MATCHED else math.inf
    for term, count in rarest:
        left -= count
        if words and left < 0:
            break
        words |= dict.fromkeys((term.word, *term.alternative_words))
    return " OR ".join(f'"{word}"' for word in words)


def _load_files(connection: sqlite3.Connection, rows: set[int]) -> dict[int, StoredFile]:
    if not rows:
        return {}
    marks = ", ".join("?" * len(rows))
    found = connection.execute(f"SELECT * FROM files WHERE row IN ({marks})", sorted(rows))  # noqa: S608  (as above)
    return {row["row"]: to_stored_file(row) for row in found.fetchall()}
