"""LlamaIndex: retrieve from the assistant's files and let another LLM write the answer.

The other LLM here only prints its prompt, so that the example needs no key; use any LlamaIndex LLM instead.
"""

from __future__ import annotations

from demo_assistant import local_assistant
from llama_index.core import get_response_synthesizer
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantRetriever

RECENT = MetadataFilters(filters=[MetadataFilter(key="year", value=2024, operator=FilterOperator.GTE)])


def main() -> None:
    with local_assistant() as local:
        retriever = PineconeAssistantRetriever(**local.connection, similarity_top_k=3, filters=RECENT)
        engine = RetrieverQueryEngine(retriever, get_response_synthesizer(llm=MockLLM()))
        response = engine.query("How long does a queen bee live?")
        print(response)
        for node in response.source_nodes:
            print(f"  {node.score:.3f} {node.metadata['file_name']}")


if __name__ == "__main__":
    main()
