"""`PineconeAssistantRetriever`: the snippets that an assistant would read, for another LLM to answer from."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from typing_extensions import Self, Unpack

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from pinecone_assistant_client.adapters import checked_context_options, keeps_no_arguments

from .filters import Filters
from .sources import to_snippet_nodes
from .views import AssistantView, llm_of

_SIZES = {"top_k": "similarity_top_k", "snippet_size": "snippet_size"}
"""The service's names of the retriever's sizes."""
_OWN = ("similarity_top_k", "snippet_size", "multimodal", "include_binary_content", "min_score")


class PineconeAssistantRetriever(AssistantView, BaseRetriever):
    """Retrieve from an assistant's files, without an answer and without a chat's bill.

    Args:
        llm: An existing LLM to share options and connections with; or pass its options here, `client=` among them.
        similarity_top_k: Snippets at most, 1 to 64; None leaves it to the service (16).
        snippet_size: Tokens of a snippet at most, 512 to 8192; None leaves it to the service (2048).
        multimodal: Whether snippets with images may come; None leaves it to the service (they may).
        include_binary_content: Whether the images come too, as `ImageNode`s. They are large.
        min_score: Leave out snippets with a lower score.
        filters: `MetadataFilters`, or a filter of the assistant's such as `{"year": {"$gte": 2024}}`.
        guard_filter: A filter, or `MetadataFilters`, that holds in addition to every other one, also to the LLM's own guard.
            Nothing changes or clears it: the way to keep tenants apart. `{}` is an error; None is no guard.
        options: As for `PineconeAssistant`; `context_options` are the defaults of the two sizes.

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
        """A copy with another `similarity_top_k`, `min_score`, `filter`, `timeout`, ..., over the same connections."""
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
            # Left out, the service sends the images of up to 64 snippets.
            images["include_binary_content"] = bool(self._own["include_binary_content"])
        call = self._llm.call_options()
        shared: dict[str, Any] = {name: call[name] for name in ("filter", "timeout", "total_timeout") if name in call}
        return {**images, **checked_context_options(call.get("context_options") or {}), **sizes, **shared}


def _checked(own: dict[str, Any]) -> dict[str, Any]:
    """The retriever's own options, after a check that names the sizes as the retriever does."""
    checked_context_options({theirs: own[ours] for theirs, ours in _SIZES.items()}, names=_SIZES)
    return own
