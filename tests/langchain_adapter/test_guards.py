"""Guard filters, and private copies of filters: no call, config or later change of a dict may loosen them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import copy, deepcopy
from types import MappingProxyType
from typing import Any

import pytest
from langchain_core.load import dumpd, dumps, load
from langchain_core.messages import HumanMessage
from langchain_core.runnables import ConfigurableField
from langchain_core.runnables.configurable import RunnableConfigurableFields

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from langchain_pinecone_assistant.errors import InvalidRequestError
from pinecone_assistant_client import AssistantError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, words

GUARD = {"resource": "encyclopedia"}
FILTER = {"year": {"$gte": 2000}}
SCHEMA: dict[str, Any] = {"type": "object"}
KINDS: dict[str, Any] = {
    "model": ChatPineconeAssistant,
    "retriever": PineconeAssistantRetriever,
    "tool": PineconeAssistantTool,
}

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    """Each class that asks an assistant."""
    return KINDS[request.param]


def made(kind: Any, local: LocalAssistant, **options: Any) -> Any:
    """Return an object of one of these classes."""
    return kind(**words(local, max_retries=0, **options))


async def asked(ask: Ask, thing: Any, local: LocalAssistant, config: Any = None, **options: Any) -> Any:
    """Ask one question and return the filter that was sent."""
    is_tool = "question" in getattr(thing, "args", {})
    await ask.invoke(thing, {"question": QUESTION} if is_tool else QUESTION, config, **options)
    return last_filter(local)


def last_filter(local: LocalAssistant) -> Any:
    """Return the filter of the last request."""
    body = local.requests[-1].body
    assert isinstance(body, dict)
    return body.get("filter")


BOTH = {"$and": [GUARD, FILTER]}
# Variants of an object guarded by GUARD, and the filter that each sends.
GUARDED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "alone": (lambda thing: thing, GUARD),
    "bind": (lambda thing: thing.bind(filter=FILTER), BOTH),
    "a cleared filter": (lambda thing: thing.bind(filter=None), GUARD),
    "an empty filter": (lambda thing: thing.bind(filter={}), GUARD),
    "model_copy": (lambda thing: thing.model_copy(update={"filter": FILTER}), BOTH),
    "a field that is set": (lambda thing: with_field(thing, FILTER), BOTH),
    "configurable": (
        lambda thing: thing.configurable_fields(filter=ConfigurableField(id="f")).with_config(
            configurable={"f": FILTER}
        ),
        BOTH,
    ),
    "another configurable field": (
        lambda thing: thing.configurable_fields(max_retries=ConfigurableField(id="r")).with_config(
            configurable={"r": 1}
        ),
        GUARD,
    ),
    "the framework's own configurable": (
        lambda thing: RunnableConfigurableFields(
            default=thing, fields={"filter": ConfigurableField(id="f")}
        ).with_config(configurable={"f": FILTER}),
        BOTH,
    ),
    "copy": (copy, GUARD),
    "pydantic's older copy": (lambda thing: thing.copy(update={"filter": FILTER}), BOTH),
    "deepcopy": (deepcopy, GUARD),
    "pickle": (lambda thing: pickle.loads(pickle.dumps(thing)), GUARD),
    "fallbacks": (lambda thing: thing.with_fallbacks([thing]).bind(filter=FILTER), BOTH),
}


def with_field(thing: Any, value: Any) -> Any:
    thing.filter = value
    return thing


@pytest.mark.parametrize("variant", GUARDED)
async def test_a_guard_holds_in_every_variant(ask: Ask, kind: Any, variant: str, local: LocalAssistant) -> None:
    """It is sent alone if there is no other filter, otherwise in addition to it."""
    change, sent = GUARDED[variant]
    thing = change(made(kind, local, guard_filter=GUARD))
    value: Any = {"question": QUESTION} if kind is PineconeAssistantTool else QUESTION
    await ask.invoke(thing, value)
    assert last_filter(local) == sent


async def test_a_guard_holds_over_the_filter_of_a_call(ask: Ask, kind: Any, local: LocalAssistant) -> None:
    thing = made(kind, local, guard_filter=GUARD, filter={"year": 1})
    assert await asked(ask, thing, local) == {"$and": [GUARD, {"year": 1}]}
    assert await asked(ask, thing, local, filter=FILTER) == BOTH
    assert await asked(ask, thing, local, filter=None) == GUARD


async def test_a_guard_holds_in_structured_answers_and_streams(ask: Ask, local: LocalAssistant) -> None:
    chat = made(ChatPineconeAssistant, local, guard_filter=GUARD)
    assert await asked(ask, chat.with_structured_output(SCHEMA), local, filter=FILTER) == BOTH
    await ask.stream(chat, QUESTION, filter=FILTER)
    assert last_filter(local) == BOTH
    chat.generate([[HumanMessage(QUESTION)]])
    assert last_filter(local) == GUARD


async def test_an_outer_model_never_widens_a_guarded_tool(ask: Ask, local: LocalAssistant) -> None:
    asking = made(PineconeAssistantTool, local, guard_filter=GUARD, filter={"year": 1}, choose_filter=True)
    await ask.invoke(asking, {"question": QUESTION, "filter": {"tenant": "other"}})
    assert last_filter(local) == {"$and": [GUARD, {"$and": [{"year": 1}, {"tenant": "other"}]}]}


async def test_a_guard_travels_in_dumps(local: LocalAssistant) -> None:
    chat = made(ChatPineconeAssistant, local, guard_filter=GUARD)
    twin = load(
        dumpd(chat),
        secrets_map={"PINECONE_API_KEY": local.api_key},
        valid_namespaces=["langchain_pinecone_assistant"],
        allowed_objects=[ChatPineconeAssistant],
    )
    assert twin.guard_filter == GUARD
    assert '"guard_filter"' in dumps(chat)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "bind": lambda thing: thing.bind(guard_filter=None),
    "bind of a binding": lambda thing: thing.with_config(tags=["a"]).bind(guard_filter=GUARD),
    "configurable_fields": lambda thing: thing.configurable_fields(guard_filter=ConfigurableField(id="g")),
    "model_copy": lambda thing: thing.model_copy(update={"guard_filter": GUARD}),
    "pydantic's older copy": lambda thing: thing.copy(update={"guard_filter": None}),
    "an attribute": lambda thing: setattr(thing, "guard_filter", None),
}


@pytest.mark.parametrize("way", REFUSED)
def test_nothing_changes_a_guard(kind: Any, way: str, library: LocalAssistant) -> None:
    for guard in (GUARD, None):
        thing = made(kind, library, guard_filter=guard)
        with pytest.raises(InvalidRequestError, match="guard_filter is an option of the constructor only"):
            REFUSED[way](thing)
        assert thing.guard_filter == guard


def test_a_copy_has_all_fields(kind: Any, library: LocalAssistant) -> None:
    """Pydantic's older method can leave fields out, such as the guard."""
    thing: Any = made(kind, library, guard_filter=GUARD)
    for parts in ({"exclude": {"guard_filter"}}, {"include": {"assistant_name"}}):
        with pytest.raises(InvalidRequestError, match="a copy has all fields"):
            thing.copy(**parts)


