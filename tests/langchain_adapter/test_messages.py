"""Conversion of framework messages to the service's turns."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.prompts import ChatPromptTemplate

from langchain_pinecone_assistant.conversion import to_client_messages
from langchain_pinecone_assistant.errors import InvalidRequestError
from pinecone_assistant_client import Message
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, merged

TOOL_CALL = {"name": "search", "args": {}, "id": "1"}


async def sent(ask: Ask, local: LocalAssistant, messages: Any, **options: Any) -> list[dict[str, str]]:
    """Send messages and return the turns that reach the service."""
    await ask.invoke(chat_model(local, **options), messages)
    body = local.requests[-1].body
    assert isinstance(body, dict)
    turns: list[dict[str, str]] = body["messages"]
    return turns


async def test_system_messages_are_folded_in_order_into_the_first_user_turn(ask: Ask, local: LocalAssistant) -> None:
    messages = [
        SystemMessage("Be brief."),
        HumanMessage(QUESTION),
        AIMessage("43.8 meters."),
        SystemMessage("Use feet."),
        HumanMessage("And in feet?"),
    ]
    assert await sent(ask, local, messages) == [
        {"role": "user", "content": f"Be brief.\n\nUse feet.\n\n{QUESTION}"},
        {"role": "assistant", "content": "43.8 meters."},
        {"role": "user", "content": "And in feet?"},
    ]


async def test_system_messages_can_be_refused(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match='system_messages="error"'):
        await sent(ask, library, [SystemMessage("Be brief."), HumanMessage(QUESTION)], system_messages="error")


async def test_runs_of_one_role_are_merged_with_a_blank_line(ask: Ask, local: LocalAssistant) -> None:
    messages = [HumanMessage("One."), HumanMessage("Two?"), AIMessage("A."), AIMessage("B."), HumanMessage(QUESTION)]
    assert [turn["content"] for turn in await sent(ask, local, messages)] == ["One.\n\nTwo?", "A.\n\nB.", QUESTION]


async def test_only_role_and_content_are_sent(ask: Ask, local: LocalAssistant) -> None:
    """Names, ids and other models' additions to a message are not sent."""
    messages = [
        HumanMessage(QUESTION, name="ada", id="1"),
        AIMessage("Tall.", additional_kwargs={"citations": []}, response_metadata={"model_name": "x"}),
        ("user", "How tall?"),
    ]
    turns = await sent(ask, local, messages)
    assert [set(turn) for turn in turns] == [{"role", "content"}] * 3


def test_text_blocks_are_concatenated() -> None:
    blocks: list[str | dict[str, Any]] = ["How ", {"type": "text", "text": "tall "}, {"type": "text", "text": "is it?"}]
    assert to_client_messages([HumanMessage(blocks)]) == [Message("user", "How tall is it?")]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"},
        {"type": "file", "base64": "AAAA", "mime_type": "application/pdf"},
        {"type": "video", "url": "https://example.com/a.mp4"},
    ],
)
async def test_a_block_that_is_no_text_is_an_error_that_names_its_type(
    ask: Ask, block: dict[str, Any], local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=r"messages\[0\] has a block of type '(image|audio|file|video)"):
        await ask.invoke(chat_model(local), [HumanMessage([{"type": "text", "text": "What is this?"}, block])])
    assert local.requests == []


def test_an_assistant_turn_that_only_called_tools_is_dropped() -> None:
    messages = [
        HumanMessage("Q"),
        AIMessage("", tool_calls=[TOOL_CALL]),
        AIMessage([{"type": "tool_call", **TOOL_CALL}], tool_calls=[TOOL_CALL]),
        AIMessageChunk(content="", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}}),
        AIMessage("Said.", tool_calls=[TOOL_CALL]),
    ]
    assert to_client_messages(messages) == [Message("user", "Q"), Message("assistant", "Said.")]


def test_what_another_model_thought_is_not_sent() -> None:
    content: list[str | dict[str, Any]] = [
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": "43.8 meters."},
    ]
    assert to_client_messages([AIMessage(content)]) == [Message("assistant", "43.8 meters.")]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("server_tool_call", "server_tool_result"),
        ("server_tool_use", "web_search_tool_result"),
        ("web_search_call", "file_search_call"),
    ],
    ids=["standard", "anthropic", "openai"],
)
def test_what_another_model_asked_of_its_providers_tools_is_not_sent(asked: str, given: str) -> None:
    """The text of such a turn is complete without the block. In a user's turn the block is part of the question and raises."""
    blocks: list[str | dict[str, Any]] = [{"type": asked}, {"type": given}, {"type": "text", "text": "43.8 meters."}]
    assert to_client_messages([AIMessage(blocks)]) == [Message("assistant", "43.8 meters.")]
    with pytest.raises(InvalidRequestError, match=f"block of type '{asked}'"):
        to_client_messages([HumanMessage(blocks)])


