"""The assistant in agents: as a tool, as a node of a graph, and as the agent's model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import GenericFakeChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda
from langchain_core.tools import BaseTool, ToolException
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph_supervisor import create_supervisor
from pydantic import BaseModel, ValidationError

from langchain_pinecone_assistant import PineconeAssistantTool
from langchain_pinecone_assistant.errors import AuthenticationError, InvalidRequestError, ToolsNotSupportedError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, words


class Outer(GenericFakeChatModel):
    """A scripted model that can call tools."""

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self


def outer(**arguments: Any) -> Outer:
    """Return a model that calls the tool once and then answers that it is done."""
    call = {"name": "pinecone_assistant", "args": arguments, "id": "call-1", "type": "tool_call"}
    return Outer(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("Done.")]), disable_streaming=True)


def tool(local: LocalAssistant, **options: Any) -> PineconeAssistantTool:
    """A tool over a local assistant."""
    return PineconeAssistantTool(**words(local, max_retries=0, **options))


def body_of(request: Any) -> dict[str, Any]:
    """Return the JSON of a request."""
    assert isinstance(request.body, dict)
    return request.body


def last_body(local: LocalAssistant) -> dict[str, Any]:
    """Return the body of the last request."""
    return body_of(local.requests[-1])


async def test_the_answer_is_the_content_and_the_rest_the_artifact(
    ask: Ask, interface: str, library: LocalAssistant
) -> None:
    call = {"name": "pinecone_assistant", "args": {"question": QUESTION}, "id": "1", "type": "tool_call"}
    message = await ask.invoke(tool(library, interface=interface), call)
    assert isinstance(message, ToolMessage)
    assert "43.8" in message.text
    assert "http" not in message.text, "a tool's text goes to another model: no signed link is in it"
    assert set(message.artifact) == {"citations", "usage", "model", "id"}
    assert message.artifact["citations"][0]["references"][0]["file_name"] == "red_pine.md"
    assert message.artifact["usage"]["total_tokens"] > 0
    assert message.artifact["model"].startswith("gpt-4o")
    assert message.artifact["id"]
    assert "http" not in json.dumps(message.artifact)


async def test_called_without_a_tool_call_it_answers_text(ask: Ask, library: LocalAssistant) -> None:
    assert "43.8" in await ask.invoke(tool(library), {"question": QUESTION})


async def test_the_outer_model_sees_a_question_and_nothing_else(ask: Ask, local: LocalAssistant) -> None:
    """A filter that the outer model invents raises an error that names it, and is never sent."""
    asking = tool(local, filter={"resource": "encyclopedia"}, model="gpt-4.1", temperature=0.5)
    assert set(asking.args) == {"question"}
    with pytest.raises(ValidationError, match="filter: this tool takes no filter from the outer model"):
        await ask.invoke(asking, {"question": QUESTION, "filter": {"tenant": "other"}})
    assert not local.requests
    await ask.invoke(asking, {"question": QUESTION})
    body = last_body(local)
    assert (body["filter"], body["model"], body["temperature"]) == ({"resource": "encyclopedia"}, "gpt-4.1", 0.5)


async def test_an_agent_reports_a_filter_that_its_model_made_up_to_the_model(ask: Ask, local: LocalAssistant) -> None:
    """LangGraph leaves out errors without a place, so the model was told of an error and not of which."""
    agent: Any = create_agent(outer(question=QUESTION, filter={"tenant": "other"}), tools=[tool(local)])
    result = await ask.invoke(agent, {"messages": [("user", QUESTION)]})
    assert "filter: this tool takes no filter from the outer model" in result["messages"][2].text
    assert not local.requests


FILTER = {"resource": "encyclopedia"}
OTHER = {"resource": "nursery"}


async def run(ask: Ask, asking: Any, value: Any, **options: Any) -> Any:
    return await asking.arun(value, **options) if ask.is_async else asking.run(value, **options)


CALLS: dict[str, Callable[[Ask, Any], Any]] = {
    "invoke": lambda ask, asking: ask.invoke(asking, QUESTION, filter=FILTER),
    "a tool call": lambda ask, asking: ask.invoke(
        asking, {"name": "x", "args": {"question": QUESTION}, "id": "1", "type": "tool_call"}, filter=FILTER
    ),
    "stream": lambda ask, asking: ask.stream(asking, QUESTION, filter=FILTER),
    "batch": lambda ask, asking: ask.batch(asking, [QUESTION], filter=FILTER),
    "run": lambda ask, asking: run(ask, asking, QUESTION, filter=FILTER),
    "bind": lambda ask, asking: ask.invoke(asking.bind(filter=FILTER), QUESTION),
    "bind and run": lambda ask, asking: run(ask, asking.bind(filter=FILTER), QUESTION),
    "bind twice and run": lambda ask, asking: run(ask, asking.bind(filter=OTHER).bind(filter=FILTER), QUESTION),
    "with_config, bind and run": lambda ask, asking: run(
        ask, asking.with_config(tags=["a"]).bind(filter=FILTER), QUESTION
    ),
    "configurable": lambda ask, asking: ask.invoke(
        asking.configurable_fields(filter=ConfigurableField(id="f")), QUESTION, {"configurable": {"f": FILTER}}
    ),
    "configurable and run": lambda ask, asking: run(
        ask,
        asking.configurable_fields(filter=ConfigurableField(id="f")).with_config(configurable={"f": FILTER}),
        QUESTION,
    ),
    "in a chain": lambda ask, asking: ask.invoke(RunnableLambda(lambda q: q) | asking.bind(filter=FILTER), QUESTION),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("default", [None, OTHER], ids=["no default", "a default"])
async def test_a_filter_of_a_call_is_the_one_that_is_sent(
    ask: Ask, call: str, default: Any, local: LocalAssistant
) -> None:
    """The framework passed it to the callbacks and dropped it, so other tenants' files were used for the answer."""
    await CALLS[call](ask, tool(local, filter=default))
    assert [body_of(request)["filter"] for request in local.requests] == [FILTER]


