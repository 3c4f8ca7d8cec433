"""Operations in the database: the status of each upload, upsert and delete."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import operation_not_found
from .database import Database, next_id

OperationType = Literal["upload_file", "upsert_file", "update_file_metadata", "delete_file"]
OperationStatus = Literal["Processing", "Completed", "Failed"]
OPERATION_TYPES: tuple[str, ...] = get_args(OperationType)
STATUSES: tuple[str, ...] = get_args(OperationStatus)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; times are nanoseconds since the epoch."""

    row: int
    id: str
    operation_type: OperationType
    file_id: str
    status: OperationStatus
    created_on: int
    completed_on: int | None
    error: str | None
    ingestion_units: float | None


class Operations:
    """The operations of every assistant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, assistant: str, operation_id: str) -> Operation:
        """One operation; 404 if there is none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM operations WHERE assistant = ? AND id = ?", (assistant, operation_id)
            ).fetchone()
        if row is None:
            raise operation_not_found(operation_id)
        return _to_operation(row)

    def select(
        self,
        assistant: str,
        *,
        operation_type: str | None = None,
        status: str | None = None,
        after: int = 0,
        limit: int = -1,
    ) -> list[Operation]:
        """The operations of an assistant, oldest first, from the one that follows row `after`."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM operations WHERE assistant = ? AND row > ?"
                " AND operation_type = coalesce(?, operation_type) AND status = coalesce(?, status)"
                " ORDER BY row LIMIT ?",
                (assistant, after, operation_type, status, limit),
            ).fetchall()
        return [_to_operation(row) for row in rows]


def begin_operation(
    connection: sqlite3.Connection,
    assistant: str,
    operation_type: OperationType,
    file_id: str,
    *,
    generation: int,
    now: int,
) -> Operation:
    """A new operation in the transaction of the change that it records."""
    operation_id = "op-" + next_id(connection, assistant, f"{operation_type}/{file_id}")
    row = connection.execute(
        "INSERT INTO operations (assistant, id, operation_type, file_id, generation, status, created_on)"
        " VALUES (?, ?, ?, ?, ?, 'Processing', ?) RETURNING *",
        (assistant, operation_id, operation_type, file_id, generation, now),
    ).fetchone()
    return _to_operation(row)


def end_operations(
    connection: sqlite3.Connection,
    assistant: str,
    file_id: str,
    *,
    generation: int,
    now: int,
    error: str | None = None,
    ingestion_units: float | None = None,
) -> None:
    """End the operations in progress on a file, up to and including its `generation`."""
    connection.execute(
        "UPDATE operations SET status = ?, completed_on = ?, error = ?, ingestion_units = ?"
        " WHERE assistant = ? AND file_id = ? AND generation <= ? AND status = 'Processing'",
        ("Failed" if error else "Completed", now, error, ingestion_units, assistant, file_id, generation),
    )


def _to_operation(row: sqlite3.Row) -> Operation:
    return Operation(
        row=row["row"],
        id=row["id"],
        operation_type=row["operation_type"],
        file_id=row["file_id"],
        status=row["status"],
        created_on=row["created_on"],
        completed_on=row["completed_on"],
        error=row["error"],
        ingestion_units=row["ingestion_units"],
    )
