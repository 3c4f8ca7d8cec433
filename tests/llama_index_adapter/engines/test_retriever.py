"""The retriever: nodes, options and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core import get_response_synthesizer
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeRelationship, QueryBundle
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantRetriever
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantClient, BadRequestError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from ..conftest import QUESTION, SECRET, bodies, paths, run


@pytest.fixture
def retriever(words: dict[str, Any]) -> PineconeAssistantRetriever:
    """A retriever with default options."""
    return PineconeAssistantRetriever(**words)


def test_snippets_become_nodes_with_their_scores(
    retriever: PineconeAssistantRetriever, call: Any, local: LocalAssistant
) -> None:
    nodes = call(retriever, "retrieve", QUESTION)
    best = nodes[0]
    assert best.metadata["file_name"] == "red_pine.md"
    assert "25 meters" in best.text
    source = best.node.relationships[NodeRelationship.SOURCE]
    assert source.node_id == best.metadata["file_id"] == best.node.ref_doc_id
    context = AssistantClient(assistant_name=local.name, api_key=local.api_key, host=local.host).context(QUESTION)
    assert [node.score for node in nodes] == [snippet.score for snippet in context.snippets], "unchanged"
    assert paths(local)[0] == "context"


def test_no_signed_link_gets_into_a_node(retriever: PineconeAssistantRetriever, call: Any) -> None:
    for node in call(retriever, "retrieve", QUESTION):
        assert "http" not in node.model_dump_json()
        json.dumps(node.metadata)


def test_node_ids_are_the_same_every_time_and_tell_passages_apart(
    retriever: PineconeAssistantRetriever, call: Any, local: LocalAssistant
) -> None:
    first = [node.node_id for node in call(retriever, "retrieve", "pine")]
    assert first == [node.node_id for node in call(retriever, "retrieve", "pine")]
    assert len(first) == len(set(first)) == 2
    local.upload_text("copy.md", "# Red pine\nA red pine is an evergreen tree.")
    assert len(call(retriever, "retrieve", "pine")) == 3, "equal ids would be dropped by LlamaIndex"


@pytest.mark.parametrize("min_score", ["0.5", True, [0.5]])
def test_a_lowest_score_that_is_not_a_number_is_refused_before_anything_is_sent(
    retriever: PineconeAssistantRetriever, words: dict[str, Any], local: LocalAssistant, min_score: Any
) -> None:
    """The search was sent, then the comparison of its scores raised a TypeError."""
    with pytest.raises(InvalidRequestError, match=r"min_score is .*: pass the lowest score"):
        PineconeAssistantRetriever(**words, min_score=min_score)
    with pytest.raises(InvalidRequestError, match=r"min_score is .*: pass the lowest score"):
        retriever.with_options(min_score=min_score)
    assert local.requests == []


def test_sizes_and_filter_are_sent(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    retriever = PineconeAssistantRetriever(
        **words, similarity_top_k=1, snippet_size=600, filters={"resource": "nursery"}
    )
    nodes = call(retriever, "retrieve", QueryBundle(QUESTION))
    assert [node.metadata["file_name"] for node in nodes] == ["nursery.md"]
    body = {"query": QUESTION, "top_k": 1, "snippet_size": 600, "filter": {"resource": "nursery"}}
    assert bodies(local) == [body | {"include_binary_content": False}]


def test_sizes_default_to_the_context_options(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    retriever = PineconeAssistantRetriever(**words, context_options={"top_k": 3, "snippet_size": 700})
    call(retriever, "retrieve", QUESTION)
    call(retriever.with_options(similarity_top_k=4), "retrieve", QUESTION)
    assert [(body["top_k"], body["snippet_size"]) for body in bodies(local)] == [(3, 700), (4, 700)]


def test_with_filters_and_with_options_return_copies(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    retriever = PineconeAssistantRetriever(**words, similarity_top_k=2)
    nursery = MetadataFilters(filters=[MetadataFilter(key="resource", value="nursery")])
    assert [n.metadata["file_name"] for n in call(retriever.with_filters(nursery), "retrieve", "pine")] == [
        "nursery.md"
    ]
    assert len(call(retriever, "retrieve", "pine")) == 2
    assert len(call(retriever.with_options(similarity_top_k=1), "retrieve", "pine")) == 1
    call(retriever.with_filters(nursery).with_filters(None), "retrieve", "pine")
    assert bodies(local)[-1] == {"query": "pine", "top_k": 2, "include_binary_content": False}
    with pytest.raises(InvalidRequestError, match="unknown option 'top_k'"):
        retriever.with_options(top_k=1)


def test_an_existing_llm_or_client_is_used(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, filter={"resource": "nursery"})
    assert len(call(PineconeAssistantRetriever(llm), "retrieve", "pine")) == 1
    assert PineconeAssistantRetriever(llm).llm is llm
    assert call(PineconeAssistantRetriever(client=AssistantClient(**words)), "retrieve", "pine")
    with pytest.raises(InvalidRequestError, match=r"llm= brings its own options: leave out api_key"):
        PineconeAssistantRetriever(llm, api_key=SECRET)
    with pytest.raises(InvalidRequestError, match="filter and filters"):
        PineconeAssistantRetriever(**words, filter={"a": 1}, filters={"b": 2})


def test_errors_raise_and_are_no_empty_list(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    with pytest.raises(BadRequestError):
        call(PineconeAssistantRetriever(**words, similarity_top_k=65), "retrieve", QUESTION)
    with pytest.raises(InvalidRequestError, match="unknown context option 'top_n'"):
        call(PineconeAssistantRetriever(**words, context_options={"top_n": 1}), "retrieve", QUESTION)
    assert call(PineconeAssistantRetriever(**words, filters={"year": 1900}), "retrieve", QUESTION) == []


def test_it_tells_its_events(words: dict[str, Any], call: Any) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    retriever = PineconeAssistantRetriever(**words, callback_manager=CallbackManager([handler]))
    call(retriever, "retrieve", QUESTION)
    assert len(handler.get_event_pairs(CBEventType.RETRIEVE)) == 1
    assert SECRET not in str([event.payload for event in handler.get_events()])


def test_it_feeds_another_llm(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    """LlamaIndex's usual RAG over an assistant's files, where the other LLM answers."""
    synthesizer = get_response_synthesizer(llm=MockLLM())
    engine = RetrieverQueryEngine(PineconeAssistantRetriever(**words), synthesizer)
    response = call(engine, "query", QUESTION)
    assert "25 meters" in str(response), "the mock repeats its prompt, which has the passages"
    assert response.source_nodes[0].metadata["file_name"] == "red_pine.md"
    assert paths(local) == ["context"]


def test_close_releases_the_connections(retriever: PineconeAssistantRetriever) -> None:
    assert retriever.retrieve("pine")
    retriever.close()
    assert retriever.retrieve("pine")
    run(retriever.aclose())
