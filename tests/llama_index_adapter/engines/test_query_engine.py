"""The query engine: answers, sources, options, callbacks and typed answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.base.response.schema import AsyncStreamingResponse, PydanticResponse, Response, StreamingResponse
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.settings import Settings
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantIndex, PineconeAssistantQueryEngine
from llama_index.llms.pinecone_assistant import PineconeAssistant, StructuredOutputError
from pinecone_assistant_client import AssistantClient, AuthenticationError, IncompleteStreamError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from ..conftest import QUESTION, EndlessStream, bodies, paths, run

Query = Any


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def query(request: pytest.FixtureRequest, is_async: bool) -> Query:
    """Return `query`: `query(engine, text)` returns (text, response), whole and streamed, sync and async."""
    streaming = bool(request.param)

    def query(engine: PineconeAssistantQueryEngine, text: str = QUESTION) -> tuple[str, Any]:
        engine = engine.with_options(streaming=streaming)
        if not is_async:
            response = engine.query(text)
            assert isinstance(response, StreamingResponse if streaming else Response)
            return "".join(response.response_gen) if isinstance(response, StreamingResponse) else str(
                response
            ), response

        async def wait() -> tuple[str, Any]:
            response = await engine.aquery(text)
            assert isinstance(response, AsyncStreamingResponse if streaming else Response)
            if isinstance(response, AsyncStreamingResponse):
                return "".join([token async for token in response.async_response_gen()]), response
            return str(response), response

        return run(wait())

    return query


@pytest.fixture
def engine(words: dict[str, Any]) -> PineconeAssistantQueryEngine:
    """An engine with default options."""
    return PineconeAssistantQueryEngine(**words)


def test_an_answer_has_its_sources_and_metadata(
    engine: PineconeAssistantQueryEngine, query: Query, local: LocalAssistant
) -> None:
    text, response = query(engine)
    assert "25 meters" in text
    (found,) = response.source_nodes
    assert found.metadata["file_name"] == "red_pine.md"
    assert found.metadata["file_id"] == found.node.ref_doc_id
    assert "25 meters" in found.text, "the highlight"
    assert found.score is None
    assert response.metadata["usage"]["prompt_tokens"] > 0
    assert response.metadata["model"] == "gpt-4o@local-extractive"
    assert response.metadata["citations"][0]["references"][0]["file_name"] == "red_pine.md"
    assert "http" not in json.dumps(response.metadata) + found.model_dump_json() + text
    assert len(bodies(local)) == 1, "one call"


def test_pages_are_in_the_nodes(engine: PineconeAssistantQueryEngine, query: Query, local: LocalAssistant) -> None:
    local.reply("It is tall.", [{"file": "red_pine.md", "pages": [3, 4], "highlight": "tall"}])
    (found,) = query(engine)[1].source_nodes
    assert found.metadata["pages"] == [3, 4]
    assert found.metadata["page_label"] == "3, 4", "as LlamaIndex's own readers call it"


def test_each_cited_place_is_one_node(
    engine: PineconeAssistantQueryEngine, query: Query, local: LocalAssistant
) -> None:
    cited = [
        {"file": "red_pine.md", "pages": [1], "position": 2},
        {"file": "red_pine.md", "pages": [1], "position": 5},
        {"file": "nursery.md", "position": 5},
    ]
    local.reply("It is tall.", cited)
    nodes = query(engine)[1].source_nodes
    assert [node.metadata["file_name"] for node in nodes] == ["red_pine.md", "nursery.md"]


def test_streamed_sources_stand_where_the_response_already_holds_them(words: dict[str, Any]) -> None:
    response = PineconeAssistantQueryEngine(**words, streaming=True).query(QUESTION)
    assert isinstance(response, StreamingResponse)
    nodes, metadata = response.source_nodes, response.metadata
    assert (nodes, metadata) == ([], {"usage": None, "model": None, "citations": [], "finish_reason": None})
    assert "25 meters" in str(response)
    assert [node.metadata["file_name"] for node in nodes] == ["red_pine.md"]
    assert metadata is not None
    assert metadata["usage"]
    assert response.get_response().source_nodes == nodes


class FirstOne(BaseSelector):
    """Selector that chooses the first engine."""

    def _get_prompts(self) -> dict[str, Any]:
        return {}

    def _update_prompts(self, prompts_dict: Any) -> None:
        """Return no prompts."""

    def _select(self, choices: Any, query: Any) -> SelectorResult:
        return SelectorResult(selections=[SingleSelection(index=0, reason="the first")])

    async def _aselect(self, choices: Any, query: Any) -> SelectorResult:
        return self._select(choices, query)


@pytest.mark.parametrize("streaming", [False, True])
def test_the_metadata_comes_through_a_router(words: dict[str, Any], is_async: bool, streaming: bool) -> None:
    """RouterQueryEngine replaces an empty dict. Before, the metadata of a stream went into the replaced dict and was lost."""
    engine = PineconeAssistantQueryEngine(**words, streaming=streaming)
    router = RouterQueryEngine(FirstOne(), [QueryEngineTool.from_defaults(engine)], llm=MockLLM())

    async def wait() -> Any:
        response = await router.aquery(QUESTION)
        return await response.get_response() if isinstance(response, AsyncStreamingResponse) else response

    response = run(wait()) if is_async else router.query(QUESTION)
    assert "25 meters" in str(response)
    metadata = response.metadata or {}
    assert metadata["usage"]["total_tokens"] > 0
    assert metadata["selector_result"].ind == 0
    assert response.source_nodes


def test_the_openai_interface_has_numbered_sources(words: dict[str, Any], query: Query, local: LocalAssistant) -> None:
    engine = PineconeAssistantQueryEngine(**words, interface="openai")
    text, response = query(engine)
    assert text.endswith("[1]."), "no reference list"
    assert response.source_nodes[0].metadata == {"file_name": "red_pine.md", "number": 1}
    assert paths(local) == ["completions"]
    text, _ = query(engine.with_options(strip_references=False))
    assert "References:" in text


def test_what_the_llm_says_wins_over_what_an_engine_prefers(
    words: dict[str, Any], query: Query, local: LocalAssistant
) -> None:
    llm = PineconeAssistant(**words, include_highlights=False, interface="standard")
    engine = PineconeAssistantQueryEngine(llm)
    assert engine.llm is llm
    assert query(engine)[1].source_nodes[0].text == ""
    assert "include_highlights" not in bodies(local)[0] or bodies(local)[0]["include_highlights"] is False


@pytest.mark.parametrize("how", ["llm", "client"])
def test_an_existing_llm_or_client_is_used(words: dict[str, Any], query: Query, how: str) -> None:
    if how == "llm":
        engine = PineconeAssistantQueryEngine(PineconeAssistant(**words, filter={"resource": "nursery"}))
    else:
        engine = PineconeAssistantQueryEngine(client=AssistantClient(**words, filter={"resource": "nursery"}))
    assert "3 meters" in query(engine)[0]


def test_with_filters_and_with_options_return_copies(
    engine: PineconeAssistantQueryEngine, query: Query, local: LocalAssistant
) -> None:
    assert "3 meters" in query(engine.with_filters({"resource": "nursery"}))[0]
    assert "25 meters" in query(engine)[0]
    query(engine.with_options(model="gpt-4.1", temperature=0.0))
    assert [body.get("model") for body in bodies(local)] == [None, None, "gpt-4.1"]
    with pytest.raises(InvalidRequestError, match="unknown option 'similarity_top_k'"):
        engine.with_options(similarity_top_k=1)


def test_it_tells_one_query_and_one_llm_call(words: dict[str, Any], query: Query) -> None:
    """LlamaIndex's CustomQueryEngine reports no query at all."""
    debug, tokens = LlamaDebugHandler(print_trace_on_end=False), TokenCountingHandler(tokenizer=str.split)
    engine = PineconeAssistantQueryEngine(**words, callback_manager=CallbackManager([debug, tokens]))
    _, response = query(engine)
    assert len(debug.get_event_pairs(CBEventType.QUERY)) == 1
    assert len(debug.get_event_pairs(CBEventType.LLM)) == 1
    assert tokens.total_llm_token_count == response.metadata["usage"]["total_tokens"]


