"""Histories of other models and of agents: the text of assistant turns is sent, and no message blocks later turns."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from llama_index.core.base.llms import types
from llama_index.core.base.llms.types import (
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
)
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.memory import ChatMemoryBuffer
from pydantic import BaseModel

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, bodies

# The lowest allowed core lacks some block types; its models store tool calls in additional_kwargs.
CALL: Any = TextBlock(text="")
if hasattr(types, "ToolCallBlock"):
    CALL = types.ToolCallBlock(tool_call_id="1", tool_name="search", tool_kwargs={"q": "pines"})
IMAGE = ImageBlock(url="https://example.com/a.png")
CITED = CitationBlock(cited_content=TextBlock(text="quoted"), source="a.md", title="A", additional_location_info={})
CITABLE = CitableBlock(title="A", source="a.md", content=[TextBlock(text="From a file.")])
CITABLE_IMAGE = CitableBlock(title="A", source="a.md", content=[TextBlock(text="From a file."), IMAGE])


class NewBlock(BaseModel):
    """A block type that a later LlamaIndex may have."""

    block_type: Literal["tool_call"] = "tool_call"
    tool_name: str = "new"


def of_assistant(*blocks: Any, **more: Any) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=list(blocks), **more)


def tool_result(text: str, role: MessageRole = MessageRole.TOOL) -> ChatMessage:
    return ChatMessage(text, role=role, additional_kwargs={"tool_call_id": "1"})


def sent(local: LocalAssistant) -> list[tuple[str, str]]:
    """Return the last request's messages."""
    return [(message["role"], message["content"]) for message in bodies(local)[-1]["messages"]]


DOCUMENT = DocumentBlock(data=b"text", document_mimetype="text/plain")
AUDIO = types.AudioBlock(audio=b"UklGRg==", format="wav")
CACHE_POINT = types.CachePoint(cache_control=types.CacheControl(type="ephemeral"))
OTHERS = [
    CALL,
    IMAGE,
    CITED,
    DOCUMENT,
    AUDIO,
    CACHE_POINT,
    *([types.ThinkingBlock(content="hm")] if hasattr(types, "ThinkingBlock") else []),
    *([types.VideoBlock(url="https://example.com/a.mp4")] if hasattr(types, "VideoBlock") else []),
]


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: type(block).__name__)
def test_of_an_assistants_turn_the_text_is_sent(llm: PineconeAssistant, block: Any, local: LocalAssistant) -> None:
    llm.chat([ChatMessage("Hi."), of_assistant(block, TextBlock(text="Hello.")), ChatMessage(QUESTION)])
    assert sent(local) == [("user", "Hi."), ("assistant", "Hello."), ("user", QUESTION)]


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: type(block).__name__)
def test_an_assistants_turn_without_text_is_left_out(llm: PineconeAssistant, block: Any, local: LocalAssistant) -> None:
    """Before, every later turn was refused."""
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


@pytest.mark.parametrize("block", [IMAGE, CITABLE_IMAGE, DOCUMENT, AUDIO], ids=lambda block: type(block).__name__)
@pytest.mark.parametrize("role", [MessageRole.USER, MessageRole.SYSTEM])
def test_files_in_the_turns_of_a_user_stay_errors(
    *, llm: PineconeAssistant, block: Any, role: MessageRole, local: LocalAssistant
) -> None:
    turn = ChatMessage(role=role, blocks=[TextBlock(text="Look."), block])
    with pytest.raises(InvalidRequestError, match=rf"messages\[1\] \({role.value}\) has a .*; upload files"):
        llm.chat([ChatMessage(QUESTION), turn])
    assert bodies(local) == []


def test_a_cache_point_in_the_turn_of_a_user_is_no_content(llm: PineconeAssistant, local: LocalAssistant) -> None:
    llm.chat([ChatMessage(blocks=[TextBlock(text=QUESTION), CACHE_POINT])])
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
    """A blank one is left out: a tool may return an empty text."""
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
