"""Context of a procedure: its assistant, the limits of its client, and its waits for the service."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..client_base import BaseClient, checked_parts
from ..errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InvalidRequestError,
    NotFoundError,
    StreamError,
    reworded,
    said_by,
)
from .effects import Sleep, Steps
from .requests import OPERATIONS_VERSION, has_operations

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 5.0
_MISSES = 5


def checked_wait_timeout(timeout: float | None) -> float | None:
    """Return the seconds to wait for the service to finish; None waits without limit.

    Raises:
        InvalidRequestError: Not a number of seconds.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or math.isnan(timeout) or timeout < 0:
        raise InvalidRequestError(
            f"timeout is {timeout!r}: pass the seconds to wait until processing has ended, or None for no limit"
        )
    return float(timeout)


class Patience:
    """The waits between polls: 0.5 s growing to 5 s, jittered, until the time is up. The first poll is at once.

    The time begins with the first wait, so that it is the service's alone: sending a large file takes nothing from it.
    The time used is the clock's or the sum of the sleeps, whichever is more, so that a test with a fake sleep ends too.
    """

    def __init__(
        self,
        timeout: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.timeout = timeout
        self.has_looked = False
        self.is_over = False
        self._clock = clock
        self._jitter = jitter
        self._began: float | None = None
        self._slept = 0.0
        self._next = _FIRST_SECONDS

    def reset(self) -> None:
        """Begin with short waits again: something has happened."""
        self._next = _FIRST_SECONDS

    def wait(self, what: str) -> Steps[None]:
        """Wait for the next poll.

        Args:
            what: The beginning of the error's message: the pending thing, and how to check on it later.

        Raises:
            APITimeoutError: The time is up.
        """
        seconds = self._next * (0.5 + self._jitter() / 2)
        self._next = min(_LONGEST_SECONDS, self._next * 2)
        if self._began is None:
            self._began = self._clock()
        if self.timeout is not None:
            left = self.timeout - max(self._clock() - self._began, self._slept)
            if left <= 0:
                self.is_over = True
                raise APITimeoutError(f"{what} (waited {self.timeout:g} s)", may_have_been_processed=True)
            seconds = min(seconds, left)
        self._slept += seconds
        yield Sleep(seconds)

    @contextmanager
    def explaining(self, accepted: str, look: str) -> Iterator[None]:
        """Say in an error that the service accepted the request and goes on with it, so that nobody sends it again.

        Args:
            accepted: The beginning of the message: what was accepted, and which look at it failed.
            look: The call that shows the outcome later.
        """
        try:
            yield
        except (APIConnectionError, APIStatusError, StreamError) as error:
            if self.is_over:
                raise
            message = f"{accepted} failed: {said_by(error)}. The service goes on with it: look with {look}"
            raise reworded(error, message) from error


class Misses:
    """The 404s about a thing that the service has just accepted: its parts may show it a little later. A few are no error."""

    def __init__(self) -> None:
        self._count = 0

    def check(self, error: NotFoundError, *, is_of_assistant: bool = False) -> None:
        """Count one more. Raises the error if it is one too many, or if it says that the thing's assistant is missing."""
        self._count += 1
        if self._count > _MISSES or (error.is_about_assistant and not is_of_assistant):
            raise error


@dataclass(frozen=True, slots=True)
class Target:
    """An assistant as one client sees it.

    Attributes:
        assistant: Its name.
        api_version: The client's API version.
        guard_filter: The client's guard, which lists are narrowed by.
        jitter: The client's source of randomness, from 0 to 1.
        secrets: Strings that no message may show.
    """

    assistant: str
    api_version: str
    guard_filter: Mapping[str, Any] | None
    jitter: Callable[[], float]
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, client: BaseClient) -> Target:
        """The target of a client, whose settings are checked here, before any traffic."""
        parts = checked_parts(client)
        return cls(
            parts.settings.assistant_name or "",
            parts.settings.api_version,
            parts.options.guard_filter,
            parts.retries.jitter,
            parts.settings.secrets(),
        )

    @property
    def has_operations(self) -> bool:
        """True if the API version has PUT and operations."""
        return has_operations(self.api_version)

    def need_operations(self, what: str) -> None:
        """Raise InvalidRequestError if the API version has no operations, which `what` needs."""
        if not self.has_operations:
            raise InvalidRequestError(
                f"{what} needs api_version {OPERATIONS_VERSION} or later, and this client has {self.api_version}"
            )

    def refuse_guard(self, what: str) -> None:
        """Raise InvalidRequestError on a guarded client: the service cannot narrow `what` by a filter."""
        if self.guard_filter is not None:
            raise InvalidRequestError(
                f"{what} is refused on a client with guard_filter, because the service cannot hold the guard there: use a "
                "client without one, in code that may see every file of the assistant"
            )

    def patience(self, timeout: float | None = None) -> Patience:
        """The waits of one procedure. Raises InvalidRequestError if `timeout` is not a number of seconds."""
        return Patience(checked_wait_timeout(timeout), jitter=self.jitter)
