"""A conversation of 2,000 messages takes time in proportion to its length, and its texts are copied only into the request."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.llms import ChatMessage

from langchain_pinecone_assistant.conversion import to_client_messages
from llama_index.llms.pinecone_assistant.utils import to_messages
from pinecone_assistant_client import Message
from pinecone_assistant_client.messages import fold_messages
from pinecone_assistant_client.options import ChatOptions, Interface

Converted = Callable[[list[str]], list[Message]]


def by_hand(texts: list[str]) -> list[Message]:
    return [Message("assistant" if index % 2 else "user", text) for index, text in enumerate(texts)]


def from_langchain(texts: list[str]) -> list[Message]:
    return to_client_messages([(AIMessage if index % 2 else HumanMessage)(text) for index, text in enumerate(texts)])


def from_llama_index(texts: list[str]) -> list[Message]:
    roles = ("user", "assistant")
    return to_messages([ChatMessage(role=roles[index % 2], content=text) for index, text in enumerate(texts)], None)


def history(count: int, size: int = 10) -> list[str]:
    return [f"{index} {'pine ' * (size // 5)}" for index in range(count)]


def calls_made(work: Callable[[], object]) -> int:
    """Count the Python and C functions that a piece of work calls: a measure of time that other processes do not disturb."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("converted", [by_hand, from_langchain, from_llama_index])
def test_the_texts_of_a_long_conversation_are_passed_on_and_not_copied(converted: Converted) -> None:
    """The turns to send refer to the application's own strings."""
    texts = history(2001)
    turns = fold_messages(converted(texts))
    assert all(turn.content is text for turn, text in zip(turns, texts, strict=True))


@pytest.mark.parametrize("interface", ["openai", "standard"])
def test_a_request_of_2000_messages_needs_its_own_bytes_and_little_more(interface: Interface) -> None:
    """The encoder's buffer is larger than its content; a second copy of the texts would add a whole 20 MB."""
    messages = by_hand(history(2001, size=10_000))
    options = ChatOptions().changed(interface=interface)
    tracemalloc.start()
    try:
        wire = options.build("docs", messages, stream=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert wire.body is not None
    assert len(wire.body) > 20_000_000
    assert peak < 1.5 * len(wire.body)


@pytest.mark.parametrize("converted", [by_hand, from_langchain, from_llama_index])
def test_twice_the_messages_are_twice_the_work(converted: Converted) -> None:
    """From 1,001 to 2,001 messages the work doubles; anything quadratic would take four times as much."""

    def work(count: int) -> int:
        texts = history(count)
        return calls_made(lambda: ChatOptions().build("docs", converted(texts), stream=False))

    work(11)  # imports and caches
    assert work(2001) < 2.2 * work(1001)
