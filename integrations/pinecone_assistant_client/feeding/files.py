"""The files of an assistant: `client.files`, sync and async."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from ..async_exchange import AsyncExchange
from ..exchange import Exchange
from .calls import delete_file, files_page, get_file, list_filter, read_file
from .decoding import Tokens
from .driving import arun, run
from .many import OnProgress, upload_many
from .sync import MetadataOption, Source, sync_files
from .target import Target
from .uploads import upload_file
from .values import AssistantFile, FileLike, SyncReport, Upload, UploadReport


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
            file: A path, bytes, or a binary stream. A stream is read from its current position.
            name: The file's name in the assistant, whose extension decides the type (.txt .md .json .pdf .docx). Bytes and
                streams need one; a path has its own.
            file_id: 1 to 128 of `[A-Za-z0-9_-]`; a file of that id is replaced. None takes a random one.
            metadata: A flat dict of strings, numbers, booleans and lists of strings, `{"genre": "comedy", "year": 2020}`,
                at most 16 KB; filters match against it. To change it, upload the file again.
            multimodal: Process the images of a PDF too.
            wait: Wait until the file is Available. False returns the file at once, with its status then.
            timeout: Seconds to wait for the processing; None waits without limit. The HTTP calls have the client's `timeout`.

        Raises:
            InvalidRequestError: The file or an option is wrong; nothing was sent. Or the file changed while it was sent.
            FileProcessingError: The service could not process the file.
            MetadataMismatchError: The file is Available with other metadata than was sent.
            APITimeoutError: The time is up; the service continues its work.
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

        If a file fails, the others continue. If the service asks to wait (429 with `Retry-After`), this call sends no request
        until then.

        Args:
            uploads: `Upload` values. They are consumed only as fast as files are uploaded, so a generator of a million is
                fine.
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

    def sync(
        self,
        source: Source,
        *,
        owner: str | None = None,
        patterns: str | Iterable[str] = ("**/*",),
        exclude: str | Iterable[str] = (),
        metadata: MetadataOption = None,
        delete: bool = False,
        max_delete: int | None = None,
        dry_run: bool = False,
        concurrency: int = 8,
        on_progress: OnProgress | None = None,
        raise_on_error: bool = True,
    ) -> SyncReport:
        """Bring the files of an owner in line with a source: upload new files, replace changed ones, and report.

        A file is sent only if its content, metadata or `multimodal` differ from what the assistant has, so a sync of unchanged
        files sends only lists. If a sync was killed, the next one completes it. Other files of the assistant are not touched.

        Args:
            source: A folder; a URL that fsspec knows (`s3://bucket/docs`, `gs://`, `github://`, `zip://`; extra `cloud`); or an
                iterable of `Upload`, whose names are the paths.
            owner: A name for this source's files, so that several sources can share an assistant. None takes the last part of
                the folder or URL. It is required for an iterable and for `delete=True`.
            patterns: Globs of the files to upload; `*` does not match `/`, `**` does. With `delete=True`, files that no
                longer match narrower patterns are deleted.
            exclude: Globs of files and folders to leave out.
            metadata: A dict for all files; a function of the path; or rules by path, `{"guides/*.md": {"topic": "guide"}}`, as
                a dict or as a JSON file's path.
            delete: Delete the owner's files that the source no longer has. This happens last, and only if nothing failed.
            max_delete: The most files to delete. Required to delete more than half of the owner's files.
            dry_run: Change nothing, and report the changes that a sync would make.
            concurrency: How many files are worked on at once, from reading to Available.
            on_progress: Called after each file with (files done, files in all or None, path), in the caller's thread.
            raise_on_error: When all have ended, raise the first error, which has the report as `.report`.

        Returns:
            The paths, grouped by outcome. `ignored` has the paths that were left out: hidden names, `node_modules`,
            `__pycache__`, links that leave the folder, unknown types, and names that look like secrets unless a pattern names
            them.

        Raises:
            InvalidRequestError: The source or an option is wrong, or too much would be deleted; nothing was changed.
            AssistantError: The first error, as for `upload`.
        """
        steps = sync_files(
            _of(self._client, "files.sync"),
            source,
            owner=owner,
            patterns=patterns,
            exclude=exclude,
            metadata=metadata,
            delete=delete,
            max_delete=max_delete,
            dry_run=dry_run,
            concurrency=concurrency,
            on_progress=on_progress,
            raise_on_error=raise_on_error,
        )
        return run(self._client, steps)

    def list(self, *, filter: Mapping[str, Any] | None = None) -> Iterator[AssistantFile]:  # noqa: A002 - the API's name
        """Yield the files; pages are fetched as they are needed.

        Args:
            filter: Metadata filter, `{"genre": "comedy"}`; the client's `guard_filter` applies in addition.

        Source: GET /files/{assistant_name}, assistant_data 2026-04.
        """
        target = Target.of(self._client)
        sent = list_filter(target, filter)

        def pages() -> Iterator[AssistantFile]:
            token, tokens = None, Tokens("files")
            while True:
                page = run(self._client, files_page(target, sent, token))
                yield from page.items
                token = tokens.after(page)
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
            missing_ok: Return normally if there is no such file.
            wait: Wait until it is deleted.
            timeout: Seconds of that wait; None waits without limit.

        Raises:
            NotFoundError: There is none of that id.
            FileProcessingError: The service could not delete it.
            APITimeoutError: The time is up; the service continues its work.

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

    async def sync(
        self,
        source: Source,
        *,
        owner: str | None = None,
        patterns: str | Iterable[str] = ("**/*",),
        exclude: str | Iterable[str] = (),
        metadata: MetadataOption = None,
        delete: bool = False,
        max_delete: int | None = None,
        dry_run: bool = False,
        concurrency: int = 8,
        on_progress: OnProgress | None = None,
        raise_on_error: bool = True,
    ) -> SyncReport:
        """Async version of `Files.sync`; files are read in threads."""
        steps = sync_files(
            _of(self._client, "files.sync"),
            source,
            owner=owner,
            patterns=patterns,
            exclude=exclude,
            metadata=metadata,
            delete=delete,
            max_delete=max_delete,
            dry_run=dry_run,
            concurrency=concurrency,
            on_progress=on_progress,
            raise_on_error=raise_on_error,
        )
        return await arun(self._client, steps)

    def list(self, *, filter: Mapping[str, Any] | None = None) -> AsyncIterator[AssistantFile]:  # noqa: A002 - the API's name
        """Async version of `Files.list`: `async for file in client.files.list()`."""
        target = Target.of(self._client)
        sent = list_filter(target, filter)

        async def pages() -> AsyncIterator[AssistantFile]:
            token, tokens = None, Tokens("files")
            while True:
                page = await arun(self._client, files_page(target, sent, token))
                for file in page.items:
                    yield file
                token = tokens.after(page)
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
