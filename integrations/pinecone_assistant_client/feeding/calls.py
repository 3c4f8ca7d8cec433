"""Procedures of one file (get, list, read, delete), and the evaluation of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..client_base import SignedLink
from ..errors import (
    AssistantError,
    NotFoundError,
    StreamError,
    reworded,
    said_by,
)
from ..filters import guarded, validate_filter
from ..options import NotGiven
from ..settings import Timeout
from .contents import MAX_FILE_BYTES, max_bytes
from .decoding import Page, decode_evaluation, decode_file, decode_files, decode_operation
from .effects import Fetch, Send, Steps
from .operations import has_ended, raise_if_failed, settle
from .requests import build_delete_file, build_evaluation, build_get_file, build_list_files, checked_file_id
from .target import Patience, Target
from .uploads import is_unclear
from .values import AssistantFile, Evaluation, Operation


def get_file(target: Target, file_id: str, *, include_url: bool = False) -> Steps[AssistantFile]:
    """One file."""
    reply = yield Send(build_get_file(target.assistant, checked_file_id(file_id), include_url=include_url))
    return decode_file(reply.body)


def read_file(target: Target, file_id: str) -> Steps[bytes]:
    """The content of a file as it was uploaded."""
    file = yield from get_file(target, file_id, include_url=True)
    subject = f"{file.name!r} (file {file_id!r})"
    if not file.url:
        raise StreamError(
            f"the service gave no link to the content of {subject} (status {file.status}): try again later"
        )
    limit = max_bytes(file.name) if "." in file.name else MAX_FILE_BYTES
    content: bytes = yield Fetch(SignedLink(file.url, subject, limit))
    return content


def files_page(target: Target, filter: Mapping[str, Any] | None, token: str | None) -> Steps[Page[AssistantFile]]:  # noqa: A002 - the API's name
    """A page of files."""
    reply = yield Send(build_list_files(target.assistant, filter, token, target.api_version))
    return decode_files(reply.body)


def list_filter(target: Target, filter: Mapping[str, Any] | None) -> Mapping[str, Any] | None:  # noqa: A002 - the API's name
    """The filter of a list: the caller's and the client's guard. Raises InvalidRequestError if it is not valid."""
    validate_filter(filter)
    return guarded(filter, target.guard_filter)


def delete_file(
    target: Target, file_id: str, *, missing_ok: bool = False, wait: bool = True, timeout: float | None = None
) -> Steps[None]:
    """Delete a file; with `wait`, until it is gone."""
    patience = target.patience(timeout)
    send = Send(build_delete_file(target.assistant, checked_file_id(file_id)))
    operation = None
    try:
        reply = yield send
        if reply.status == 204:
            return
        if target.has_operations and reply.body.strip():
            operation = decode_operation(reply.body)
    except NotFoundError as error:
        is_done = (missing_ok or send.tries > 1) and not error.is_about_assistant
        if not is_done:
            raise
        return
    except AssistantError as error:
        if not is_unclear(error):
            raise
        if (yield from _is_leaving(target, file_id, error)):
            return
    if not wait:
        return
    accepted = f"the service took the deletion of file {file_id!r}, and the wait for its end"
    with patience.explaining(accepted, f"client.files.get({file_id!r})"):
        yield from _deleted(target, file_id, operation, patience)


def _deleted(target: Target, file_id: str, operation: Operation | None, patience: Patience) -> Steps[None]:
    if operation is not None:
        try:
            if not has_ended(operation):
                operation = yield from settle(target, operation, patience)
            raise_if_failed(operation)
            return
        except NotFoundError as error:
            if error.is_about_assistant:
                raise
    yield from _gone(target, file_id, patience)


def _is_leaving(target: Target, file_id: str, error: AssistantError) -> Steps[bool]:
    """After a deletion with an unclear outcome: True if the file is gone, False if it is being deleted; otherwise raise."""
    unclear = reworded(
        error,
        f"the deletion of file {file_id!r} has no clear end: {said_by(error)}. The file is still there and may be deleted "
        f"later: look with client.files.get({file_id!r})",
    )
    try:
        file = yield from get_file(target, file_id)
    except NotFoundError:
        return True
    except AssistantError:
        raise unclear from error
    if file.status != "Deleting":
        raise unclear from error
    return False


def _gone(target: Target, file_id: str, patience: Patience) -> Steps[None]:
    while True:
        try:
            file = yield from get_file(target, file_id)
        except NotFoundError:
            return
        yield from patience.wait(
            f"file {file_id!r} is still {file.status}, and the service goes on deleting it: look with "
            f"client.files.get({file_id!r})"
        )


def evaluate(
    question: str,
    answer: str,
    ground_truth_answer: str,
    timeout: Timeout | NotGiven,
    total_timeout: float | NotGiven | None,
) -> Steps[Evaluation]:
    """Evaluate on the assistant's own data host, while Pinecone's SDKs use the US host for every region."""
    wire = build_evaluation(question, answer, ground_truth_answer)
    reply = yield Send(wire, timeout=timeout, total_timeout=total_timeout)
    return decode_evaluation(reply.body)
