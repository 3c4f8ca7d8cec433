"""The SQLite file under the local assistant: its schema, one writer at a time, many readers."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..errors import StoreError
from ..text.words import TOKENIZER
from .metadata import Metadata

# Increase this with every change of the schema below.
_SCHEMA_VERSION = 1

# The only value in it is the tokenizer's name above.
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS assistants (
    name TEXT PRIMARY KEY, instructions TEXT, metadata TEXT, region TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    assistant TEXT NOT NULL REFERENCES assistants(name) ON DELETE CASCADE,
    id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, crc32c TEXT NOT NULL,
    metadata TEXT, multimodal INTEGER NOT NULL, status TEXT NOT NULL, error TEXT,
    created_on INTEGER NOT NULL, updated_on INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0, passages INTEGER NOT NULL DEFAULT 0,
    UNIQUE (assistant, id)
);
CREATE INDEX IF NOT EXISTS files_by_name ON files (assistant, name);
CREATE TABLE IF NOT EXISTS file_contents (
    file INTEGER PRIMARY KEY REFERENCES files(row) ON DELETE CASCADE, content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS file_metadata (
    file INTEGER NOT NULL REFERENCES files(row) ON DELETE CASCADE,
    key TEXT NOT NULL, kind TEXT NOT NULL, value NOT NULL
);
CREATE INDEX IF NOT EXISTS file_metadata_by_key ON file_metadata (file, key, kind, value);
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file INTEGER NOT NULL REFERENCES files(row) ON DELETE CASCADE,
    position INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL, body TEXT NOT NULL, sentences TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_by_file ON passages (file, position);
CREATE VIRTUAL TABLE IF NOT EXISTS passage_index USING fts5 (context, body, tokenize = '{TOKENIZER}');
CREATE VIRTUAL TABLE IF NOT EXISTS passage_terms USING fts5vocab (passage_index, 'row');
CREATE TRIGGER IF NOT EXISTS passages_leave_the_index AFTER DELETE ON passages
    BEGIN DELETE FROM passage_index WHERE rowid = old.id; END;
CREATE TABLE IF NOT EXISTS images (
    file INTEGER NOT NULL REFERENCES files(row) ON DELETE CASCADE,
    position INTEGER NOT NULL, page INTEGER NOT NULL, mime_type TEXT, data BLOB,
    PRIMARY KEY (file, position)
);
CREATE TABLE IF NOT EXISTS operations (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    assistant TEXT NOT NULL REFERENCES assistants(name) ON DELETE CASCADE,
    id TEXT NOT NULL, operation_type TEXT NOT NULL, file_id TEXT NOT NULL, generation INTEGER NOT NULL,
    status TEXT NOT NULL, created_on INTEGER NOT NULL, completed_on INTEGER, error TEXT, ingestion_units REAL,
    UNIQUE (assistant, id)
);
CREATE INDEX IF NOT EXISTS operations_by_file ON operations (assistant, file_id);
CREATE TABLE IF NOT EXISTS sequences (assistant TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""  # noqa: S608  (only TOKENIZER is put in, a constant)


class Database:
    """A SQLite database in WAL mode, used from any thread.

    Args:
        path: The database file; its folder must exist.
        durable: Whether a commit survives a power cut (fsync); a temporary store does not need this.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._writing = threading.Lock()
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        with self._named_errors():
            self._writer = self._connect()
            try:
                _check_schema(self._writer, path)
                self._writer.executescript(_SCHEMA)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one consistent state of the data; reads never wait for the writer."""
        with self._named_errors():
            connection = self._borrow()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                _roll_back(connection)
                self._give_back(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The one writing connection, in a transaction that commits at the end or changes nothing."""
        with self._writing, self._named_errors():
            if self._closed:
                raise sqlite3.ProgrammingError("the store is closed")
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                _roll_back(self._writer)

    def close(self) -> None:
        """Close every connection; one that is still reading is closed when its work ends."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        with self._writing:
            self._writer.close()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn errors of the database file into a StoreError with its path; errors of statements are not changed."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
                raise StoreError(f"cannot use the store {self._path}: {error}") from error
            raise

    def _connect(self) -> sqlite3.Connection:
        # Each connection is used by one thread at a time, but not always by the one that opened it.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        # Without this, a REPLACE or a cascade would leave the index behind: triggers must fire there too.
        connection.execute("PRAGMA recursive_triggers = ON")
        return connection

    def _borrow(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise sqlite3.ProgrammingError("the store is closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that is still open; SQLite has ended it itself after some errors, such as a full disk."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError for a store that another version made; write the version into a new one."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    is_new = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if not is_new and found != _SCHEMA_VERSION:
        raise StoreError(f"{path} was made by another version of the local assistant: remove it and start again")
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")


def end_stuck_operations(database: Database, clock_ns: ClockNs) -> None:
    """End the operations in Processing whose file is not being processed, so that nobody waits for them.

    Files in Processing are left as they are: `Ingest.resume` does their work again.
    """
    with database.write() as connection:
        connection.execute(
            "UPDATE operations SET status = 'Failed', completed_on = ?, error = 'The server was stopped before it was done.'"
            " WHERE status = 'Processing' AND NOT EXISTS (SELECT 1 FROM files WHERE files.assistant = operations.assistant"
            " AND files.id = operations.file_id AND files.status = 'Processing')",
            (clock_ns(),),
        )


ClockNs = Callable[[], int]

_NAMESPACE = uuid.UUID("8f5cf0d3-6f4b-5c7e-9d53-1f0a4b9c2e77")


def encode_metadata(metadata: object) -> str | None:
    """Metadata as the text for a row: null stays null, `{}` stays `{}`."""
    return None if metadata is None else msgspec.json.encode(metadata).decode()


def decode_metadata(text: str | None) -> Metadata | None:
    """The metadata of a row."""
    return None if text is None else msgspec.json.decode(text, type=dict[str, object])


def next_id(connection: sqlite3.Connection, assistant: str, what: str) -> str:
    """A new identifier: unique within an assistant, and the same in every run that makes the same requests."""
    row = connection.execute(
        "INSERT INTO sequences VALUES (?, 1) ON CONFLICT (assistant) DO UPDATE SET last = last + 1 RETURNING last",
        (assistant,),
    ).fetchone()
    return str(uuid.uuid5(_NAMESPACE, f"{assistant}/{row['last']}/{what}"))
