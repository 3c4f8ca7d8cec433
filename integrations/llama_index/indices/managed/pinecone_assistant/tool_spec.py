"""`PineconeAssistantToolSpec`: tools with which another LLM's agent asks an assistant."""

from __future__ import annotations

from dataclasses import dataclass

from llama_index.core.base.response.schema import Response
from llama_index.core.schema import NodeWithScore
from llama_index.core.tools import ToolOutput
from llama_index.core.tools.tool_spec.base import SPEC_FUNCTION_TYPE, BaseToolSpec
from typing_extensions import Unpack

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from pinecone_assistant_client.adapters import keeps_no_arguments

from .filters import Filters
from .query_engine import PineconeAssistantQueryEngine
from .retriever import PineconeAssistantRetriever
from .sources import to_source_line
from .views import llm_of


@dataclass
class SourcedResponse(Response):
    """Response with a separate text for an agent: its `str()` ends with the sources, `response` does not.

    Attributes:
        text: The text for the agent.
    """

    text: str = ""

    def __str__(self) -> str:
        return self.text


class PineconeAssistantToolSpec(BaseToolSpec):
    """Two tools for an agent: `ask` answers with sources, `search_context` finds passages without an answer.

    Both return a `Response` with `source_nodes`, which a tool's output has as `raw_output`; its `str()` is the text that the
    agent reads.

    Args:
        llm: An existing LLM to ask; or pass its options, including `client=`.
        similarity_top_k: Maximum number of passages, 1 to 64.
        snippet_size: Maximum tokens of a passage, 512 to 8192.
        filters: `MetadataFilters`, or a filter in the assistant's form. An agent cannot widen it.
        guard_filter: A filter, or `MetadataFilters`, that applies in addition to every other, including the LLM's own guard.
            Nothing can change or clear it, so use it to keep tenants apart. `{}` raises; None turns it off.
        options: Same as for `PineconeAssistant`.

    Example:
        ```python
        tools = PineconeAssistantToolSpec(assistant_name="docs", similarity_top_k=5).to_tool_list()
        ```
    """

    spec_functions: list[SPEC_FUNCTION_TYPE] = [("ask", "aask"), ("search_context", "asearch_context")]  # noqa: RUF012  (LlamaIndex's own form)

    @keeps_no_arguments
    def __init__(
        self,
        llm: PineconeAssistant | None = None,
        *,
        similarity_top_k: int | None = None,
        snippet_size: int | None = None,
        filters: Filters | None = None,
        guard_filter: Filters | None = None,
        **options: Unpack[AssistantOptions],
    ) -> None:
        engine = PineconeAssistantQueryEngine(llm_of(self, llm, filters, guard_filter, options))
        self._tool = engine.as_tool()
        self._retriever = PineconeAssistantRetriever(
            engine.llm, similarity_top_k=similarity_top_k, snippet_size=snippet_size
        )

    def ask(self, question: str) -> SourcedResponse:
        """Answer a whole question from the files of the knowledge base, with the sources of the answer."""
        return _to_answer(self._tool.call(question))

    async def aask(self, question: str) -> SourcedResponse:
        """Async version of `ask`."""
        return _to_answer(await self._tool.acall(question))

    def search_context(self, query: str) -> SourcedResponse:
        """Find passages about a query in the files of the knowledge base, each with the name of its file."""
        return _to_passages(self._retriever.retrieve(query))

    async def asearch_context(self, query: str) -> SourcedResponse:
        """Async version of `search_context`."""
        return _to_passages(await self._retriever.aretrieve(query))


def _to_answer(output: ToolOutput) -> SourcedResponse:
    answer: Response = output.raw_output
    return SourcedResponse(answer.response, answer.source_nodes, answer.metadata, text=output.content)


def _to_passages(nodes: list[NodeWithScore]) -> SourcedResponse:
    passages = [f"{to_source_line(found)}\n{found.node.get_content()}" for found in nodes]
    text = "\n\n".join(passages) or "No passage fits."
    return SourcedResponse(text, nodes, text=text)
