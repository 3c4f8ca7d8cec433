"""Upload one file: PUT it with an identifier, so that a retry never makes a second file; wait for it; check its metadata.

The client's retries repeat PUT after a 503, a reset or a read timeout. If the outcome is still unclear, the file is looked
up: if the service has a file with that id and that content, the upload arrived. Versions before 2026-04 have only POST, which
makes a new file each time. So it is sent once, and its error says what may have been stored.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..errors import (
    APIStatusError,
    AssistantError,
    InternalServerError,
    InvalidRequestError,
    MetadataMismatchError,
    NotFoundError,
    StreamError,
    reworded,
    said_by,
)
from .contents import FileContent, crc32c, open_content
from .decoding import Tokens, decode_file, decode_file_error, decode_file_hash, decode_operation
from .effects import Call, Send, Steps
from .metadata import Metadata, checked_metadata, differences
from .operations import failed, has_ended, operations_page, raise_if_failed, settle
from .requests import (
    MULTIMODAL_VERSION,
    build_get_file,
    build_old_upload,
    build_upload,
    checked_file_id,
)
from .target import Misses, Patience, Target
from .values import AssistantFile, Operation, Upload

Settle = Callable[[Operation, str], Steps[Operation]]
"""Waits for the end of an operation on a file of that name."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that was uploaded, and its cost if the service reported it."""

    file: AssistantFile
    ingestion_units: float | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An upload with checked options and open content."""

    content: FileContent
    file_id: str | None
    metadata: Metadata | None
    multimodal: bool | None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.content.name


def check_options(target: Target, upload: Upload) -> Metadata | None:
    """Check the options of an upload, and return its metadata. The file itself is not read.

    Raises:
        InvalidRequestError: An option is wrong, or the API version does not support it.
    """
    if upload.file_id is not None:
        target.need_operations("file_id=")
        checked_file_id(upload.file_id)
    if upload.multimodal is not None:
        if not isinstance(upload.multimodal, bool):
            raise InvalidRequestError(f"multimodal is {upload.multimodal!r}: pass True or False")
        if target.api_version < MULTIMODAL_VERSION:
            raise InvalidRequestError(
                f"multimodal= needs api_version {MULTIMODAL_VERSION} or later, and this client has {target.api_version}"
            )
    return checked_metadata(upload.metadata)


def upload_file(
    target: Target,
    upload: Upload,
    *,
    wait: bool = True,
    timeout: float | None = None,
    settle_with: Settle | None = None,
) -> Steps[Uploaded]:
    """Upload a file and, with `wait`, wait until it is Available.

    Args:
        target: The assistant.
        upload: The file.
        wait: Wait for the end of its processing.
        timeout: Limit of that wait, in seconds; None means no limit.
        settle_with: Waits for the end of the operation. None polls this operation only; `many.py` polls for all files at once.

    Raises:
        AssistantError: See `Files.upload`.
    """
    patience = target.patience(timeout)
    metadata = check_options(target, upload)
    content = yield Call(lambda: open_content(upload.file, upload.name))
    try:
        prepared = Prepared(content, upload.file_id, metadata, upload.multimodal)
        return (yield from send_file(target, prepared, wait=wait, patience=patience, settle_with=settle_with))
    finally:
        content.close()


def send_file(
    target: Target, prepared: Prepared, *, wait: bool, patience: Patience, settle_with: Settle | None = None
) -> Steps[Uploaded]:
    """Send a prepared file, and wait for it."""
    if not target.has_operations:
        return (yield from _post(target, prepared, wait=wait, patience=patience))

    def settle_alone(operation: Operation, name: str) -> Steps[Operation]:
        return settle(target, operation, patience, name)

    file_id = prepared.file_id or uuid.uuid4().hex
    operation = yield from _put(target, prepared, file_id)
    units = None
    with _looking(patience, prepared.name, file_id):
        if not wait:
            return Uploaded((yield from _described(target, file_id, prepared)))
        if operation is not None:
            if not has_ended(operation):
                operation = yield from (settle_with or settle_alone)(operation, prepared.name)
            raise_if_failed(operation, prepared.name)
            units = operation.ingestion_units
        file = yield from _available(target, file_id, prepared.name, patience)
    raise_if_mismatched(file, prepared.metadata)
    return Uploaded(file, units)


def _looking(patience: Patience, name: str, file_id: str) -> AbstractContextManager[None]:
    accepted = f"{name!r} was sent as file {file_id!r}, and the look at its processing"
    return patience.explaining(accepted, f"client.files.get({file_id!r})")


def raise_if_mismatched(file: AssistantFile, expected: Metadata | None) -> None:
    """Raise MetadataMismatchError if the service's metadata differs from the metadata sent."""
    names = [] if expected is None else differences(expected, file.metadata)
    if names:
        raise MetadataMismatchError(
            f"{file.name!r} (file {file.id!r}) is Available, but its metadata is not what was sent: {', '.join(names)} differ. "
            "Filters on it would not work, so delete the file or upload it again; if this stays so, a client with "
            'api_version="2025-10" sends metadata in the query, which every service takes',
            file=file,
            expected=expected,
        )