async def test_no_call_takes_a_guard(ask: Ask, kind: Any, local: LocalAssistant) -> None:
    thing = made(kind, local)
    value: Any = {"question": QUESTION} if kind is PineconeAssistantTool else QUESTION
    calls: list[Callable[[], Any]] = [
        lambda: ask.invoke(thing, value, guard_filter=GUARD),
        lambda: ask.stream(thing, value, guard_filter=GUARD),
        lambda: ask.batch(thing, [value], guard_filter=GUARD),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError, match="guard_filter is an option of the constructor only"):
            await call()
    assert not local.requests


@pytest.mark.parametrize(
    ("guard", "sentence"),
    [
        ({}, "guard_filter: it is empty"),
        ({"$and": [{}]}, "guard_filter: it is empty"),
        ({"a": ["b"]}, "guard_filter.a: a list needs"),
        ("acme", "guard_filter: needs an object"),
    ],
)
def test_a_guard_that_guards_nothing_is_refused(kind: Any, guard: Any, sentence: str, library: LocalAssistant) -> None:
    with pytest.raises(AssistantError, match=sentence):
        made(kind, library, guard_filter=guard)


def test_models_with_other_guards_have_other_cache_keys() -> None:
    one, two = (ChatPineconeAssistant(guard_filter={"tenant": name}) for name in ("a", "b"))
    assert one._get_llm_string() != two._get_llm_string()
    assert one._get_llm_string() == ChatPineconeAssistant(guard_filter={"tenant": "a"})._get_llm_string()


