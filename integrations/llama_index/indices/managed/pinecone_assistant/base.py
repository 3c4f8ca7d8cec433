"""`PineconeAssistantIndex`: upload LlamaIndex documents to an assistant, and get engines that ask it."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, cast

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.data_structs.data_structs import IndexDict
from llama_index.core.data_structs.registry import INDEX_STRUCT_TYPE_TO_INDEX_STRUCT_CLASS
from llama_index.core.indices.managed.base import BaseManagedIndex
from llama_index.core.schema import BaseNode, Document, TransformComponent
from llama_index.core.storage.docstore.types import RefDocInfo
from llama_index.core.utils import get_tqdm_iterable
from typing_extensions import Self, Unpack

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from llama_index.llms.pinecone_assistant.options import check_call_options
from pinecone_assistant_client import (
    AssistantFile,
    InvalidRequestError,
    NotFoundError,
    SyncReport,
    Upload,
    UploadReport,
)
from pinecone_assistant_client.adapters import (
    DOCUMENT_HASH_KEY,
    checked_context_options,
    document_file_id,
    document_hash,
    document_id,
    document_upload,
    keeps_no_arguments,
    user_metadata,
)

from .chat_engine import PineconeAssistantChatEngine
from .filters import Filters, to_filter
from .query_engine import PineconeAssistantQueryEngine
from .retriever import PineconeAssistantRetriever
from .views import llm_of

_TYPE = "pinecone_assistant"
_OTHER_LLM = "RetrieverQueryEngine.from_args(index.as_retriever(), llm=llm)"
_STEPS = frozenset(
    ("node_postprocessors", "response_mode", "response_synthesizer", "text_qa_template", "refine_template")
)
"""Options of LlamaIndex's own query engines that concern steps which the service takes itself."""
_WITHOUT_EFFECT = ("streaming", "verbose")
_DOCUMENTS: dict[str, Any] = {DOCUMENT_HASH_KEY: {"$exists": True}}