async def test_other_options_of_a_call_are_sent_too_and_hold_for_it_only(ask: Ask, local: LocalAssistant) -> None:
    asking = tool(local, interface="standard")
    await ask.invoke(asking, QUESTION, model="gpt-4.1", temperature=0.5, context_options={"top_k": 2})
    body = last_body(local)
    assert (body["model"], body["temperature"], body["context_options"]) == ("gpt-4.1", 0.5, {"top_k": 2})
    await ask.invoke(asking, QUESTION)
    assert set(last_body(local)) == {"messages", "stream"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fliter": FILTER}, "unknown option 'fliter' for a call of the tool: did you mean 'filter'"),
        ({"choose_filter": True}, "unknown option 'choose_filter' for a call of the tool"),
        ({"filter": {"year": [2024]}}, "filter.year: a list needs"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
    ],
)
async def test_wrong_options_of_a_call_are_refused_by_name(
    ask: Ask, options: dict[str, Any], sentence: str, local: LocalAssistant
) -> None:
    asking = tool(local)
    for refused in (
        lambda: ask.invoke(asking, QUESTION, **options),
        lambda: ask.batch(asking, [QUESTION], **options),
        lambda: run(ask, asking, QUESTION, **options),
    ):
        with pytest.raises(InvalidRequestError, match=sentence):
            await refused()
    with pytest.raises(InvalidRequestError, match=sentence):
        asking.bind(**options)
    assert not local.requests


async def test_what_the_framework_passes_to_run_is_no_option(ask: Ask, local: LocalAssistant) -> None:
    asking = tool(local)
    await run(ask, asking, QUESTION, verbose=False, color="red", tags=["a"], run_name="b", llm_prefix="Thought:")
    assert len(local.requests) == 1


class OwnArguments(BaseModel):
    """A developer's own schema of the arguments."""

    question: str
    filter: dict[str, Any] | None = None


async def test_a_filter_of_an_own_schema_is_refused_unless_it_may_be_chosen(ask: Ask, local: LocalAssistant) -> None:
    value = {"question": QUESTION, "filter": FILTER}
    with pytest.raises(InvalidRequestError, match="filter: this tool takes no filter from the outer model"):
        await ask.invoke(tool(local, args_schema=OwnArguments), value)
    await ask.invoke(tool(local, args_schema=OwnArguments, choose_filter=True), value)
    assert last_body(local)["filter"] == FILTER


async def test_asked_for_the_outer_model_narrows_the_filter_and_never_widens_it(
    ask: Ask, local: LocalAssistant
) -> None:
    asking = tool(local, filter={"tenant": "acme"}, choose_filter=True)
    assert set(asking.args) == {"question", "filter"}
    await ask.invoke(asking, {"question": QUESTION, "filter": {"year": 2024}})
    assert last_body(local)["filter"] == {"$and": [{"tenant": "acme"}, {"year": 2024}]}
    await ask.invoke(asking, {"question": QUESTION})
    assert last_body(local)["filter"] == {"tenant": "acme"}
    await ask.invoke(tool(local, choose_filter=True), {"question": QUESTION, "filter": {"year": 2024}})
    assert last_body(local)["filter"] == {"year": 2024}


def test_unknown_options_of_the_tool_are_errors(library: LocalAssistant) -> None:
    with pytest.raises(ValueError, match="unknown option 'fliter'"):
        tool(library, fliter={})


