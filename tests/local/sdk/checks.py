"""Checks of each release line of the SDK against a local assistant; test_lines.py runs this in a process per line."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import os
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.documents.made_files import jpeg, pdf
from tests.local.sdk.clients import FACT, FILTER, OTHER, QUESTION, Client, message_of, open_client, status_of

KINDS = ["sync", "async"] if hasattr(importlib.import_module("pinecone"), "AsyncPinecone") else ["plugin"]
# PINECONE_ASSISTANT_NAME is this project's own variable, and the SDKs do not know it: an assistant with a file in it.
FILLED = os.environ["PINECONE_ASSISTANT_NAME"]


@pytest.fixture(scope="module", params=KINDS)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client that the environment alone points to the local assistant; each loads certificates several times."""
    opened = open_client(request.param)
    yield opened
    opened.close()


@pytest.fixture
def name(client: Client) -> Iterator[str]:
    """An empty assistant."""
    name = f"sdk-{uuid.uuid4().hex[:12]}"
    client.create(name)
    yield name
    if name in client.names():
        client.delete(name)


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the SDK slept between polls; nobody sleeps for real."""
    slept: list[float] = []
    turn = asyncio.sleep

    async def nap(seconds: float, result: Any = None) -> Any:
        slept.extend([seconds] if seconds else [])  # zero only gives way to other tasks
        return await turn(0, result)

    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(asyncio, "sleep", nap)
    return slept


def test_the_line_under_test_is_the_one_that_is_imported() -> None:
    pins = dict(pin.split("==") for pin in os.environ["SDK_PINS"].split())
    assert {package: importlib.metadata.version(package) for package in pins} == pins


def test_an_assistant_lives_from_create_to_delete(client: Client, naps: list[float]) -> None:
    name = f"sdk-{uuid.uuid4().hex[:12]}"
    created = client.create(name, instructions="Be kind.", metadata={"team": "docs"}, region="eu")
    assert (created.name, created.status, created.metadata) == (name, "Ready", {"team": "docs"})
    assert naps == ([0.5] if client.polls_after_create else [])
    assert client.describe(name).instructions == "Be kind."
    assert {name, FILLED} <= set(client.names())
    assert client.update(name, instructions="Be short.").instructions == "Be short."
    described = client.describe(name)
    assert (described.instructions, described.metadata) == ("Be short.", {"team": "docs"})
    assert client.update(name, metadata={"b": "c"}).metadata == {"b": "c"}
    client.delete(name)
    assert name not in client.names()


def test_a_file_from_a_path_is_available_at_the_first_poll(
    client: Client, name: str, naps: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "pine.md"
    path.write_text(FACT)
    naps.clear()
    uploaded = client.upload_path(name, path, metadata=FILTER)
    assert (uploaded.name, uploaded.status, uploaded.metadata) == ("pine.md", "Available", FILTER)
    assert naps == []
    assert [file.id for file in client.list_files(name)] == [uploaded.id]


def test_a_signed_url_downloads_what_a_stream_uploaded(client: Client, name: str) -> None:
    uploaded = client.upload_stream(name, "pine.txt", FACT, multimodal=False)
    assert client.describe_file(name, uploaded.id).signed_url is None
    url = client.describe_file(name, uploaded.id, include_url=True).signed_url
    with urllib.request.urlopen(url, timeout=20) as response:
        assert response.read().decode() == FACT


def test_a_deleted_file_is_gone(client: Client, name: str) -> None:
    file_id = client.upload_stream(name, "pine.txt", FACT).id
    client.delete_file(name, file_id)
    assert client.list_files(name) == []
    with pytest.raises(client.errors) as caught:
        client.describe_file(name, file_id)
    assert status_of(caught.value) == 404


def test_a_file_that_cannot_be_read_tells_why(client: Client, name: str) -> None:
    if client.has_pages:
        with pytest.raises(client.errors, match="not valid JSON"):
            client.upload_stream(name, "broken.json", "{")
    else:
        failed = client.upload_stream(name, "broken.json", "{")
        assert failed.status == "ProcessingFailed"
        assert "not valid JSON" in failed.error_message


def test_files_are_listed_by_a_filter(client: Client, name: str) -> None:
    client.upload_stream(name, "pine.md", FACT, metadata=FILTER)
    client.upload_stream(name, "whale.md", OTHER, metadata={"topic": "sea", "tags": ["a", "b"]})
    assert [file.name for file in client.list_files(name, filter=FILTER)] == ["pine.md"]
    assert [file.name for file in client.list_files(name, filter={"tags": {"$in": ["b"]}})] == ["whale.md"]
    with pytest.raises(client.errors) as caught:
        client.list_files(name, filter={"topic": ["trees"]})
    assert status_of(caught.value) == 400
    assert "$in" in message_of(caught.value)


def test_lists_come_in_pages(client: Client, name: str) -> None:
    if not client.has_pages:
        pytest.skip("the plugin lists everything at once")
    for number in range(3):
        client.upload_stream(name, f"{number}.txt", FACT, metadata={"number": number})
    first = client.call("list_files_page", assistant_name=name, page_size=2, filter={"number": {"$gte": 0}})
    assert [file.name for file in first.files] == ["0.txt", "1.txt"]
    rest = client.call("list_files_page", assistant_name=name, pagination_token=first.next)
    assert ([file.name for file in rest.files], rest.next) == (["2.txt"], None)
    assert len(client.list_files(name, limit=1)) == 1
    assistants = client.call("list_page", page_size=1)
    assert len(assistants.assistants) == 1
    assert assistants.next is not None


def test_an_upsert_keeps_the_id_through_every_call(client: Client, name: str, naps: list[float]) -> None:
    """Line 9.x sends 2026-04 for the upsert and the lists, 2025-10 for the other calls on the same file."""
    if not client.has_pages:
        pytest.skip("the plugin has no upsert")
    file = client.upload_stream(name, "pine.md", OTHER, file_id="my-pine_1")
    assert (file.id, file.status) == ("my-pine_1", "Available")
    client.upload_stream(name, "pine.md", FACT, metadata=FILTER, file_id="my-pine_1")
    assert [(file.id, file.metadata, file.size) for file in client.list_files(name)] == [
        ("my-pine_1", FILTER, len(FACT))
    ]
    described = client.describe_file(name, "my-pine_1")
    assert (described.metadata, len(described.crc32c_hash)) == (FILTER, 8)
    assert "25 meters" in client.chat(name).message.content
    client.delete_file(name, "my-pine_1")
    assert client.list_files(name) == []
    assert naps == []


def test_operations_are_listed_and_described(client: Client, name: str) -> None:
    if not client.has_operations:
        pytest.skip("this line has no calls for operations")
    file_id = client.upload_stream(name, "pine.md", FACT).id
    client.delete_file(name, file_id)
    operations = client.call("list_operations", assistant_name=name)
    assert [(one.operation_type, one.status, one.file_id) for one in operations] == [
        ("upload_file", "Completed", file_id),
        ("delete_file", "Completed", file_id),
    ]
    [deletion] = client.call("list_operations", assistant_name=name, operation_type="delete_file", status="Completed")
    found = client.call("describe_operation", assistant_name=name, operation_id=deletion.operation_id)
    assert (found.operation_id, found.percent_complete, found.error) == (deletion.operation_id, 100, None)
    page = client.call("list_operations_page", assistant_name=name, page_size=1)
    assert page.next is not None


def test_a_chat_answer_has_its_citation_where_it_belongs(client: Client) -> None:
    answer = client.chat(FILLED, filter=FILTER, include_highlights=True)
    assert answer.message.content == FACT
    assert (answer.message.role, answer.finish_reason, answer.model) == ("assistant", "stop", "gpt-4o@local-extractive")
    [citation] = answer.citations
    assert citation.position == len(FACT) - 1
    [reference] = citation.references
    assert (reference.file.name, reference.highlight.content) == ("pine.md", FACT)
    assert reference.file.signed_url.startswith("http://127.0.0.1:")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_streamed_chat_says_the_same(client: Client) -> None:
    chunks = client.chat(FILLED, filter=FILTER, stream=True, context_options={"top_k": 3, "snippet_size": 512})
    types = [chunk.type for chunk in chunks]
    assert (types[0], types[-1]) == ("message_start", "message_end")
    assert "".join(chunk.delta.content for chunk in chunks if chunk.type == "content_chunk") == FACT
    [citation] = [chunk.citation for chunk in chunks if chunk.type == "citation"]
    assert (citation.position, citation.references[0].file.name) == (len(FACT) - 1, "pine.md")
    assert chunks[-1].usage.total_tokens > 0


def test_chat_completions_write_the_citation_into_the_text(client: Client) -> None:
    answer = client.completions(FILLED, filter=FILTER, model="gpt-4.1", temperature=0.5)
    [choice] = answer.choices
    assert choice.message.content.startswith(FACT[:-1] + "  [1].\n\nReferences:\n1. [pine.md](http://127.0.0.1:")
    assert (choice.finish_reason, answer.model) == ("stop", "gpt-4.1@local-extractive")


def test_streamed_chat_completions_say_the_same(client: Client) -> None:
    chunks = client.completions(FILLED, filter=FILTER, stream=True)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in choices).startswith(FACT[:-1] + "  [1].")
    assert choices[-1].finish_reason == "stop"


def test_context_gives_snippets_for_a_query_and_for_messages(client: Client) -> None:
    for asked in ({"query": "red pine height"}, {"messages": QUESTION}):
        found = client.context(FILLED, filter=FILTER, top_k=2, snippet_size=512, **asked)
        [snippet] = found.snippets
        assert (snippet.content, snippet.reference.file.name) == (FACT, "pine.md")
        assert 0 < snippet.score <= 1
        assert found.usage.completion_tokens == 0


def test_an_image_of_a_pdf_comes_with_its_page(client: Client, name: str, tmp_path: Path) -> None:
    if not client.has_images:
        pytest.skip("API version 2025-01 has no images")
    path = tmp_path / "pine.pdf"
    path.write_bytes(pdf([FACT, jpeg()]))
    assert client.upload_path(name, path, multimodal=True).multimodal is True
    [snippet] = client.context(name, query="red pine", multimodal=True, include_binary_content=True).snippets
    [text, image] = snippet.content
    assert FACT in text.text
    picture = image.image_data if hasattr(image, "image_data") else image.image  # the plugin's name
    assert (picture.mime_type, snippet.reference.pages) == ("image/jpeg", [1])
    [citation] = client.chat(name).citations
    assert citation.references[0].pages == [1]


def test_an_answer_is_evaluated(client: Client) -> None:
    question = "What is the capital of Spain, and where is it?"
    truth = "Madrid is the capital of Spain. It lies on the Manzanares."
    scores, facts = client.evaluate(question, "The capital of Spain is Madrid.", truth)
    assert (scores.correctness, scores.completeness) == (1.0, 0.5)
    assert scores.alignment == pytest.approx(2 / 3)
    assert "Manzanares" in facts
    assert "local heuristic" in facts


def test_a_wrong_key_is_401(client: Client) -> None:
    stranger = open_client("plugin" if KINDS == ["plugin"] else "sync", api_key="wrong")
    with pytest.raises(client.errors) as caught:
        stranger.names()
    assert (status_of(caught.value), message_of(caught.value)) == (401, "Invalid API key.")
    stranger.close()


def test_an_unknown_assistant_is_404(client: Client) -> None:
    with pytest.raises(client.errors) as caught:
        client.describe("nobody")
    assert (status_of(caught.value), message_of(caught.value)) == (404, 'Assistant "nobody" not found.')


def test_a_name_in_use_is_409(client: Client) -> None:
    with pytest.raises(client.errors) as caught:
        client.create(FILLED)
    assert status_of(caught.value) == 409


@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_filter_is_400_in_a_chat(client: Client, stream: bool) -> None:
    if stream and not client.has_pages:
        pytest.skip("the plugin's streams raise a ValueError without the service's message")
    with pytest.raises(client.errors) as caught:
        client.chat(FILLED, filter={"topic": {"$near": "sea"}}, stream=stream)
    assert status_of(caught.value) == 400


def test_a_chat_without_files_is_400(client: Client, name: str) -> None:
    with pytest.raises(client.errors) as caught:
        client.chat(name)
    assert status_of(caught.value) == 400