def test_the_callback_manager_of_the_settings_sees_its_calls(
    words: dict[str, Any], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same as for LlamaIndex's own engines."""
    debug = LlamaDebugHandler(print_trace_on_end=False)
    monkeypatch.setattr(Settings, "_callback_manager", CallbackManager([debug]))
    query(PineconeAssistantQueryEngine(**words))
    assert len(debug.get_event_pairs(CBEventType.QUERY)) == 1


def test_errors_raise_and_are_no_empty_answer(words: dict[str, Any], query: Query, local: LocalAssistant) -> None:
    with pytest.raises(AuthenticationError):
        query(PineconeAssistantQueryEngine(**words | {"api_key": "wrong"}))
    with local.faults.add(cut_after_events=3), pytest.raises(IncompleteStreamError):
        query(PineconeAssistantQueryEngine(**words))


def test_leaving_a_streamed_answer_closes_its_connection(
    words: dict[str, Any], endless: EndlessStream, is_async: bool
) -> None:
    engine = PineconeAssistantQueryEngine(**words | {"host": endless.host}, streaming=True, interface="openai")
    if not is_async:
        response = engine.query(QUESTION)
        assert isinstance(response, StreamingResponse)
        assert next(response.response_gen) == "A red"
        response.response_gen.close()
        assert endless.is_left.wait(5)
        return

    async def leave() -> None:
        response = await engine.aquery(QUESTION)
        assert isinstance(response, AsyncStreamingResponse)
        assert await response.response_gen.__anext__() == "A red"
        await response.response_gen.aclose()
        assert await asyncio.to_thread(endless.is_left.wait, 5)

    run(leave())


def test_it_has_no_prompts_to_change(engine: PineconeAssistantQueryEngine) -> None:
    assert engine.get_prompts() == {}


class Tree(BaseModel):
    """A kind of tree."""

    name: str
    height: float


TREE = '{"name": "red pine", "height": 25.0}'


@pytest.mark.parametrize("made_by", ["engine", "with_options", "index"])
@pytest.mark.parametrize("interface", ["standard", "openai"])
def test_a_typed_answer_has_its_object_and_its_sources(
    words: dict[str, Any], call: Any, local: LocalAssistant, made_by: str, interface: str
) -> None:
    words |= {"interface": interface, "filter": {"resource": "encyclopedia"}}
    makers: dict[str, Any] = {
        "engine": lambda: PineconeAssistantQueryEngine(**words, output_cls=Tree),
        "with_options": lambda: PineconeAssistantQueryEngine(**words).with_options(output_cls=Tree),
        "index": lambda: PineconeAssistantIndex(**words).as_query_engine(output_cls=Tree),
    }
    engine = makers[made_by]()
    local.reply(TREE, citations=["red_pine.md"])
    response = call(engine, "query", QUESTION)
    assert isinstance(response, PydanticResponse)
    assert response.response == Tree(name="red pine", height=25.0)
    assert response.height == 25.0
    assert [node.metadata["file_name"] for node in response.source_nodes] == ["red_pine.md"]
    assert response.metadata is not None
    assert response.metadata["usage"]["prompt_tokens"] > 0
    assert "http" not in str(response) + json.dumps(response.metadata)
    (body,) = bodies(local)
    assert body["json_response"] is True
    assert body["filter"] == {"resource": "encyclopedia"}
    assert '"height"' in body["messages"][-1]["content"]


def test_a_typed_answer_that_does_not_fit_raises_with_its_text(
    words: dict[str, Any], call: Any, local: LocalAssistant
) -> None:
    local.reply('{"name": "red pine"}')
    with pytest.raises(StructuredOutputError, match="not a valid Tree") as caught:
        call(PineconeAssistantQueryEngine(**words, output_cls=Tree), "query", QUESTION)
    assert caught.value.text == '{"name": "red pine"}'


def test_a_tool_of_a_typed_engine_shows_json_and_sources(
    words: dict[str, Any], call: Any, local: LocalAssistant
) -> None:
    local.reply(TREE, citations=["red_pine.md"])
    output = call(PineconeAssistantQueryEngine(**words, output_cls=Tree).as_tool(), "call", QUESTION)
    assert output.content.startswith('{"name":"red pine","height":25.0}')
    assert "Sources:\n- red_pine.md" in output.content


def test_what_cannot_be_typed_is_refused_by_name(words: dict[str, Any], engine: PineconeAssistantQueryEngine) -> None:
    typed = engine.with_options(output_cls=Tree)
    makers: list[Any] = [
        lambda: PineconeAssistantQueryEngine(**words, output_cls=Tree, streaming=True),
        lambda: typed.with_options(streaming=True),
        lambda: engine.with_options(streaming=True).with_options(output_cls=Tree),
    ]
    for make in makers:
        with pytest.raises(InvalidRequestError, match="streaming=True and output_cls="):
            make()
    for other in (dict, Tree(name="x", height=1)):
        with pytest.raises(InvalidRequestError, match="pass a pydantic class"):
            engine.with_options(output_cls=other)
    assert "25 meters" in str(typed.with_options(output_cls=None).query(QUESTION)), "None clears it"
