"""The search: a full-text query for candidates, then a second look at their sentences.

bm25 orders passages well in a large collection, but in a small one its term weights mean nothing (a word in more than half
of the passages weighs zero). So it only picks the candidates; what is answered is decided by how much of the question a
sentence covers, with weights that stay positive however small the collection is.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pinecone_assistant_local.database import Database
from pinecone_assistant_local.filters import Condition
from pinecone_assistant_local.passages import title_of
from pinecone_assistant_local.questions import Question, Term
from pinecone_assistant_local.stored_files import StoredFile, to_stored_file
from pinecone_assistant_local.words import Stems

CANDIDATES = 100
# How much of a term counts when the sentence itself does not have it.
IN_SYNONYM = 0.85
IN_CONTEXT = 0.75
IN_NEIGHBOUR = 0.5
ANSWERS_IN_NUMBERS = 0.12
ADJACENT_TERMS = 0.04
# What a sentence with everything and every bonus comes to; scores are divided by it to stay in (0, 1].
FULL_SCORE = 1.3

_NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|twice"
    r"|once|daily|weekly|monthly|yearly|annually|january|february|march|april|june|july|august|september|october|november"
    r"|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.IGNORECASE,
)
_MAX_REMEMBERED_PASSAGES = 4_096


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
            ids = self._candidates(connection, assistant, question, condition)
            passages = self._load(connection, ids)
            weights = self._weights(connection, assistant, question.all_terms)
            files = _load_files(connection, {passage.file for passage in passages})
        hits = []
        for passage in passages:
            hit = self._judge(question, weights, passage, files[passage.file])
            if hit.score > 0:
                hits.append(hit)
        hits.sort(key=lambda hit: (-hit.score, hit.file.row, hit.position))
        return hits[:limit]

    def first(self, assistant: str, condition: Condition, limit: int) -> list[Hit]:
        """The first passages of the files, for answers that need some text whatever it says; their scores mean nothing."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT p.id FROM passages p JOIN files f ON f.row = p.file"
                f" WHERE f.assistant = ? AND f.status = 'Available' AND {condition.sql} ORDER BY p.id LIMIT ?",
                (assistant, *condition.parameters, limit),
            )
            passages = self._load(connection, [row["id"] for row in rows])
            files = _load_files(connection, {passage.file for passage in passages})
        return [_unjudged(passage, files[passage.file]) for passage in passages]

    def _candidates(
        self, connection: sqlite3.Connection, assistant: str, question: Question, condition: Condition
    ) -> list[int]:
        rows = connection.execute(
            "SELECT p.id FROM passage_index JOIN passages p ON p.id = passage_index.rowid JOIN files f ON f.row = p.file"
            f" WHERE passage_index MATCH ? AND f.assistant = ? AND f.status = 'Available' AND {condition.sql}"
            " ORDER BY bm25(passage_index, 0.6, 1.0), p.id LIMIT ?",
            (_match_expression(question), assistant, *condition.parameters, CANDIDATES),
        )
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
            rows = connection.execute(f"SELECT * FROM passages WHERE id IN ({marks})", missing)  # noqa: S608
            for row in rows.fetchall():
                found[row["id"]] = self._remember(row)
        return [found[passage_id] for passage_id in ids]

    def _remember(self, row: sqlite3.Row) -> _ReadPassage:
        sentences = tuple(row["sentences"].split("\n"))
        passage = _ReadPassage(
            id=row["id"],
            file=row["file"],
            position=row["position"],
            page=row["page"],
            heading=row["heading"],
            body=row["body"],
            sentences=sentences,
            sentence_stems=tuple(tuple(self._stems.of_text(sentence)) for sentence in sentences),
            heading_stems=frozenset(self._stems.of_text(row["heading"])),
        )
        self._read[passage.id] = passage
        while len(self._read) > _MAX_REMEMBERED_PASSAGES:
            self._read.popitem(last=False)
        return passage

    def _weights(self, connection: sqlite3.Connection, assistant: str, terms: Sequence[Term]) -> list[float]:
        """The weight of each term: the rarer in the collection the heavier, and always positive."""
        total = connection.execute(
            "SELECT coalesce(sum(passages), 0) AS total FROM files WHERE assistant = ?", (assistant,)
        ).fetchone()["total"]
        marks = ", ".join("?" * len(terms))
        counts = {
            row["term"]: row["doc"]
            for row in connection.execute(
                f"SELECT term, doc FROM passage_terms WHERE term IN ({marks})",  # noqa: S608
                [term.stem for term in terms],
            )
        }
        return [term.weight * math.log(2 + total / (counts.get(term.stem, 0) + 0.5)) for term in terms]

    def _judge(self, question: Question, weights: list[float], passage: _ReadPassage, file: StoredFile) -> Hit:
        context = passage.heading_stems | frozenset(self._stems.of_text(title_of(file.name)))
        stems = passage.sentence_stems
        hits = []
        for index, (text, own) in enumerate(zip(passage.sentences, stems, strict=True)):
            neighbours = frozenset(stem for other in stems[max(0, index - 2) : index] for stem in other)
            asked = frozenset(stems[index - 1]) if index and passage.sentences[index - 1].endswith("?") else frozenset()
            hits.append(_judge_sentence(question, weights, text, own, context | asked, neighbours))
        best = max(hit.score for hit in hits)
        everything = frozenset(stem for own in stems for stem in own) | context
        present = sum(
            weight
            for term, weight in zip(question.all_terms, weights, strict=True)
            if term.stem in everything or not everything.isdisjoint(term.alternatives)
        )
        score = 0.8 * best + 0.2 * present / sum(weights)
        return Hit(file, passage.position, passage.page, passage.heading, passage.body, tuple(hits), min(1.0, score))