TEXT: dict[str, Any] = {"type": "text", "text": "43.8 meters."}
# Blocks that other packages' models add to their text; new types appear every month.
NO_TEXT: dict[str, Any] = {
    "reasoning": {"type": "reasoning", "reasoning": "Hm.", "summary": [{"type": "summary_text", "text": "Hm."}]},
    "thinking": {"type": "thinking", "thinking": "Hm.", "signature": "x"},
    "reasoning_content": {"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": "x"}},
    "bedrock": {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
    "non_standard": {"type": "non_standard", "value": {"type": "mystery", "text": "Hm."}},
    "mcp_call": {"type": "mcp_call", "name": "search", "output": "Hm."},
    "mcp_list_tools": {"type": "mcp_list_tools", "tools": []},
    "executable_code": {"type": "executable_code", "executable_code": "print(1)", "language": "PYTHON"},
    "code_execution_result": {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1},
    "image": {"type": "image", "url": "https://example.com/a.png"},
    "image_generation_call": {"type": "image_generation_call", "result": "AAAA"},
    "a kind of next month": {"type": "telepathy", "text": "Hm."},
    "no mapping": {"type": "non_standard", "value": 7},
    "text that is none": {"type": "text", "text": None},
}


@pytest.mark.parametrize("block", NO_TEXT.values(), ids=NO_TEXT)
async def test_what_is_not_text_in_an_answer_of_another_model_stays_here(
    ask: Ask, block: Any, local: LocalAssistant
) -> None:
    """Another model's conversation can be continued. Before, every new block type raised an error."""
    turns = await sent(ask, local, [HumanMessage("Q"), AIMessage([block, TEXT, block]), HumanMessage(QUESTION)])
    assert [turn["content"] for turn in turns] == ["Q", "43.8 meters.", QUESTION]
    turns = await sent(ask, local, [HumanMessage("Q"), AIMessage([block]), HumanMessage(QUESTION)])
    assert [turn["content"] for turn in turns] == [f"Q\n\n{QUESTION}"], "an answer without text is left out"


def test_a_mark_for_a_prompt_cache_is_left_out() -> None:
    """It says where Bedrock's cached prompt ends, and is no part of a question."""
    marked: list[str | dict[str, Any]] = [TEXT, {"cachePoint": {"type": "default"}}]
    for message in (SystemMessage(marked), HumanMessage(marked), AIMessage(marked)):
        assert [turn.content for turn in to_client_messages([message])] == ["43.8 meters."]


@pytest.mark.parametrize("kind", [name for name in NO_TEXT if name != "text that is none"])
def test_in_a_question_they_stay_errors(kind: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"messages\[0\] has a block of type"):
        to_client_messages([HumanMessage([TEXT, NO_TEXT[kind]])])


@pytest.mark.parametrize(
    "block",
    [
        {"type": "output_text", "text": "No.", "annotations": []},
        {"type": "refusal", "refusal": "No."},
        {"type": "text-plain", "text": "No.", "mime_type": "text/plain"},
        {"type": "non_standard", "value": {"type": "refusal", "refusal": "No."}},
        {"text": "No."},
        "No.",
    ],
)
def test_what_has_text_is_read(block: Any) -> None:
    assert to_client_messages([AIMessage([block])]) == [Message("assistant", "No.")]


def test_text_that_is_none_is_not_the_word_none() -> None:
    message = HumanMessage([{"type": "text", "text": None}, {"type": "text", "text": "How tall?"}])
    assert to_client_messages([message]) == [Message("user", "How tall?")]


@pytest.mark.parametrize(
    "blank",
    [
        AIMessage(""),
        AIMessage(" \n"),
        AIMessage([]),
        AIMessage([{"type": "text", "text": ""}]),
        SystemMessage(""),
        ChatMessage(content="", role="assistant"),
        ChatMessage(content="", role="developer"),
    ],
)
async def test_a_turn_without_text_locks_no_conversation(ask: Ask, blank: BaseMessage, local: LocalAssistant) -> None:
    """Before, every later turn of the conversation was refused."""
    turns = await sent(ask, local, [blank, HumanMessage("Q"), blank, HumanMessage(QUESTION)])
    assert turns == [{"role": "user", "content": f"Q\n\n{QUESTION}"}]


@pytest.mark.parametrize("way", ["invoke", "streamed", "structured"])
async def test_an_answer_without_text_can_be_sent_back(
    ask: Ask, way: str, interface: str, local: LocalAssistant
) -> None:
    """The adapter accepts its own output as input."""
    chat = chat_model(local, interface=interface)
    local.reply("")
    question = HumanMessage(QUESTION)
    if way == "invoke":
        answer = await ask.invoke(chat, [question])
    elif way == "streamed":
        answer = merged(await ask.stream(chat, [question]))
    else:
        answer = (await ask.invoke(chat.with_structured_output({}, include_raw=True), [question]))["raw"]
    assert answer.text == ""
    local.reply("43.8 meters.")
    again = await ask.invoke(chat, [question, answer, HumanMessage("And in feet?")])
    assert again.text == "43.8 meters."


