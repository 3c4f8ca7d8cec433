"""Waiting for the service: how long between two polls, and until when."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

from ..errors import APITimeoutError, InvalidRequestError
from .effects import Sleep, Steps

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 5.0


def checked_wait_timeout(timeout: float | None) -> float | None:
    """Seconds to wait for the service to finish; None is no limit.

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

    The time is what the clock says or what was slept, whichever is more, so that a test that does not sleep ends too.
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
        self._clock = clock
        self._jitter = jitter
        self._began = clock()
        self._slept = 0.0
        self._next = _FIRST_SECONDS

    def reset(self) -> None:
        """Begin with short waits again: something has happened."""
        self._next = _FIRST_SECONDS

    def wait(self, what: str) -> Steps[None]:
        """Wait for the next poll.

        Args:
            what: What is waited for and how to look at it later, for the error.

        Raises:
            APITimeoutError: The time is up.
        """
        seconds = self._next * (0.5 + self._jitter() / 2)
        self._next = min(_LONGEST_SECONDS, self._next * 2)
        if self.timeout is not None:
            left = self.timeout - max(self._clock() - self._began, self._slept)
            if left <= 0:
                raise APITimeoutError(f"{what} (waited {self.timeout:g} s)", may_have_been_processed=True)
            seconds = min(seconds, left)
        self._slept += seconds
        yield Sleep(seconds)
