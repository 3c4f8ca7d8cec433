"""Histories of other models and of agents: what an assistant's turn said is sent, and nothing locks a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms import types
from llama_index.core.base.llms.types import (
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, bodies, run

CALL = ToolCallBlock(tool_call_id="1", tool_name="search", tool_kwargs={"q": "pines"})
IMAGE = ImageBlock(url="https://example.com/a.png")
CITED = CitationBlock(cited_content=TextBlock(text="quoted"), source="a.md", title="A", additional_location_info={})
CITABLE = CitableBlock(title="A", source="a.md", content=[TextBlock(text="From a file.")])
CITABLE_IMAGE = CitableBlock(title="A", source="a.md", content=[TextBlock(text="From a file."), IMAGE])


class NewBlock(types.BaseContentBlock):
    """A kind that a later LlamaIndex may have."""

    block_type: Literal["tool_call"] = "tool_call"
    tool_name: str = "new"


def of_assistant(*blocks: Any, **more: Any) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=list(blocks), **more)


def tool_result(text: str, role: MessageRole = MessageRole.TOOL) -> ChatMessage:
    return ChatMessage(text, role=role, additional_kwargs={"tool_call_id": "1"})


def sent(local: LocalAssistant) -> list[tuple[str, str]]:
    """The last request's messages."""
    return [(message["role"], message["content"]) for message in bodies(local)[-1]["messages"]]


# The lowest allowed core lacks some of them.
OTHERS = [
    CALL,
    IMAGE,
    CITED,
    DocumentBlock(data=b"text", document_mimetype="text/plain"),
    types.AudioBlock(audio=b"UklGRg==", format="wav"),
    types.CachePoint(cache_control=types.CacheControl(type="ephemeral")),
    *([types.ThinkingBlock(content="hm")] if hasattr(types, "ThinkingBlock") else []),
    *([types.VideoBlock(url="https://example.com/a.mp4")] if hasattr(types, "VideoBlock") else []),
]


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: type(block).__name__)
def test_of_an_assistants_turn_the_text_is_sent(llm: PineconeAssistant, block: Any, local: LocalAssistant) -> None:
    llm.chat([ChatMessage("Hi."), of_assistant(block, TextBlock(text="Hello.")), ChatMessage(QUESTION)])
    assert sent(local) == [("user", "Hi."), ("assistant", "Hello."), ("user", QUESTION)]


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: type(block).__name__)
def test_an_assistants_turn_without_text_is_left_out(llm: PineconeAssistant, block: Any, local: LocalAssistant) -> None:
    """Every later turn was refused."""
    llm.chat([ChatMessage("Hi."), of_assistant(TextBlock(text=""), block), of_assistant(), ChatMessage(QUESTION)])
    assert sent(local) == [("user", f"Hi.\n\n{QUESTION}")]


def test_a_kind_of_block_that_is_not_known_is_left_out(llm: PineconeAssistant, local: LocalAssistant) -> None:
    turn = of_assistant(TextBlock(text="Hello."))
    turn.blocks.append(NewBlock())  # type: ignore[arg-type]  # as a later LlamaIndex would have it
    llm.chat([ChatMessage("Hi."), turn, ChatMessage(QUESTION)])
    assert sent(local)[1] == ("assistant", "Hello.")


def test_what_has_text_is_read(llm: PineconeAssistant, local: LocalAssistant) -> None:
    question = ChatMessage(blocks=[CITABLE, TextBlock(text="And?")])
    llm.chat([question, of_assistant(CITABLE_IMAGE), ChatMessage("A?")])
    assert sent(local) == [("user", "From a file.\nAnd?"), ("assistant", "From a file."), ("user", "A?")]


@pytest.mark.parametrize("block", [IMAGE, CITABLE_IMAGE, OTHERS[3], OTHERS[4]], ids=lambda block: type(block).__name__)
@pytest.mark.parametrize("role", [MessageRole.USER, MessageRole.SYSTEM])
def test_files_in_the_turns_of_a_user_stay_errors(
    *, llm: PineconeAssistant, block: Any, role: MessageRole, local: LocalAssistant
) -> None:
    turn = ChatMessage(role=role, blocks=[TextBlock(text="Look."), block])
    with pytest.raises(InvalidRequestError, match=rf"messages\[1\] \({role.value}\) has a .*; upload files"):
        llm.chat([ChatMessage(QUESTION), turn])
    assert bodies(local) == []


def test_a_cache_point_in_the_turn_of_a_user_is_no_content(llm: PineconeAssistant, local: LocalAssistant) -> None:
    llm.chat([ChatMessage(blocks=[TextBlock(text=QUESTION), OTHERS[5]])])
    assert sent(local) == [("user", QUESTION)]


