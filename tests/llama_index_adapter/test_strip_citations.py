"""`strip_citations`: marks are removed from the text, code that parses the text works, and the citations stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector
from llama_index.core.tools import ToolMetadata
from pydantic import BaseModel

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantToolSpec,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask

CHOICES = [ToolMetadata("Knows trees.", "trees"), ToolMetadata("Knows cars.", "cars")]


@pytest.fixture
def stripping(words: dict[str, Any]) -> PineconeAssistant:
    """An LLM whose answers have no marks."""
    return PineconeAssistant(**words, strip_citations=True)


def test_marks_and_list_leave_the_text_and_the_citations_stay(
    stripping: PineconeAssistant, llm: PineconeAssistant, ask: Ask
) -> None:
    marked, answers = ask(llm)[-1], ask(stripping)
    text = answers[-1].message.content if hasattr(answers[-1], "message") else answers[-1].text
    assert "[1]" in str(marked)
    assert "http" in str(marked), "the list"
    assert text == "A red pine can grow up to 25 meters high and 75 centimeters in diameter."
    if ask.streams:
        assert "".join(answer.delta or "" for answer in answers) == text
    (citation,) = answers[-1].citations
    assert citation.references[0].file_name == "red_pine.md"
    assert citation.start == citation.end == text.rindex("."), "the place where the mark was"
    (shown,) = answers[-1].additional_kwargs["citations"]
    assert (shown["start"], shown["end"]) == (citation.start, citation.end)


def test_it_is_an_option_of_calls_and_copies_too(llm: PineconeAssistant, ask: Ask, words: dict[str, Any]) -> None:
    assert "[1]" not in str(ask(llm, strip_citations=True)[-1])
    assert "[1]" not in str(ask(llm.with_options(strip_citations=True))[-1])
    assert "[1]" not in str(ask(PineconeAssistant(**words, additional_kwargs={"strip_citations": True}))[-1])
    assert "[1]" in str(ask(llm.with_options(strip_citations=True), strip_citations=None)[-1])


@pytest.mark.parametrize("interface", ["openai", "standard"])
def test_engines_and_tools_show_no_marks_and_have_their_sources(
    words: dict[str, Any], call: Any, interface: Any
) -> None:
    options = {**words, "interface": interface, "strip_citations": True}
    answer = call(PineconeAssistantQueryEngine(**options), "query", QUESTION)
    turn = call(PineconeAssistantChatEngine(**options), "chat", QUESTION)
    output = call(PineconeAssistantToolSpec(**options).to_tool_list()[0], "call", QUESTION)
    for found in (answer, turn, output.raw_output):
        assert found.response.endswith("diameter.")
        assert [node.metadata["file_name"] for node in found.source_nodes] == ["red_pine.md"]
    assert output.content.endswith(
        "diameter.\n\nSources:\n" + ("[1]" if interface == "openai" else "-") + " red_pine.md"
    )


def test_selectors_of_llama_index_choose(stripping: PineconeAssistant, call: Any, local: LocalAssistant) -> None:
    """Before, they failed on the mark after the JSON."""
    for choice in ('{"choice": 2, "reason": "It has wheels."} [1]', '[{"choice": 2, "reason": "It has wheels."}] [1].'):
        local.reply(choice)
        chosen = call(LLMSingleSelector.from_defaults(llm=stripping), "select", CHOICES, "What is a wheel?")
        assert (chosen.ind, chosen.reason) == (1, "It has wheels.")
    local.reply('[{"choice": 1, "reason": "a [1]"}, {"choice": 2, "reason": "b"}] [1, pp. 1-2][2]')
    several = call(LLMMultiSelector.from_defaults(llm=stripping), "select", CHOICES, "What?")
    assert (several.inds, several.reasons) == ([0, 1], ["a", "b"])


def test_a_router_chooses_among_engines(
    stripping: PineconeAssistant, words: dict[str, Any], call: Any, local: LocalAssistant
) -> None:
    local.reply('{"choice": 1, "reason": "Trees."} [1]', times=1)
    tools = [
        PineconeAssistantQueryEngine(**words, filters={"resource": name}).as_tool(name, name)
        for name in ("nursery", "encyclopedia")
    ]
    router = RouterQueryEngine(
        selector=LLMSingleSelector.from_defaults(llm=stripping), query_engine_tools=tools, llm=stripping
    )
    assert "3 meters" in str(call(router, "query", QUESTION))


class Pages(BaseModel):
    """A JSON list of numbers looks like a mark."""

    pages: list[int]
    text: str


def test_lists_of_numbers_in_json_are_no_marks(stripping: PineconeAssistant, call: Any, local: LocalAssistant) -> None:
    local.reply(json.dumps({"pages": [1, 2], "text": "43 m [1]"}) + " [1]")
    program: Any = LLMTextCompletionProgram.from_defaults(
        output_parser=PydanticOutputParser(Pages), prompt_template_str="Which pages?", llm=stripping
    )
    assert program() == Pages(pages=[1, 2], text="43 m")
    assert json.loads(str(call(stripping, "chat", [ChatMessage("Which?")]).message.content))["pages"] == [1, 2]
