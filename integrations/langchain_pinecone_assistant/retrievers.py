"""`PineconeAssistantRetriever`: passages of an assistant's files as LangChain documents."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from pinecone_assistant_client import Context, Snippet, validate_filter
from pinecone_assistant_client.adapters import checked_context_options, keeps_no_arguments

from .bound import KeepsOptions
from .connection import FilteredConnection, unknown_option
from .conversion import to_client_messages
from .errors import InvalidRequestError, ModelErrors

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .option_types import RetrieverWords

_FIELDS = ("k", "filter", "snippet_size", "multimodal", "include_binary_content", "min_score")
_SEARCH_OPTIONS = (*_FIELDS, "chat_history")


class PineconeAssistantRetriever(KeepsOptions[str, list[Document]], BaseRetriever, FilteredConnection):
    """Retriever that returns passages of the assistant's files without an answer, for example for another chat model.

    `invoke` and `bind` take the options below too; None clears a default. Only `invoke` takes `chat_history`, the messages
    before the query, in any form that a chat model takes: the service then searches for the whole conversation, in one call
    and without another model.

    A document's metadata is its file's metadata, then `score`, `file_name`, `file_id`, `pages`, `created_at`, and `source`:
    the file's own `source` or `url`, otherwise its name.

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
    """Maximum number of documents, 1 to 64; None is the service's default, 16."""

    snippet_size: int | None = None
    """Maximum tokens of a document, 512 to 8192; None is the service's default, 2048."""

    multimodal: bool | None = None
    """Whether passages with images may be returned; their text and captions are the content."""

    include_binary_content: bool = False
    """Whether to return the images too, as image blocks in `metadata["images"]`. They are large."""

    min_score: float | None = None
    """Lowest score of a returned passage; None returns all."""

    _call_options: ClassVar[frozenset[str]] = frozenset(_FIELDS)

    if TYPE_CHECKING:
        # A signature derived from the fields would require SecretStr where a str is accepted, and refuse aliases.
        def __init__(self, **options: Unpack[RetrieverWords]) -> None: ...

    else:

        @keeps_no_arguments
        def __init__(self, **options):
            super().__init__(**self._checked(options))

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - the framework looks for this name
        **options: Any,
    ) -> list[Document]:
        search, min_score = self._search(query, **options)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return to_documents(self._client().context(**search), min_score)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - the framework looks for this name
        **options: Any,
    ) -> list[Document]:
        search, min_score = self._search(query, **options)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            return to_documents(await self._async_client().context(**search), min_score)

    def _search(self, query: str, **options: Any) -> tuple[dict[str, Any], float | None]:
        """Return the client's arguments for one search, and the lowest score. Options of the call override the fields."""
        if not isinstance(query, str):
            raise InvalidRequestError(f"the query is a {type(query).__name__}: pass the text to search for")
        values = {name: getattr(self, name) for name in _FIELDS}
        values.update(self._checked_options(options, where="a search"))
        asked: dict[str, Any] = {"query": query}
        history = values.pop("chat_history", None)
        if history:
            asked = {
                "messages": to_client_messages([*_to_messages(history), HumanMessage(query)], tool_messages="drop")
            }
        # Always sent: by default the service returns the images of up to 64 snippets.
        images = bool(values.pop("include_binary_content"))
        known = {"include_binary_content": images} if self.api_version >= "2025-10" else {}
        min_score = values.pop("min_score")
        return {**asked, "top_k": values.pop("k"), **known, **values}, min_score

    def _checked_options(self, options: Mapping[str, Any], *, where: str = "bind") -> dict[str, Any]:
        for name in options:
            if name not in _SEARCH_OPTIONS:
                raise InvalidRequestError(unknown_option(name, _SEARCH_OPTIONS, where=where))
        k, min_score = options.get("k"), options.get("min_score")
        if k is not None and (isinstance(k, bool) or not isinstance(k, int)):
            raise InvalidRequestError(f"k is {k!r}: pass the number of documents, 1 to 64, or None")
        if min_score is not None and (isinstance(min_score, bool) or not isinstance(min_score, (int, float))):
            raise InvalidRequestError(f"min_score is {min_score!r}: pass the lowest score, or None")
        with ModelErrors():
            validate_filter(options.get("filter"))
            checked_context_options({name: options.get(name) for name in ("snippet_size", "multimodal")})
        return dict(options)


def _to_messages(history: Any) -> list[BaseMessage]:
    """Return a `chat_history` as messages; its turns may be messages, pairs such as `("human", "Hi")`, or dicts."""
    try:
        if isinstance(history, (str, Mapping, BaseMessage)):
            raise TypeError
        return convert_to_messages(history)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise InvalidRequestError(
            f"chat_history is a {type(history).__name__} that is not a list of messages: pass messages, pairs such as "
            '("human", "Hi"), or dicts with a role and content'
        ) from error


def to_documents(context: Context, min_score: float | None = None) -> list[Document]:
    """Return the snippets as documents, best first. The same snippet always has the same id."""
    return [
        _document(snippet)
        for snippet in context.snippets
        if min_score is None or snippet.score is None or snippet.score >= min_score
    ]


def _document(snippet: Snippet) -> Document:
    reference = snippet.reference
    pages = None if reference.pages is None else list(reference.pages)
    captions = [image.caption for image in snippet.images if image.caption]
    content = "\n".join([snippet.content, *captions] if snippet.content else captions)
    return Document(
        id=hashlib.sha256(f"{reference.file_id or reference.file_name}\n{pages}\n{content}".encode()).hexdigest()[:32],
        page_content=content,
        metadata=_metadata(snippet, pages),
    )


def _metadata(snippet: Snippet, pages: list[int] | None) -> dict[str, Any]:
    reference = snippet.reference
    own = copy.deepcopy(reference.metadata or {})
    metadata = {
        **own,
        "score": snippet.score,
        "file_name": reference.file_name,
        "file_id": reference.file_id,
        "pages": pages,
        "source": own.get("source") or own.get("url") or reference.file_name,
    }
    if reference.created_at:
        metadata["created_at"] = reference.created_at
    images = [
        {"type": "image", "base64": image.data, "mime_type": image.mime_type} for image in snippet.images if image.data
    ]
    if images:
        metadata["images"] = images
    return metadata