@dataclass
class AssistantIndexStruct(IndexDict):
    """Empty index struct: LlamaIndex requires one, and a storage context stores nothing of an assistant."""

    @classmethod
    def get_type(cls) -> Any:
        """Return a type of our own. With a type of LlamaIndex's, loading would ask for an embedding model."""
        return _TYPE

    @classmethod
    def from_json(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raise: the documents are in the assistant, so there is nothing to load."""
        raise InvalidRequestError(
            "a PineconeAssistantIndex keeps nothing in a storage context, so there is nothing to load: create it again with "
            'PineconeAssistantIndex(assistant_name="docs")'
        )


INDEX_STRUCT_TYPE_TO_INDEX_STRUCT_CLASS[cast("Any", _TYPE)] = AssistantIndexStruct


class _Whole(TransformComponent):
    """Transformation that changes nothing. Without one, the framework would load a splitter and its tokenizer."""

    def __call__(self, nodes: Sequence[BaseNode], **_options: Any) -> Sequence[BaseNode]:
        return nodes


class PineconeAssistantIndex(BaseManagedIndex):
    """Managed index over an assistant: upload documents to it, and get retrievers and engines from it.

    Each `Document` becomes one file, under the document's id. The service splits and embeds it. The text that a reader
    extracts from PDF and DOCX files has no pages or tables; to keep them, upload the original files with `insert_file`,
    `upload_many` or `sync`. Metadata must be flat; None values are left out. The index reserves the keys `doc_id` and
    `doc_sha256`.

    Args:
        llm: An existing LLM, to share its options and connections; or pass its options, including `client=`.
        show_progress: Show a progress bar for uploads.
        options: Same as for `PineconeAssistant`.

    Example:
        ```python
        from llama_index.core import Document

        index = PineconeAssistantIndex.from_documents([Document(text="Bees make honey.")], assistant_name="docs")
        print(index.as_query_engine().query("What do bees make?"))
        ```
    """

    index_struct_cls: ClassVar[type[IndexDict]] = AssistantIndexStruct  # type: ignore[misc]  # as in the framework's indices

    @keeps_no_arguments
    def __init__(
        self, llm: PineconeAssistant | None = None, *, show_progress: bool = False, **options: Unpack[AssistantOptions]
    ) -> None:
        self._llm = llm_of(self, llm, None, None, options)
        super().__init__(
            index_struct=AssistantIndexStruct(),
            transformations=[_Whole()],
            callback_manager=self._llm.callback_manager,
            show_progress=show_progress,
        )

    @property
    def llm(self) -> PineconeAssistant:
        """LLM that the engines ask."""
        return self._llm

    @classmethod
    def from_documents(  # type: ignore[override]  # takes no storage context or splitters, unlike the framework's
        cls,
        documents: Sequence[Document],
        *,
        llm: PineconeAssistant | None = None,
        show_progress: bool = False,
        **options: Unpack[AssistantOptions],
    ) -> Self:
        """Upload documents to an assistant and return its index; documents that exist are replaced.

        Raises:
            InvalidRequestError: A document has no text or invalid metadata.
            AssistantError: An upload failed. Raised after all the others have finished; `.report` has the outcome.
        """
        index = cls._made(llm, show_progress, options)
        index._upload(documents)
        return index

    @classmethod
    async def afrom_documents(
        cls,
        documents: Sequence[Document],
        *,
        llm: PineconeAssistant | None = None,
        show_progress: bool = False,
        **options: Unpack[AssistantOptions],
    ) -> Self:
        """Async version of `from_documents`."""
        index = cls._made(llm, show_progress, options)
        await index._aupload(documents)
        return index

    @classmethod
    def _made(cls, llm: PineconeAssistant | None, show_progress: bool, options: AssistantOptions) -> Self:
        try:
            return cls(llm, show_progress=show_progress, **options)
        finally:
            cast("dict[str, Any]", options).clear()  # an upload's traceback shows this frame: keep the key out of it

    def insert(self, document: Document, **insert_kwargs: Any) -> None:
        """Upload a document; it replaces one with the same id."""
        _refuse_options("insert", insert_kwargs)
        self._upload([document])

    async def ainsert(self, document: Document, **insert_kwargs: Any) -> None:
        """Async version of `insert`."""
        _refuse_options("ainsert", insert_kwargs)
        await self._aupload([document])

    def insert_file(
        self,
        path: str | os.PathLike[str],
        *,
        metadata: Mapping[str, Any] | None = None,
        file_id: str | None = None,
        multimodal: bool | None = None,
    ) -> AssistantFile:
        """Upload an original file; a PDF or DOCX keeps its pages and tables."""
        return self._llm.sync_client.files.upload(path, metadata=metadata, file_id=file_id, multimodal=multimodal)

    async def ainsert_file(
        self,
        path: str | os.PathLike[str],
        *,
        metadata: Mapping[str, Any] | None = None,
        file_id: str | None = None,
        multimodal: bool | None = None,
    ) -> AssistantFile:
        """Async version of `insert_file`."""
        return await self._llm.async_client.files.upload(
            path, metadata=metadata, file_id=file_id, multimodal=multimodal
        )

    def upload_many(self, uploads: Iterable[Upload], **options: Any) -> UploadReport:
        """Upload many files. Takes the options of `client.files.upload_many`."""
        return self._llm.sync_client.files.upload_many(uploads, **options)

    async def aupload_many(self, uploads: Iterable[Upload], **options: Any) -> UploadReport:
        """Async version of `upload_many`."""
        return await self._llm.async_client.files.upload_many(uploads, **options)

    def sync(self, source: Any, **options: Any) -> SyncReport:
        """Synchronise the assistant with a folder, a URL or uploads. Takes the options of `client.files.sync`."""
        return self._llm.sync_client.files.sync(source, **options)

    async def async_sync(self, source: Any, **options: Any) -> SyncReport:
        """Async version of `sync`."""
        return await self._llm.async_client.files.sync(source, **options)

    def list_files(self, *, filter: Filters | None = None) -> list[AssistantFile]:  # noqa: A002 - the service's name
        """Return all files of the assistant, including those that are not documents."""
        return list(self._llm.sync_client.files.list(filter=to_filter(filter)))

    async def alist_files(self, *, filter: Filters | None = None) -> list[AssistantFile]:  # noqa: A002 - as above
        """Async version of `list_files`."""
        return [file async for file in self._llm.async_client.files.list(filter=to_filter(filter))]

    def delete_ref_doc(self, ref_doc_id: str, delete_from_docstore: bool = False, **delete_kwargs: Any) -> None:
        """Delete a document, if it exists.

        Raises:
            InvalidRequestError: The file with that id was not uploaded as a document.
        """
        _refuse_options("delete_ref_doc", delete_kwargs)
        files = self._llm.sync_client.files
        try:
            file = files.get(document_file_id(ref_doc_id))
        except NotFoundError as error:
            return _pass_over(error)
        files.delete(_checked_document(file, ref_doc_id), missing_ok=True)
        return None

    async def adelete_ref_doc(self, ref_doc_id: str, delete_from_docstore: bool = False, **delete_kwargs: Any) -> None:
        """Async version of `delete_ref_doc`."""
        _refuse_options("adelete_ref_doc", delete_kwargs)
        files = self._llm.async_client.files
        try:
            file = await files.get(document_file_id(ref_doc_id))
        except NotFoundError as error:
            return _pass_over(error)
        await files.delete(_checked_document(file, ref_doc_id), missing_ok=True)
        return None

    def update_ref_doc(self, document: Document, **update_kwargs: Any) -> None:
        """Upload a document that replaces the one with its id. The old one is used for answers until the new one is ready."""
        _refuse_options("update_ref_doc", _without_docstore(update_kwargs))
        self._upload([document])

    async def aupdate_ref_doc(self, document: Document, **update_kwargs: Any) -> None:
        """Async version of `update_ref_doc`."""
        _refuse_options("aupdate_ref_doc", _without_docstore(update_kwargs))
        await self._aupload([document])

    def refresh_ref_docs(self, documents: Sequence[Document], **update_kwargs: Any) -> list[bool]:
        """Upload the documents that are new or have other text or metadata; returns True for each of these.

        The documents are compared with the assistant's files, so this also works in a new process, and after changes by others.
        """
        _refuse_options("refresh_ref_docs", _without_docstore(update_kwargs))
        documents = _checked_documents(documents)
        changed = _changed(documents, self.list_files(filter=_DOCUMENTS))
        self._upload([document for document, is_changed in zip(documents, changed, strict=True) if is_changed])
        return changed

    async def arefresh_ref_docs(self, documents: Sequence[Document], **update_kwargs: Any) -> list[bool]:
        """Async version of `refresh_ref_docs`."""
        _refuse_options("arefresh_ref_docs", _without_docstore(update_kwargs))
        documents = _checked_documents(documents)
        changed = _changed(documents, await self.alist_files(filter=_DOCUMENTS))
        await self._aupload([document for document, is_changed in zip(documents, changed, strict=True) if is_changed])
        return changed

    @property
    def ref_doc_info(self) -> dict[str, RefDocInfo]:
        """The assistant's documents by id, with their original metadata. Sends a request to the service."""
        return _ref_doc_info(self.list_files(filter=_DOCUMENTS))

    async def aref_doc_info(self) -> dict[str, RefDocInfo]:
        """Async version of `ref_doc_info`."""
        return _ref_doc_info(await self.alist_files(filter=_DOCUMENTS))

    def as_retriever(self, **kwargs: Any) -> PineconeAssistantRetriever:
        """Return a retriever. Takes `similarity_top_k`, `snippet_size`, `filters`, `min_score` and the LLM's options."""
        llm = kwargs.pop("llm", None)
        own, asked = self._options_for(PineconeAssistantRetriever, "as_retriever", kwargs, llm)
        return PineconeAssistantRetriever(asked, **own)

    def as_query_engine(self, llm: Any = None, **kwargs: Any) -> PineconeAssistantQueryEngine:
        """Return a query engine. Takes `streaming`, `similarity_top_k`, `filters` and the LLM's options.

        Raises:
            InvalidRequestError: An LLM of another vendor, or an option of LlamaIndex's own query engines.
        """
        for name in kwargs:
            if name in _STEPS:
                raise InvalidRequestError(
                    f"as_query_engine has no option {name!r}: an assistant searches and writes the answer itself, in one call. "
                    f"For LlamaIndex's own steps use RetrieverQueryEngine.from_args(index.as_retriever(), {name}=...)"
                )
        own, asked = self._options_for(PineconeAssistantQueryEngine, "as_query_engine", kwargs, llm)
        return PineconeAssistantQueryEngine(asked, **own)

    def as_chat_engine(
        self, chat_mode: ChatMode = ChatMode.BEST, llm: Any = None, **kwargs: Any
    ) -> PineconeAssistantChatEngine:
        """Return a chat engine. Takes `similarity_top_k`, `memory`, `filters`, `system_prompt` and the LLM's options.

        Two options of LlamaIndex's own engines make no difference: `streaming`, because every engine has `chat` and
        `stream_chat`, and `verbose`, because a turn has no steps to print.

        Raises:
            InvalidRequestError: A chat mode of LlamaIndex's own engines. The assistant searches for every turn itself.
        """
        if chat_mode != ChatMode.BEST:
            raise InvalidRequestError(
                f"chat_mode={getattr(chat_mode, 'value', chat_mode)!r} is not for an assistant: it searches its files for "
                "every turn itself, in one call; that mode would rephrase the question and search again. Leave chat_mode out, "
                "or use index.as_retriever() in one of LlamaIndex's engines"
            )
        system_prompt = kwargs.pop("system_prompt", None)
        for name in _WITHOUT_EFFECT:
            kwargs.pop(name, None)
        own, asked = self._options_for(
            PineconeAssistantChatEngine, "as_chat_engine", kwargs, llm, more=("system_prompt", *_WITHOUT_EFFECT)
        )
        if system_prompt is not None:
            asked = asked.model_copy(update={"system_prompt": system_prompt})
        return PineconeAssistantChatEngine(asked, **own)

    def insert_nodes(self, nodes: Sequence[BaseNode], **insert_kwargs: Any) -> None:
        """Raise: an assistant takes documents and files, and splits them itself."""
        raise _no_nodes("insert_nodes")

    async def ainsert_nodes(self, nodes: Sequence[BaseNode], **insert_kwargs: Any) -> None:
        """Async version of `insert_nodes`: raise."""
        raise _no_nodes("ainsert_nodes")

    def delete_nodes(self, node_ids: list[str], delete_from_docstore: bool = False, **delete_kwargs: Any) -> None:
        """Raise: an assistant has documents and files, not nodes."""
        raise _no_nodes("delete_nodes")

    async def adelete_nodes(
        self,
        node_ids: list[str],
        delete_from_docstore: bool = False,
        **delete_kwargs: Any,
    ) -> None:
        """Async version of `delete_nodes`: raise."""
        raise _no_nodes("adelete_nodes")

    def set_index_id(self, index_id: str) -> None:
        """Raise: an assistant is identified by its name, and a storage context stores nothing of it."""
        raise InvalidRequestError(
            "set_index_id has no effect on an assistant, which is identified by its name: pass assistant_name="
        )

    def _insert(self, nodes: Sequence[BaseNode], **insert_kwargs: Any) -> None:
        raise _no_nodes("insert_nodes")

    def _upload(self, documents: Sequence[Document]) -> None:
        uploads = _to_uploads(documents)
        with self._callback_manager.as_trace("insert"), self._progress(len(uploads)) as report:
            self._llm.sync_client.files.upload_many(uploads, on_progress=report)

    async def _aupload(self, documents: Sequence[Document]) -> None:
        uploads = _to_uploads(documents)
        with self._callback_manager.as_trace("insert"), self._progress(len(uploads)) as report:
            await self._llm.async_client.files.upload_many(uploads, on_progress=report)

    @contextmanager
    def _progress(self, total: int) -> Iterator[Callable[[int, int | None, str], None] | None]:
        if not self._show_progress:
            yield None
            return
        bar = iter(get_tqdm_iterable(range(total), show_progress=True, desc="Uploading documents"))
        next(bar, None)
        yield lambda _done, _total, _name: next(bar, None)

    def _options_for(
        self, view: type, method: str, options: Mapping[str, Any], llm: Any, more: Sequence[str] = ()
    ) -> tuple[dict[str, Any], PineconeAssistant]:
        """Split options into those of a view's constructor and those of the LLM; the latter are set in a copy of the LLM.

        Errors name `method`, and know its options: the view's, `similarity_top_k`, and `more`.
        """
        if isinstance(llm, BaseLLM) and not isinstance(llm, PineconeAssistant):
            raise InvalidRequestError(
                f"llm is a {type(llm).__name__}: an assistant answers itself. For another LLM that answers from its "
                f"passages use {_OTHER_LLM}"
            )
        if llm is not None and not isinstance(llm, PineconeAssistant):
            raise InvalidRequestError(f"llm is a {type(llm).__name__}: pass a PineconeAssistant, or leave it out")
        names = [name for name in inspect.signature(view).parameters if name not in ("llm", "options")]
        own = {name: value for name, value in options.items() if name in names}
        others = {name: value for name, value in options.items() if name not in names}
        check_call_options(others, method, (*names, "similarity_top_k", *more))
        others = _with_top_k(others)
        asked = self._llm if llm is None else llm
        return own, asked.with_options(**others) if others else asked


def _with_top_k(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an engine's options with LlamaIndex's `similarity_top_k` renamed to the service's `top_k`."""
    options = dict(options)
    top_k = options.pop("similarity_top_k", None)
    if top_k is not None:
        checked_context_options({"top_k": top_k}, names={"top_k": "similarity_top_k"})
        options["context_options"] = {**(options.get("context_options") or {}), "top_k": top_k}
        options.setdefault("interface", "standard")
    return options


def _without_docstore(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an update without `delete_from_docstore`, which has no effect here: there is no docstore.

    LlamaIndex's documentation passes it as `update_kwargs={"delete_kwargs": {"delete_from_docstore": True}}`.
    """
    left: dict[str, Any] = {}
    for name, value in options.items():
        if name in ("update_kwargs", "delete_kwargs") and isinstance(value, Mapping):
            left |= _without_docstore(value)
        elif name != "delete_from_docstore":
            left[name] = value
    return left


def _to_uploads(documents: Sequence[Document]) -> list[Upload]:
    """Return one upload for each id; the last document with an id wins."""
    last = {document.id_: document for document in _checked_documents(documents)}
    return [document_upload(name, _text(document), document.metadata) for name, document in last.items()]


def _checked_documents(documents: Iterable[Document] | BaseNode | str) -> list[Document]:
    if isinstance(documents, (BaseNode, str)):
        raise InvalidRequestError(f"the documents are a {type(documents).__name__}: pass a list of documents")
    checked = list(documents)
    for document in checked:
        if not isinstance(document, BaseNode):
            raise InvalidRequestError(f"a document is a {type(document).__name__}: pass LlamaIndex's Document")
    return checked


def _text(document: Document) -> str:
    return getattr(document, "text", None) or ""


def _changed(documents: Sequence[Document], files: Iterable[AssistantFile]) -> list[bool]:
    """Return for each document whether it differs from its file. For documents with one id, the last decides: it is stored."""
    known = {
        document_id(file): (file.metadata or {}).get(DOCUMENT_HASH_KEY)
        for file in files
        if file.status in ("Available", "Processing")
    }
    last = {document.id_: document_hash(_text(document), document.metadata) for document in documents}
    return [known.get(document.id_) != last[document.id_] for document in documents]


def _ref_doc_info(files: Iterable[AssistantFile]) -> dict[str, RefDocInfo]:
    return {
        name: RefDocInfo(node_ids=[file.id], metadata=user_metadata(file.metadata))
        for file in files
        if (name := document_id(file)) is not None
    }


def _checked_document(file: AssistantFile, ref_doc_id: str) -> str:
    # A node's ref_doc_id is its file's id. It differs from the document's id if that is not a legal file id.
    found = document_id(file)
    if found is None or ref_doc_id not in (found, file.id):
        raise InvalidRequestError(
            f"file {file.id!r} was not uploaded as a document, so delete_ref_doc does not delete it: delete it with "
            f"index.llm.sync_client.files.delete({file.id!r})"
        )
    return file.id


def _pass_over(error: NotFoundError) -> None:
    """Ignore the error of a missing file; raise that of a missing assistant."""
    if error.is_about_assistant:
        raise error


def _no_nodes(method: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{method} is not supported: an assistant takes documents and files and splits them itself. Use insert, "
        "insert_file, refresh_ref_docs or delete_ref_doc"
    )


def _refuse_options(method: str, options: Mapping[str, Any]) -> None:
    for name in options:
        raise InvalidRequestError(
            f"{method} has no option {name!r}: the service decides how documents are split and stored"
        )
