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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pinecone_assistant_local.database import Database
from pinecone_assistant_local.filters import Condition
from pinecone_assistant_local.matching import ABSENT, Level, Matcher
from pinecone_assistant_local.passages import title_of
from pinecone_assistant_local.questions import Question, Term
from pinecone_assistant_local.scoring import Judge, SentenceHit, Surroundings
from pinecone_assistant_local.stored_files import StoredFile, to_stored_file
from pinecone_assistant_local.words import Stems

CANDIDATES = 64
# The full-text index looks at every passage that has a word of the query: with common words and their synonyms that is
# most of a large collection (100,000 passages: 90 ms an answer; with this limit 29).
MAX_MATCHED = 4_000
# How many of them are read sentence by sentence, unless more are asked for.
CLOSELY = 16
# A word that the collection does not have may be said there in another way, a name may not.
UNSEEN_WORD = 0.85
NAME = 1.3
# A word that has synonyms is an ordinary one, which is easily said in another way.
ORDINARY = 0.7
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
            words = {stem: word for term in question.all_terms for stem, word in term.search_words}
            counts = _count_passages(connection, words)
            if not counts:
                return []
            match = _match_expression(words, counts)
            passages = self._load(connection, self._candidates(connection, assistant, match, condition))
            weights = _weights(connection, assistant, question.all_terms, counts)
            files = _load_files(connection, {passage.file for passage in passages})
        titles = {row: frozenset(self._stems.of_text(title_of(file.name))) for row, file in files.items()}
        vocabulary = set().union(*titles.values(), *(passage.all_stems for passage in passages))
        judge = Judge(question, weights, Matcher(question.all_terms, vocabulary))
        levels = [judge.matcher.levels(passage.all_stems | titles[passage.file]) for passage in passages]
        held = _held_by_files(judge, passages, levels)
        # What the passages hold of the question decides which of them are read sentence by sentence.
        covered = [judge.covered(found) for found in levels]
        order = sorted(range(len(passages)), key=lambda index: -covered[index])[: max(CLOSELY, limit)]
        hits = []
        for index in order:
            file = files[passages[index].file]
            hits.append(_judge(judge, passages[index], levels[index], file, title=titles[file.row], held=held))
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
        self, connection: sqlite3.Connection, assistant: str, match: str, condition: Condition
    ) -> list[int]:
        sql = (
            "SELECT p.id FROM passage_index JOIN passages p ON p.id = passage_index.rowid"  # noqa: S608
            " JOIN files f ON f.row = p.file WHERE passage_index MATCH ? AND f.assistant = ?"
            f" AND f.status = 'Available' AND {condition.sql} ORDER BY bm25(passage_index, 0.6, 1.0), p.id LIMIT ?"
        )
        rows = connection.execute(sql, (match, assistant, *condition.parameters, CANDIDATES))
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
        sentence_stems = tuple(tuple(self._stems.of_text(sentence)) for sentence in sentences)
        heading_stems = frozenset(self._stems.of_text(row["heading"]))
        passage = _ReadPassage(
            id=row["id"],
            file=row["file"],
            position=row["position"],
            page=row["page"],
            heading=row["heading"],
            body=row["body"],
            sentences=sentences,
            sentence_stems=sentence_stems,
            heading_stems=heading_stems,
            all_stems=heading_stems.union(*sentence_stems),
        )
        self._read[passage.id] = passage
        while len(self._read) > _MAX_REMEMBERED_PASSAGES:
            self._read.popitem(last=False)
        return passage


def _held_by_files(
    judge: Judge, passages: Sequence[_ReadPassage], levels: Sequence[tuple[Level, ...]]
) -> dict[int, float]:
    """How much of the question each file holds."""
    best: dict[int, tuple[Level, ...]] = {}
    for passage, found in zip(passages, levels, strict=True):
        known = best.get(passage.file, found)
        best[passage.file] = tuple(map(max, known, found))
    return {row: judge.covered(found) for row, found in best.items()}


