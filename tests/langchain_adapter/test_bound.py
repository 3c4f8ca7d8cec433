"""What is bound to a model, or chosen by the config, reaches its structured answers, too."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any, get_type_hints

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy
from langchain_core.load import dumpd
from langchain_core.runnables import ConfigurableField
from pydantic import BaseModel

from langchain_pinecone_assistant import ChatPineconeAssistant
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model

FILTER = {"resource": "encyclopedia"}
CONFIG: Any = {"configurable": {"filter": FILTER}}
FIELD = ConfigurableField(id="filter")


class Tree(BaseModel):
    """A tree."""

    name: str


FORMS: dict[str, Callable[[ChatPineconeAssistant], Any]] = {
    "bind": lambda chat: chat.bind(filter=FILTER),
    "bind twice": lambda chat: chat.bind(temperature=0.5).bind(filter=FILTER),
    "with_config first": lambda chat: chat.with_config(tags=["a"]).bind(filter=FILTER),
    "with_config last": lambda chat: chat.bind(filter=FILTER).with_config(tags=["a"]),
    "with_types": lambda chat: chat.with_types(input_type=str).bind(filter=FILTER),
    "with_listeners": lambda chat: chat.with_listeners(on_start=lambda _: None).bind(filter=FILTER),
    "with_alisteners": lambda chat: chat.with_alisteners().bind(filter=FILTER),
    "with_retry": lambda chat: chat.bind(filter=FILTER).with_retry(),
    "with_fallbacks": lambda chat: chat.bind(filter=FILTER).with_fallbacks([chat.bind(filter=FILTER)]),
    "configurable": lambda chat: chat.configurable_fields(filter=FIELD),
    "configurable and bind": lambda chat: chat.configurable_fields(filter=FIELD).bind(temperature=0.5),
    "configurable twice": lambda chat: chat.configurable_fields(filter=FIELD).configurable_fields(
        model=ConfigurableField(id="model")
    ),
    "configurable with_config": lambda chat: chat.configurable_fields(filter=FIELD).with_config(CONFIG),
    "a copy": lambda chat: deepcopy(chat.bind(filter=FILTER)),
    "a pickle": lambda chat: pickle.loads(pickle.dumps(chat.bind(filter=FILTER))),
    "a pickle of a configurable": lambda chat: pickle.loads(pickle.dumps(chat.configurable_fields(filter=FIELD))),
}


def sent_filter(local: LocalAssistant) -> Any:
    """The filter of the last request."""
    body = local.requests[-1].body
    assert isinstance(body, dict)
    return body.get("filter")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_filter_is_not_lost_in_structured_answers(
    ask: Ask, form: Callable[[ChatPineconeAssistant], Any], local: LocalAssistant
) -> None:
    """The framework's own bindings drop it here, and files of other tenants may answer."""
    model = form(chat_model(local))
    assert isinstance(await ask.invoke(model.with_structured_output(Tree), QUESTION, CONFIG), Tree)
    assert sent_filter(local) == FILTER
    [both] = await ask.stream(model.with_structured_output(Tree, include_raw=True), QUESTION, CONFIG)
    assert isinstance(both["parsed"], Tree)
    assert sent_filter(local) == FILTER
    await ask.invoke(model.bind_tools([]), QUESTION, CONFIG)
    assert sent_filter(local) == FILTER
    assert len(local.requests) == 3


async def test_an_agents_response_format_keeps_a_bound_filter(ask: Ask, local: LocalAssistant) -> None:
    """`create_agent` asks the bound model for `bind_tools`."""
    bound: Any = chat_model(local).bind(filter=FILTER)  # which create_agent takes, though its types do not say so
    agent = create_agent(bound, response_format=ProviderStrategy(Tree))
    state = await ask.invoke(agent, {"messages": [("user", QUESTION)]})
    assert isinstance(state["structured_response"], Tree)
    assert sent_filter(local) == FILTER


async def test_options_of_a_call_win_over_bound_ones_in_structured_answers(ask: Ask, local: LocalAssistant) -> None:
    """As everywhere else."""
    structured = chat_model(local).bind(filter={"resource": "nursery"}, temperature=0.5).with_structured_output(Tree)
    await ask.invoke(structured, QUESTION, filter=FILTER)
    body = local.requests[-1].body
    assert isinstance(body, dict)
    assert (body["filter"], body["temperature"]) == (FILTER, 0.5)


def test_a_binding_is_serialised_as_the_frameworks_own(library: LocalAssistant) -> None:
    """So that `load` knows what it is."""
    chat = chat_model(library)
    assert dumpd(chat.bind(filter=FILTER))["id"] == ["langchain", "schema", "runnable", "RunnableBinding"]
    configurable = dumpd(chat.configurable_fields(filter=FIELD))
    assert configurable["id"] == ["langchain", "schema", "runnable", "RunnableConfigurableFields"]


async def test_a_model_with_fallbacks_binds_tools_and_schemas(ask: Ask, local: LocalAssistant) -> None:
    """The framework resolves the annotations of both there; a name for type checkers only was a NameError."""
    chat = chat_model(local)
    for method in (chat.bind_tools, chat.with_structured_output):
        assert get_type_hints(method)["return"]
    several: Any = chat.with_fallbacks([chat])
    assert "43.8" in (await ask.invoke(several.bind_tools([]), QUESTION)).text
    assert isinstance(await ask.invoke(several.with_structured_output(Tree), QUESTION), Tree)
