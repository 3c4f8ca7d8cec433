"""Work on many files at once: a pipeline of procedures, without I/O, and `files.upload_many`, which uses it.

A procedure that waits for its operation is parked, and one poller serves all parked procedures: it lists the operations that
are still Processing. A procedure whose operation is no longer listed wakes and fetches that operation. `driving.py` performs the
effects, in threads or tasks. The code here runs in the caller's thread only, so it needs no lock and callbacks never overlap.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ..errors import AssistantError, InvalidRequestError, NotFoundError, cut_secrets, forget_frames
from .effects import Effect, Settled, Steps, Together
from .operations import get_operation, has_ended, operations_page
from .target import Misses, Patience, Target
from .uploads import Uploaded, upload_file
from .values import Operation, Upload, UploadReport

_T = TypeVar("_T")
_POLLER = -1
OnProgress = Callable[[int, int | None, str], object]
"""Called after each file with the number of files done, the number of all or None, and the file's name."""


def checked_concurrency(concurrency: Any) -> int:
    """Return `concurrency`. Raises InvalidRequestError if it is not a number from 1."""
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InvalidRequestError(f"concurrency is {concurrency!r}: pass how many files to work on at once, from 1")
    return concurrency


class Pipeline(Generic[_T]):
    """Procedures that run concurrently, up to a limit.

    Args:
        procedures: The procedures. The next one is taken when another has ended.
        concurrency: How many run at once, from their first effect to their end.
        on_end: Called with the number of a procedure, from 0, and its result or error.
        on_error: Called with each error that ends a procedure, before `on_end`.
        poll: Returns the ids of the operations that are Processing, or None if the list may be incomplete. It may fail.
        patience: The waits between two polls.

    Attributes:
        source_error: The error that the iterator `procedures` raised, or None. After it no more are taken; the running ones end.
    """

    def __init__(
        self,
        procedures: Iterator[Steps[_T]],
        *,
        concurrency: int,
        on_end: Callable[[int, _T | AssistantError], None],
        on_error: Callable[[AssistantError], None],
        poll: Callable[[], Steps[set[str] | None]],
        patience: Callable[[], Patience],
    ) -> None:
        self.concurrency = concurrency
        self.source_error: Exception | None = None
        self._on_error = on_error
        self._poll_once = poll
        self._new_patience = patience
        self._procedures: Iterator[Steps[_T]] | None = procedures
        self._on_end = on_end
        self._count = 0
        self._running: dict[int, Steps[Any]] = {}
        self._parked: dict[int, Operation] = {}
        self._watched: set[int] = set()
        self._patience: Patience | None = None
        self._effects: list[tuple[int, Effect]] = []

    def ready(self) -> list[tuple[int, Effect]]:
        """Return the effects to start now, each with its key for `take`. No effects here and none in progress means the end."""
        while self._procedures is not None and len(self._running) - (_POLLER in self._running) < self.concurrency:
            try:
                steps = next(self._procedures)
            except StopIteration:  # noqa: PERF203 - the end of the iterable
                self._procedures = None
            except Exception as error:  # noqa: BLE001 - from the caller's iterable; raised when the others have ended
                self._procedures, self.source_error = None, error
            else:
                key, self._count = self._count, self._count + 1
                self._running[key] = steps
                self._advance(key)
        if self._parked and _POLLER not in self._running:
            self._running[_POLLER] = self._poll()
            self._advance(_POLLER)
        effects, self._effects = self._effects, []
        return effects

    def take(self, key: int, result: Any, error: BaseException | None) -> None:
        """Resume a procedure whose effect has ended."""
        self._advance(key, result, error)

    def close(self) -> None:
        """Abandon all procedures: each frees what it holds."""
        while self._running:
            self._running.popitem()[1].close()

    def _advance(self, key: int, result: Any = None, error: BaseException | None = None) -> None:
        steps = self._running[key]
        try:
            effect = steps.send(result) if error is None else steps.throw(error)
        except StopIteration as stop:
            del self._running[key]
            outcome: Any = stop.value
        except AssistantError as failure:
            del self._running[key]
            self._on_error(failure)
            outcome = failure
        else:
            if isinstance(effect, Settled):
                self._parked[key] = effect.operation
            else:
                self._effects.append((key, effect))
            return
        if key == _POLLER:
            self._unpark(outcome)
        else:
            self._on_end(key, outcome)

    def _poll(self) -> Steps[set[str] | None]:
        if self._patience is None:
            self._patience = self._new_patience()  # the first poll is at once
        else:
            yield from self._patience.wait("operations are still Processing")
        self._watched = set(self._parked)  # procedures parked from here on may not be in the list
        return (yield from self._poll_once())

    def _unpark(self, outcome: set[str] | AssistantError | None) -> None:
        """Wake the procedures whose operations the poll no longer listed, or all if it failed or may be incomplete.

        A failed poll says nothing about the operations, so each procedure looks at its own.
        """
        for key, operation in list(self._parked.items()):
            if key not in self._watched or (isinstance(outcome, set) and operation.id in outcome):
                continue
            del self._parked[key]
            if isinstance(outcome, set) and self._patience is not None:
                self._patience.reset()
            self._advance(key)


