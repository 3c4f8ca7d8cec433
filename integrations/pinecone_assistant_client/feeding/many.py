"""Uploading many files: `files.upload_many`, and what it shares with `files.sync`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from ..errors import AssistantError, InvalidRequestError
from .effects import Settled, Steps, Together
from .operations import get_operation, has_ended, operations_page
from .pipeline import Pipeline, checked_concurrency
from .target import Target
from .uploads import Uploaded, upload_file
from .values import Operation, Upload, UploadReport

_T = TypeVar("_T")
OnProgress = Callable[[int, int | None, str], object]
"""Called after each file with the number of files done, the number of all or None, and the file's name."""


def upload_many(
    target: Target,
    uploads: Iterable[Upload],
    *,
    concurrency: int,
    on_progress: OnProgress | None,
    raise_on_error: bool,
) -> Steps[UploadReport]:
    """Upload files, so many at once, and report. The iterable is consumed as places become free."""
    if isinstance(uploads, (str, bytes, os.PathLike, Upload)):
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

    return Pipeline(
        procedures, concurrency=checked_concurrency(concurrency), on_end=on_end, poll=poll, patience=target.patience
    )


def settle_together(target: Target, operation: Operation) -> Steps[Operation]:
    """The operation once it has ended, in a pipeline: parked until the poller no longer sees it Processing."""
    while not has_ended(operation):
        yield Settled(operation)
        operation = yield from get_operation(target, operation.id)
    return operation


def units(uploaded: Iterable[Uploaded]) -> float:
    """What uploads cost together, as far as the service said."""
    return float(sum(one.ingestion_units or 0.0 for one in uploaded))


def raise_first(report: Any, errors: Iterable[AssistantError], pipeline: Pipeline[Any]) -> None:
    """Raise what the caller's iterable raised, or else the first error; it carries the report."""
    error = pipeline.source_error or next(iter(errors), None)
    if error is not None:
        error.report = report  # type: ignore[attr-defined] # an error of the caller's iterable carries it too
        raise error


def _length(uploads: Iterable[Upload]) -> int | None:
    try:
        return len(uploads)  # type: ignore[arg-type] # whether it has a length is the question
    except TypeError:
        return None
