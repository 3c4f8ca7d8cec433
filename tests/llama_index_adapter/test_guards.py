"""A guard filter applies in every class that asks, and nothing loosens it; every object has its own copy of a filter."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import QueryEngineTool, ToolMetadata
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from pydantic import BaseModel

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
    PineconeAssistantTool,
    PineconeAssistantToolSpec,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, SECRET, Ask, bodies, run

GUARD = {"resource": "nursery"}
OTHER = {"year": 2024}
BOTH = {"$and": [GUARD, OTHER]}
META = MetadataFilters(filters=[MetadataFilter(key="resource", value="nursery")])
PROMPT = PromptTemplate(QUESTION)


class Tree(BaseModel):
    """An answer."""

    name: str = ""


def read(stream: Any) -> None:
    for _ in stream:
        pass


async def aread(stream: Any) -> None:
    async for _ in stream:
        pass


async def _atokens(view: Any) -> None:
    await aread((await view.aquery(QUESTION)).async_response_gen())


async def _aturn(view: Any) -> None:
    await aread((await view.astream_chat(QUESTION)).async_response_gen())


# Every class that asks an assistant: how to create it from options, and how to ask it, sync and async.
Asking = tuple[Callable[..., Any], Callable[[Any], Any], Callable[[Any], Any]]
ASKERS: dict[str, Asking] = {
    "retriever": (
        PineconeAssistantRetriever,
        lambda view: view.retrieve(QUESTION),
        lambda view: view.aretrieve(QUESTION),
    ),
    "query engine": (
        PineconeAssistantQueryEngine,
        lambda view: view.query(QUESTION),
        lambda view: view.aquery(QUESTION),
    ),
    "streaming query engine": (
        lambda *args, **options: PineconeAssistantQueryEngine(*args, streaming=True, **options),
        lambda view: read(view.query(QUESTION).response_gen),
        _atokens,
    ),
    "chat engine": (
        PineconeAssistantChatEngine,
        lambda view: view.chat(QUESTION),
        lambda view: view.achat(QUESTION),
    ),
    "streamed chat engine": (
        PineconeAssistantChatEngine,
        lambda view: read(view.stream_chat(QUESTION).response_gen),
        _aturn,
    ),
}
TOOLS: dict[str, Asking] = {
    "ask": (
        PineconeAssistantToolSpec,
        lambda spec: spec.to_tool_list()[0].call(question=QUESTION),
        lambda spec: spec.to_tool_list()[0].acall(question=QUESTION),
    ),
    "search_context": (
        PineconeAssistantToolSpec,
        lambda spec: spec.search_context(QUESTION),
        lambda spec: spec.asearch_context(QUESTION),
    ),
    "as_tool of a guarded engine": (
        lambda *args, **options: PineconeAssistantQueryEngine(*args, **options).as_tool(),
        lambda tool: tool.call(QUESTION),
        lambda tool: tool.acall(QUESTION),
    ),
    "as_tool with a guard": (
        lambda *args, guard_filter=None, **options: PineconeAssistantQueryEngine(*args, **options).as_tool(
            guard_filter=guard_filter
        ),
        lambda tool: tool.call(QUESTION),
        lambda tool: tool.acall(QUESTION),
    ),
    "tool": (
        lambda *args, guard_filter=None, **options: PineconeAssistantTool(
            PineconeAssistantQueryEngine(*args, **options), ToolMetadata("docs", "docs"), guard_filter=guard_filter
        ),
        lambda tool: tool(QUESTION),
        lambda tool: tool.acall(input=QUESTION),
    ),
    "plain tool": (
        lambda *args, **options: QueryEngineTool.from_defaults(PineconeAssistantQueryEngine(*args, **options)),
        lambda tool: tool.call(QUESTION),
        lambda tool: tool.acall(QUESTION),
    ),
}


class Asker:
    """Creates one of these classes, asks with it, and returns the filter that was sent."""

    def __init__(self, asking: Asking, is_async: bool, local: LocalAssistant) -> None:
        self.make, self._sync, self._async = asking
        self._is_async = is_async
        self._local = local

    def sent(self, thing: Any) -> Any:
        """Ask, and return the filter that was sent."""
        if self._is_async:

            async def ask() -> None:
                await self._async(thing)

            run(ask())
        else:
            self._sync(thing)
        return bodies(self._local)[-1].get("filter")


@pytest.fixture(params=ASKERS)
def asker(request: pytest.FixtureRequest, is_async: bool, local: LocalAssistant) -> Asker:
    """Each of the retriever and the engines."""
    return Asker(ASKERS[request.param], is_async, local)


@pytest.fixture(params=[*ASKERS, *TOOLS])
def any_asker(request: pytest.FixtureRequest, is_async: bool, local: LocalAssistant) -> Asker:
    """Each of the retriever, the engines and the tools."""
    return Asker({**ASKERS, **TOOLS}[request.param], is_async, local)


def test_a_guard_of_an_llm_holds_in_every_method(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, guard_filter=GUARD)
    ask(llm)
    ask(llm, filter=None)
    ask(llm, filter={})
    ask(llm, filter=OTHER)
    ask(llm.with_options(filter=OTHER))
    ask(llm.with_options(filter=OTHER), filter=None)
    ask(PineconeAssistant(**words, guard_filter=GUARD, additional_kwargs={"filter": OTHER}))
    assert [body.get("filter") for body in bodies(local)] == [GUARD, GUARD, GUARD, BOTH, BOTH, GUARD, BOTH]


def test_a_guard_holds_in_structured_output(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, guard_filter=GUARD)
    call(llm, "predict", PROMPT)
    call(llm, "structured_predict", Tree, PROMPT, llm_kwargs={"filter": OTHER})
    call(llm.as_structured_llm(Tree), "chat", [ChatMessage(QUESTION)], filter=None)
    assert [body.get("filter") for body in bodies(local)] == [GUARD, BOTH, GUARD]


def test_a_guard_holds_in_everything_that_asks(words: dict[str, Any], any_asker: Asker) -> None:
    assert any_asker.sent(any_asker.make(**words, guard_filter=GUARD)) == GUARD
    assert any_asker.sent(any_asker.make(**words, guard_filter=META)) == {"resource": {"$eq": "nursery"}}
    assert any_asker.sent(any_asker.make(**words, guard_filter=GUARD, filters=OTHER)) == BOTH
    assert any_asker.sent(any_asker.make(PineconeAssistant(**words, guard_filter=GUARD), filters=OTHER)) == BOTH
    assert any_asker.sent(any_asker.make(client=AssistantClient(**words, guard_filter=GUARD, filter=OTHER))) == BOTH
    assert (
        any_asker.sent(any_asker.make(client=AsyncAssistantClient(**words, filter=OTHER), guard_filter=GUARD)) == BOTH
    )
    assert any_asker.sent(any_asker.make(**words)) is None


def test_guards_add_up(words: dict[str, Any], any_asker: Asker) -> None:
    """Guards of the client, the LLM and the engine are combined."""
    client = AssistantClient(**words, guard_filter={"year": {"$gte": 2000}})
    thing = any_asker.make(PineconeAssistant(client=client, guard_filter=OTHER), guard_filter=GUARD, filters={"a": 1})
    assert any_asker.sent(thing) == {
        "$and": [{"$and": [{"year": {"$gte": 2000}}, {"$and": [OTHER, GUARD]}]}, {"a": 1}],
    }


def test_copies_of_engines_keep_the_guard(words: dict[str, Any], asker: Asker) -> None:
    thing = asker.make(**words, guard_filter=GUARD)
    for twin in (
        thing.with_filters(None),
        thing.with_filters({}),
        thing.with_options(filter=None),
        thing.with_options(timeout=9),
        copy.copy(thing),
        copy.deepcopy(thing),
        pickle.loads(pickle.dumps(thing)),
    ):
        assert asker.sent(twin) == GUARD
        assert asker.sent(twin.with_filters(OTHER)) == BOTH


COPIES: dict[str, Callable[[PineconeAssistant], PineconeAssistant]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(update={"temperature": 0}),
    "deep model_copy": lambda llm: llm.model_copy(deep=True),
    "pydantic's older copy": lambda llm: llm.copy(),
    "with_options": lambda llm: llm.with_options(filter=None),
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),
    "from_dict": lambda llm: PineconeAssistant.from_dict(llm.to_dict()),
    "from_json": lambda llm: PineconeAssistant.from_json(llm.to_json()),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_of_an_llm_keep_the_guard_before_and_after_calls(
    *, words: dict[str, Any], call: Any, how: str, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINECONE_API_KEY", SECRET)
    llm = PineconeAssistant(**words, guard_filter=GUARD)
    for _ in range(2):
        call(COPIES[how](llm), "complete", QUESTION)
        call(llm, "complete", QUESTION, filter=OTHER)
    assert [body.get("filter") for body in bodies(local)] == [GUARD, BOTH] * 2


def test_an_llm_with_a_client_keeps_its_guard_in_a_dict(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    data = PineconeAssistant(client=AssistantClient(**words), guard_filter=GUARD).to_dict()
    ask(PineconeAssistant.from_dict(json.loads(json.dumps(data)), client=AssistantClient(**words)))
    assert bodies(local)[-1]["filter"] == GUARD


def test_a_copy_of_an_llm_has_all_fields(words: dict[str, Any]) -> None:
    """Pydantic's older method can leave fields out, such as the guard."""
    llm: Any = PineconeAssistant(**words, guard_filter=GUARD)
    for parts in ({"exclude": {"guard_filter"}}, {"include": {"assistant_name"}}):
        with pytest.raises(InvalidRequestError, match="a copy has all fields"):
            llm.copy(**parts)