async def test_a_prompt_with_an_empty_system_message_works(ask: Ask, local: LocalAssistant) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "{extra}"), ("user", "{question}")])
    await ask.invoke(prompt | chat_model(local), {"extra": "", "question": QUESTION})
    agent: Any = create_agent(chat_model(local), system_prompt="")
    await ask.invoke(agent, {"messages": [("user", QUESTION)]})
    bodies = [request.body for request in local.requests]
    assert [body["messages"] for body in bodies] == [[{"role": "user", "content": QUESTION}]] * 2  # type: ignore[index] # JSON


def test_an_answer_with_list_content_is_valid_input() -> None:
    """Output version v1 makes such messages."""
    annotation = {"type": "citation", "start_index": 0, "end_index": 1}
    answer = AIMessage([{"type": "text", "text": "43.8 meters.", "annotations": [annotation]}])
    assert to_client_messages([answer]) == [Message("assistant", "43.8 meters.")]


@pytest.mark.parametrize(
    "message", [ToolMessage("42", tool_call_id="1"), FunctionMessage(content="42", name="f")], ids=["tool", "function"]
)
async def test_tool_messages_are_refused_unless_sent_as_user_turns(
    ask: Ask, message: BaseMessage, local: LocalAssistant
) -> None:
    messages = [HumanMessage(QUESTION), AIMessage("Looking."), message]
    with pytest.raises(InvalidRequestError, match='tool_messages="as_user"'):
        await sent(ask, local, messages)
    assert (await sent(ask, local, messages, tool_messages="as_user"))[-1] == {"role": "user", "content": "42"}
    assert [turn["content"] for turn in await sent(ask, local, messages, tool_messages="drop")] == [
        QUESTION,
        "Looking.",
    ]


async def test_tool_messages_without_text_are_left_out(ask: Ask, local: LocalAssistant) -> None:
    messages = [HumanMessage(QUESTION), ToolMessage("", tool_call_id="1")]
    assert await sent(ask, local, messages, tool_messages="as_user") == [{"role": "user", "content": QUESTION}]


async def test_tool_messages_that_are_dropped_may_hold_anything(ask: Ask, local: LocalAssistant) -> None:
    image = {"type": "image", "url": "https://example.com/a.png"}
    messages = [HumanMessage(QUESTION), ToolMessage([image], tool_call_id="1"), ChatMessage(content="x", role="tool")]
    assert await sent(ask, local, messages, tool_messages="drop") == [{"role": "user", "content": QUESTION}]


@pytest.mark.parametrize("role", ["user", "human", "assistant", "ai", "system"])
def test_chat_messages_with_a_known_role_are_understood(role: str) -> None:
    (turn,) = to_client_messages([ChatMessage(content="Hello.", role=role)])
    assert turn.role in ("user", "assistant", "system")


async def test_an_unknown_role_is_an_error_that_names_it(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match="pirate"):
        await ask.invoke(chat_model(library), [ChatMessage(content="Arr.", role="pirate")])


def test_a_message_that_is_no_turn_is_an_error() -> None:
    with pytest.raises(InvalidRequestError, match="RemoveMessage"):
        to_client_messages([RemoveMessage(id="1")])


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([], "no user message"),
        ([SystemMessage("Be brief.")], "no user message"),
        ([AIMessage("Hello.")], "no user message"),
        ([HumanMessage("")], "is empty"),
        ([HumanMessage(" \n ")], "is empty"),
        ([HumanMessage("Q"), AIMessage(""), HumanMessage("")], r"messages\[2\].content \(user\) is empty"),
        ([HumanMessage([{"type": "text", "text": None}])], r"messages\[0\].content \(user\) is empty"),
    ],
)
async def test_input_without_a_question_is_an_error_before_any_traffic(
    ask: Ask, messages: list[BaseMessage], named: str, local: LocalAssistant
) -> None:
    for run in (ask.invoke, ask.stream):
        with pytest.raises(InvalidRequestError, match=named):
            await run(chat_model(local), messages)
    assert local.requests == []


async def test_input_is_never_changed(ask: Ask, local: LocalAssistant) -> None:
    messages = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": QUESTION}], name="ada"),
        HumanMessage("Please."),
    ]
    before = deepcopy(messages)
    await sent(ask, local, messages)
    await ask.invoke(chat_model(local).with_structured_output({"type": "object", "properties": {}}), messages)
    assert messages == before