@pytest.mark.parametrize("role", [MessageRole.ASSISTANT, MessageRole.SYSTEM, MessageRole.DEVELOPER])
@pytest.mark.parametrize("text", ["", " \n", None])
def test_a_blank_turn_of_another_role_is_left_out(
    *, llm: PineconeAssistant, role: MessageRole, text: Any, local: LocalAssistant
) -> None:
    llm.chat([ChatMessage(text, role=role), ChatMessage(QUESTION)])
    assert sent(local) == [("user", QUESTION)]


def test_a_blank_system_prompt_is_left_out(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    ask(PineconeAssistant(**words, system_prompt=" "))
    assert sent(local) == [("user", QUESTION)]


def test_an_answer_without_text_does_not_lock_its_conversation(
    llm: PineconeAssistant, chat: Ask, local: LocalAssistant
) -> None:
    local.reply(" ", times=1)
    answer = chat(llm)[-1]
    chat.raw(llm, [ChatMessage(QUESTION), answer.message, ChatMessage("And?")])  # type: ignore[union-attr]  # a chat response
    assert sent(local) == [("user", f"{QUESTION}\n\nAnd?")]


HISTORY = [
    ChatMessage("Hi."),
    of_assistant(TextBlock(text=""), CALL),
    tool_result("Pines are trees."),
    of_assistant(CALL, additional_kwargs={"tool_calls": [{"id": "2"}]}),
    tool_result("", MessageRole.FUNCTION),
    of_assistant(TextBlock(text="They are trees.")),
    ChatMessage(QUESTION),
]


def test_tool_messages_are_errors_unless_one_says_what_to_do(
    llm: PineconeAssistant, chat: Ask, local: LocalAssistant
) -> None:
    with pytest.raises(
        InvalidRequestError, match=r"messages\[2\].role is 'tool': .*tool_messages=\"drop\" or \"as_user\""
    ):
        chat.raw(llm, HISTORY)
    assert bodies(local) == []


def test_tool_messages_are_dropped(words: dict[str, Any], chat: Ask, local: LocalAssistant) -> None:
    chat.raw(PineconeAssistant(**words, tool_messages="drop"), HISTORY)
    assert sent(local) == [("user", "Hi."), ("assistant", "They are trees."), ("user", QUESTION)]


def test_tool_messages_are_sent_as_those_of_a_user(words: dict[str, Any], chat: Ask, local: LocalAssistant) -> None:
    """One that is blank is left out: a tool may answer nothing."""
    llm = PineconeAssistant(**words, tool_messages="as_user")
    chat.raw(llm, HISTORY)
    assert sent(local) == [("user", "Hi.\n\nPines are trees."), ("assistant", "They are trees."), ("user", QUESTION)]
    with pytest.raises(InvalidRequestError, match=r"messages\[0\] \(tool\) has a ImageBlock"):
        chat.raw(llm, [ChatMessage(role=MessageRole.TOOL, blocks=[IMAGE]), ChatMessage(QUESTION)])


def test_the_place_of_what_is_wrong_counts_what_is_left_out(
    words: dict[str, Any], chat: Ask, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=r"messages\[7\].content \(user\) is empty"):
        chat.raw(PineconeAssistant(**words, tool_messages="drop"), [*HISTORY, ChatMessage("")])
    assert bodies(local) == []


def test_what_to_do_with_tool_messages_is_checked_and_of_the_constructor(words: dict[str, Any], chat: Ask) -> None:
    with pytest.raises(InvalidRequestError, match="tool_messages: Input should be 'error', 'as_user' or 'drop'"):
        PineconeAssistant(**words, tool_messages="ignore")  # type: ignore[arg-type]  # the mistake
    llm = PineconeAssistant(**words)
    for attempt in (lambda: chat(llm, tool_messages="drop"), lambda: llm.with_options(tool_messages="drop")):
        with pytest.raises(InvalidRequestError, match="cannot set tool_messages"):
            attempt()


def test_a_chat_engine_over_the_memory_of_an_agent_drops_its_calls(words: dict[str, Any], call: Any) -> None:
    memory = ChatMemoryBuffer.from_defaults(HISTORY[:-1], token_limit=3000)
    engine = PineconeAssistantChatEngine(**words, tool_messages="drop", memory=memory)
    assert "25 meters" in str(call(engine, "chat", QUESTION))
    assert len(engine.chat_history) == len(HISTORY) + 1


def hand_over(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
    """A triage agent's brain: gives every question to the agent `docs`."""
    arguments = {"to_agent": "docs", "reason": "It knows trees."}
    return of_assistant(TextBlock(text=""), ToolCallBlock(tool_call_id="1", tool_name="handoff", tool_kwargs=arguments))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in LlamaIndex's agents
@pytest.mark.parametrize("tool_messages", ["drop", "as_user", "error"])
@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_workflow_hands_over_to_an_agent_whose_brain_is_the_assistant(
    words: dict[str, Any], tool_messages: Any, streaming: bool, local: LocalAssistant
) -> None:
    """Its memory has the call of the handover, which has no text, and its result."""
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
