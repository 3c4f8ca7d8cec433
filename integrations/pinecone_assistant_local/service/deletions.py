"""Deleted files and assistants that one kind of client still finds once.

After each deletion, `pinecone-plugin-assistant` (1.x to 3.x, on `pinecone` up to 8.x) describes what it has deleted. It
raises if this first look is answered with 404, and takes a 404 of a later look for the end. The service deletes in the
background, so the first look finds `Deleting` or `Terminating`. Here a deletion is complete when it is answered; only
this client gets its first look. Later SDKs (`pinecone` 9 and up) do not look. Remove this with the support of 2025-10.
"""

from __future__ import annotations

import re
import threading

_MAX_REMEMBERED = 1_000
_LOOKS_AGAIN = re.compile(r"python-client-[1-8]\.")


def looks_again(user_agent: str | None) -> bool:
    """Return whether a client looks at what it has just deleted and needs to find it."""
    return _LOOKS_AGAIN.match(user_agent or "") is not None


class Deletions:
    """The last answers about what is gone, each given once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], dict[str, object]] = {}

    def add(self, key: tuple[str, ...], answer: dict[str, object]) -> None:
        """Remember the answer for something that was deleted."""
        with self._lock:
            self._answers.pop(key, None)
            self._answers[key] = answer
            while len(self._answers) > _MAX_REMEMBERED:
                self._answers.pop(next(iter(self._answers)))

    def last_look(self, key: tuple[str, ...]) -> dict[str, object] | None:
        """The answer, if it has not been given."""
        with self._lock:
            return self._answers.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()
