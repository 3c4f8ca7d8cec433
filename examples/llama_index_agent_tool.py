"""LlamaIndex: the assistant as a tool of an agent.

An assistant calls no functions, so it cannot be the agent's own LLM. The LLM here is a script, so that the example needs no
key; use `OpenAI(model="gpt-4.1")` or another function-calling LLM instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from demo_assistant import local_assistant
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantQueryEngine

QUESTION = "What does delivery from Northwood Nursery cost?"


def scripted_brain(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
    """Scripted LLM: first call the tool, then return its answer."""
    if messages[-1].role == MessageRole.TOOL:
        return ChatMessage(role=MessageRole.ASSISTANT, content=messages[-1].content)
    call = ToolCallBlock(tool_call_id="1", tool_name="nursery", tool_kwargs={"input": QUESTION})
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])


async def main() -> None:
    with local_assistant() as local:
        engine = PineconeAssistantQueryEngine(**local.connection, filters={"resource": "nursery"})
        tool = engine.as_tool("nursery", "Answers questions about the nursery's plants, prices and delivery.")
        brain = MockFunctionCallingLLM(response_generator=scripted_brain, is_chat_model=True)
        agent = FunctionAgent(tools=[tool], llm=brain)
        print(await agent.run(user_msg=QUESTION))


if __name__ == "__main__":
    asyncio.run(main())
