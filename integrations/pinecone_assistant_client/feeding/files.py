"""The files of an assistant: `client.files`, sync and async."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from ..async_exchange import AsyncExchange
from ..errors import APIStatusError, AssistantError, NotFoundError, StreamError, reworded, said_by
from ..exchange import Exchange
from ..filters import guarded, validate_filter
from .contents import MAX_FILE_BYTES, max_bytes
from .decoding import Page, decode_file, decode_files, decode_operation
from .driving import arun, run
from .effects import Fetch, Send, Steps
from .many import OnProgress, upload_many
from .operations import has_ended, raise_if_failed, settle
from .requests import build_delete_file, build_get_file, build_list_files, checked_file_id
from .target import Patience, Target
from .uploads import is_unclear, upload_file
from .values import AssistantFile, FileLike, Upload, UploadReport


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
    content: bytes = yield Fetch(file.url, limit, subject)
    return content


def files_page(target: Target, filter: Mapping[str, Any] | None, token: str | None) -> Steps[Page[AssistantFile]]:  # noqa: A002 - the service's word
    """A page of files."""
    reply = yield Send(build_list_files(target.assistant, filter, token, target.api_version))
    page = decode_files(reply.body)
    if page.next is not None and page.next == token:
        raise StreamError("the list of files names the same next page again: it has no end")
    return page


def list_filter(target: Target, filter: Mapping[str, Any] | None) -> Mapping[str, Any] | None:  # noqa: A002 - the service's word
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
        is_done = (missing_ok or send.tries > 1) and not _is_about_the_assistant(error)
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
    if operation is not None:
        if not has_ended(operation):
            operation = yield from settle(target, operation, patience)
        raise_if_failed(operation)
        return
    yield from _gone(target, file_id, patience)


def _is_leaving(target: Target, file_id: str, error: AssistantError) -> Steps[bool]:
    """After a deletion without a clear end: True if the file is gone, False if it is being deleted. Else raises the error."""
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


def _is_about_the_assistant(error: APIStatusError) -> bool:
    """Whether a 404 says that there is no such assistant, and not that there is no such file."""
    body = error.body if isinstance(error.body, dict) else {}
    found = body.get("error", body)
    message = found.get("message") if isinstance(found, dict) else found
    return isinstance(message, str) and message.lstrip().lower().startswith("assistant ")


def _of(client: Exchange | AsyncExchange, what: str) -> Target:
    target = Target.of(client)
    target.refuse_guard(what)
    return target


class Files:
    """The files of an assistant: upload, list, get, read, delete. Made by `client.files`.

    Example:
        ```python
        file = client.files.upload("examples/data/red_pine.md", metadata={"resource": "encyclopedia"})
        print(file.id, file.status)
        ```
    """

    def __init__(self, client: Exchange) -> None:
        self._client = client

    def upload(
        self,
        file: FileLike,
        *,
        name: str | None = None,
        file_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        multimodal: bool | None = None,
        wait: bool = True,
        timeout: float | None = None,
    ) -> AssistantFile:
        """Upload a file and return it once it is Available.

        It is sent by PUT under an identifier, so a lost connection or an overloaded service is retried without a duplicate.
        With an `api_version` before 2026-04 it is sent by POST, once.

        Args:
            file: A path, bytes, or a binary stream. A stream is read from where it stands.
            name: The file's name in the assistant, whose extension decides the type (.txt .md .json .pdf .docx). Bytes and
                streams need one; a path has its own.
            file_id: 1 to 128 of `[A-Za-z0-9_-]`; a file of that id is replaced. None takes a random one.
            metadata: A flat dict of strings, numbers, booleans and lists of strings, `{"genre": "comedy", "year": 2020}`,
                at most 16 KB: what filters ask for. It cannot be changed later, only uploaded again.
            multimodal: Process the images of a PDF too.
            wait: Wait until the file is Available. False returns it as it is.
            timeout: Seconds to wait for the processing; None is no limit. The HTTP calls have the client's `timeout`.

        Raises:
            InvalidRequestError: The file or an option is wrong; nothing was sent. Or the file changed while it was sent.
            FileProcessingError: The service could not process the file.
            MetadataMismatchError: The file is Available with other metadata than was sent.
            APITimeoutError: The time is up; the service goes on.
            AssistantError: The upload failed; the message says whether the file may have arrived.

        Source: PUT /files/{assistant_name}/{assistant_file_id}, assistant_data 2026-04.
        """
        target = _of(self._client, "files.upload")
        upload = Upload(file, name, file_id, metadata, multimodal)
        return run(self._client, upload_file(target, upload, wait=wait, timeout=timeout)).file

    def upload_many(
        self,
        uploads: Iterable[Upload],
        *,
        concurrency: int = 8,
        on_progress: OnProgress | None = None,
        raise_on_error: bool = True,
    ) -> UploadReport:
        """Upload many files at once, wait until each is Available, and report.

        A file that fails does not keep the others from going on. If the service asks to wait (429 with `Retry-After`), no
        request of this call is sent until then.

        Args:
            uploads: `Upload` values. They are consumed as places become free, so a generator of a million is fine.
            concurrency: How many files are worked on at once, from reading to Available.
            on_progress: Called after each file with (files done, files in all or None, file name), in the caller's thread.
            raise_on_error: When all have ended, raise the first error, which has the report as `.report`.

        Raises:
            AssistantError: The first error, as for `upload`.
        """
        target = _of(self._client, "files.upload_many")
        steps = upload_many(
            target, uploads, concurrency=concurrency, on_progress=on_progress, raise_on_error=raise_on_error
        )
        return run(self._client, steps)

    def list(self, *, filter: Mapping[str, Any] | None = None) -> Iterator[AssistantFile]:  # noqa: A002 - the service's word
        """Yield the files; pages are fetched as they are needed.

        Args:
            filter: Metadata filter, `{"genre": "comedy"}`; the client's `guard_filter` holds in addition.

        Source: GET /files/{assistant_name}, assistant_data 2026-04.
        """
        target = Target.of(self._client)
        sent = list_filter(target, filter)

        def pages() -> Iterator[AssistantFile]:
            token = None
            while True:
                page = run(self._client, files_page(target, sent, token))
                yield from page.items
                token = page.next
                if token is None:
                    return

        return pages()

    def get(self, file_id: str, *, include_url: bool = False) -> AssistantFile:
        """Return a file.

        Args:
            file_id: Its id.
            include_url: Ask for a signed link to the content too. Whoever has the link can read the file.

        Raises:
            NotFoundError: There is none of that id.

        Source: GET /files/{assistant_name}/{assistant_file_id}, assistant_data 2026-04.
        """
        return run(self._client, get_file(_of(self._client, "files.get"), file_id, include_url=include_url))

    def read(self, file_id: str) -> bytes:
        """Return the content of a file as it was uploaded.

        It is fetched through a signed link: the API key is not sent there, and redirects are not followed.

        Raises:
            NotFoundError: There is none of that id.
            StreamError: The content is larger than a file of its type can be, or was cut.
        """
        return run(self._client, read_file(_of(self._client, "files.read"), file_id))

    def delete(
        self, file_id: str, *, missing_ok: bool = False, wait: bool = True, timeout: float | None = None
    ) -> None:
        """Delete a file and return once it is gone.

        Args:
            file_id: Its id.
            missing_ok: A file that is not there is no error.
            wait: Wait until it is deleted.
            timeout: Seconds of that wait; None is no limit.

        Raises:
            NotFoundError: There is none of that id.
            FileProcessingError: The service could not delete it.
            APITimeoutError: The time is up; the service goes on.

        Source: DELETE /files/{assistant_name}/{assistant_file_id}, assistant_data 2026-04.
        """
        target = _of(self._client, "files.delete")
        run(self._client, delete_file(target, file_id, missing_ok=missing_ok, wait=wait, timeout=timeout))


class AsyncFiles:
    """Async version of `Files`."""

    def __init__(self, client: AsyncExchange) -> None:
        self._client = client

    async def upload(
        self,
        file: FileLike,
        *,
        name: str | None = None,
        file_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        multimodal: bool | None = None,
        wait: bool = True,
        timeout: float | None = None,
    ) -> AssistantFile:
        """Async version of `Files.upload`; files are read in a thread."""
        target = _of(self._client, "files.upload")
        upload = Upload(file, name, file_id, metadata, multimodal)
        return (await arun(self._client, upload_file(target, upload, wait=wait, timeout=timeout))).file

    async def upload_many(
        self,
        uploads: Iterable[Upload],
        *,
        concurrency: int = 8,
        on_progress: OnProgress | None = None,
        raise_on_error: bool = True,
    ) -> UploadReport:
        """Async version of `Files.upload_many`."""
        target = _of(self._client, "files.upload_many")
        steps = upload_many(
            target, uploads, concurrency=concurrency, on_progress=on_progress, raise_on_error=raise_on_error
        )
        return await arun(self._client, steps)

    def list(self, *, filter: Mapping[str, Any] | None = None) -> AsyncIterator[AssistantFile]:  # noqa: A002 - the service's word
        """Async version of `Files.list`: `async for file in client.files.list()`."""
        target = Target.of(self._client)
        sent = list_filter(target, filter)

        async def pages() -> AsyncIterator[AssistantFile]:
            token = None
            while True:
                page = await arun(self._client, files_page(target, sent, token))
                for file in page.items:
                    yield file
                token = page.next
                if token is None:
                    return

        return pages()

    async def get(self, file_id: str, *, include_url: bool = False) -> AssistantFile:
        """Async version of `Files.get`."""
        return await arun(self._client, get_file(_of(self._client, "files.get"), file_id, include_url=include_url))

    async def read(self, file_id: str) -> bytes:
        """Async version of `Files.read`."""
        return await arun(self._client, read_file(_of(self._client, "files.read"), file_id))

    async def delete(
        self,
        file_id: str,
        *,
        missing_ok: bool = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Async version of `Files.delete`."""
        target = _of(self._client, "files.delete")
        await arun(self._client, delete_file(target, file_id, missing_ok=missing_ok, wait=wait, timeout=timeout))