@pytest.mark.parametrize("guard", [OTHER, None, {}])
def test_only_constructors_take_a_guard(words: dict[str, Any], ask: Ask, guard: Any, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, guard_filter=GUARD)
    engine = PineconeAssistantQueryEngine(llm)
    attempts: list[Callable[[], object]] = [
        lambda: ask(llm, guard_filter=guard),
        lambda: llm.with_options(guard_filter=guard),
        lambda: llm.model_copy(update={"guard_filter": guard}),
        lambda: llm.copy(update={"guard_filter": guard}),
        lambda: setattr(llm, "guard_filter", guard),
        lambda: ask(PineconeAssistant(**words, additional_kwargs={"guard_filter": guard})),
        lambda: llm.as_structured_llm(Tree, guard_filter=guard),
        lambda: llm.predict(PROMPT, guard_filter=guard),
        lambda: llm.structured_predict(Tree, PROMPT, llm_kwargs={"guard_filter": guard}),
        lambda: llm.predict_and_call([], QUESTION, guard_filter=guard),
        lambda: engine.as_tool().call(QUESTION, guard_filter=guard),
        lambda: PineconeAssistantToolSpec(llm).to_tool_list()[0].call(QUESTION, guard_filter=guard),
        lambda: PineconeAssistantTool.from_defaults(engine).call(input=QUESTION, guard_filter=guard),
        *(
            lambda view=view: view.with_options(guard_filter=guard)
            for view in (engine, PineconeAssistantRetriever(llm), PineconeAssistantChatEngine(llm))
        ),
    ]
    for attempt in attempts:
        with pytest.raises((InvalidRequestError, TypeError), match="guard_filter"):
            attempt()
    assert bodies(local) == []
    assert llm.guard_filter == GUARD


