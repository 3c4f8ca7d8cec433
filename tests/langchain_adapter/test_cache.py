"""The framework's cache of answers: one assistant never answers for another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.globals import set_llm_cache
from langgraph.cache.memory import InMemoryCache as NodeCache
from langgraph.graph import START, StateGraph, add_messages
from langgraph.types import CachePolicy
from pydantic import SecretStr
from typing_extensions import TypedDict

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant.errors import InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model

BASE: dict[str, Any] = {"assistant_name": "docs", "api_key": "key", "host": "https://one.example", "model": "gpt-4o"}
CHANGES: list[dict[str, Any]] = [
    {"assistant_name": "other"},
    {"api_key": SecretStr("other")},
    {"host": "https://two.example"},
    {"model": "gpt-4.1"},
    {"temperature": 0.5},
    {"filter": {"tenant": "acme"}},
    {"interface": "standard"},
    {"include_highlights": True},
    {"context_options": {"top_k": 1}},
    {"stop": ["x"]},
    {"strip_references": True},
    {"system_messages": "error"},
    {"tool_messages": "as_user"},
    {"api_version": "2025-10"},
    {"default_headers": {"X-Tenant": "acme"}},
    {"output_version": "v1"},
]


@pytest.fixture(autouse=True)
def _cached() -> Iterator[None]:
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


def posts(local: LocalAssistant) -> int:
    """Return the number of chat requests so far."""
    return sum(request.method == "POST" for request in local.requests)


def filters(local: LocalAssistant) -> list[Any]:
    """Return the filters of the chat requests so far."""
    bodies: list[Any] = [request.body for request in local.requests if request.method == "POST"]
    return [body["filter"] for body in bodies]


@pytest.mark.parametrize("change", CHANGES, ids=[next(iter(change)) for change in CHANGES])
def test_models_that_differ_have_different_keys_also_as_copies_after_use(change: dict[str, Any]) -> None:
    """The framework's own key would not change: it is built from a serialised form that is cached on the model."""
    original = ChatPineconeAssistant(**BASE)
    key = original._get_llm_string()
    _ = original._serialized
    assert original._get_llm_string() == ChatPineconeAssistant(**BASE)._get_llm_string() == key
    assert original.model_copy(update=change)._get_llm_string() != key
    assert ChatPineconeAssistant(**{**BASE, **change})._get_llm_string() != key


@pytest.mark.parametrize(
    "options", [{"filter": {"tenant": "acme"}}, {"filter": None}, {"stop": ["x"]}, {"response_format": {"type": "x"}}]
)
def test_calls_that_differ_have_different_keys(options: dict[str, Any]) -> None:
    chat = ChatPineconeAssistant(**BASE, filter={"tenant": "other"})
    assert chat._get_llm_string(**options) != chat._get_llm_string()


class Filter(Mapping[str, Any]):
    """A filter of an application, whose repr does not show what it selects."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = items

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return "<filter>"


@pytest.mark.parametrize("nested", [False, True])
async def test_filters_that_are_no_dicts_have_keys_of_their_own(ask: Ask, nested: bool, local: LocalAssistant) -> None:
    """The key once had their repr, so one tenant got the cached answer of another."""
    chat = chat_model(local)
    for tenant in ("acme", "other"):
        chosen = {"tenant": Filter({"$eq": tenant})} if nested else Filter({"tenant": tenant})
        await ask.invoke(chat, QUESTION, filter=chosen)
        await ask.invoke(chat, QUESTION, filter=chosen)
    assert [str(chosen).count("other") for chosen in filters(local)] == [0, 1]


def test_models_whose_sessions_send_other_headers_have_different_keys() -> None:
    keys = set()
    for tenant in ("acme", "other", "acme"):
        session = requests.Session()
        session.headers["X-Tenant"] = tenant
        key = ChatPineconeAssistant(**BASE, http_session=session)._get_llm_string()
        assert tenant not in key
        keys.add(key)
    assert len(keys) == 2


@pytest.mark.parametrize("name", ["PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME", "PINECONE_CONTROLLER_HOST"])
def test_models_that_differ_by_the_environment_have_different_keys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "https://one.example")
    one = ChatPineconeAssistant()._get_llm_string()
    monkeypatch.setenv(name, "https://two.example")
    assert ChatPineconeAssistant()._get_llm_string() != one


async def test_equal_questions_are_asked_once_and_other_assistants_are_asked_themselves(
    ask: Ask, local: LocalAssistant
) -> None:
    with LocalAssistant(name="own", api_key="own-key") as other:
        other.reply("Nobody knows.")
        chat = chat_model(local)
        first, second = await ask.invoke(chat, QUESTION), await ask.invoke(chat, QUESTION)
        assert first.text == second.text
        assert posts(local) == 1
        moved = chat.model_copy(update={"host": other.host})
        assert (await ask.invoke(moved, QUESTION)).text == "Nobody knows."
        await ask.invoke(chat, QUESTION, filter={"resource": "encyclopedia"})
        assert posts(local) == 2


async def test_a_hit_is_the_same_answer_as_a_new_message(ask: Ask, local: LocalAssistant) -> None:
    """Citations and usage equal the first answer's. The id differs, because LangGraph replaces messages with the same id."""
    chat = chat_model(local)
    answers = [await ask.invoke(chat, QUESTION) for _ in range(4)]
    assert posts(local) == 1
    for answer in answers[1:]:
        assert answer.additional_kwargs == answers[0].additional_kwargs
        assert answer.content_blocks == answers[0].content_blocks
        assert answer.usage_metadata == answers[0].usage_metadata
        assert answer.response_metadata == answers[0].response_metadata
    assert len({answer.id for answer in answers}) == 4
    assert None not in {answer.id for answer in answers}


