"""Assistants in the database."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from ..errors import ServiceError, assistant_not_found
from .database import ClockNs, Database, decode_metadata, encode_metadata
from .metadata import Metadata


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant; times are nanoseconds since the epoch."""

    name: str
    instructions: str | None
    metadata: Metadata | None
    region: str
    created_at: int
    updated_at: int


class Assistants:
    """The assistants in the database.

    Args:
        database: Where the rows are.
        clock_ns: Nanoseconds since the epoch.
    """

    def __init__(self, database: Database, clock_ns: ClockNs) -> None:
        self._database = database
        self._clock_ns = clock_ns

    def create(
        self, name: str, *, instructions: str | None = None, metadata: Metadata | None = None, region: str = "us"
    ) -> Assistant:
        """A new assistant; 409 if the name is taken."""
        now = self._clock_ns()
        encoded = encode_metadata(metadata)
        with self._database.write() as connection:
            try:
                connection.execute(
                    "INSERT INTO assistants VALUES (?, ?, ?, ?, ?, ?)", (name, instructions, encoded, region, now, now)
                )
            except sqlite3.IntegrityError as error:
                raise ServiceError(409, "ALREADY_EXISTS", f'Assistant "{name}" already exists.') from error
        return Assistant(name, instructions, metadata, region, now, now)

    def get(self, name: str) -> Assistant:
        """The assistant of that name; 404 if there is none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM assistants WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise assistant_not_found(name)
        return _to_assistant(row)

    def exists(self, name: str) -> bool:
        """Return whether there is an assistant of that name."""
        with self._database.read() as connection:
            return connection.execute("SELECT 1 FROM assistants WHERE name = ?", (name,)).fetchone() is not None

    def select(self, *, after: str = "", limit: int = -1) -> list[Assistant]:
        """The assistants in the order of their names, from the one that follows `after`."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM assistants WHERE name > ? ORDER BY name LIMIT ?", (after, limit)
            ).fetchall()
        return [_to_assistant(row) for row in rows]

    def update(self, name: str, changes: dict[str, object]) -> Assistant:
        """The assistant after replacing its `instructions`, its `metadata` or both; nothing is merged."""
        with self._database.write() as connection:
            row = connection.execute("SELECT * FROM assistants WHERE name = ?", (name,)).fetchone()
            if row is None:
                raise assistant_not_found(name)
            current = dict(row)
            if "instructions" in changes:
                current["instructions"] = changes["instructions"]
            if "metadata" in changes:
                current["metadata"] = encode_metadata(changes["metadata"])
            current["updated_at"] = self._clock_ns()
            connection.execute(
                "UPDATE assistants SET instructions = :instructions, metadata = :metadata, updated_at = :updated_at"
                " WHERE name = :name",
                current,
            )
            row = connection.execute("SELECT * FROM assistants WHERE name = ?", (name,)).fetchone()
        return _to_assistant(row)

    def delete(self, name: str) -> None:
        """Remove the assistant with its files, passages and operations; 404 if there is none."""
        with self._database.write() as connection:
            # The passages go first: a cascade through three tables would fire the index trigger row by row.
            connection.execute(
                "DELETE FROM passages WHERE file IN (SELECT row FROM files WHERE assistant = ?)", (name,)
            )
            deleted = connection.execute("DELETE FROM assistants WHERE name = ?", (name,)).rowcount
            connection.execute("DELETE FROM sequences WHERE assistant = ?", (name,))
        if not deleted:
            raise assistant_not_found(name)


def _to_assistant(row: sqlite3.Row) -> Assistant:
    return Assistant(
        name=row["name"],
        instructions=row["instructions"],
        metadata=decode_metadata(row["metadata"]),
        region=row["region"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


REGIONS = ("us", "eu")

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def is_assistant_name(name: str, limit: int = 63) -> bool:
    """Return whether an assistant may have this name."""
    return len(name) <= limit and _NAME.fullmatch(name) is not None