@pytest.mark.parametrize("empty", [{}, {"$and": [{}]}, MetadataFilters(filters=[])], ids=["dict", "part", "metadata"])
def test_a_guard_that_guards_nothing_is_an_error(words: dict[str, Any], any_asker: Asker, empty: Any) -> None:
    for arguments in ([], [PineconeAssistant(**words)]):
        with pytest.raises(InvalidRequestError, match="guard_filter: it is empty or has an empty part"):
            any_asker.make(*arguments, guard_filter=empty, **({} if arguments else words))


def test_a_guard_of_an_llm_is_checked(words: dict[str, Any], ask: Ask) -> None:
    with pytest.raises(InvalidRequestError, match="guard_filter: it is empty"):
        PineconeAssistant(**words, guard_filter={})
    with pytest.raises(InvalidRequestError, match=r"guard_filter\.a: a list needs \$in"):
        PineconeAssistant(**words, guard_filter={"a": [1]})
    with pytest.raises(InvalidRequestError, match=r"guard_filter is a MetadataFilters: .*to_filter"):
        PineconeAssistant(**words, guard_filter=META)  # type: ignore[arg-type]  # the mistake
    llm = PineconeAssistant(**words, guard_filter=GUARD)
    assert llm.guard_filter is not None
    llm.guard_filter.clear()  # changed by hand, which cannot be prevented: then nothing is sent at all
    with pytest.raises(InvalidRequestError, match="guard_filter: it is empty"):
        ask(llm)


