"""One kind of call, sync or async."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

TIMEOUT = (5.0, 4.0)
CANCELLED = "async client, cancelled by wait_for"


@dataclasses.dataclass(frozen=True)
class Ask:
    """One kind of call: its name, the interface that it uses, and the function that makes it.

    `run` puts the texts into the list as they come and returns True if it left the answer early on purpose.
    """

    name: str
    answers: str
    run: Callable[[str, list[str]], bool]


@dataclasses.dataclass(frozen=True)
class AsyncAsk:
    """Async version of `Ask`."""

    name: str
    answers: str
    run: Callable[[str, list[str]], Awaitable[bool]]


def message(question: str) -> list[dict[str, str]]:
    """The conversation of one question."""
    return [{"role": "user", "content": question}]