async def test_a_changed_tool_asks_with_its_new_options(ask: Ask, local: LocalAssistant) -> None:
    asking = tool(local)
    await ask.invoke(asking, {"question": QUESTION})
    asking.filter = {"resource": "encyclopedia"}
    await ask.invoke(asking, {"question": QUESTION})
    assert last_body(local)["filter"] == {"resource": "encyclopedia"}
    asking.close()
    await asking.aclose()


async def test_errors_of_the_assistant_reach_the_agent(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(AuthenticationError):
        await ask.invoke(PineconeAssistantTool(**{**words(library), "api_key": "wrong"}), {"question": QUESTION})


async def test_links_are_in_a_tools_text_only_where_the_developer_says_so(ask: Ask, library: LocalAssistant) -> None:
    """`strip_references=False` keeps the service's text unchanged, like for the model."""
    assert "http" in await ask.invoke(tool(library, strip_references=False), {"question": QUESTION})


async def test_a_tool_that_answers_text_only_has_no_artifact(ask: Ask, library: LocalAssistant) -> None:
    """`response_format="content"` once returned the repr of a tuple."""
    asking = tool(library, response_format="content")
    call = {"name": "pinecone_assistant", "args": {"question": QUESTION}, "id": "1", "type": "tool_call"}
    message = await ask.invoke(asking, call)
    assert message.text.startswith("A red pine")
    assert message.artifact is None


async def test_handle_tool_error_makes_an_error_the_tools_answer(ask: Ask, library: LocalAssistant) -> None:
    """The framework passes only ToolExceptions to it. The agent continues, and its model reads the error."""
    seen: list[BaseException | None] = []

    def tell(error: ToolException) -> str:
        seen.append(error.__cause__)
        return f"Sorry: {error}"

    wrong = {**words(library), "api_key": "wrong", "max_retries": 0}
    for handler, start in ((True, "the API key was refused"), (tell, "Sorry: the API key was refused")):
        agent: Any = create_agent(
            outer(question=QUESTION), tools=[PineconeAssistantTool(**wrong, handle_tool_error=handler)]
        )
        state = await ask.invoke(agent, {"messages": [("user", "How tall?")]})
        told = next(message for message in state["messages"] if isinstance(message, ToolMessage))
        assert (told.status, told.text.startswith(start)) == ("error", True)
        assert state["messages"][-1].text == "Done."
    assert isinstance(seen[0], AuthenticationError)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"question": "  "}, "the question is empty"),
        ({"question": QUESTION, "filter": {"year": [2024]}}, "filter.year: a list needs $in"),
    ],
)
async def test_what_the_outer_model_got_wrong_is_told_to_it(
    ask: Ask, arguments: dict[str, Any], sentence: str, local: LocalAssistant
) -> None:
    """The outer model can correct its own arguments, so a mistake does not end the run."""
    agent: Any = create_agent(outer(**arguments), tools=[tool(local, choose_filter=True)])
    state = await ask.invoke(agent, {"messages": [("user", "How tall?")]})
    told = next(message for message in state["messages"] if isinstance(message, ToolMessage))
    assert told.status == "error"
    assert sentence in told.text
    assert state["messages"][-1].text == "Done."
    assert not local.requests


