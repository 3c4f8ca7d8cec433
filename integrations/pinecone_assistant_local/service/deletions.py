"""Deleted files and assistants that one kind of client still finds once.

After each deletion, `pinecone-plugin-assistant` (1.x to 3.x, on `pinecone` up to 8.x) polls what it has deleted. A 404 to
its first poll raises; a 404 to a later poll means that the deletion is complete. The service deletes in the background, so
the first poll finds `Deleting` or `Terminating`. The local assistant deletes at once, so for this client it answers one
poll as if it were still deleting. SDKs from `pinecone` 9 on do not poll. Remove this with the support of 2025-10.
"""

from __future__ import annotations

import re
import threading

_MAX_REMEMBERED = 1_000
_LOOKS_AGAIN = re.compile(r"python-client-[1-8]\.")


def looks_again(user_agent: str | None) -> bool:
    """Return whether a client polls what it has just deleted and must find it once."""
    return _LOOKS_AGAIN.match(user_agent or "") is not None


class Deletions:
    """The last states of deleted files and assistants, each returned once."""

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
        """The answer, if it has not been returned yet."""
        with self._lock:
            return self._answers.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()
