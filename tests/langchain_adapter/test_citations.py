"""Citations in messages: plain JSON, and the framework's standard annotations."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from langchain_core.load import dumps, load
from langchain_core.messages import AIMessage, AIMessageChunk, messages_from_dict, messages_to_dict
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_pinecone_assistant.citations import to_annotations
from pinecone_assistant_client import Citation, Reference
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, merged


async def test_citations_are_plain_json_with_offsets_into_the_text(ask: Ask, library: LocalAssistant) -> None:
    """Checks the mark's position on the OpenAI-compatible interface, and the file named in the reference list."""
    answer = await ask.invoke(chat_model(library), QUESTION)
    citations = answer.additional_kwargs["citations"]
    assert json.loads(json.dumps(citations)) == citations
    first = citations[0]
    assert answer.text[first["start"] : first["end"]] == "[1]"
    assert first["references"][0]["file_name"] == "red_pine.md"


async def test_standard_citations_have_position_file_id_pages_and_highlight(ask: Ask, library: LocalAssistant) -> None:
    answer = await ask.invoke(chat_model(library, interface="standard", include_highlights=True), QUESTION)
    citation = answer.additional_kwargs["citations"][0]
    assert citation["start"] == citation["end"] <= len(answer.text)
    reference = citation["references"][0]
    assert reference["file_id"]
    assert "43.8" in reference["highlight"]
    annotation = answer.content_blocks[0]["annotations"][0]
    assert annotation["start_index"] == annotation["end_index"] == citation["start"]
    assert annotation["title"] == reference["file_name"]
    assert annotation["cited_text"] == reference["highlight"]
    assert annotation["extras"]["file_id"] == reference["file_id"]


async def test_annotations_are_the_same_in_every_form_of_an_answer(
    ask: Ask, interface: str, library: LocalAssistant
) -> None:
    """Covers invoke, merged stream, and both with output_version v1, where the content is a list of blocks."""
    expected = (
        await ask.invoke(chat_model(library, interface=interface, strip_references=True), QUESTION)
    ).content_blocks
    assert expected[0]["annotations"]
    for output_version in ("v0", "v1"):
        chat = chat_model(library, interface=interface, strip_references=True, output_version=output_version)
        answer = await ask.invoke(chat, QUESTION)
        whole = merged(await ask.stream(chat, QUESTION))
        assert answer.content_blocks == expected
        assert [_without_index(block) for block in whole.content_blocks] == expected
        assert answer.text == whole.text == expected[0]["text"]
        assert answer.additional_kwargs == whole.additional_kwargs
        if output_version == "v1":
            assert answer.content == expected


def _annotations(message: AIMessage) -> Any:
    block: Any = message.content_blocks[0]
    return block["annotations"]


def _without_index(block: Any) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "index"}


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_annotations_survive_events_version_3(ask: Ask, interface: str, library: LocalAssistant) -> None:
    chat = chat_model(library, interface=interface, strip_references=True)
    expected = (await ask.invoke(chat, QUESTION)).content_blocks
    if ask.is_async:
        events = await chat.astream_events(QUESTION, version="v3")
        blocks = (await events.output).content
    else:
        blocks = chat.stream_events(QUESTION, version="v3").output.content
    assert [_without_index(block) for block in blocks] == expected


def test_an_annotation_for_each_reference_and_never_a_link() -> None:
    references = (
        Reference(number=1, pages=(1, 2), file_name="a.pdf", url="https://secret.example/?signature=x"),
        Reference(number=2, highlight="Said so."),
    )
    citations = [Citation(3, 6, references).to_json()]
    assert "secret" not in json.dumps(citations)
    assert to_annotations(citations) == [
        {
            "type": "citation",
            "start_index": 3,
            "end_index": 6,
            "title": "a.pdf",
            "extras": {"number": 1, "pages": [1, 2]},
        },
        {"type": "citation", "start_index": 3, "end_index": 6, "cited_text": "Said so.", "extras": {"number": 2}},
    ]


async def test_signed_links_stay_out_of_metadata(ask: Ask, interface: str, library: LocalAssistant) -> None:
    """The text is unchanged; no other field has a link."""
    chat = chat_model(library, interface=interface)
    for answer in (await ask.invoke(chat, QUESTION), merged(await ask.stream(chat, QUESTION))):
        others = json.dumps([answer.additional_kwargs, answer.response_metadata, _annotations(answer)])
        assert "http" not in others
        assert ("signature=" in answer.text) == (interface == "openai")


async def test_strip_references_drops_the_list_and_keeps_the_citations(ask: Ask, library: LocalAssistant) -> None:
    answer = await ask.invoke(chat_model(library, strip_references=True), QUESTION)
    assert "http" not in answer.text
    assert answer.additional_kwargs["citations"][0]["references"][0]["file_name"] == "red_pine.md"


async def test_an_answer_without_citations_has_an_empty_list(ask: Ask, local: LocalAssistant) -> None:
    local.reply("No idea.")
    answer = await ask.invoke(chat_model(local), QUESTION)
    assert answer.additional_kwargs["citations"] == []
    assert answer.content_blocks == [{"type": "text", "text": "No idea."}]


def test_list_content_is_returned_unchanged() -> None:
    content: list[str | dict[str, Any]] = [{"type": "text", "text": "Hello.", "annotations": []}]
    for kind in (AIMessage, AIMessageChunk):
        message = kind(content=content, response_metadata={"model_provider": "pinecone_assistant"})
        assert message.content_blocks == content
    strings = AIMessage(content=["Hello."], response_metadata={"model_provider": "pinecone_assistant"})
    assert strings.content_blocks == [{"type": "text", "text": "Hello."}]


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_a_message_survives_every_serializer(ask: Ask, library: LocalAssistant) -> None:
    """Covers LangGraph's checkpoints, core's dumps and pydantic's JSON."""
    answer = await ask.invoke(chat_model(library, interface="standard"), QUESTION)
    serializer = JsonPlusSerializer()
    copies = [
        serializer.loads_typed(serializer.dumps_typed(answer)),
        load(json.loads(dumps(answer)), allowed_objects=[AIMessage]),
        AIMessage.model_validate_json(answer.model_dump_json()),
        *messages_from_dict(messages_to_dict([answer])),
    ]
    for copy in copies:
        assert copy.additional_kwargs == answer.additional_kwargs
        assert copy.content_blocks == answer.content_blocks


def test_a_process_without_this_package_still_reads_the_citations() -> None:
    """Without the registered conversion there are no annotations, but the list of citations is always there."""
    code = """
from langchain_core.messages import AIMessage
message = AIMessage("Tall [1].", additional_kwargs={"citations": [{"start": 5, "end": 8, "references": []}]},
                    response_metadata={"model_provider": "pinecone_assistant"})
assert message.content_blocks == [{"type": "text", "text": "Tall [1]."}], message.content_blocks
assert message.additional_kwargs["citations"][0]["start"] == 5
"""
    subprocess.run([sys.executable, "-c", code], check=True)
