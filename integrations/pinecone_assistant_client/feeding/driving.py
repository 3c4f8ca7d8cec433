"""Perform the effects of procedures, sync and async. Makes no decisions."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from dataclasses import replace
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from ..async_exchange import AsyncExchange, afetch, asend
from ..client_base import BaseClient, SecretsCut, parts_of, with_retries
from ..errors import AssistantError
from ..exchange import Exchange, fetch, send
from ..transports.base import running_loop
from .effects import Call, Effect, Fetch, Pipelined, Send, Sleep, Steps, Together

_T = TypeVar("_T")
_Exchange = TypeVar("_Exchange", bound=BaseClient)


def run(exchange: Exchange, steps: Steps[_T]) -> _T:
    """Run a procedure and return its result."""
    result: Any = None
    error: Exception | None = None
    try:
        with _Cut(parts_of(exchange).settings):
            while True:
                try:
                    effect = steps.send(result) if error is None else steps.throw(error)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return] # of the generator's own type
                result = error = None
                try:
                    result = _perform(exchange, effect, None)
                except Exception as failure:  # noqa: BLE001 - the procedure decides, and raises it if it does not expect it
                    error = failure
    finally:
        steps.close()


async def arun(exchange: AsyncExchange, steps: Steps[_T]) -> _T:
    """Async version of `run`."""
    result: Any = None
    error: Exception | None = None
    try:
        with _Cut(parts_of(exchange).settings):
            while True:
                try:
                    effect = steps.send(result) if error is None else steps.throw(error)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return] # of the generator's own type
                result = error = None
                try:
                    result = await _aperform(exchange, effect, None)
                except Exception as failure:  # noqa: BLE001 - the procedure decides, and raises it if it does not expect it
                    error = failure
    finally:
        steps.close()


class _Cut(SecretsCut):
    """Cut the secrets out of our own errors. Errors of a caller's callback or iterable keep their frames."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(error, AssistantError):
            super().__exit__(kind, error, traceback)
            # A reworded error has the first one as its cause, and the frames of that one hold the service's answer.
            inner = error.__cause__
            while isinstance(inner, AssistantError):
                inner.__traceback__ = None
                inner = inner.__cause__


class Hold:
    """Hold back every request of a pipeline after the service asked one of them to wait (`Retry-After`)."""

    def __init__(self, exchange: BaseClient) -> None:
        retries = parts_of(exchange).retries
        self._clock = retries.clock
        self._longest = retries.policy.max_retry_after_seconds
        self._until = -1.0

    def note_retry(self, state: Any) -> None:
        """Note the wait that a failure asks for, before it is retried."""
        self.note(state.outcome.exception() if state.outcome else None)

    def note(self, error: BaseException | None) -> None:
        """Note the wait that a failure asks for."""
        retry_after = getattr(error, "retry_after", None)
        if retry_after is not None and retry_after <= self._longest:
            self._until = max(self._until, self._clock() + retry_after)

    def waits(self, seconds: float = 0.0) -> Iterator[float]:
        """Yield the seconds to sleep, one after the other: the caller's, and more if the service meanwhile asked for it."""
        end = self._clock() + seconds
        slept_until = float("-inf")
        while (until := max(end, self._until)) > slept_until and (left := until - self._clock()) > 0:
            yield left
            slept_until = until


def _held(exchange: _Exchange, hold: Hold) -> _Exchange:
    """Return a view of an exchange with retries that sleep at least until the hold ends."""
    retries = parts_of(exchange).retries

    def sleep(seconds: float) -> None:
        for left in hold.waits(seconds):
            retries.sleep(left)

    async def async_sleep(seconds: float) -> None:
        for left in hold.waits(seconds):
            await retries.async_sleep(left)

    return with_retries(exchange, replace(retries, sleep=sleep, async_sleep=async_sleep))