# Ways to pass one dict that the caller later changes for the next tenant. Each takes an object and the dict, and returns the
# object to ask.
TAKEN: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "constructor": lambda thing, taken: type(thing)(**{**connection(thing), "filter": taken}),
    "guard": lambda thing, taken: type(thing)(**{**connection(thing), "guard_filter": taken}),
    "bind": lambda thing, taken: thing.bind(filter=taken),
    "bind of a binding": lambda thing, taken: thing.bind(filter={}).bind(filter=taken),
    "model_copy": lambda thing, taken: thing.model_copy(update={"filter": taken}),
    "pydantic's older copy": lambda thing, taken: thing.copy(update={"filter": taken}),
    "attribute": with_field,
    "config": lambda thing, taken: thing.configurable_fields(filter=ConfigurableField(id="f")).with_config(
        configurable={"f": taken}
    ),
    "config of a binding": lambda thing, taken: (
        thing.configurable_fields(filter=ConfigurableField(id="f")).bind().with_config(configurable={"f": taken})
    ),
}


def connection(thing: Any) -> dict[str, Any]:
    return {"assistant_name": thing.assistant_name, "host": thing.host, "api_key": thing.api_key.get_secret_value()}


@pytest.mark.parametrize("way", TAKEN)
async def test_a_dict_that_is_changed_later_changes_nothing_made_before(
    ask: Ask, kind: Any, way: str, local: LocalAssistant
) -> None:
    """Copied at every depth. Before, the next tenant's filter was sent with the first tenant's questions."""
    taken: dict[str, Any] = {"$and": [{"tenant": "acme"}]}
    thing = TAKEN[way](made(kind, local), taken)
    taken["$and"][0]["tenant"] = "other"
    taken["$and"].append({"year": 1})
    value: Any = {"question": QUESTION} if kind is PineconeAssistantTool else QUESTION
    await ask.invoke(thing, value)
    assert last_filter(local) == {"$and": [{"tenant": "acme"}]}


@pytest.mark.parametrize(
    "duplicate",
    [copy, deepcopy, lambda thing: thing.model_copy(), lambda thing: thing.copy(), lambda thing: thing.bind().bound],
)
async def test_copies_share_no_filter(ask: Ask, kind: Any, duplicate: Any, local: LocalAssistant) -> None:
    original = made(kind, local, filter={"$and": [{"tenant": "acme"}]}, default_headers={"X-Tenant": "acme"})
    twin = duplicate(original)
    if twin is original:
        pytest.skip("nothing was bound")
    twin.filter["$and"][0]["tenant"] = "other"
    twin.default_headers["X-Tenant"] = "other"
    assert await asked(ask, original, local) == {"$and": [{"tenant": "acme"}]}
    assert local.requests[-1].headers["x-tenant"] == "acme"


async def test_a_tool_that_was_asked_keeps_a_copy_of_its_filter(ask: Ask, local: LocalAssistant) -> None:
    """A nested change in place applies at the next question, just like one at the top level."""
    asking = made(PineconeAssistantTool, local, filter={"$and": [{"tenant": "acme"}]})
    await asked(ask, asking, local)
    asking.filter["$and"][0]["tenant"] = "other"
    assert await asked(ask, asking, local) == {"$and": [{"tenant": "other"}]}


def test_any_mapping_is_a_filter_and_a_loop_is_refused(kind: Any, library: LocalAssistant) -> None:
    frozen = MappingProxyType({"year": MappingProxyType({"$gte": 2000})})
    assert made(kind, library, filter=frozen).filter == {"year": {"$gte": 2000}}
    loop: dict[str, Any] = {}
    loop["$not"] = loop
    with pytest.raises(InvalidRequestError, match="filter: nested deeper"):
        made(kind, library, filter=loop)
