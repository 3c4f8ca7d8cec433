"""`PineconeAssistantIndex`: upload documents to an assistant, and synchronise them with `langchain_core.indexing.index`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from urllib.parse import unquote

from langchain_core.documents import Document
from langchain_core.documents.base import Blob
from langchain_core.indexing.base import DeleteResponse, DocumentIndex, UpsertResponse

from pinecone_assistant_client import (
    AssistantError,
    AssistantFile,
    AsyncAssistantClient,
    NotFoundError,
    Upload,
    UploadReport,
)
from pinecone_assistant_client import InvalidRequestError as ClientInvalidRequestError
from pinecone_assistant_client.adapters import document_file_id, document_id, document_upload, user_metadata

from .connection import logger
from .errors import InvalidRequestError, ModelErrors
from .retrievers import PineconeAssistantRetriever

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .option_types import RetrieverWords

_T = TypeVar("_T")
_R = TypeVar("_R")
_AT_ONCE = 8
_Outcome = Literal["deleted", "missing", "failed"]


class PineconeAssistantIndex(PineconeAssistantRetriever, DocumentIndex):
    """Index that stores each LangChain document as one file of an assistant, under the document's id. Also a retriever.

    It works with `langchain_core.indexing.index`, which uploads only new or changed documents. The text that a loader extracts
    from PDF and DOCX files has no pages or tables; to keep them, upload the original files with `upload_blobs`.

    Metadata must be flat; None values are left out. The index reserves the keys `doc_id` and `doc_sha256`.

    Example:
        ```python
        from langchain_core.documents import Document
        from langchain_core.indexing import InMemoryRecordManager, index

        assistant = PineconeAssistantIndex(assistant_name="docs")
        records = InMemoryRecordManager(namespace="docs")
        records.create_schema()
        pages = [Document("Bees make honey.", metadata={"source": "bees.md"})]
        print(index(pages, records, assistant, cleanup="full", source_id_key="source"))
        ```
    """

    if TYPE_CHECKING:
        # A signature derived from the fields would require SecretStr where a str is accepted.
        def __init__(self, **options: Unpack[RetrieverWords]) -> None: ...

    def upsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Upload documents; one with an existing id replaces the earlier one.

        Raises:
            InvalidRequestError: A document has no text or invalid metadata; nothing was sent.
            AssistantError: An upload failed; `.report` lists what arrived and what failed. It is raised because `index()`
                records every document as done, even those that a response lists as failed.
        """
        _refuse(kwargs, "upsert")
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            ids, uploads = _to_uploads(items)
            self._client().files.upload_many(uploads, concurrency=_AT_ONCE)
        return {"succeeded": ids, "failed": []}

    async def aupsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Async version of `upsert`."""
        _refuse(kwargs, "aupsert")
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            ids, uploads = _to_uploads(items)
            await self._async_client().files.upload_many(uploads, concurrency=_AT_ONCE)
        return {"succeeded": ids, "failed": []}

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents that this index wrote. A missing id counts as neither deleted nor failed.

        The response lists the ids that could not be deleted in `failed`; the reasons are logged as warnings.

        Raises:
            InvalidRequestError: `ids` is missing (also a ValueError; to delete everything, delete the assistant), or the index
                has a `guard_filter`.
        """
        _refuse(kwargs, "delete")
        client, checked = self._client(), _checked_ids(ids, "delete")

        def delete(wanted: str) -> _Outcome:
            try:
                file = self._find(wanted)
                if file is None:
                    return "missing"
                client.files.delete(file.id, missing_ok=True)
            except AssistantError as error:
                return _failure(wanted, error)
            return "deleted"

        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return _to_response(checked, _each(delete, checked))

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Async version of `delete`."""
        _refuse(kwargs, "adelete")
        client, checked = self._async_client(), _checked_ids(ids, "adelete")

        async def delete(wanted: str) -> _Outcome:
            try:
                file = await self._afind(client, wanted)
                if file is None:
                    return "missing"
                await client.files.delete(file.id, missing_ok=True)
            except AssistantError as error:
                return _failure(wanted, error)
            return "deleted"

        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return _to_response(checked, await _aeach(delete, checked))

    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return documents with exactly the text and metadata that were uploaded; missing ids are left out.

        Files that were not written by this index are not returned.
        """
        _refuse(kwargs, "get")
        client, checked = self._client(), _checked_ids(ids, "get")

        def get(wanted: str) -> Document | None:
            file = self._find(wanted)
            return None if file is None else _to_document(wanted, file, client.files.read(file.id))

        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return [document for document in _each(get, checked) if document is not None]

    async def aget(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Async version of `get`."""
        _refuse(kwargs, "aget")
        client, checked = self._async_client(), _checked_ids(ids, "aget")

        async def get(wanted: str) -> Document | None:
            file = await self._afind(client, wanted)
            return None if file is None else _to_document(wanted, file, await client.files.read(file.id))

        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return [document for document in await _aeach(get, checked) if document is not None]

    def upload_blobs(self, blobs: Iterable[Blob], *, concurrency: int = _AT_ONCE) -> UploadReport:
        """Upload original files as LangChain's blobs; a PDF or DOCX keeps its pages and tables.

        The last part of `blob.source`, a path or a URL, is the file name, and its extension decides the type.

        Raises:
            InvalidRequestError: A blob has no source, so the file has no name.
            AssistantError: An upload failed. Raised after all the others have finished; `.report` has the outcome.
        """
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return self._client().files.upload_many(map(_blob_upload, blobs), concurrency=concurrency)

    async def aupload_blobs(self, blobs: Iterable[Blob], *, concurrency: int = _AT_ONCE) -> UploadReport:
        """Async version of `upload_blobs`."""
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return await self._async_client().files.upload_many(map(_blob_upload, blobs), concurrency=concurrency)

    def _find(self, wanted: str) -> AssistantFile | None:
        try:
            file = self._client().files.get(document_file_id(wanted))
        except NotFoundError as error:
            if error.is_about_assistant:
                raise
            return None
        return file if document_id(file) == wanted else None

    async def _afind(self, client: AsyncAssistantClient, wanted: str) -> AssistantFile | None:
        try:
            file = await client.files.get(document_file_id(wanted))
        except NotFoundError as error:
            if error.is_about_assistant:
                raise
            return None
        return file if document_id(file) == wanted else None


def _refuse(options: dict[str, Any], where: str) -> None:
    for name in options:
        raise InvalidRequestError(
            f"unknown option {name!r} for {where}, which takes none: pass options to the index when you create it"
        )


def _to_uploads(items: Sequence[Document] | Document | str) -> tuple[list[str], list[Upload]]:
    """Return the ids in the documents' order, and one upload for each id; the last document with an id wins."""
    if isinstance(items, (Document, str)):
        raise InvalidRequestError(f"the documents are a {type(items).__name__}: pass a list of documents")
    items = list(items)
    for item in items:
        if not isinstance(item, Document):
            raise InvalidRequestError(f"a document is a {type(item).__name__}: pass LangChain's Document")
    ids = [item.id or str(uuid.uuid4()) for item in items]
    last = dict(zip(ids, items, strict=True))
    return ids, [document_upload(name, item.page_content, item.metadata) for name, item in last.items()]


def _to_document(wanted: str, file: AssistantFile, content: bytes) -> Document:
    return Document(id=wanted, page_content=content.decode("utf-8"), metadata=user_metadata(file.metadata))


def _blob_upload(blob: Blob) -> Upload:
    if not isinstance(blob, Blob):
        raise InvalidRequestError(f"a blob is a {type(blob).__name__}: pass LangChain's Blob, such as Blob(path=...)")
    source = blob.source
    if not source:
        raise InvalidRequestError(
            'a blob has no source to name its file by: pass path=, or metadata={"source": "report.pdf"}'
        )
    metadata = {name: value for name, value in blob.metadata.items() if value is not None}
    # The service reads UTF-8. as_bytes() would use blob.encoding, which is meant for reading from a path.
    data = blob.data.encode("utf-8") if isinstance(blob.data, str) else blob.data
    content: Any = blob.path if data is None else data
    return Upload(content, name=_file_name(str(source)), metadata=metadata or None)


def _file_name(source: str) -> str:
    """Return the last part of a path or URL. A URL's query is left out: it is not part of the name, and may be a signature."""
    if source.startswith(("http://", "https://")):
        source = unquote(source.partition("#")[0].partition("?")[0])
    return PurePosixPath(source.replace("\\", "/")).name


def _checked_ids(ids: Iterable[str] | None, method: str) -> list[str]:
    """Return the ids without duplicates. Raise for a str: its letters would be ids, and `delete` would delete those."""
    if ids is None:
        raise InvalidRequestError(f"{method} needs ids: to delete everything, delete the assistant")
    if isinstance(ids, str):
        raise InvalidRequestError(f"{method} takes a list of ids and got {ids!r}: pass [{ids!r}]")
    checked = list(dict.fromkeys(ids))
    for wanted in checked:
        if not isinstance(wanted, str) or not wanted:
            raise InvalidRequestError(f"{method} got the id {wanted!r}: an id is text that is not empty")
    return checked


def _failure(wanted: str, error: AssistantError) -> _Outcome:
    """Return the outcome of a deletion that failed, and log the reason, which a `DeleteResponse` cannot hold.

    An outcome is never the error itself: `_aeach` would take that for an error to raise.

    Raises:
        InvalidRequestError: The client refused the call, so every id would fail for the same reason.
    """
    if isinstance(error, ClientInvalidRequestError):
        raise error
    logger.warning("document %r was not deleted: %s", wanted, error)
    return "failed"


def _to_response(ids: Sequence[str], outcomes: Sequence[_Outcome]) -> DeleteResponse:
    succeeded = [wanted for wanted, outcome in zip(ids, outcomes, strict=True) if outcome == "deleted"]
    failed = [wanted for wanted, outcome in zip(ids, outcomes, strict=True) if outcome == "failed"]
    return {"succeeded": succeeded, "failed": failed, "num_deleted": len(succeeded), "num_failed": len(failed)}


def _each(work: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))


async def _aeach(work: Callable[[_T], Awaitable[_R]], items: Iterable[_T]) -> list[_R]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(item: _T) -> _R:
        async with places:
            return await work(item)

    # An error is raised after all have ended, as in a thread pool. Otherwise the others would outlive a closed client.
    results = await asyncio.gather(*map(one, items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[_R]", results)
