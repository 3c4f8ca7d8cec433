"""The assistant as a tool of agents that run on another LLM (scripted here)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.agent.react.formatter import ReActChatFormatter
from llama_index.core.agent.react.output_parser import ReActOutputParser
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.base.response.schema import Response
from llama_index.core.chat_engine.types import AgentChatResponse
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import QueryEngineTool

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantQueryEngine,
    PineconeAssistantTool,
    PineconeAssistantToolSpec,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AuthenticationError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, bodies, paths, run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in LlamaIndex's agents


@pytest.fixture
def engine(words: dict[str, Any]) -> PineconeAssistantQueryEngine:
    """An engine with default options."""
    return PineconeAssistantQueryEngine(**words)


class ReActBrain(CustomLLM):
    """LLM that calls one tool, then returns the tool's text."""

    tool: str
    argument: str = "input"

    @property
    def metadata(self) -> LLMMetadata:
        """A plain text model."""
        return LLMMetadata()

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Not used."""
        raise NotImplementedError

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        _, seen, observation = prompt.rpartition("Please find out.")[2].rpartition("Observation:")
        if seen:
            return CompletionResponse(text=f"Thought: I can answer.\nAnswer: {observation.strip()}")
        arguments = json.dumps({self.argument: QUESTION})
        return CompletionResponse(text=f"Thought: I look it up.\nAction: {self.tool}\nAction Input: {arguments}")


def function_brain(tool: str, argument: str = "input") -> MockFunctionCallingLLM:
    """LLM that calls one tool, then returns the tool's text."""

    def answer(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        last = messages[-1]
        if last.role == MessageRole.TOOL:
            return ChatMessage(f"The tool says: {last.content}", role=MessageRole.ASSISTANT)
        call = ToolCallBlock(tool_call_id="1", tool_name=tool, tool_kwargs={argument: QUESTION})
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=""), call])

    return MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)


def ask_agent(kind: str, tools: Any, name: str, argument: str = "input") -> str:
    """Return the answer of an agent with these tools."""

    async def ask() -> str:
        agent: Any
        if kind == "function":
            agent = FunctionAgent(tools=tools, llm=function_brain(name, argument), streaming=False)
        else:
            agent = ReActAgent(tools=tools, llm=ReActBrain(tool=name, argument=argument), streaming=False)
        return str(await agent.run(user_msg="Please find out."))

    return run(ask())


def test_as_tool_ends_with_the_sources_and_keeps_the_response(
    engine: PineconeAssistantQueryEngine, call: Any, local: LocalAssistant
) -> None:
    tool = engine.as_tool("docs", "Knows trees.")
    assert isinstance(tool, PineconeAssistantTool)
    assert isinstance(tool, QueryEngineTool)
    assert (tool.metadata.name, tool.metadata.description) == ("docs", "Knows trees.")
    output = call(tool, "call", QUESTION)
    text, _, sources = output.content.partition("\n\nSources:\n")
    assert "25 meters" in text
    assert sources == "- red_pine.md"
    assert isinstance(output.raw_output, Response)
    assert output.raw_output.response == text
    assert output.raw_output.source_nodes[0].metadata["file_name"] == "red_pine.md"
    assert len(bodies(local)) == 1


def test_sources_are_listed_once_with_their_pages(
    engine: PineconeAssistantQueryEngine, call: Any, local: LocalAssistant
) -> None:
    cited: list[dict[str, Any]] = [
        {"file": "red_pine.md", "pages": [3, 4], "highlight": "one"},
        {"file": "red_pine.md", "pages": [3, 4], "highlight": "two"},
        {"file": "nursery.md"},
    ]
    local.reply("It is tall.", cited)
    output = call(engine.as_tool(), "call", QUESTION)
    assert output.content == "It is tall.\n\nSources:\n- red_pine.md, pages 3, 4\n- nursery.md"
    local.reply("I do not know.")
    assert call(engine.as_tool(), "call", QUESTION).content == "I do not know.", "nothing cited, no list"


