"""Files in the database: their content, metadata, status and passages."""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import google_crc32c

from ..documents.contents import PdfImage
from ..errors import assistant_not_found, file_not_found
from ..text.passages import Passage
from .database import ClockNs, Database, decode_metadata, encode_metadata, next_id
from .filters import Condition, Parameter, typed_value
from .metadata import Metadata
from .operations import Operation, OperationType, begin_operation, end_operations

FileStatus = Literal["Processing", "Available", "ProcessingFailed", "Deleting"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file; times are nanoseconds since the epoch, `generation` counts its contents."""

    row: int
    assistant: str
    id: str
    name: str
    size: int
    metadata: Metadata | None
    multimodal: bool
    status: FileStatus
    error: str | None
    created_on: int
    updated_on: int
    generation: int
    crc32c: str | None = None


@dataclass(frozen=True, slots=True)
class NewFile:
    """An upload."""

    name: str
    content: bytes
    metadata: Metadata | None = None
    multimodal: bool = False


class Files:
    """The files of every assistant.

    A file is written with its content in one transaction, in status Processing; a second transaction makes it Available
    with its passages, or ProcessingFailed with the reason.
    """

    def __init__(self, database: Database, clock_ns: ClockNs) -> None:
        self._database = database
        self._clock_ns = clock_ns

    def add(self, assistant: str, new: NewFile) -> tuple[StoredFile, Operation]:
        """A new file under a new identifier, in status Processing."""
        crc32c = _crc32c(new.content)
        with self._database.write() as connection:
            file_id = next_id(connection, assistant, new.name)
            return self._write(connection, assistant, file_id, new, crc32c, generation=0, operation_type="upload_file")

    def next_id(self, assistant: str) -> str:
        """An identifier for a file that is still to be uploaded."""
        with self._database.write() as connection:
            return next_id(connection, assistant, "file")

    def upsert(self, assistant: str, file_id: str, new: NewFile) -> tuple[StoredFile, Operation]:
        """The file of that identifier, created or replaced, in status Processing."""
        crc32c = _crc32c(new.content)
        with self._database.write() as connection:
            found = connection.execute(
                "SELECT generation FROM files WHERE assistant = ? AND id = ?", (assistant, file_id)
            ).fetchone()
            generation = found["generation"] + 1 if found else 0
            return self._write(
                connection, assistant, file_id, new, crc32c, generation=generation, operation_type="upsert_file"
            )

    def unchanged(self, assistant: str, file_id: str, new: NewFile) -> StoredFile | None:
        """The file of that identifier, if it has this name and content already."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM files WHERE assistant = ? AND id = ? AND name = ? AND size = ? AND sha256 = ?",
                (assistant, file_id, new.name, len(new.content), hashlib.sha256(new.content).hexdigest()),
            ).fetchone()
        return to_stored_file(row) if row else None

    def finish(self, file: StoredFile, passages: Iterable[Passage], images: Iterable[PdfImage] = ()) -> None:
        """Make the file Available with these passages and images, unless it was replaced or deleted meanwhile."""
        now = self._clock_ns()
        with self._database.write() as connection:
            if not _is_current(connection, file):
                return
            connection.execute("DELETE FROM passages WHERE file = ?", (file.row,))
            count = 0
            for count, passage in enumerate(passages, start=1):
                _insert_passage(connection, file.row, count, passage)
            _replace_images(connection, file.row, images)
            connection.execute(
                "UPDATE files SET status = 'Available', error = NULL, updated_on = ?, passages = ? WHERE row = ?",
                (now, count, file.row),
            )
            end_operations(
                connection,
                file.assistant,
                file.id,
                generation=file.generation,
                now=now,
                ingestion_units=float(max(1, count)),
            )

    def fail(self, file: StoredFile, reason: str) -> None:
        """Make the file ProcessingFailed, unless its content was replaced or deleted meanwhile."""
        now = self._clock_ns()
        with self._database.write() as connection:
            if not _is_current(connection, file):
                return
            connection.execute("DELETE FROM passages WHERE file = ?", (file.row,))
            _replace_images(connection, file.row, ())
            connection.execute(
                "UPDATE files SET status = 'ProcessingFailed', error = ?, updated_on = ?, passages = 0 WHERE row = ?",
                (reason, now, file.row),
            )
            end_operations(connection, file.assistant, file.id, generation=file.generation, now=now, error=reason)

    def get(self, assistant: str, file_id: str) -> StoredFile:
        """The file of that identifier; 404 if there is none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM files WHERE assistant = ? AND id = ?", (assistant, file_id)
            ).fetchone()
        if row is None:
            raise file_not_found(file_id)
        return to_stored_file(row)

    def has_available(self, assistant: str) -> bool:
        """Return whether the assistant has a file that can be searched."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM files WHERE assistant = ? AND status = 'Available' LIMIT 1", (assistant,)
            ).fetchone()
        return row is not None

    def by_name(self, assistant: str, name: str) -> StoredFile | None:
        """The first file of that name."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM files WHERE assistant = ? AND name = ? ORDER BY row LIMIT 1", (assistant, name)
            ).fetchone()
        return to_stored_file(row) if row else None

    def twin_of(self, file: StoredFile) -> str | None:
        """The identifier of another file of the same assistant with the same name and content."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT other.id FROM files one JOIN files other USING (assistant, name, sha256)"
                " WHERE one.row = ? AND other.row <> one.row LIMIT 1",
                (file.row,),
            ).fetchone()
        return row["id"] if row else None

    def select(
        self, assistant: str, condition: Condition | None = None, *, after: int = 0, limit: int = -1
    ) -> list[StoredFile]:
        """The files that meet the condition in the order of their upload, from the one that follows row `after`."""
        condition = condition or Condition()
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT f.* FROM files f WHERE f.assistant = ? AND f.row > ? AND {condition.sql}"  # noqa: S608  (filters.py wrote it)
                " ORDER BY f.row LIMIT ?",
                (assistant, after, *condition.parameters, limit),
            ).fetchall()
        return [to_stored_file(row) for row in rows]

    def unfinished(self) -> list[StoredFile]:
        """The files whose processing has not ended."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM files WHERE status = 'Processing' ORDER BY row").fetchall()
        return [to_stored_file(row) for row in rows]

    def content(self, file: StoredFile) -> bytes:
        """The bytes that were uploaded."""
        with self._database.read() as connection:
            row = connection.execute("SELECT content FROM file_contents WHERE file = ?", (file.row,)).fetchone()
        if row is None:
            raise file_not_found(file.id)
        return bytes(row["content"])

    def delete(self, assistant: str, file_id: str) -> tuple[StoredFile, Operation]:
        """Remove the file with its content and passages; 404 if there is none.

        Returns:
            The file as it was, and the operation, already Completed.
        """
        now = self._clock_ns()
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT * FROM files WHERE assistant = ? AND id = ?", (assistant, file_id)
            ).fetchone()
            if row is None:
                raise file_not_found(file_id)
            file = to_stored_file(row)
            end_operations(
                connection, assistant, file_id, generation=file.generation, now=now, error="The file was deleted."
            )
            operation = begin_operation(
                connection, assistant, "delete_file", file_id, generation=file.generation, now=now
            )
            connection.execute("DELETE FROM passages WHERE file = ?", (file.row,))
            connection.execute("DELETE FROM files WHERE row = ?", (file.row,))
            end_operations(connection, assistant, file_id, generation=file.generation, now=now)
        return file, operation

    def _write(
        self,
        connection: sqlite3.Connection,
        assistant: str,
        file_id: str,
        new: NewFile,
        crc32c: str,
        *,
        generation: int,
        operation_type: OperationType,
    ) -> tuple[StoredFile, Operation]:
        now = self._clock_ns()
        try:
            row = connection.execute(
                "INSERT INTO files (assistant, id, name, size, sha256, crc32c, metadata, multimodal, status, created_on,"
                " updated_on, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'Processing', ?, ?, ?)"
                " ON CONFLICT (assistant, id) DO UPDATE SET name = excluded.name, size = excluded.size,"
                " sha256 = excluded.sha256, crc32c = excluded.crc32c, metadata = excluded.metadata,"
                " multimodal = excluded.multimodal, status = excluded.status, error = NULL, updated_on = excluded.updated_on,"
                " generation = excluded.generation RETURNING *",
                (
                    assistant,
                    file_id,
                    new.name,
                    len(new.content),
                    hashlib.sha256(new.content).hexdigest(),
                    crc32c,
                    encode_metadata(new.metadata),
                    new.multimodal,
                    now,
                    now,
                    generation,
                ),
            ).fetchone()
        except sqlite3.IntegrityError as error:  # the assistant was deleted while the upload was read
            raise assistant_not_found(assistant) from error
        file = to_stored_file(row)
        connection.execute("REPLACE INTO file_contents VALUES (?, ?)", (file.row, new.content))
        connection.execute("DELETE FROM file_metadata WHERE file = ?", (file.row,))
        connection.executemany("INSERT INTO file_metadata VALUES (?, ?, ?, ?)", _metadata_rows(file))
        return file, begin_operation(connection, assistant, operation_type, file_id, generation=generation, now=now)


def is_file_id(text: str) -> bool:
    """Return whether a client may give a file this identifier."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,128}", text) is not None


