"""What is deleted but may still be asked for once.

`pinecone-plugin-assistant` (API version 2025-01) describes what it has just deleted, waits, and takes only the 404 of a
later look for the end; a 404 of the first look it raises. The service deletes in the background, so the first look finds
`Deleting` or `Terminating`. Here a deletion is over when it is answered, and this client alone gets that first look.
Remove it with the support of 2025-01.
"""

from __future__ import annotations

import threading

_MAX_REMEMBERED = 1_000
_USER_AGENT = "python-client-"
_VERSION = "2025-01"


def looks_again(user_agent: str | None, version: str) -> bool:
    """Whether a client needs to find what it has deleted once more."""
    return version == _VERSION and (user_agent or "").startswith(_USER_AGENT)


class Deletions:
    """The last answers about what is gone, each given once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], dict[str, object]] = {}

    def add(self, key: tuple[str, ...], answer: dict[str, object]) -> None:
        """Remembers the answer for something that was deleted."""
        with self._lock:
            self._answers.pop(key, None)
            self._answers[key] = answer
            while len(self._answers) > _MAX_REMEMBERED:
                self._answers.pop(next(iter(self._answers)))

    def take(self, key: tuple[str, ...]) -> dict[str, object] | None:
        """The answer, if it has not been given."""
        with self._lock:
            return self._answers.pop(key, None)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._answers.clear()
