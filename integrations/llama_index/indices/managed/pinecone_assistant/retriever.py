"""`PineconeAssistantRetriever`: snippets of an assistant's files, for another LLM to answer from."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from typing_extensions import Self, Unpack

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.adapters import checked_context_options, keeps_no_arguments

from .filters import Filters
from .sources import to_snippet_nodes
from .views import AssistantView, llm_of

_SIZES = {"top_k": "similarity_top_k", "snippet_size": "snippet_size"}
"""The service's names for the retriever's sizes."""
_OWN = ("similarity_top_k", "snippet_size", "multimodal", "include_binary_content", "min_score")


class PineconeAssistantRetriever(AssistantView, BaseRetriever):
    """Retriever of snippets from an assistant's files. It asks for no answer, so no chat is billed.

    Args:
        llm: An existing LLM, to share its options and connections; or pass its options, including `client=`.
        similarity_top_k: Maximum number of snippets, 1 to 64; None is the service's default, 16.
        snippet_size: Maximum tokens of a snippet, 512 to 8192; None is the service's default, 2048.
        multimodal: Whether snippets with images may be returned; None is the service's default, True.
        include_binary_content: Whether to return the images too, as `ImageNode`s. They are large.
        min_score: Lowest score of a returned snippet; None returns all.
        filters: `MetadataFilters`, or a filter in the assistant's form, such as `{"year": {"$gte": 2024}}`.
        guard_filter: A filter, or `MetadataFilters`, that applies in addition to every other, including the LLM's own guard.
            Nothing can change or clear it, so use it to keep tenants apart. `{}` raises; None turns it off.
        options: Same as for `PineconeAssistant`; `context_options` has the defaults of the two sizes.

    Example:
        ```python
        retriever = PineconeAssistantRetriever(assistant_name="docs", similarity_top_k=5)
        for found in retriever.retrieve("How tall is a red pine?"):
            print(found.score, found.metadata["file_name"], found.text)
        ```

    Source: POST /chat/{assistant_name}/context, assistant_data 2026-04.
    """

    @keeps_no_arguments
    def __init__(
        self,
        llm: PineconeAssistant | None = None,
        *,
        similarity_top_k: int | None = None,
        snippet_size: int | None = None,
        multimodal: bool | None = None,
        include_binary_content: bool = False,
        min_score: float | None = None,
        filters: Filters | None = None,
        guard_filter: Filters | None = None,
        **options: Unpack[AssistantOptions],
    ) -> None:
        self._llm = llm_of(self, llm, filters, guard_filter, options)
        self._own = _checked(
            {
                "similarity_top_k": similarity_top_k,
                "snippet_size": snippet_size,
                "multimodal": multimodal,
                "include_binary_content": include_binary_content,
                "min_score": min_score,
            }
        )
        super().__init__(callback_manager=self._llm.callback_manager)

    def with_options(self, **options: Any) -> Self:
        """Return a copy with another `similarity_top_k`, `min_score`, `filter`, `timeout` ... that shares the connections."""
        others = {name: value for name, value in options.items() if name not in _OWN}
        twin = self._with_llm_options(others, _OWN)
        twin._own = _checked({**self._own, **{name: options[name] for name in _OWN if name in options}})
        return twin

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        context = self._llm.sync_client.context(query_bundle.query_str, **self._context_options())
        return to_snippet_nodes(context.snippets, self._own["min_score"])

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        context = await self._llm.async_client.context(query_bundle.query_str, **self._context_options())
        return to_snippet_nodes(context.snippets, self._own["min_score"])

    def _context_options(self) -> dict[str, Any]:
        sizes = {theirs: self._own[ours] for theirs, ours in _SIZES.items() if self._own[ours] is not None}
        images: dict[str, Any] = {} if self._own["multimodal"] is None else {"multimodal": self._own["multimodal"]}
        if self._llm.api_version >= "2025-10":
            # Always sent: by default the service returns the images of up to 64 snippets.
            images["include_binary_content"] = bool(self._own["include_binary_content"])
        call = self._llm.call_options()
        shared: dict[str, Any] = {name: call[name] for name in ("filter", "timeout", "total_timeout") if name in call}
        return {**images, **checked_context_options(call.get("context_options") or {}), **sizes, **shared}


def _checked(own: dict[str, Any]) -> dict[str, Any]:
    """Check the retriever's own options and return them. Errors use the retriever's names for the sizes."""
    checked_context_options({theirs: own[ours] for theirs, ours in _SIZES.items()}, names=_SIZES)
    min_score = own["min_score"]
    if min_score is not None and (isinstance(min_score, bool) or not isinstance(min_score, (int, float))):
        raise InvalidRequestError(f"min_score is {min_score!r}: pass the lowest score, or None")
    return own