def _unjudged(passage: _ReadPassage, file: StoredFile) -> Hit:
    sentences = tuple(
        SentenceHit(text, 0.0, 0.0, frozenset(stems))
        for text, stems in zip(passage.sentences, passage.sentence_stems, strict=True)
    )
    return Hit(file, passage.position, passage.page, passage.heading, passage.body, sentences, 0.0)


def _judge_sentence(
    question: Question,
    weights: list[float],
    text: str,
    stems: tuple[str, ...],
    context: frozenset[str],
    neighbours: frozenset[str],
) -> SentenceHit:
    own = frozenset(stems)
    parts = [_presence(term, own, context, neighbours) for term in question.all_terms]
    own_count = len(question.terms)
    own_weight = sum(weights[:own_count])
    coverage = sum(part * weight for part, weight in zip(parts[:own_count], weights, strict=False)) / own_weight
    score = sum(part * weight for part, weight in zip(parts, weights, strict=True)) / sum(weights)
    # A sentence that only its surroundings speak for is no answer, however well they fit.
    if not any(term.stem in own or not own.isdisjoint(term.alternatives) for term in question.terms):
        score *= 0.6
    if score > 0:
        score += _bonus(question, text, stems, own)
    if text.endswith("?"):
        score *= 0.5
    return SentenceHit(text, max(0.0, min(1.0, score / FULL_SCORE)), coverage, own)


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
    if term.stem in neighbours:
        return IN_NEIGHBOUR
    return 0.0


def _bonus(question: Question, text: str, stems: tuple[str, ...], own: frozenset[str]) -> float:
    bonus = 0.0
    if question.wants_number and _NUMBER.search(text):
        bonus += ANSWERS_IN_NUMBERS
    pairs = set(zip(stems, stems[1:], strict=False))
    terms = [term.stem for term in question.terms]
    bonus += ADJACENT_TERMS * min(3, sum(pair in pairs for pair in zip(terms, terms[1:], strict=False)))
    for phrase in question.quoted:
        if own.issuperset(phrase) and any(stems[i : i + len(phrase)] == phrase for i in range(len(stems))):
            bonus += 0.2
    # Long sentences cover more words by their length alone.
    return bonus - 0.002 * max(0, len(stems) - 40)


def _match_expression(question: Question) -> str:
    words: Iterable[str] = (word for term in question.all_terms for word in (term.word, *term.alternative_words))
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(words))


def _load_files(connection: sqlite3.Connection, rows: set[int]) -> dict[int, StoredFile]:
    if not rows:
        return {}
    marks = ", ".join("?" * len(rows))
    found = connection.execute(f"SELECT * FROM files WHERE row IN ({marks})", sorted(rows))  # noqa: S608
    return {row["row"]: to_stored_file(row) for row in found.fetchall()}
