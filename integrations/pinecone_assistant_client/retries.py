"""Retry policy: which failures are retried, and after how long. Data and pure functions; tenacity runs it, sync and async."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import tenacity

from .errors import APIConnectionError, APIStatusError, AssistantError, IncompleteStreamError
from .settings import DEFAULT_MAX_RETRIES

logger = logging.getLogger("pinecone_assistant_client")

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
OnRetry = Callable[[tenacity.RetryCallState], Awaitable[None] | None]
"""Called before each wait. Async calls await its result if it is awaitable."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to retry, and how long to wait.

    Attributes:
        max_retries: Requests after the first; 0 means one request.
        retry_on_timeout: Also retry a request that may have been processed, which may bill twice.
        first_wait_seconds: Upper bound of the first wait; it doubles each time.
        max_wait_seconds: Upper bound of every wait except those that a Retry-After asks for.
        max_retry_after_seconds: Longest Retry-After that is obeyed; a longer one raises at once.
        is_sent_once: Retry only if the request was never written, so never after an error status.
    """

    max_retries: int = DEFAULT_MAX_RETRIES
    retry_on_timeout: bool = False
    first_wait_seconds: float = 0.5
    max_wait_seconds: float = 8.0
    max_retry_after_seconds: float = 60.0
    is_sent_once: bool = False

    def is_retried(self, error: BaseException, *, repeatable: bool) -> bool:
        """Return whether to retry after this error. `repeatable`: processing the request twice costs nothing."""
        if self.is_sent_once:
            return isinstance(error, APIConnectionError) and not error.may_have_been_processed
        if isinstance(error, APIStatusError):
            return error.status_code in RETRIED_STATUSES and (error.retry_after or 0) <= self.max_retry_after_seconds
        if isinstance(error, APIConnectionError):
            return not error.may_have_been_processed or repeatable or self.retry_on_timeout
        return repeatable and isinstance(error, IncompleteStreamError)

    def wait_seconds(self, attempt: int, error: BaseException | None, jitter: float) -> float:
        """Seconds before the next request.

        Args:
            attempt: Requests sent so far, from 1.
            error: The error of the last request.
            jitter: Random factor of the whole wait ("full jitter"), from 0 to 1, so that clients do not retry all at the same
                moment.
        """
        retry_after = getattr(error, "retry_after", None)
        if retry_after is not None:
            return float(retry_after)
        doubled = self.first_wait_seconds * 2.0 ** min(attempt - 1, 64)  # 2.0 ** 1024 overflows
        return jitter * min(self.max_wait_seconds, doubled)


@dataclass(frozen=True, slots=True)
class Retries:
    """Runs a policy. Time and randomness come from outside, so that tests do not wait."""

    policy: RetryPolicy
    sleep: Callable[[float], None] = time.sleep
    async_sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def for_one_send(self) -> Retries:
        """Return these retries, changed for a request that must not reach the service twice."""
        return replace(self, policy=replace(self.policy, is_sent_once=True))

    def call(
        self,
        open_: Callable[[], _T],
        *,
        repeatable: bool,
        on_retry: OnRetry | None = None,
        deadline: float | None = None,
    ) -> _T:
        """Return the result of `open_`; call it again after each failure that the policy retries.

        If a wait would end after the deadline (by `clock`), the last error is raised at once instead.
        """
        # The first call is made without tenacity, which costs 20 us, 4 % of a call that needs no retry (measured). After a
        # failure, `attempt` raises that failure first, so that tenacity counts it.
        try:
            return open_()
        except AssistantError as error:
            if not self.policy.max_retries or not self.policy.is_retried(error, repeatable=repeatable):
                raise
            failures = [error]

        def attempt() -> _T:
            if failures:
                raise failures.pop()
            return open_()

        def tell(state: tenacity.RetryCallState) -> None:
            self._tell(state, on_retry)

        retrying = tenacity.Retrying(
            sleep=self.sleep,
            stop=self._stop(deadline),
            wait=self._wait,
            retry=tenacity.retry_if_exception(lambda e: self.policy.is_retried(e, repeatable=repeatable)),
            before_sleep=tell,
            reraise=True,
        )
        return retrying(attempt)

    async def acall(
        self,
        open_: Callable[[], Awaitable[_T]],
        *,
        repeatable: bool,
        on_retry: OnRetry | None = None,
        deadline: float | None = None,
    ) -> _T:
        """Async version of `call`."""
        try:
            return await open_()
        except AssistantError as error:
            if not self.policy.max_retries or not self.policy.is_retried(error, repeatable=repeatable):
                raise
            failures = [error]

        async def attempt() -> _T:
            if failures:
                raise failures.pop()
            return await open_()

        async def tell(state: tenacity.RetryCallState) -> None:
            told = self._tell(state, on_retry)
            if told is not None:
                await told

        retrying = tenacity.AsyncRetrying(
            sleep=self.async_sleep,
            stop=self._stop(deadline),
            wait=self._wait,
            retry=tenacity.retry_if_exception(lambda e: self.policy.is_retried(e, repeatable=repeatable)),
            before_sleep=tell,
            reraise=True,
        )
        return await retrying(attempt)

    def _stop(self, deadline: float | None) -> Callable[[tenacity.RetryCallState], bool]:
        last = tenacity.stop_after_attempt(self.policy.max_retries + 1)
        if deadline is None:
            return last
        return lambda state: last(state) or self.clock() + state.upcoming_sleep >= deadline

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self.policy.wait_seconds(state.attempt_number, error, self.jitter())

    def _tell(self, state: tenacity.RetryCallState, on_retry: OnRetry | None) -> Awaitable[None] | None:
        error = state.outcome.exception() if state.outcome else None
        logger.warning(
            "retry %d of %d in %.2f s: %s",
            state.attempt_number,
            self.policy.max_retries,
            state.upcoming_sleep,
            error,
        )
        return None if on_retry is None else on_retry(state)
