"""Reading passages: the full-text index, the passages it finds, their files and images."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..documents.contents import PdfImage
from .database import Database
from .files import StoredFile, to_stored_file
from .filters import Condition


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """One passage; `file` is the row of its file, and identifiers are never used twice."""

    id: int
    file: int
    position: int
    page: int | None
    heading: str
    body: str
    sentences: tuple[str, ...]


class Passages:
    """The passages of every Available file.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def snapshot(self) -> Iterator[PassageSnapshot]:
        """A consistent view, unaffected by writes meanwhile."""
        with self._database.read() as connection:
            yield PassageSnapshot(connection)

    def images_of_page(self, file_row: int, page: int) -> list[PdfImage]:
        """The images on a page of a file, in the order of the file."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT page, mime_type, data FROM images WHERE file = ? AND page = ? ORDER BY position",
                (file_row, page),
            ).fetchall()
        return [PdfImage(row["page"], row["mime_type"], row["data"]) for row in rows]


class PassageSnapshot:
    """The passages as they are at one moment.

    Args:
        connection: In a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def count(self, assistant: str) -> int:
        """The number of passages that an assistant has."""
        found = self._connection.execute(
            "SELECT coalesce(sum(passages), 0) AS total FROM files WHERE assistant = ?", (assistant,)
        ).fetchone()
        return int(found["total"])

    def counts_by_stem(self, stems: Collection[str]) -> dict[str, int]:
        """The number of passages of all assistants that have each stem; stems that no passage has are left out."""
        sql = f"SELECT term, doc FROM passage_terms WHERE term IN ({_marks(stems)})"  # noqa: S608  (question marks)
        return {row["term"]: row["doc"] for row in self._connection.execute(sql, sorted(stems))}

    def matching(self, assistant: str, words: Iterable[str], condition: Condition, limit: int) -> list[int]:
        """The passages with any of these words, best first by bm25."""
        # The condition's SQL is written in filters.py; every value in it is a parameter. So below.
        sql = (
            "SELECT p.id FROM passage_index JOIN passages p ON p.id = passage_index.rowid"  # noqa: S608
            " JOIN files f ON f.row = p.file WHERE passage_index MATCH ? AND f.assistant = ?"
            f" AND f.status = 'Available' AND {condition.sql} ORDER BY bm25(passage_index, 0.6, 1.0), p.id LIMIT ?"
        )
        expression = " OR ".join(f'"{word}"' for word in words)
        return self._ids(sql, (expression, assistant, *condition.parameters, limit))

    def first(self, assistant: str, condition: Condition, limit: int) -> list[int]:
        """The passages that were stored first."""
        sql = (
            "SELECT p.id FROM passages p JOIN files f ON f.row = p.file WHERE f.assistant = ?"  # noqa: S608
            f" AND f.status = 'Available' AND {condition.sql} ORDER BY p.id LIMIT ?"
        )
        return self._ids(sql, (assistant, *condition.parameters, limit))

    def load(self, ids: Collection[int]) -> list[StoredPassage]:
        """The passages with these identifiers, in any order."""
        sql = f"SELECT * FROM passages WHERE id IN ({_marks(ids)})"  # noqa: S608  (question marks)
        return [_to_passage(row) for row in self._connection.execute(sql, sorted(ids))]

    def files(self, rows: Collection[int]) -> dict[int, StoredFile]:
        """The files of these rows, by row."""
        sql = f"SELECT * FROM files WHERE row IN ({_marks(rows)})"  # noqa: S608  (question marks)
        return {row["row"]: to_stored_file(row) for row in self._connection.execute(sql, sorted(rows))}

    def _ids(self, sql: str, parameters: Sequence[object]) -> list[int]:
        return [row["id"] for row in self._connection.execute(sql, parameters)]


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _to_passage(row: sqlite3.Row) -> StoredPassage:
    return StoredPassage(
        id=row["id"],
        file=row["file"],
        position=row["position"],
        page=row["page"],
        heading=row["heading"],
        body=row["body"],
        sentences=tuple(row["sentences"].split("\n")),
    )