def is_unclear(error: AssistantError) -> bool:
    """Return whether the request may have succeeded in spite of this error: no status, a gateway's failure, or a cut answer."""
    return isinstance(error, (StreamError, InternalServerError)) or error.may_have_been_processed


def _put(target: Target, prepared: Prepared, file_id: str) -> Steps[Operation | None]:
    """Send the file and return its operation; None if the file arrived but its operation is not known."""
    wire = build_upload(
        target.assistant,
        prepared.content,
        prepared.metadata,
        file_id=file_id,
        multimodal=prepared.multimodal,
        boundary=uuid.uuid4().hex,
    )
    send = Send(wire)
    try:
        reply = yield send
        return decode_operation(reply.body)
    except AssistantError as error:
        is_refused_repeat = isinstance(error, APIStatusError) and error.status_code == 409 and send.tries > 1
        if not is_refused_repeat and not is_unclear(error):
            raise
        return (yield from _resolve(target, prepared, file_id, error))


def _resolve(target: Target, prepared: Prepared, file_id: str, error: AssistantError) -> Steps[Operation | None]:
    """Return the operation of an upload with an unclear outcome, or None if none is in progress; raise if no file arrived.

    A file under a random id can only be this upload. A file under an id that the caller chose may be an older one, so it must
    have the content that was sent.
    """
    unclear = reworded(
        error,
        f"the upload of {prepared.name!r} as file {file_id!r} has no clear end: {said_by(error)}. A look found no such file "
        f"with this content, but it may still arrive: look with client.files.get({file_id!r}). Uploading it again with "
        f"file_id={file_id!r} makes no second file",
    )
    try:
        reply = yield Send(build_get_file(target.assistant, file_id))
        file = decode_file(reply.body)
        content_hash = decode_file_hash(reply.body)
    except AssistantError:
        raise unclear from error
    is_ours = prepared.file_id is None or (yield from _has_content(prepared, file, content_hash))
    if not is_ours:
        raise unclear from error
    if file.status != "Processing":
        return None
    token, tokens = None, Tokens("operations")
    while True:
        page = yield from operations_page(target, token, operation_type="upsert_file", status="Processing")
        for operation in page.items:
            if operation.file_id == file_id:
                return operation
        token = tokens.after(page)
        if token is None:
            return None


def _has_content(prepared: Prepared, file: AssistantFile, content_hash: str | None) -> Steps[bool]:
    content = prepared.content
    if file.name != content.name or (file.size is not None and file.size != content.size):
        return False
    if differences(prepared.metadata or {}, file.metadata):
        return False
    if prepared.multimodal is not None and file.multimodal not in (None, prepared.multimodal):
        return False
    if content.expected_sha256 is None and content_hash is not None and len(content_hash) == 8:
        value = yield Call(lambda: crc32c(content.pieces()))
        return base64.b64encode(value.to_bytes(4, "big")).decode() == content_hash
    return True


def _available(target: Target, file_id: str, name: str, patience: Patience) -> Steps[AssistantFile]:
    """Return the file once it is Available. Its operation may be Completed before that."""
    misses = Misses()
    while True:
        status = None
        try:
            reply = yield Send(build_get_file(target.assistant, file_id))
        except NotFoundError as error:
            misses.check(error)
        else:
            file = decode_file(reply.body)
            status = file.status
            if status == "Available":
                return file
            if status in ("ProcessingFailed", "Deleting"):
                reason = decode_file_error(reply.body) or f"its status is {status}"
                raise failed("processing", reason, file_id, name)
        yield from patience.wait(
            f"{name!r} (file {file_id!r}) is {f'still {status}' if status else 'not shown yet'}, and the service goes on with "
            f"it: look with client.files.get({file_id!r})"
        )


def _described(target: Target, file_id: str, prepared: Prepared) -> Steps[AssistantFile]:
    """Return the file as it is now, or built from the upload if the service does not show it yet."""
    try:
        reply = yield Send(build_get_file(target.assistant, file_id))
        return decode_file(reply.body)
    except NotFoundError:
        return AssistantFile(
            id=file_id,
            name=prepared.name,
            status="Processing",
            metadata=prepared.metadata,
            size=prepared.content.size,
            multimodal=prepared.multimodal,
        )


def _post(target: Target, prepared: Prepared, *, wait: bool, patience: Patience) -> Steps[Uploaded]:
    wire = build_old_upload(
        target.assistant,
        prepared.content,
        prepared.metadata,
        multimodal=prepared.multimodal,
        boundary=uuid.uuid4().hex,
    )
    try:
        reply = yield Send(wire)
        file = decode_file(reply.body)
    except AssistantError as error:
        if not is_unclear(error):
            raise
        raise reworded(
            error,
            f"the upload of {prepared.name!r} has no clear end: {said_by(error)}. It was sent once, because each POST that "
            f"arrives makes a new file, and it may have been stored under an id that the service chose: look for the name "
            f'in client.files.list() before you upload it again; with api_version="2026-04" uploads are retried safely',
        ) from error
    if wait:
        with _looking(patience, prepared.name, file.id):
            file = yield from _available(target, file.id, prepared.name, patience)
        raise_if_mismatched(file, prepared.metadata)
    return Uploaded(file)