async def test_a_tools_headers_and_control_plane_are_those_it_has(
    ask: Ask, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers may be changed in place; the environment is read when the tool is created, not at its first question."""
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", local.host)
    asking = tool(local, default_headers={"X-Tenant": "a"}, host=None)
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", "http://127.0.0.1:9")
    await ask.invoke(asking, {"question": QUESTION})
    assert asking.default_headers is not None
    asking.default_headers["X-Tenant"] = "b"
    await ask.invoke(asking, {"question": QUESTION})
    assert asking._chat().default_headers == {"X-Tenant": "b"}


async def test_an_agent_asks_and_its_citations_survive_a_checkpoint(ask: Ask, library: LocalAssistant) -> None:
    agent: Any = create_agent(outer(question=QUESTION), tools=[tool(library)], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    state = await ask.invoke(agent, {"messages": [("user", "How tall?")]}, config)
    asked = next(message for message in state["messages"] if isinstance(message, ToolMessage))
    assert "43.8" in asked.text
    assert state["messages"][-1].text == "Done."
    kept = agent.get_state(config).values["messages"]
    assert next(m for m in kept if isinstance(m, ToolMessage)).artifact == asked.artifact


async def test_the_assistants_tokens_surface_in_an_agents_message_stream(ask: Ask, library: LocalAssistant) -> None:
    agent: Any = create_agent(outer(question=QUESTION), tools=[tool(library)])
    state = {"messages": [("user", "How tall?")]}
    if ask.is_async:
        parts = [part async for part in agent.astream(state, stream_mode="messages")]
    else:
        parts = list(agent.stream(state, stream_mode="messages"))
    inner = [
        message.text
        for message, _ in parts
        if isinstance(message, AIMessageChunk)
        and message.response_metadata.get("model_provider") == "pinecone_assistant"
    ]
    assert len(inner) > 5
    assert "43.8" in "".join(inner)


async def test_the_model_is_a_node_of_a_graph_that_streams(ask: Ask, library: LocalAssistant) -> None:
    chat = chat_model(library)

    def sync_node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [chat.invoke(state["messages"])]}

    async def async_node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await chat.ainvoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("ask", async_node if ask.is_async else sync_node)
    graph.add_edge(START, "ask")
    compiled = graph.compile()
    state = {"messages": [("user", QUESTION)]}
    if ask.is_async:
        parts = [part async for part in compiled.astream(state, stream_mode="messages")]
    else:
        parts = list(compiled.stream(state, stream_mode="messages"))
    assert len(parts) > 5
    answered = await ask.invoke(compiled, state)
    assert "".join(message.text for message, _ in parts) == answered["messages"][-1].text
    again = await ask.invoke(compiled, {"messages": [*answered["messages"], ("user", QUESTION)]})
    assert len(again["messages"]) == 4, "messages with equal ids would have replaced each other"


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
async def test_a_supervisor_hands_over_to_the_assistant(ask: Ask, local: LocalAssistant) -> None:
    """Handover tool messages have no content of their own, so they are dropped; the conversation continues for several turns."""
    calls = [{"name": "transfer_to_docs", "args": {}, "id": str(turn), "type": "tool_call"} for turn in range(2)]
    says = [message for call in calls for message in (AIMessage("", tool_calls=[call]), AIMessage("Done."))]
    docs: Any = create_agent(chat_model(local, tool_messages="drop"), name="docs")
    supervisor = Outer(messages=iter(says), disable_streaming=True)
    team = create_supervisor([docs], model=supervisor).compile()
    state = await ask.invoke(team, {"messages": [("user", QUESTION)]})
    assert body_of(local.requests[-1])["messages"] == [{"role": "user", "content": QUESTION}]
    answer = next(message for message in state["messages"] if message.name == "docs")
    await ask.invoke(team, {"messages": [*state["messages"], ("user", "And in feet?")]})
    turns = body_of(local.requests[-1])["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert answer.text in turns[1]["content"]
    assert turns[2]["content"] == "And in feet?"


async def test_create_agent_works_without_tools(ask: Ask, library: LocalAssistant) -> None:
    state = await ask.invoke(create_agent(chat_model(library)), {"messages": [("user", QUESTION)]})
    assert "43.8" in state["messages"][-1].text


class Tree(BaseModel):
    """A tree."""

    name: str
    height_in_meters: float


async def test_create_agent_with_a_response_format_answers_it(ask: Ask, library: LocalAssistant) -> None:
    agent = create_agent(chat_model(library), response_format=Tree)
    state = await ask.invoke(agent, {"messages": [("user", QUESTION)]})
    assert isinstance(state["structured_response"], Tree)


async def test_tools_for_the_model_are_refused_with_both_ways_shown(ask: Ask, library: LocalAssistant) -> None:
    """The framework's own error would be a NotImplementedError without text."""

    def search(query: str) -> str:
        """Search."""
        return query

    with pytest.raises(NotImplementedError, match=r"as a tool of another model: create_agent\(.*(?s:.*)as a node"):
        chat_model(library).bind_tools([search])
    with pytest.raises(ToolsNotSupportedError):
        await ask.invoke(create_agent(chat_model(library), tools=[search]), {"messages": [("user", QUESTION)]})
    agent: Any = create_agent(chat_model(library), response_format=ToolStrategy(Tree))
    with pytest.raises(ToolsNotSupportedError, match="response_format: give create_agent the model itself, or a Prov"):
        await ask.invoke(agent, {"messages": [("user", QUESTION)]})


async def test_bind_tools_without_tools_binds_the_options(ask: Ask, local: LocalAssistant) -> None:
    await ask.invoke(chat_model(local).bind_tools([], temperature=0.5), QUESTION)
    assert last_body(local)["temperature"] == 0.5
    with pytest.raises(ValueError, match="unknown option 'temprature'"):
        chat_model(local).bind_tools([], temprature=0.5)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_the_model_itself_is_no_tool(library: LocalAssistant) -> None:
    """This is why there is a tool class. If this test fails one day, the docs can recommend the simpler way."""
    with pytest.raises(TypeError):
        chat_model(library).as_tool()
