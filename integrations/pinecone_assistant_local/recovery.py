"""What a start does about the end before it: nothing half-done stays, nothing waits for ever."""

from __future__ import annotations

from pinecone_assistant_local.database import Database
from pinecone_assistant_local.rows import ClockNs

# One transaction writes a file with its content and another one all that comes of it, so a killed server leaves none of
# this. It is for stores that were changed by other means, and for versions of this program with a bug.
_ORPHANS = (
    "DELETE FROM file_contents WHERE file NOT IN (SELECT row FROM files)",
    "DELETE FROM file_metadata WHERE file NOT IN (SELECT row FROM files)",
    "DELETE FROM images WHERE file NOT IN (SELECT row FROM files WHERE status = 'Available')",
    "DELETE FROM passages WHERE file NOT IN (SELECT row FROM files WHERE status = 'Available')",
    (
        "DELETE FROM passage_index WHERE rowid IN"
        " (SELECT id FROM passage_index_docsize WHERE id NOT IN (SELECT id FROM passages))"
    ),
    (
        "UPDATE files SET status = 'ProcessingFailed', error = 'Its content was lost: upload it again.'"
        " WHERE status = 'Processing' AND row NOT IN (SELECT file FROM file_contents)"
    ),
)
_STUCK_OPERATIONS = (
    "UPDATE operations SET status = 'Failed', completed_on = ?, error = 'The server was stopped before it was done.'"
    " WHERE status = 'Processing' AND NOT EXISTS (SELECT 1 FROM files WHERE files.assistant = operations.assistant"
    " AND files.id = operations.file_id AND files.status = 'Processing')"
)


def remove_orphans(database: Database, clock_ns: ClockNs) -> None:
    """Removes what belongs to no file, and ends operations whose file is not being processed.

    Files in Processing are left as they are: `Ingest.resume` does their work again.
    """
    with database.write() as connection:
        for statement in _ORPHANS:
            connection.execute(statement)
        connection.execute(_STUCK_OPERATIONS, (clock_ns(),))
