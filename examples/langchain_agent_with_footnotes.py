"""A RAG agent: another model asks the assistant as its tool, and the citations become footnotes.

Needs `pip install langchain`. The outer model is scripted, so that this runs without a key; use any model that calls tools.
"""

from __future__ import annotations

from typing import Any

from demo_assistant import local_assistant
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage

from langchain_pinecone_assistant import PineconeAssistantTool

QUESTION = "What is the maximum height of a red pine?"


class ScriptedModel(GenericFakeChatModel):
    """Scripted replacement for a model that calls tools."""

    def bind_tools(self, tools: Any, *, tool_choice: str | None = None, **kwargs: Any) -> Any:  # noqa: ARG002  (the framework's signature)
        """Accept tools; the script decides when to call them."""
        return self


def scripted_model() -> ScriptedModel:
    call = {"name": "pinecone_assistant", "args": {"question": QUESTION}, "id": "call-1"}
    said = AIMessage("I asked the library; its answer is above.")
    return ScriptedModel(messages=iter([AIMessage("", tool_calls=[call]), said]), disable_streaming=True)


def footnotes(answer: ToolMessage) -> str:
    """Return the answer's text with a footnote for each cited source."""
    lines = {}
    for citation in answer.artifact["citations"]:
        for reference in citation["references"]:
            pages = ", ".join(map(str, reference["pages"] or ()))
            lines[reference["number"]] = f"[{reference['number']}] {reference['file_name']}{pages and f', p. {pages}'}"
    return "\n".join([answer.text, "---", *lines.values()])


def main() -> None:
    with local_assistant() as local:
        tool = PineconeAssistantTool(
            **local.connection,
            filter={"resource": "encyclopedia"},  # fixed here: the outer model cannot change it
            strip_references=True,
        )
        agent: Any = create_agent(scripted_model(), tools=[tool])
        question = {"messages": [("user", QUESTION)]}
        for mode, part in agent.stream(question, stream_mode=["messages", "updates"]):
            if mode == "messages" and isinstance(part[0], AIMessageChunk):
                print(part[0].text, end="", flush=True)  # the assistant's tokens, while the tool runs
            elif mode == "updates" and "tools" in part:
                print("\n\nWith footnotes:\n" + footnotes(part["tools"]["messages"][0]) + "\n")
            elif mode == "updates":
                print(part["model"]["messages"][0].text)


if __name__ == "__main__":
    main()