def upload_many(
    target: Target,
    uploads: Iterable[Upload],
    *,
    concurrency: int,
    on_progress: OnProgress | None,
    raise_on_error: bool,
) -> Steps[UploadReport]:
    """Upload files, up to `concurrency` at once, and report. The iterable is consumed as uploads end."""
    if isinstance(uploads, (str, bytes, os.PathLike, Upload)) or not isinstance(uploads, Iterable):
        raise InvalidRequestError(
            f"uploads is a {type(uploads).__name__}: pass an iterable of Upload values; for a folder use client.files.sync"
        )
    total = _length(uploads)
    uploaded: dict[int, Uploaded] = {}
    failed: dict[int, tuple[Upload, AssistantError]] = {}
    names: dict[int, Upload] = {}

    def settle(operation: Operation, _name: str) -> Steps[Operation]:
        return settle_together(target, operation)

    def procedures() -> Iterator[Steps[Uploaded]]:
        for number, upload in enumerate(uploads):
            if not isinstance(upload, Upload):
                raise InvalidRequestError(f"uploads[{number}] is a {type(upload).__name__}: pass Upload values")
            names[number] = upload
            yield upload_file(target, upload, settle_with=settle)

    def on_end(number: int, outcome: Uploaded | AssistantError) -> None:
        upload = names.pop(number)
        if isinstance(outcome, AssistantError):
            failed[number] = (upload, outcome)
        else:
            uploaded[number] = outcome
        if on_progress is not None:
            on_progress(len(uploaded) + len(failed), total, os.path.basename(upload.label))

    pipeline = pipeline_of(target, procedures(), concurrency=concurrency, on_end=on_end)
    yield Together(pipeline)
    report = UploadReport(
        uploaded=tuple(uploaded[number].file for number in sorted(uploaded)),
        failed=tuple(failed[number] for number in sorted(failed)),
        ingestion_units=units(uploaded.values()),
    )
    raise_first(report, [error for _, error in report.failed] if raise_on_error else [], pipeline)
    return report


def pipeline_of(
    target: Target,
    procedures: Iterator[Steps[_T]],
    *,
    concurrency: int,
    on_end: Callable[[int, _T | AssistantError], None],
) -> Pipeline[_T]:
    """A pipeline of procedures on the files of one assistant. Raises InvalidRequestError for a wrong `concurrency`."""

    def poll() -> Steps[set[str] | None]:
        page = yield from operations_page(target, None, status="Processing")
        return None if page.next is not None else {operation.id for operation in page.items}

    def on_error(error: AssistantError) -> None:
        cut_secrets(error, *target.secrets)
        forget_frames(error)  # a report must not keep the files' contents or secrets alive

    return Pipeline(
        procedures,
        concurrency=checked_concurrency(concurrency),
        on_end=on_end,
        on_error=on_error,
        poll=poll,
        patience=target.patience,
    )


def settle_together(target: Target, operation: Operation) -> Steps[Operation]:
    """Return the ended operation, in a pipeline: the procedure is parked until the poller no longer lists the operation."""
    misses = Misses()
    while not has_ended(operation):
        yield Settled(operation)
        try:
            operation = yield from get_operation(target, operation.id)
        except NotFoundError as error:
            misses.check(error)
    return operation


def units(uploaded: Iterable[Uploaded]) -> float:
    """Return the total cost of uploads, as far as the service reported it."""
    return float(sum(one.ingestion_units or 0.0 for one in uploaded))


def raise_first(report: Any, errors: Iterable[AssistantError], pipeline: Pipeline[Any]) -> None:
    """Raise the error of the caller's iterable, otherwise the first of `errors`, with the report attached; or return."""
    error = pipeline.source_error or next(iter(errors), None)
    if error is not None:
        error.report = report  # type: ignore[attr-defined] # the iterable's own error, of any class, gets it too
        raise error


def _length(uploads: Iterable[Upload]) -> int | None:
    try:
        return len(uploads)  # type: ignore[arg-type] # an iterable without a length raises TypeError
    except TypeError:
        return None