def _judge(
    judge: Judge,
    passage: _ReadPassage,
    levels: tuple[Level, ...],
    file: StoredFile,
    *,
    title: frozenset[str],
    held: Mapping[int, float],
) -> Hit:
    """A passage with the scores of its sentences."""
    context = passage.heading_stems | title
    stems = passage.sentence_stems
    # What stands above is the same for most sentences of a passage.
    above = judge.matcher.levels(context)
    levels_of = [judge.matcher.levels(frozenset(own)) for own in stems]
    share = held[file.row] / (max(held.values()) or 1.0)
    nothing = (ABSENT,) * len(above)
    hits = []
    for index, (text, own) in enumerate(zip(passage.sentences, stems, strict=True)):
        replies = index > 0 and passage.sentences[index - 1].endswith("?")
        around = Surroundings(
            context=above,
            replied=levels_of[index - 1] if replies else nothing,
            before=_highest(levels_of[max(0, index - 2) : index], len(above)),
            passage=levels,
            is_meant=_REFERS_BACK.search(text) is not None,
            held=held[file.row],
            share=share,
        )
        hits.append(judge.sentence(text, own, around))
    best = max(hit.score for hit in hits)
    score = 0.8 * best + 0.2 * judge.covered(levels)
    return Hit(file, passage.position, passage.page, passage.heading, passage.body, tuple(hits), score)


def _highest(levels: Sequence[tuple[Level, ...]], count: int) -> tuple[Level, ...]:
    """The best level of each term among those of some texts."""
    return tuple(map(max, *levels, (ABSENT,) * count)) if levels else (ABSENT,) * count


def _count_passages(connection: sqlite3.Connection, stems: Iterable[str]) -> dict[str, int]:
    """In how many passages each stem stands; stems that stand in none are left out."""
    asked = sorted(stems)
    marks = ", ".join("?" * len(asked))
    sql = f"SELECT term, doc FROM passage_terms WHERE term IN ({marks})"  # noqa: S608
    return {row["term"]: row["doc"] for row in connection.execute(sql, asked)}


def _weights(
    connection: sqlite3.Connection, assistant: str, terms: Sequence[Term], counts: Mapping[str, int]
) -> tuple[float, ...]:
    """The weight of each term: the rarer in the collection the heavier, and always positive."""
    total = connection.execute(
        "SELECT coalesce(sum(passages), 0) AS total FROM files WHERE assistant = ?", (assistant,)
    ).fetchone()["total"]
    return tuple(
        _weight(term, max(counts.get(stem, 0) for stem in (term.stem, *term.forms, *term.synonyms)), total)
        for term in terms
    )


def _weight(term: Term, passages: int, total: int) -> float:
    """The weight of a term that so many of all passages have."""
    # Relative to what a word has that stands in no passage: a word is as rare in a small collection as in a large one.
    weight = term.weight * math.log(2 + total / (passages + 0.5)) / math.log(2 + total / 0.5)
    if term.says_kind:
        return weight * KIND
    if term.is_counted:
        return weight * COUNTED
    if term.is_name:
        return weight * NAME
    if term.synonyms:
        weight *= ORDINARY
    return weight if passages else weight * UNSEEN_WORD


def _unjudged(passage: _ReadPassage, file: StoredFile) -> Hit:
    sentences = tuple(
        SentenceHit(text, 0.0, is_answer=False, stems=frozenset(stems), features={})
        for text, stems in zip(passage.sentences, passage.sentence_stems, strict=True)
    )
    return Hit(file, passage.position, passage.page, passage.heading, passage.body, sentences, 0.0)


def _match_expression(words: Mapping[str, str], counts: Mapping[str, int]) -> str:
    """The full-text query: the rarest words, as many as stand in so many passages together; at least one."""
    chosen: list[str] = []
    matched = 0
    for stem in sorted(counts, key=lambda stem: (counts[stem], stem)):
        matched += counts[stem]
        if chosen and matched > MAX_MATCHED:
            break
        chosen.append(words[stem])
    return " OR ".join(f'"{word}"' for word in chosen)


def _load_files(connection: sqlite3.Connection, rows: set[int]) -> dict[int, StoredFile]:
    if not rows:
        return {}
    marks = ", ".join("?" * len(rows))
    found = connection.execute(f"SELECT * FROM files WHERE row IN ({marks})", sorted(rows))  # noqa: S608
    return {row["row"]: to_stored_file(row) for row in found.fetchall()}
