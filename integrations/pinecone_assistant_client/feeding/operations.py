"""Operations, the service's own work on files: get them, list them, and wait for their end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from ..async_exchange import AsyncExchange
from ..errors import FileProcessingError, NotFoundError
from ..exchange import Exchange
from .decoding import Page, Tokens, decode_operation, decode_operations
from .driving import arun, run
from .effects import Send, Steps
from .requests import build_get_operation, build_list_operations
from .target import Misses, Patience, Target
from .values import Operation


def get_operation(target: Target, operation_id: str) -> Steps[Operation]:
    """One operation."""
    reply = yield Send(build_get_operation(target.assistant, operation_id))
    return decode_operation(reply.body)


def operations_page(
    target: Target, token: str | None, *, operation_type: str | None = None, status: str | None = None
) -> Steps[Page[Operation]]:
    """A page of operations."""
    wire = build_list_operations(target.assistant, token, operation_type=operation_type, status=status)
    reply = yield Send(wire)
    return decode_operations(reply.body)


def settle(target: Target, operation: Operation, patience: Patience, name: str | None = None) -> Steps[Operation]:
    """Return the operation once it is Completed or Failed. It is checked at once, then polled.

    An operation with a status came from the service, so at first a 404 may only mean that it is not shown yet.

    Raises:
        APITimeoutError: The time is up.
    """
    of = f" of {name!r}" if name else ""
    misses = Misses()
    while not has_ended(operation):
        try:
            operation = yield from get_operation(target, operation.id)
        except NotFoundError as error:
            if operation.status is None:
                raise
            misses.check(error)
        if has_ended(operation):
            break
        yield from patience.wait(
            f"operation {operation.id!r}{of} (file {operation.file_id!r}) is still {operation.status}, and the service goes "
            f"on with it: look with client.operations.get({operation.id!r}), or wait on with "
            f"client.operations.wait({operation.id!r})"
        )
    return operation


def has_ended(operation: Operation) -> bool:
    """Return whether an operation is Completed or Failed."""
    return operation.status in ("Completed", "Failed")


def raise_if_failed(operation: Operation, name: str | None = None) -> None:
    """Raise FileProcessingError for an operation that failed."""
    if operation.status == "Failed":
        raise failed(operation.operation_type or "processing", operation.error_message, operation.file_id, name)


def failed(what: str, reason: str | None, file_id: str | None, name: str | None) -> FileProcessingError:
    """The error for a file that the service could not process."""
    reason = reason or "the service gave no reason"
    of = f"{name!r} (file {file_id!r})" if name else f"file {file_id!r}"
    return FileProcessingError(
        f"the service failed at {what} of {of}: {reason.rstrip('.')}. The file is not searched: mend it and upload it again",
        reason=reason,
        file_id=file_id,
        file_name=name,
    )


def _wait(target: Target, operation_id: str, timeout: float | None) -> Steps[Operation]:
    patience = target.patience(timeout)
    operation = yield from settle(target, Operation(operation_id), patience)
    raise_if_failed(operation)
    return operation


def _of(client: Exchange | AsyncExchange, what: str) -> Target:
    target = Target.of(client)
    target.refuse_guard(what)
    target.need_operations(what)
    return target


class Operations:
    """The operations of an assistant: those in progress, and those that ended in the last 30 days.

    Needs `api_version` 2026-04 or later. Made by `client.operations`.
    """

    def __init__(self, client: Exchange) -> None:
        self._client = client

    def get(self, operation_id: str) -> Operation:
        """Return one operation.

        Raises:
            NotFoundError: There is none of that id.

        Source: GET /operations/{assistant_name}/{operation_id}, assistant_data 2026-04.
        """
        return run(self._client, get_operation(_of(self._client, "operations.get"), operation_id))

    def list(self, *, operation_type: str | None = None, status: str | None = None) -> Iterator[Operation]:
        """Yield the operations; pages are fetched as they are needed.

        Args:
            operation_type: Only these: `"upload_file"`, `"upsert_file"`, `"update_file_metadata"`, `"delete_file"`.
            status: Only these: `"Processing"`, `"Completed"`, `"Failed"`.

        Source: GET /operations/{assistant_name}, assistant_data 2026-04.
        """
        target = _of(self._client, "operations.list")

        def pages() -> Iterator[Operation]:
            token, tokens = None, Tokens("operations")
            while True:
                page = run(self._client, operations_page(target, token, operation_type=operation_type, status=status))
                yield from page.items
                token = tokens.after(page)
                if token is None:
                    return

        return pages()

    def wait(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Return an operation once it is Completed.

        Args:
            operation_id: Its id.
            timeout: Seconds to wait; None waits without limit.

        Raises:
            FileProcessingError: It failed.
            APITimeoutError: The time is up; the service continues its work.
        """
        return run(self._client, _wait(_of(self._client, "operations.wait"), operation_id, timeout))


class AsyncOperations:
    """Async version of `Operations`."""

    def __init__(self, client: AsyncExchange) -> None:
        self._client = client

    async def get(self, operation_id: str) -> Operation:
        """Async version of `Operations.get`."""
        return await arun(self._client, get_operation(_of(self._client, "operations.get"), operation_id))

    def list(self, *, operation_type: str | None = None, status: str | None = None) -> AsyncIterator[Operation]:
        """Async version of `Operations.list`: `async for operation in client.operations.list()`."""
        target = _of(self._client, "operations.list")

        async def pages() -> AsyncIterator[Operation]:
            token, tokens = None, Tokens("operations")
            while True:
                page = await arun(
                    self._client, operations_page(target, token, operation_type=operation_type, status=status)
                )
                for operation in page.items:
                    yield operation
                token = tokens.after(page)
                if token is None:
                    return

        return pages()

    async def wait(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Async version of `Operations.wait`."""
        return await arun(self._client, _wait(_of(self._client, "operations.wait"), operation_id, timeout))