def test_numbered_sources_of_the_openai_interface(words: dict[str, Any], call: Any) -> None:
    tool = PineconeAssistantQueryEngine(**words, interface="openai").as_tool()
    assert call(tool, "call", QUESTION).content.endswith("[1].\n\nSources:\n[1] red_pine.md")


@pytest.mark.parametrize("interface", ["openai", "standard"])
def test_a_tool_asks_unstreamed_and_shows_no_expiring_link(
    words: dict[str, Any], call: Any, local: LocalAssistant, interface: Any
) -> None:
    engine = PineconeAssistantQueryEngine(**words, streaming=True, strip_references=False, interface=interface)
    output = call(engine.as_tool(), "call", QUESTION)
    assert "http" not in output.content
    assert isinstance(output.raw_output, Response)
    assert not bodies(local)[0].get("stream")


def test_a_plain_query_engine_tool_works_without_the_list(engine: PineconeAssistantQueryEngine, call: Any) -> None:
    output = call(QueryEngineTool.from_defaults(engine), "call", QUESTION)
    assert "25 meters" in output.content
    assert "Sources:" not in output.content
    assert "http" not in output.content


@pytest.mark.parametrize("kind", ["function", "react"])
@pytest.mark.parametrize("tool", ["as_tool", "plain"])
def test_agents_use_it(engine: PineconeAssistantQueryEngine, local: LocalAssistant, kind: str, tool: str) -> None:
    made = (
        engine.as_tool("docs", "Knows trees.")
        if tool == "as_tool"
        else QueryEngineTool.from_defaults(engine, "docs", "Knows trees.")
    )
    answer = ask_agent(kind, [made], "docs")
    assert "25 meters" in answer
    assert ("- red_pine.md" in answer) == (tool == "as_tool")
    assert bodies(local)[0]["messages"] == [{"role": "user", "content": QUESTION}]


@pytest.mark.parametrize("kind", ["function", "react"])
@pytest.mark.parametrize(("name", "argument"), [("ask", "question"), ("search_context", "query")])
def test_agents_use_the_tool_spec(
    words: dict[str, Any], local: LocalAssistant, kind: str, name: str, argument: str
) -> None:
    spec = PineconeAssistantToolSpec(**words, similarity_top_k=2, filters={"resource": "encyclopedia"})
    answer = ask_agent(kind, spec.to_tool_list(), name, argument)
    assert "25 meters" in answer
    assert "- red_pine.md" in answer
    assert "http" not in answer
    assert paths(local) == [local.name if name == "ask" else "context"]
    assert bodies(local)[0]["filter"] == {"resource": "encyclopedia"}


def test_the_tool_spec_has_two_tools_with_plain_descriptions(words: dict[str, Any], call: Any) -> None:
    ask, search = PineconeAssistantToolSpec(**words).to_tool_list()
    assert [tool.metadata.name for tool in (ask, search)] == ["ask", "search_context"]
    assert "Answer a whole question" in ask.metadata.description
    assert list(json.loads(ask.metadata.fn_schema_str)["properties"]) == ["question"]
    assert call(ask, "call", question=QUESTION).content.endswith("Sources:\n- red_pine.md")
    assert "25 meters" in call(search, "call", query=QUESTION).content
    nothing = PineconeAssistantToolSpec(**words, filters={"year": 1900}).to_tool_list()[1]
    assert call(nothing, "call", query=QUESTION).content == "No passage fits."


