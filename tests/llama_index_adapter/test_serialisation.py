"""Pickles and dicts of an LLM keep the client, and which options the caller passed; engines set only the others."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.extractors import KeywordExtractor
from llama_index.core.ingestion import IngestionCache, IngestionPipeline
from llama_index.core.schema import TextNode
from llama_index.core.workflow import JsonSerializer

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantTool,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, SECRET, Ask, bodies

NURSERY = {"resource": "nursery"}


def _from_serializer(llm: PineconeAssistant) -> PineconeAssistant:
    """Return the LLM after a round trip like that of a workflow context's state."""
    serializer = JsonSerializer()
    found = serializer.deserialize(serializer.serialize(llm))
    assert isinstance(found, PineconeAssistant)
    return found


TRAVELS: dict[str, Callable[[PineconeAssistant], PineconeAssistant]] = {
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),
    "dict": lambda llm: PineconeAssistant.from_dict(llm.to_dict()),
    "json": lambda llm: PineconeAssistant.from_json(llm.to_json()),
    "workflow": _from_serializer,
}


@pytest.fixture(params=list(TRAVELS))
def travelled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return `travelled`: `travelled(llm)` returns the LLM after a round trip."""
    monkeypatch.setenv("PINECONE_API_KEY", SECRET)
    return TRAVELS[request.param]


def test_an_engine_over_a_travelled_llm_still_drops_the_links(
    llm: PineconeAssistant, travelled: Any, call: Any, local: LocalAssistant
) -> None:
    """Before, all fields counted as passed after a round trip, so engines showed and remembered the signed links."""
    twin = travelled(llm)
    texts = [
        str(call(PineconeAssistantQueryEngine(twin), "query", QUESTION)),
        str(call(PineconeAssistantChatEngine(twin), "chat", QUESTION)),
        call(PineconeAssistantQueryEngine(twin).as_tool(), "call", QUESTION).content,
    ]
    assert all("25 meters" in text and "http" not in text for text in texts)
    assert [body["include_highlights"] for body in bodies(local)] == [True] * 3


def test_what_was_given_is_given_after_the_way(words: dict[str, Any], travelled: Any, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, interface="openai", strip_references=False, filter=NURSERY, temperature=0)
    twin = travelled(llm)
    assert twin.to_dict() == llm.to_dict()
    assert "http" in str(PineconeAssistantQueryEngine(twin).query(QUESTION)), "strip_references=False is kept"
    assert bodies(local) == [bodies(local)[0] | {"filter": NURSERY, "temperature": 0}]


@pytest.mark.parametrize("name", ["interface", "include_highlights", "strip_references", "filter", "timeout"])
def test_what_was_cleared_comes_back_cleared(
    words: dict[str, Any], travelled: Any, name: str, local: LocalAssistant
) -> None:
    """Before, fields that must not be None were None, so `from_dict` failed for the copy's dict."""
    llm = PineconeAssistant(**words, interface="standard", strip_references=True, filter=NURSERY, timeout=9)
    twin = travelled(llm.with_options(**{name: None}))
    assert getattr(twin, name) == PineconeAssistant.model_fields[name].default
    assert ("25 meters" if name == "filter" else "3 meters") in twin.complete(QUESTION).text
    assert bodies(local)[0].get("filter") == (None if name == "filter" else NURSERY)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_pickled_engine_or_tool_asks_as_before(words: dict[str, Any], streaming: bool, local: LocalAssistant) -> None:
    engine = PineconeAssistantQueryEngine(**words, filters=NURSERY, streaming=streaming)
    tool = engine.as_tool()
    for pickled in (pickle.dumps(engine), pickle.dumps(tool)):
        twin = pickle.loads(pickled)
        text = twin.call(QUESTION).content if isinstance(twin, PineconeAssistantTool) else str(twin.query(QUESTION))
        assert "3 meters" in text
        assert "http" not in text
    assert [body["filter"] for body in bodies(local)] == [NURSERY] * 2


def test_a_pickle_does_not_read_the_environment_again(llm: PineconeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    llm.host = None
    pickled = pickle.dumps(llm)
    monkeypatch.setenv("PINECONE_ASSISTANT_HOST", "https://elsewhere.example.com")
    assert pickle.loads(pickled).host is None


def test_what_cannot_be_pickled_is_left_out_as_llama_index_does(
    words: dict[str, Any], ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    llm = PineconeAssistant(**words, completion_to_prompt=lambda prompt: prompt.upper())
    twin = pickle.loads(pickle.dumps(llm))
    assert "25 meters" in str(ask(twin)[-1])
    assert "completion_to_prompt" in caplog.text


@pytest.mark.parametrize("kind", [AssistantClient, AsyncAssistantClient])
def test_a_client_travels_in_a_pickle_with_its_filter(
    words: dict[str, Any], ask: Ask, kind: Any, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, it was left out, and the environment's assistant answered without a filter."""
    for name, value in local.environ.items():
        monkeypatch.setenv(name, value)
    llm = PineconeAssistant(client=kind(**words, filter=NURSERY))
    assert "3 meters" in str(ask(pickle.loads(pickle.dumps(llm)))[-1])
    assert "3 meters" in str(pickle.loads(pickle.dumps(PineconeAssistantQueryEngine(llm))).query(QUESTION))
    assert [body["filter"] for body in bodies(local)] == [NURSERY] * 2


def test_a_dict_of_an_llm_with_a_client_needs_the_client_again(
    words: dict[str, Any], ask: Ask, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the environment's assistant would answer, without the client's filter."""
    for name, value in local.environ.items():
        monkeypatch.setenv(name, value)
    client = AssistantClient(**words, filter=NURSERY)
    data = PineconeAssistant(client=client, temperature=0).to_dict()
    assert SECRET not in json.dumps(data)
    with pytest.raises(InvalidRequestError, match="client is a str: pass an AssistantClient"):
        PineconeAssistant.from_dict(data)
    ask(PineconeAssistant.from_dict(data, client=client))
    assert bodies(local) == [bodies(local)[0] | {"filter": NURSERY, "temperature": 0}]


@pytest.mark.parametrize("guarded", [False, True])
def test_llama_indexs_ingestion_cache_tells_clients_with_other_filters_apart(
    words: dict[str, Any], guarded: bool, local: LocalAssistant
) -> None:
    """Its key is a dict of the LLM, which did not name a client's filter: one tenant got another's cached summary."""
    cache = IngestionCache()
    for resource in ("encyclopedia", "nursery", "nursery"):
        chosen = {"resource": resource}
        client = AssistantClient(**words, guard_filter=chosen) if guarded else AssistantClient(**words, filter=chosen)
        extractor = KeywordExtractor(llm=PineconeAssistant(client=client), show_progress=False)
        IngestionPipeline(transformations=[extractor], cache=cache).run(nodes=[TextNode(text="Pines.", id_="1")])
    assert [body["filter"]["resource"] for body in bodies(local)] == ["encyclopedia", "nursery"]
