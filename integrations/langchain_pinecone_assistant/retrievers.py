"""`PineconeAssistantRetriever`: the passages that an assistant would read, as documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from pinecone_assistant_client import Context, Snippet, validate_filter
from pinecone_assistant_client.adapters import checked_context_options

from .bound import KeepsOptions
from .connection import FilteredConnection, unknown_option
from .errors import InvalidRequestError, ModelErrors

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .option_types import RetrieverWords

_SEARCH_OPTIONS = ("k", "filter", "snippet_size", "multimodal")


class PineconeAssistantRetriever(KeepsOptions[str, list[Document]], BaseRetriever, FilteredConnection):
    """Passages out of the assistant's files, without an answer: for another chat model, or to look at what it would read.

    `invoke` and `bind` take `k`, `filter`, `snippet_size` and `multimodal` too; None clears a default.

    Example:
        ```python
        retriever = PineconeAssistantRetriever(assistant_name="docs", k=4)
        for document in retriever.invoke("How tall is a red pine?"):
            print(document.metadata["file_name"], document.metadata["score"], document.page_content)
        ```
    """

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    k: int | None = None
    """Documents at most, 1 to 64; None is the service's 16."""

    snippet_size: int | None = None
    """Tokens of a document at most, 512 to 8192; None is the service's 2048."""

    multimodal: bool | None = None
    """Whether passages with images may come; their text and captions are the content."""

    _call_options: ClassVar[frozenset[str]] = frozenset(_SEARCH_OPTIONS)

    if TYPE_CHECKING:
        # Derived from the fields, checkers would ask for SecretStr where a str is meant, and refuse aliases.
        def __init__(self, **options: Unpack[RetrieverWords]) -> None: ...

    else:

        def __init__(self, **options):
            super().__init__(**self._checked(options))

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - the framework looks for this name
        **options: Any,
    ) -> list[Document]:
        search = self._search(query, **options)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return to_documents(self._client().context(**search))

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - the framework looks for this name
        **options: Any,
    ) -> list[Document]:
        search = self._search(query, **options)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return to_documents(await self._async_client().context(**search))

    def _search(self, query: str, **options: Any) -> dict[str, Any]:
        """The client's arguments of one search: the options of the call, otherwise the fields."""
        if not isinstance(query, str):
            raise InvalidRequestError(f"the query is a {type(query).__name__}: pass the text to search for")
        values = {name: getattr(self, name) for name in _SEARCH_OPTIONS}
        values.update(self._checked_options(options, where="a search"))
        return {"query": query, "top_k": values.pop("k"), **values}

    def _checked_options(self, options: Mapping[str, Any], *, where: str = "bind") -> dict[str, Any]:
        for name in options:
            if name not in _SEARCH_OPTIONS:
                raise InvalidRequestError(unknown_option(name, _SEARCH_OPTIONS, where=where))
        k = options.get("k")
        if k is not None and (isinstance(k, bool) or not isinstance(k, int)):
            raise InvalidRequestError(f"k is {k!r}: pass the number of documents, 1 to 64, or None")
        with ModelErrors():
            validate_filter(options.get("filter"))
            checked_context_options({name: options.get(name) for name in ("snippet_size", "multimodal")})
        return dict(options)


def to_documents(context: Context) -> list[Document]:
    """The snippets as documents, best first, with an id that is the same for the same snippet."""
    return [_document(snippet) for snippet in context.snippets]


def _document(snippet: Snippet) -> Document:
    reference = snippet.reference
    pages = None if reference.pages is None else list(reference.pages)
    captions = [image.caption for image in snippet.images if image.caption]
    content = "\n".join([snippet.content, *captions] if snippet.content else captions)
    return Document(
        id=hashlib.sha256(f"{reference.file_id or reference.file_name}\n{pages}\n{content}".encode()).hexdigest()[:32],
        page_content=content,
        metadata={
            "score": snippet.score,
            "file_name": reference.file_name,
            "file_id": reference.file_id,
            "pages": pages,
        },
    )