def test_the_tools_of_the_spec_give_source_nodes(words: dict[str, Any], call: Any) -> None:
    spec = PineconeAssistantToolSpec(**words)
    ask, search = spec.to_tool_list()
    for output in (call(ask, "call", question=QUESTION), call(search, "call", query=QUESTION)):
        assert isinstance(output.raw_output, Response)
        assert output.raw_output.source_nodes[0].metadata["file_name"] == "red_pine.md"
        assert output.content == str(output.raw_output)
    answer = call(spec, "ask", QUESTION)
    assert answer.response.endswith("diameter.")
    assert str(answer) == f"{answer.response}\n\nSources:\n- red_pine.md"
    assert answer.metadata["usage"]["prompt_tokens"] > 0
    turn = AgentChatResponse("It is tall.", sources=[call(ask, "call", question=QUESTION)])
    assert len(turn.source_nodes) == 1, "LlamaIndex collects them from the outputs of tools"


def test_a_tools_errors_raise(words: dict[str, Any], call: Any) -> None:
    tool = PineconeAssistantQueryEngine(**words | {"api_key": "wrong"}).as_tool()
    with pytest.raises(AuthenticationError):
        call(tool, "call", QUESTION)


def test_a_function_agent_refuses_the_assistant_as_its_brain(words: dict[str, Any]) -> None:
    """The service calls no functions; docs/llama_index_agents.md says so."""

    async def ask() -> None:
        await FunctionAgent(tools=[lambda x: x], llm=PineconeAssistant(**words)).run(user_msg=QUESTION)

    with pytest.raises(ValueError, match="must be a FunctionCallingLLM"):
        run(ask())


@pytest.mark.usefixtures("thread_loop")
def test_predict_and_call_passes_on_what_llama_index_knows(
    words: dict[str, Any], call: Any, local: LocalAssistant
) -> None:
    response = call(
        PineconeAssistant(**words).with_options(filter={"resource": "nursery"}),
        "predict_and_call",
        [],
        QUESTION,
        chat_history=[ChatMessage("Hello.")],
        react_chat_formatter=ReActChatFormatter(),
        output_parser=ReActOutputParser(),
    )
    assert "error occurred" not in response.response
    assert [body["filter"] for body in bodies(local)] == [{"resource": "nursery"}]
    assert "Hello." in str(bodies(local)[0]["messages"])


def hand_over(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
    """LLM of a triage agent: hands every question over to the agent `docs`."""
    arguments = {"to_agent": "docs", "reason": "It knows trees."}
    call = ToolCallBlock(tool_call_id="1", tool_name="handoff", tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=""), call])


@pytest.mark.parametrize("tool_messages", ["drop", "as_user", "error"])
@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_workflow_hands_over_to_an_agent_whose_brain_is_the_assistant(
    words: dict[str, Any], tool_messages: Any, streaming: bool, local: LocalAssistant
) -> None:
    """Its memory contains the handover's tool call, which has no text, and the call's result."""
    local.reply("Thought: I can answer.\nAnswer: It grows up to 25 meters.")

    async def ask() -> tuple[str, str]:
        triage = FunctionAgent(
            name="triage",
            description="Chooses.",
            llm=MockFunctionCallingLLM(response_generator=hand_over, is_chat_model=True),
            streaming=False,
            can_handoff_to=["docs"],
        )
        brain = PineconeAssistant(**words, tool_messages=tool_messages)
        docs = ReActAgent(name="docs", description="Knows trees.", llm=brain, streaming=streaming)
        memory = ChatMemoryBuffer.from_defaults(token_limit=30_000)
        first = await AgentWorkflow(agents=[triage, docs], root_agent="triage").run(user_msg=QUESTION, memory=memory)
        again = await AgentWorkflow(agents=[docs]).run(user_msg="And?", memory=memory)
        return str(first), str(again)

    if tool_messages == "error":
        with pytest.raises(InvalidRequestError, match="tool_messages"):
            run(ask())
        return
    assert run(ask()) == ("It grows up to 25 meters.", "It grows up to 25 meters.")
    for body in bodies(local):
        assert ("is now handling the request" in str(body["messages"])) == (tool_messages == "as_user")
    assert [message["role"] for message in bodies(local)[-1]["messages"]] == ["user", "assistant", "user"]
