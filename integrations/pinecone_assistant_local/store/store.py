"""The store: one SQLite database with assistants, files, passages and operations, and nothing else on disk."""

from __future__ import annotations

import time
from pathlib import Path

from .assistants import Assistants
from .database import ClockNs, Database, end_stuck_operations
from .files import Files
from .operations import Operations
from .passages import Passages


class Store:
    """Everything that is kept.

    Args:
        folder: Where the database file is.
        durable: Whether commits survive a power cut.
        clock_ns: Nanoseconds since the epoch; a parameter for tests.
    """

    def __init__(self, folder: Path, *, durable: bool, clock_ns: ClockNs = time.time_ns) -> None:
        self.database = Database(folder / "assistant.sqlite3", durable=durable)
        if durable:
            end_stuck_operations(self.database, clock_ns)
        self.assistants = Assistants(self.database, clock_ns)
        self.files = Files(self.database, clock_ns)
        self.passages = Passages(self.database)
        self.operations = Operations(self.database)

    def clear(self) -> None:
        """Remove every assistant with everything it has."""
        for assistant in self.assistants.select():
            self.assistants.delete(assistant.name)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