def _perform(exchange: Exchange, effect: Effect, hold: Hold | None) -> Any:
    if isinstance(effect, Send):
        if hold is not None:
            effect.on_retry = hold.note_retry
            parts_of(exchange).retries.sleep(0.0)  # as long as the hold lasts
        try:
            return send(
                exchange,
                effect.wire,
                effect.timeout,
                effect.total_timeout,
                effect.count_retry,
                is_control=effect.is_control,
            )
        except AssistantError as error:
            if hold is not None:
                hold.note(error)
            raise
    if isinstance(effect, Call):
        return effect.function()
    if isinstance(effect, Sleep):
        return parts_of(exchange).retries.sleep(effect.seconds)
    if isinstance(effect, Fetch):
        return fetch(exchange, effect.link, None)
    if isinstance(effect, Together):
        return _run_pipeline(exchange, effect.pipeline)
    raise TypeError(f"{effect} is an effect of a pipeline only")


async def _aperform(exchange: AsyncExchange, effect: Effect, hold: Hold | None) -> Any:
    running_loop()
    if isinstance(effect, Send):
        if hold is not None:
            effect.on_retry = hold.note_retry
            await parts_of(exchange).retries.async_sleep(0.0)  # as long as the hold lasts
        try:
            return await asend(
                exchange,
                effect.wire,
                effect.timeout,
                effect.total_timeout,
                effect.count_retry,
                is_control=effect.is_control,
            )
        except AssistantError as error:
            if hold is not None:
                hold.note(error)
            raise
    if isinstance(effect, Call):
        return await asyncio.to_thread(effect.function)
    if isinstance(effect, Sleep):
        return await parts_of(exchange).retries.async_sleep(effect.seconds)
    if isinstance(effect, Fetch):
        return await afetch(exchange, effect.link, None)
    if isinstance(effect, Together):
        return await _arun_pipeline(exchange, effect.pipeline)
    raise TypeError(f"{effect} is an effect of a pipeline only")


def _run_pipeline(exchange: Exchange, pipeline: Pipelined) -> None:
    """Perform the effects of a pipeline in threads; everything else runs in the caller's thread.

    The threads are daemons, so that the program can exit after Ctrl-C without waiting for the uploads.
    """
    hold = Hold(exchange)
    held = _held(exchange, hold)
    effects: SimpleQueue[tuple[int, Effect] | None] = SimpleQueue()
    results: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()

    def work() -> None:
        while (next_ := effects.get()) is not None:
            key, effect = next_
            try:
                results.put((key, _perform(held, effect, hold), None))
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                results.put((key, None, error))

    threads: list[threading.Thread] = []
    in_progress = 0
    try:
        while True:
            for started in pipeline.ready():
                in_progress += 1
                if len(threads) < in_progress:
                    context = contextvars.copy_context()  # so that tracing assigns the uploads to this call
                    threads.append(
                        threading.Thread(target=context.run, args=(work,), daemon=True, name="pinecone-files")
                    )
                    threads[-1].start()
                effects.put(started)
            if not in_progress:
                return
            result = results.get()
            in_progress -= 1
            pipeline.take(*result)
    except Exception:
        for _ in range(in_progress):  # finish the uploads that have begun
            results.get()
        in_progress = 0
        raise
    finally:
        for _ in threads:
            effects.put(None)
        if not in_progress:
            for thread in threads:
                thread.join()
        pipeline.close()


async def _arun_pipeline(exchange: AsyncExchange, pipeline: Pipelined) -> None:
    """Async version of `_run_pipeline`, in tasks."""
    running_loop()
    hold = Hold(exchange)
    held = _held(exchange, hold)
    tasks: dict[asyncio.Task[Any], int] = {}
    try:
        while True:
            for key, effect in pipeline.ready():
                tasks[asyncio.create_task(_aperform(held, effect, hold))] = key
            if not tasks:
                return
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                pipeline.take(tasks.pop(task), None if error else task.result(), error)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pipeline.close()