async def test_a_hit_that_is_changed_changes_no_later_hit(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local)
    first = await ask.invoke(chat, QUESTION)
    kept = first.model_copy(deep=True)
    hit = await ask.invoke(chat, QUESTION)
    hit.additional_kwargs["citations"].append("mine")
    hit.response_metadata["user"] = "anna"
    again = await ask.invoke(chat, QUESTION)
    assert (again.additional_kwargs, again.response_metadata) == (kept.additional_kwargs, kept.response_metadata)
    assert posts(local) == 1


async def test_an_answer_from_the_cache_gives_the_next_question_the_same_key(ask: Ask, local: LocalAssistant) -> None:
    """The framework added a cost to the usage, which is in the next question's history and therefore in its cache key."""
    chat = chat_model(local)
    for _ in range(2):
        answer = await ask.invoke(chat, [("user", QUESTION)])
        await ask.invoke(chat, [("user", QUESTION), answer, ("user", "And in feet?")])
    assert posts(local) == 2


async def test_a_repeated_answer_from_the_cache_stays_in_a_graphs_state(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local)
    state: Any = []
    for _ in range(3):
        state = add_messages(state, [await ask.invoke(chat, QUESTION)])
    assert len(state) == 3
    assert posts(local) == 1


async def test_a_hit_with_unknown_usage_stays_unknown(ask: Ask, local: LocalAssistant) -> None:
    """The framework adds a cost of zero to it; this partial usage breaks code that adds usages up."""
    chat = chat_model(local)
    with local.faults.add(omit_usage=True):
        for _ in range(2):
            handler = UsageMetadataCallbackHandler()
            answer = await ask.invoke(chat, QUESTION, {"callbacks": [handler]})
            assert answer.usage_metadata is None
            assert handler.usage_metadata == {}
    assert posts(local) == 1


def test_langgraphs_node_cache_tells_tenants_in_the_state_apart(local: LocalAssistant) -> None:
    """Its key is the state only, as docs/agents.md says: with the tenant in the config both would share one answer."""

    class State(TypedDict):
        question: str
        tenant: str
        answer: str

    def node(state: State) -> dict[str, str]:
        return {"answer": chat_model(local).invoke(state["question"], filter={"tenant": state["tenant"]}).text}

    builder = StateGraph(State)
    builder.add_node("ask", node, cache_policy=CachePolicy())
    builder.add_edge(START, "ask")
    graph: Any = builder.compile(cache=NodeCache())
    for tenant in ("anna", "ben", "anna"):
        graph.invoke({"question": QUESTION, "tenant": tenant})
    assert filters(local) == [{"tenant": "anna"}, {"tenant": "ben"}]


async def test_cache_false_asks_every_time(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local, cache=False)
    await ask.invoke(chat, QUESTION)
    await ask.invoke(chat, QUESTION)
    assert posts(local) == 2


@pytest.mark.parametrize("wrong", [{1: "a", "b": 2}, {("a",): "b"}], ids=["mixed names", "a tuple as name"])
async def test_a_filter_that_no_key_can_hold_is_the_models_error(
    ask: Ask, wrong: dict[Any, Any], local: LocalAssistant
) -> None:
    """With a cache it was a plain TypeError, which retry middleware retries."""
    with pytest.raises(InvalidRequestError, match="field names are strings"):
        await ask.invoke(chat_model(local), QUESTION, filter=wrong)
    assert posts(local) == 0