def test_an_engine_of_another_kind_cannot_be_guarded(words: dict[str, Any]) -> None:
    engine: Any = object()
    with pytest.raises(InvalidRequestError, match="guard_filter cannot guard a object"):
        PineconeAssistantTool.from_defaults(engine, guard_filter=GUARD)


def nested() -> dict[str, Any]:
    return {"$or": [{"resource": {"$in": ["nursery"]}}]}


def change(mine: dict[str, Any]) -> None:
    """For example in an application that keeps one dict for the current tenant."""
    mine["$or"][0]["resource"]["$in"][0] = "encyclopedia"
    mine["$or"].append({"resource": "secret"})
    mine["public"] = True


HELD: dict[str, Callable[[dict[str, Any], dict[str, Any]], PineconeAssistant]] = {
    "filter": lambda words, mine: PineconeAssistant(**words, filter=mine),
    "guard_filter": lambda words, mine: PineconeAssistant(**words, guard_filter=mine),
    "additional_kwargs": lambda words, mine: PineconeAssistant(**words, additional_kwargs={"filter": mine}),
    "with_options": lambda words, mine: PineconeAssistant(**words).with_options(filter=mine),
    "model_copy": lambda words, mine: PineconeAssistant(**words).model_copy(update={"filter": mine}),
    "pydantic's older copy": lambda words, mine: PineconeAssistant(**words).copy(update={"filter": mine}),
    "from_dict": lambda words, mine: PineconeAssistant.from_dict({**words, "filter": mine}),
    "client": lambda words, mine: PineconeAssistant(client=AssistantClient(**words, filter=mine)),
}


@pytest.mark.parametrize("how", HELD)
def test_a_filter_that_is_changed_later_changes_no_llm_made_before(
    words: dict[str, Any], call: Any, how: str, local: LocalAssistant
) -> None:
    mine = nested()
    llm = HELD[how](words, mine)
    change(mine)
    call(llm, "complete", QUESTION)
    assert bodies(local)[-1]["filter"] == nested()


def test_an_assigned_filter_is_copied_too(llm: PineconeAssistant, local: LocalAssistant) -> None:
    mine = nested()
    llm.filter = mine
    change(mine)
    llm.complete(QUESTION)
    assert bodies(local)[-1]["filter"] == nested()


@pytest.mark.parametrize("how", ["copy", "deepcopy", "model_copy", "with_options"])
def test_a_copy_has_a_filter_of_its_own(words: dict[str, Any], how: str, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, filter=nested())
    twin = llm.with_options(temperature=0) if how == "with_options" else COPIES[how](llm)
    assert llm.filter is not None
    change(llm.filter)
    twin.complete(QUESTION)
    assert bodies(local)[-1]["filter"] == nested()


def test_filters_that_are_changed_later_change_nothing_made_before(words: dict[str, Any], any_asker: Asker) -> None:
    for given in ({"filters": nested()}, {"filter": nested()}, {"guard_filter": nested()}):
        thing = any_asker.make(**words, **given)
        change(next(iter(given.values())))
        assert any_asker.sent(thing) == nested()
    values = ["nursery"]
    metadata = MetadataFilters(filters=[MetadataFilter(key="resource", operator="in", value=values)])  # type: ignore[arg-type] # LlamaIndex accepts the str
    thing = any_asker.make(**words, filters=metadata)
    values[0] = "encyclopedia"
    metadata.filters.append(MetadataFilter(key="a", value=1))
    assert any_asker.sent(thing) == {"resource": {"$in": ["nursery"]}}


def test_filters_of_copies_that_are_changed_later_change_no_copy(words: dict[str, Any], asker: Asker) -> None:
    thing = asker.make(**words)
    one, two = nested(), nested()
    twins = [thing.with_filters(one), thing.with_options(filter=two)]
    change(one)
    change(two)
    assert [asker.sent(twin) for twin in twins] == [nested(), nested()]


def test_context_options_are_copied(words: dict[str, Any], local: LocalAssistant) -> None:
    mine = {"top_k": 3}
    things = [
        PineconeAssistant(**words, interface="standard", context_options=mine),
        PineconeAssistant(**words, interface="standard").with_options(context_options=mine),
    ]
    mine["top_k"] = 64
    for llm in things:
        llm.complete(QUESTION)
        assert bodies(local)[-1]["context_options"] == {"top_k": 3}


