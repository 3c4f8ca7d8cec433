"""The retriever: snippets as documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.exceptions import ModelError
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompt_values import ChatPromptValue

from langchain_pinecone_assistant import PineconeAssistantRetriever
from langchain_pinecone_assistant.errors import APITimeoutError, AuthenticationError, InvalidRequestError
from langchain_pinecone_assistant.retrievers import to_documents
from pinecone_assistant_client import Context, Reference, Snippet, SnippetImage
from pinecone_assistant_local import LocalAssistant

from ..conftest import QUESTION, Ask, words


def retriever(local: LocalAssistant, **options: Any) -> PineconeAssistantRetriever:
    """A retriever over a local assistant."""
    return PineconeAssistantRetriever(**words(local, max_retries=0, **options))


def last_body(local: LocalAssistant) -> dict[str, Any]:
    """The body of the last request."""
    body = local.requests[-1].body
    assert isinstance(body, dict)
    return body


async def test_documents_have_id_score_file_and_pages_and_no_link(ask: Ask, library: LocalAssistant) -> None:
    documents = await ask.invoke(retriever(library, k=3), QUESTION)
    assert len(documents) == 3
    best = documents[0]
    assert isinstance(best, Document)
    assert "43.8" in best.page_content
    assert {"score", "file_name", "file_id", "pages", "source", "created_at"} <= set(best.metadata)
    assert best.metadata["file_name"] == "red_pine.md"
    assert best.metadata["file_id"]
    assert [document.metadata["score"] for document in documents] == sorted(
        (document.metadata["score"] for document in documents), reverse=True
    )
    assert len({document.id for document in documents}) == 3
    assert [document.id for document in await ask.invoke(retriever(library, k=3), QUESTION)] == [
        document.id for document in documents
    ]
    assert "http" not in json.dumps([document.metadata for document in documents])


async def test_options_come_from_the_constructor_and_from_invoke(ask: Ask, local: LocalAssistant) -> None:
    searching = retriever(local, k=3, filter={"resource": "encyclopedia"}, snippet_size=512)
    await ask.invoke(searching, QUESTION)
    assert last_body(local) == {
        "query": QUESTION,
        "top_k": 3,
        "snippet_size": 512,
        "filter": {"resource": "encyclopedia"},
        "include_binary_content": False,
    }
    await ask.invoke(searching, QUESTION, k=1, filter={"resource": "nursery"}, snippet_size=1024, multimodal=False)
    assert last_body(local) == {
        "query": QUESTION,
        "top_k": 1,
        "snippet_size": 1024,
        "multimodal": False,
        "filter": {"resource": "nursery"},
        "include_binary_content": False,
    }
    await ask.invoke(searching, QUESTION, filter=None)
    assert last_body(local) == {
        "query": QUESTION,
        "top_k": 3,
        "snippet_size": 512,
        "include_binary_content": False,
    }
    await ask.invoke(searching, QUESTION, k=None, snippet_size=None, filter=None)
    assert last_body(local) == {"query": QUESTION, "include_binary_content": False}, "None clears a default"


async def test_without_options_the_services_defaults_hold(ask: Ask, local: LocalAssistant) -> None:
    await ask.invoke(retriever(local), QUESTION)
    assert last_body(local) == {"query": QUESTION, "include_binary_content": False}


async def test_an_unknown_option_is_an_error_that_names_it(ask: Ask, local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match=r"unknown option 'fliter'.*did you mean 'filter'"):
        await ask.invoke(retriever(local), QUESTION, fliter={})
    with pytest.raises(InvalidRequestError, match="unknown option 'top_k' for a search: did you mean 'k'"):
        await ask.invoke(retriever(local), QUESTION, top_k=3)
    with pytest.raises(InvalidRequestError, match="unknown option 'model' for a search"):
        await ask.invoke(retriever(local), QUESTION, model="gpt-4o")
    with pytest.raises(ValueError, match="unknown option 'top'"):
        retriever(local, top=3)
    assert local.requests == []


@pytest.mark.parametrize(
    ("query", "options", "named"),
    [
        ("  ", {}, "query is empty"),
        (None, {}, "the query is a NoneType: pass the text"),
        (["x"], {}, "the query is a list: pass the text"),
        (QUESTION, {"filter": {"genre": ["a"]}}, "filter.genre"),
        (QUESTION, {"k": "many"}, "k is .many.: pass the number of documents"),
    ],
)
async def test_bad_input_is_an_error_before_any_traffic(
    *, ask: Ask, query: Any, options: dict[str, Any], named: str, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        await ask.invoke(retriever(local), query, **options)
    assert local.requests == []


async def test_errors_are_of_the_frameworks_family(ask: Ask, local: LocalAssistant) -> None:
    with pytest.raises(AuthenticationError) as refused:
        await ask.invoke(PineconeAssistantRetriever(**{**words(local), "api_key": "wrong"}), QUESTION)
    assert isinstance(refused.value, ModelError)
    with local.faults.add(on="context", stall=True), pytest.raises(APITimeoutError):
        await ask.invoke(retriever(local, timeout=0.05), QUESTION)


async def test_callbacks_hear_the_documents(ask: Ask, library: LocalAssistant) -> None:
    heard: list[Any] = []

    class Handler(BaseCallbackHandler):
        def on_retriever_end(self, documents: Any, **kwargs: Any) -> None:
            heard.extend(documents)

    documents = await ask.invoke(retriever(library, k=2), QUESTION, {"callbacks": [Handler()]})
    assert heard == documents


async def test_batches_are_answered_in_order(ask: Ask, library: LocalAssistant) -> None:
    pine, moon = await ask.batch(retriever(library, k=1), [QUESTION, "How far is the Moon?"])
    assert (pine[0].metadata["file_name"], moon[0].metadata["file_name"]) == ("red_pine.md", "moon.md")


def test_images_of_a_snippet_give_their_captions() -> None:
    snippet = Snippet(
        "A chart.",
        0.5,
        Reference(file_name="a.pdf", file_id="f", pages=(2,), url="https://secret.example/?signature=x"),
        (SnippetImage("Sales rise.", "image/png", "AAAA"), SnippetImage(None)),
    )
    (document,) = to_documents(Context((snippet,)))
    assert document.page_content == "A chart.\nSales rise."
    image = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    assert document.metadata == {
        "score": 0.5,
        "file_name": "a.pdf",
        "file_id": "f",
        "pages": [2],
        "source": "a.pdf",
        "images": [image],
    }


def test_a_document_has_its_files_own_metadata_then_ours_and_its_source() -> None:
    own = {"url": "https://pines.example", "year": 2024, "score": "mine"}
    reference = Reference(
        file_name="a.md", metadata=own, created_at="2026-01-01T00:00:00Z", url="https://s.example/?sig=x"
    )
    (document,) = to_documents(Context((Snippet("A pine.", 0.5, reference),)))
    assert document.metadata["source"] == "https://pines.example"
    assert (document.metadata["year"], document.metadata["score"]) == (2024, 0.5)
    assert document.metadata["created_at"] == "2026-01-01T00:00:00Z"
    assert "sig=x" not in str(document.metadata)
    document.metadata["year"] = 1
    assert own["year"] == 2024


async def test_a_lowest_score_leaves_passages_out(ask: Ask, library: LocalAssistant) -> None:
    scores = [document.metadata["score"] for document in await ask.invoke(retriever(library, k=3), QUESTION)]
    found = await ask.invoke(retriever(library, k=3, min_score=scores[1]), QUESTION)
    assert [document.metadata["score"] for document in found] == scores[:2]
    assert await ask.invoke(retriever(library, k=3), QUESTION, min_score=scores[0] + 1) == []


async def test_a_conversation_is_searched_for_in_one_call(ask: Ask, local: LocalAssistant) -> None:
    history = [HumanMessage("Tell me about red pines."), AIMessage("They are trees.")]
    await ask.invoke(retriever(local), "How tall are they?", chat_history=history)
    body = last_body(local)
    assert "query" not in body
    assert body["messages"] == [
        {"role": "user", "content": "Tell me about red pines."},
        {"role": "assistant", "content": "They are trees."},
        {"role": "user", "content": "How tall are they?"},
    ]


@pytest.mark.parametrize(
    "history",
    [
        [("human", "Tell me about red pines."), ("ai", "They are trees.")],
        [
            {"role": "user", "content": "Tell me about red pines."},
            {"role": "assistant", "content": "They are trees."},
        ],
        ChatPromptValue(messages=[HumanMessage("Tell me about red pines."), AIMessage("They are trees.")]),
        (HumanMessage("Tell me about red pines."), ("ai", "They are trees.")),
    ],
    ids=["pairs", "dicts", "prompt", "tuple"],
)
async def test_a_chat_history_may_have_every_form_that_a_chat_model_takes(
    ask: Ask, local: LocalAssistant, history: Any
) -> None:
    """Only messages were taken; the error named another thing."""
    await ask.invoke(retriever(local), "How tall are they?", chat_history=history)
    assert [turn["content"] for turn in last_body(local)["messages"]] == [
        "Tell me about red pines.",
        "They are trees.",
        "How tall are they?",
    ]


@pytest.mark.parametrize("history", ["Hello.", {"role": "user", "content": "Hi."}, HumanMessage("Hi."), 1, [1]])
async def test_what_is_not_a_chat_history_is_refused_by_name(ask: Ask, local: LocalAssistant, history: Any) -> None:
    with pytest.raises(InvalidRequestError, match=f"chat_history is a {type(history).__name__} that is not"):
        await ask.invoke(retriever(local), QUESTION, chat_history=history)


async def test_images_come_when_they_are_wanted(ask: Ask, local: LocalAssistant) -> None:
    await ask.invoke(retriever(local, include_binary_content=True), QUESTION)
    assert last_body(local)["include_binary_content"] is True
    await ask.invoke(retriever(local, api_version="2025-04"), QUESTION)
    assert "include_binary_content" not in last_body(local)


async def test_closing_lets_it_open_again(ask: Ask, library: LocalAssistant) -> None:
    searching = retriever(library, k=1)
    await ask.invoke(searching, QUESTION)
    searching.close()
    await searching.aclose()
    assert await ask.invoke(searching, QUESTION)
    await searching.aclose()
