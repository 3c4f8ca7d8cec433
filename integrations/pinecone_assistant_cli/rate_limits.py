"""The wait after a 429: the service limits a key as a whole, so all workers wait, not only the one that it answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pinecone_assistant_client import RateLimitError

_TRIES = 10

_T = TypeVar("_T")


class RateLimit:
    """One limit, which the workers of a command share.

    Args:
        clock: Seconds.
        sleep: Called with seconds; may raise, which ends the call that waits.
        on_longer: Called with the seconds of a wait that ends over a second later than the one before.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_longer: Callable[[float], None] | None = None,
    ) -> None:
        self._open_at = 0.0
        self._clock = clock
        self._sleep = sleep
        self._on_longer = on_longer

    async def call(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Return the result of `work`, which is called again after each 429, ten times at most."""
        for attempt in range(1, _TRIES + 1):
            while (wait := self._open_at - self._clock()) > 0:  # another 429 may have extended the wait meanwhile
                await self._sleep(wait)
            try:
                return await work()
            except RateLimitError as error:
                if attempt == _TRIES:
                    raise
                self.hold(error.retry_after or min(2.0**attempt, 60.0))
        raise AssertionError("unreachable")

    def hold(self, seconds: float) -> None:
        """Hold back all calls for this long, or longer if they already are."""
        until = self._clock() + seconds
        if self._on_longer is not None and until > self._open_at + 1:
            self._on_longer(seconds)
        self._open_at = max(self._open_at, until)