def test_a_misspelt_option_of_a_model_copy_is_an_error(llm: PineconeAssistant) -> None:
    """Pydantic would set it as an attribute that is not a field, and the filter would be lost."""
    with pytest.raises(InvalidRequestError, match="'filtre': did you mean 'filter'"):
        llm.model_copy(update={"filtre": GUARD})


CALLS: dict[str, dict[str, Any]] = {
    "filter": {"filter": OTHER},
    "filters": {"filters": META},
    "model": {"model": "gpt-4o"},
    "streaming": {"streaming": True},
    "misspelt": {"filtre": OTHER},
    "none": {"filter": None},
}


@pytest.mark.parametrize("options", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("question", [{}, {"input": QUESTION}], ids=["positional", "input"])
def test_a_call_of_a_tool_refuses_options_by_name(
    words: dict[str, Any], call: Any, options: dict[str, Any], question: dict[str, Any], local: LocalAssistant
) -> None:
    """Before, they were dropped, and hidden files were used for the answer."""
    (name,) = options
    tool = PineconeAssistantQueryEngine(**words).as_tool()
    with pytest.raises(InvalidRequestError, match=rf"takes a question and not '{name}': .*with_filters"):
        call(tool, "call", *([] if question else [QUESTION]), **question, **options)
    assert bodies(local) == []


@pytest.mark.parametrize("options", CALLS.values(), ids=CALLS.keys())
def test_a_dict_in_place_of_a_question_refuses_options_by_name(
    words: dict[str, Any], call: Any, options: dict[str, Any], local: LocalAssistant
) -> None:
    """Before, the dict was asked as text, without the filter in it."""
    (name,) = options
    tool = PineconeAssistantQueryEngine(**words).as_tool()
    asked = {"input": QUESTION, **options}
    calls: list[Callable[[], object]] = [lambda: call(tool, "call", asked), lambda: call(tool, "call", input=asked)]
    for ask_it in calls:
        with pytest.raises(InvalidRequestError, match=rf"takes a question and not '{name}': .*with_filters"):
            ask_it()
    assert bodies(local) == []


def test_a_call_of_a_tool_by_another_name_refuses_options_too(
    words: dict[str, Any], call: Any, local: LocalAssistant
) -> None:
    """If `input` is missing, LlamaIndex asks with all arguments that an agent passed."""
    tool = PineconeAssistantQueryEngine(**words).as_tool()
    with pytest.raises(InvalidRequestError, match="takes a question and not 'filter'"):
        call(tool, "call", question=QUESTION, filter=OTHER)
    assert bodies(local) == []
    call(tool, "call", question=QUESTION)
    assert QUESTION in bodies(local)[0]["messages"][0]["content"]


def test_a_call_of_a_tool_refuses_a_second_argument(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    tool = PineconeAssistantQueryEngine(**words).as_tool()
    with pytest.raises(InvalidRequestError, match="takes exactly one question"):
        call(tool, "call", QUESTION, OTHER)
    assert bodies(local) == []


@pytest.mark.parametrize("name", ["filter", "filters"])
def test_the_tools_of_the_spec_refuse_options_by_name(
    words: dict[str, Any], call: Any, name: str, local: LocalAssistant
) -> None:
    for tool in PineconeAssistantToolSpec(**words).to_tool_list():
        with pytest.raises(TypeError, match=f"'{name}'"):
            call(tool, "call", QUESTION, **{name: OTHER})
    assert bodies(local) == []


def test_metadata_filters_given_as_filter_name_the_option_that_takes_them(
    words: dict[str, Any], ask: Ask, asker: Asker, local: LocalAssistant
) -> None:
    llm = PineconeAssistant(**words)
    attempts: list[Callable[[], object]] = [
        lambda: PineconeAssistant(**words, filter=META),  # type: ignore[arg-type]  # the mistake
        lambda: ask(llm, filter=META),
        lambda: llm.with_options(filter=META),
        lambda: ask(PineconeAssistant(**words, additional_kwargs={"filter": META})),
        lambda: asker.make(**words, filter=META),
        lambda: asker.make(**words).with_options(filter=META),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidRequestError, match="filter is a MetadataFilters: pass it as filters= to"):
            attempt()
    assert bodies(local) == []