def _crc32c(content: bytes) -> str:
    """The CRC-32C as the service writes it: four bytes, big-endian, in base64."""
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def to_stored_file(row: sqlite3.Row) -> StoredFile:
    """The file of a row of `files`."""
    return StoredFile(
        row=row["row"],
        assistant=row["assistant"],
        id=row["id"],
        name=row["name"],
        size=row["size"],
        metadata=decode_metadata(row["metadata"]),
        multimodal=bool(row["multimodal"]),
        status=row["status"],
        error=row["error"],
        created_on=row["created_on"],
        updated_on=row["updated_on"],
        generation=row["generation"],
        crc32c=row["crc32c"],
    )


def _metadata_rows(file: StoredFile) -> Iterable[tuple[int, str, str, Parameter]]:
    for key, value in (file.metadata or {}).items():
        for element in value if isinstance(value, list) else [value]:
            typed = typed_value(element)
            if typed is not None:
                yield file.row, key, *typed


def _is_current(connection: sqlite3.Connection, file: StoredFile) -> bool:
    found = connection.execute(
        "SELECT 1 FROM files WHERE row = ? AND generation = ?", (file.row, file.generation)
    ).fetchone()
    return found is not None


def _insert_passage(connection: sqlite3.Connection, file_row: int, position: int, passage: Passage) -> None:
    inserted = connection.execute(
        "INSERT INTO passages (file, position, page, heading, body, sentences) VALUES (?, ?, ?, ?, ?, ?)",
        (file_row, position, passage.page, passage.heading, passage.body, "\n".join(passage.sentences)),
    )
    connection.execute(
        "INSERT INTO passage_index (rowid, context, body) VALUES (?, ?, ?)",
        (inserted.lastrowid, passage.index_context, passage.index_body),
    )


def _replace_images(connection: sqlite3.Connection, file_row: int, images: Iterable[PdfImage]) -> None:
    connection.execute("DELETE FROM images WHERE file = ?", (file_row,))
    connection.executemany(
        "INSERT INTO images VALUES (?, ?, ?, ?, ?)",
        [
            (file_row, position, image.page, image.mime_type, image.data)
            for position, image in enumerate(images, start=1)
        ],
    )
