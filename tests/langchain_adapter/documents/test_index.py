"""`PineconeAssistantIndex`: the framework's suites, `index()` with every cleanup mode, and failed uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.documents.base import Blob
from langchain_core.indexing import InMemoryRecordManager, aindex, index
from langchain_core.indexing.api import IndexingException
from langchain_core.indexing.base import DocumentIndex
from langchain_core.prompts import PromptTemplate, format_document
from langchain_tests.integration_tests.indexer import AsyncDocumentIndexTestSuite, DocumentIndexerTestSuite

from langchain_pinecone_assistant import PineconeAssistantIndex
from pinecone_assistant_client import AssistantError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

DATA = Path(__file__).parents[3] / "examples" / "data"


def made(local: LocalAssistant, **options: Any) -> PineconeAssistantIndex:
    """An index of the local assistant."""
    return PineconeAssistantIndex(assistant_name=local.name, host=local.host, api_key=local.api_key, **options)


@pytest.fixture
def local() -> Generator[LocalAssistant, None, None]:
    """An assistant without files."""
    with LocalAssistant(name="docs") as local:
        yield local


class TestStandardSuite(DocumentIndexerTestSuite):
    """The framework's own suite."""

    @pytest.fixture
    def index(self, local: LocalAssistant) -> DocumentIndex:
        """An empty index."""
        return made(local)


class TestAsyncStandardSuite(AsyncDocumentIndexTestSuite):
    """The framework's own suite, async."""

    @pytest.fixture
    async def index(self, local: LocalAssistant) -> AsyncGenerator[DocumentIndex, None]:
        """An empty index."""
        assistant = made(local)
        yield assistant
        await assistant.aclose()


def records() -> InMemoryRecordManager:
    """An empty record manager."""
    manager = InMemoryRecordManager(namespace="docs")
    manager.create_schema()
    return manager


BEES = Document("Bees make honey out of nectar.", metadata={"source": "bees.md"})
PINES = Document("A red pine grows 25 meters tall.", metadata={"source": "pines.md", "year": 2024})


def names(local: LocalAssistant) -> list[str]:
    """Return the sources of the assistant's files."""
    return sorted(str((file.metadata or {})["source"]) for file in local.client().files.list())


@pytest.mark.parametrize("cleanup", ["full", "incremental", "scoped_full"])
def test_a_second_run_sends_no_file_and_a_third_cleans_up(local: LocalAssistant, cleanup: Any) -> None:
    assistant, manager = made(local), records()

    def run(documents: Sequence[Document]) -> Any:
        return index(documents, manager, assistant, cleanup=cleanup, source_id_key="source", key_encoder="sha256")

    assert run([BEES, PINES])["num_added"] == 2
    sent = len(local.requests)
    assert run([BEES, PINES])["num_skipped"] == 2
    assert [request for request in local.requests[sent:] if request.method != "GET"] == []
    changed = Document("Bees make honey and wax.", metadata={"source": "bees.md"})
    done = run([changed])
    assert (done["num_added"], done["num_deleted"]) == (1, 2 if cleanup == "full" else 1)
    assert names(local) == (["bees.md"] if cleanup == "full" else ["bees.md", "pines.md"])


@pytest.mark.parametrize("cleanup", ["full", "incremental", "scoped_full"])
async def test_aindex_keeps_an_assistant_in_step_too(local: LocalAssistant, cleanup: Any) -> None:
    assistant, manager = made(local), records()

    async def run(documents: Sequence[Document]) -> Any:
        options: dict[str, Any] = {"cleanup": cleanup, "source_id_key": "source", "key_encoder": "sha256"}
        return await aindex(documents, manager, assistant, **options)

    assert (await run([BEES, PINES]))["num_added"] == 2
    sent = len(local.requests)
    assert (await run([BEES, PINES]))["num_skipped"] == 2
    assert [request for request in local.requests[sent:] if request.method != "GET"] == []
    done = await run([Document("Bees make honey and wax.", metadata={"source": "bees.md"})])
    assert (done["num_added"], done["num_deleted"]) == (1, 2 if cleanup == "full" else 1)
    assert names(local) == (["bees.md"] if cleanup == "full" else ["bees.md", "pines.md"])
    await assistant.aclose()


async def test_without_cleanup_nothing_is_deleted(local: LocalAssistant) -> None:
    assistant, manager = made(local), records()
    index([BEES], manager, assistant, cleanup=None, key_encoder="sha256")
    done = await aindex([PINES], manager, assistant, cleanup=None, key_encoder="sha256")
    assert (done["num_added"], done["num_deleted"]) == (1, 0)
    assert names(local) == ["bees.md", "pines.md"]
    await assistant.aclose()


def test_a_failed_upload_raises_and_leaves_no_record_as_done(local: LocalAssistant) -> None:
    """The framework records documents as done even if the response lists them as failed."""
    assistant, manager = made(local, max_retries=0), records()
    options: dict[str, Any] = {"cleanup": "full", "source_id_key": "source", "key_encoder": "sha256"}
    with local.faults.add(on="files", status=400, times=1), pytest.raises(AssistantError):
        index([BEES, PINES], manager, assistant, **options)
    assert manager.list_keys() == []
    assert index([BEES, PINES], manager, assistant, **options)["num_added"] == 2
    assert names(local) == ["bees.md", "pines.md"]


async def test_a_failed_async_upload_raises_and_leaves_no_record_as_done(local: LocalAssistant) -> None:
    assistant, manager = made(local, max_retries=0), records()
    with local.faults.add(on="files", status=400, times=1), pytest.raises(AssistantError):
        await aindex([BEES, PINES], manager, assistant, cleanup="full", source_id_key="source", key_encoder="sha256")
    assert manager.list_keys() == []
    await assistant.aclose()


def test_it_is_a_retriever_and_sources_carry_what_was_filed(local: LocalAssistant) -> None:
    assistant = made(local, k=1)
    assistant.upsert([Document("A red pine grows 25 meters tall.", id="pines", metadata={"url": "https://p.example"})])
    (found,) = assistant.invoke("How tall is a red pine?")
    assert found.metadata["source"] == found.metadata["url"] == "https://p.example"
    assert found.metadata["created_at"]
    assert not any("signed" in str(value) or "sig=" in str(value) for value in found.metadata.values())


def test_any_id_comes_back_as_it_was(local: LocalAssistant) -> None:
    ids = ["https://docs.example/a/b?c=d", "x" * 300, "ü", "plain-id_1", "../../etc/passwd"]
    assistant = made(local)
    assistant.upsert([Document(f"Text {n}", id=name, metadata={"n": n}) for n, name in enumerate(ids)])
    assert [(d.id, d.page_content, d.metadata) for d in assistant.get(ids)] == [
        (name, f"Text {n}", {"n": n}) for n, name in enumerate(ids)
    ]
    assert assistant.delete(ids)["num_deleted"] == len(ids)
    assert assistant.get(ids) == []


def test_files_of_others_are_neither_returned_nor_deleted(local: LocalAssistant) -> None:
    local.client().files.upload(DATA / "red_pine.md", file_id="pine")
    assistant = made(local)
    assert assistant.get(["pine"]) == []
    assert assistant.delete(["pine"]) == {"succeeded": [], "failed": [], "num_deleted": 0, "num_failed": 0}
    assert local.client().files.get("pine").status == "Available"


def test_a_failed_deletion_is_counted(local: LocalAssistant) -> None:
    assistant = made(local, max_retries=0)
    assistant.upsert([Document("Text.", id="a")])
    with local.faults.add(on=("DELETE", "*"), status=400):
        assert assistant.delete(["a"])["num_failed"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 409, 500])
async def test_failed_deletions_are_counted_and_logged_sync_and_async(
    local: LocalAssistant, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """The async version raised the first error, and the response lost which documents were gone."""
    assistant = made(local, max_retries=0)
    for delete in (lambda ids: asyncio.to_thread(assistant.delete, ids), assistant.adelete):
        assistant.upsert([Document("Text.", id=name) for name in ("a", "b", "c/d")])
        caplog.clear()
        with local.faults.add(on=("DELETE", "*/b"), status=status):
            response = await delete(["a", "missing", "b", "c/d"])
        assert response == {"succeeded": ["a", "c/d"], "failed": ["b"], "num_deleted": 2, "num_failed": 1}
        (record,) = [one for one in caplog.records if one.name == "langchain_pinecone_assistant"]
        assert record.getMessage().startswith("document 'b' was not deleted: ")
        assert str(status) in record.getMessage()
    await assistant.aclose()


async def test_a_failed_deletion_ends_aindex_with_the_frameworks_error_as_it_ends_index(local: LocalAssistant) -> None:
    assistant = made(local, max_retries=0)
    options: dict[str, Any] = {"cleanup": "full", "source_id_key": "source", "key_encoder": "sha256"}
    for run in (lambda *args, **kwargs: asyncio.to_thread(index, *args, **kwargs), aindex):
        manager = records()
        await run([BEES, PINES], manager, assistant, **options)
        with local.faults.add(on=("DELETE", "*"), status=400), pytest.raises(IndexingException):
            await run([BEES], manager, assistant, **options)
        assert len(manager.list_keys()) == 2
        assert (await run([BEES], manager, assistant, **options))["num_deleted"] == 1
    await assistant.aclose()


async def test_a_guarded_index_refuses_to_delete_sync_and_async(local: LocalAssistant) -> None:
    """The sync version counted the document as failed, so that the reason was lost."""
    made(local).upsert([Document("Text.", id="a", metadata={"tenant": "one"})])
    assistant = made(local, guard_filter={"tenant": "one"})
    with pytest.raises(InvalidRequestError, match="guard_filter") as caught:
        assistant.delete(["a"])
    with pytest.raises(type(caught.value), match="guard_filter"):
        await assistant.adelete(["a"])
    assert type(caught.value).__module__ == "langchain_pinecone_assistant.errors"
    assert local.client().files.get("a").status == "Available"
    await assistant.aclose()


@pytest.mark.parametrize(
    "metadata",
    [
        {"author": {"name": "Ann"}},
        {"author": datetime(2024, 1, 2, tzinfo=timezone.utc)},
        {"author": Path("a.md")},
        {"author": [1, 2]},
        {"author": 2**60},
        {"author": float("nan")},
        {"author": "x" * 20_000},
        {"": "x"},
        {"$author": "x"},
    ],
    ids=lambda metadata: f"{next(iter(metadata))} {type(next(iter(metadata.values()))).__name__}",
)
async def test_one_document_with_invalid_metadata_stops_all_before_anything_is_sent(
    local: LocalAssistant, metadata: dict[str, Any]
) -> None:
    """The others were sent, and the error did not name the document."""
    assistant = made(local)
    documents = [Document("Good.", id="good"), Document("Bad.", id="b/ad", metadata=metadata)]
    with pytest.raises(InvalidRequestError, match="document 'b/ad', metadata"):
        assistant.upsert(documents)
    with pytest.raises(InvalidRequestError, match="document 'b/ad', metadata"):
        await assistant.aupsert(documents)
    assert local.requests == []
    await assistant.aclose()


def test_the_error_about_an_id_that_is_too_long_is_short(local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match=r"metadata is 17,\d\d\d bytes") as caught:
        made(local).upsert([Document("x", id="i" * 17_000)])
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (Document("", id="a"), "'a' has no text"),
        (Document("x", id="a", metadata={"a": {"b": 1}}), "a"),
        (Document("x", id="a", metadata={"doc_id": "b"}), "doc_id"),
        (Document("x", id="a", metadata={"n": 1234567890123456789}), "n"),
    ],
)
def test_what_cannot_be_filed_is_refused_by_name_and_not_sent(
    local: LocalAssistant, document: Document, said: str
) -> None:
    with pytest.raises(AssistantError, match=said):
        made(local).upsert([document])
    assert list(local.client().files.list()) == []


def test_none_is_left_out_of_metadata(local: LocalAssistant) -> None:
    assistant = made(local)
    assistant.upsert([Document("x", id="a", metadata={"author": None, "year": 1})])
    assert assistant.get(["a"])[0].metadata == {"year": 1}


def test_unknown_options_are_refused(local: LocalAssistant) -> None:
    assistant = made(local)
    for call in (
        lambda: assistant.upsert([], batch=1),
        lambda: assistant.get([], x=1),
        lambda: assistant.delete([], x=1),
    ):
        with pytest.raises(InvalidRequestError, match=r"unknown option '\w+' for \w+, which takes none: pass"):
            call()


def test_a_missing_assistant_is_not_an_empty_one(local: LocalAssistant) -> None:
    with pytest.raises(AssistantError, match="not found"):
        made(local).model_copy(update={"assistant_name": "other"}).get(["a"])


def test_blobs_are_original_files(local: LocalAssistant, tmp_path: Path) -> None:
    report = made(local).upload_blobs(
        [
            Blob.from_path(DATA / "red_pine.md"),
            Blob.from_data("Bees.", metadata={"source": "https://x.example/bees.txt"}),
        ]
    )
    assert sorted(file.name for file in report.uploaded) == ["bees.txt", "red_pine.md"]
    with pytest.raises(InvalidRequestError, match="no source"):
        made(local).upload_blobs([Blob.from_data("x")])


async def test_blobs_are_uploaded_async_too(local: LocalAssistant) -> None:
    assistant = made(local)
    report = await assistant.aupload_blobs([Blob.from_path(DATA / "red_pine.md")])
    assert [file.name for file in report.uploaded] == ["red_pine.md"]
    await assistant.aclose()


@pytest.mark.parametrize(
    ("metadata", "source"),
    [
        ({"source": "pines.html", "url": "https://pines.example"}, "pines.html"),
        ({"url": "https://pines.example"}, "https://pines.example"),
        ({}, "pine.md"),
    ],
    ids=["source", "url", "neither"],
)
async def test_the_prompt_of_with_sources_chains_finds_the_source(
    local: LocalAssistant, metadata: dict[str, Any], source: str
) -> None:
    """The document prompt of RetrievalQAWithSourcesChain raises for a document without `source`."""
    prompt = PromptTemplate.from_template("Content: {page_content}\nSource: {source}")
    assistant = made(local)
    assistant.upsert([Document("A red pine grows 25 meters tall.", id="pine", metadata=metadata)])
    for found in (assistant.invoke("How tall is a red pine?"), await assistant.ainvoke("How tall is a red pine?")):
        (document,) = found
        shown = format_document(document, prompt)
        assert shown == f"Content: {document.page_content}\nSource: {source}"
    await assistant.aclose()


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ("pine", r"takes a list of ids.*\['pine'\]"),
        ([""], "the id ''"),
        ([3], "the id 3"),
        (["a", None], "the id None"),
    ],
)
async def test_ids_that_are_not_a_list_of_texts_are_refused_before_anything_is_sent(
    local: LocalAssistant, ids: Any, said: str
) -> None:
    """Otherwise each letter would be an id, and the documents with these ids would be deleted."""
    assistant = made(local)
    for call in (assistant.get, assistant.delete):
        with pytest.raises(InvalidRequestError, match=said):
            call(ids)
    for awaited in (assistant.aget, assistant.adelete):
        with pytest.raises(InvalidRequestError, match=said):
            await awaited(ids)
    assert local.requests == []


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (["text"], "a document is a str"),
        (Document("one"), "the documents are a Document: pass a list"),
        ("one", "the documents are a str: pass a list"),
        ([Document("\ud800", id="x")], "'x' has a lone surrogate in its text"),
        ([Document("x", id="x", metadata={1: "a", "b": "c"})], "'x' has metadata under 1"),
    ],
    ids=["text", "no list", "only text", "surrogate", "name"],
)
async def test_items_that_are_not_documents_are_refused_by_name(local: LocalAssistant, items: Any, said: str) -> None:
    """It raises the adapter's error, which is also a ModelError, sync and async."""
    assistant = made(local)
    with pytest.raises(InvalidRequestError, match=said) as caught:
        assistant.upsert(items)
    with pytest.raises(type(caught.value), match=said):
        await assistant.aupsert(items)
    assert type(caught.value).__module__ == "langchain_pinecone_assistant.errors"
    assert local.requests == []


async def test_documents_may_be_an_iterator_and_the_last_of_an_id_wins(local: LocalAssistant) -> None:
    assistant = made(local)
    items: Any = (Document(text, id="x") for text in ("One.", "Two."))
    assert assistant.upsert(items)["succeeded"] == ["x", "x"]
    items = (Document(text, id="y") for text in ("Three.", "Four."))
    await assistant.aupsert(items)
    assert [document.page_content for document in assistant.get(iter(["x", "y", "x"]))] == ["Two.", "Four."]  # type: ignore[arg-type]  # tolerated
    await assistant.aclose()


async def test_nothing_is_under_way_after_an_async_error(local: LocalAssistant) -> None:
    """Like in the sync version, all other lookups have ended when the error is raised."""
    assistant = made(local, max_retries=0)
    await assistant.aupsert([Document("x", id=f"doc-{number}") for number in range(3)])
    before = asyncio.all_tasks()
    with local.faults.add(on="files", status=400, times=1), pytest.raises(AssistantError):
        await assistant.aget([f"doc-{number}" for number in range(3)])
    assert asyncio.all_tasks() == before
    await assistant.aclose()


async def test_the_text_of_a_blob_goes_as_utf_8(local: LocalAssistant) -> None:
    """The service reads UTF-8, so the blob's own encoding is ignored."""
    assistant = made(local)
    blob = Blob(data="Püffins nest.", encoding="latin-1", metadata={"source": "a.md"})
    (file,) = assistant.upload_blobs([blob]).uploaded
    (other,) = (await assistant.aupload_blobs([blob])).uploaded
    files = local.client().files
    assert files.read(file.id) == files.read(other.id) == "Püffins nest.".encode()
    await assistant.aclose()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://example.org/a/my%20notes.md?X-Amz-Signature=abc/d.pdf#page=2", "my notes.md"),
        ("http://example.org/notes.txt", "notes.txt"),
        ("s3://bucket/c# and what? it is.md", "c# and what? it is.md"),
        ("folder/notes.md", "notes.md"),
        ("C:\\folder\\notes.md", "notes.md"),
    ],
)
def test_a_blob_is_named_by_the_last_part_of_its_path_or_url(local: LocalAssistant, source: str, name: str) -> None:
    """The query of a URL, such as a signature, was part of the name."""
    (file,) = made(local).upload_blobs([Blob(data="Puffins nest.", metadata={"source": source})]).uploaded
    assert (file.name, file.metadata) == (name, {"source": source})


def test_a_url_without_a_file_type_is_refused_and_its_query_stays_out_of_the_error(local: LocalAssistant) -> None:
    blob = Blob(data="Puffins nest.", metadata={"source": "https://example.org/notes?X-Amz-Signature=abc"})
    with pytest.raises(InvalidRequestError, match="'notes' has no known type") as caught:
        made(local).upload_blobs([blob])
    assert "abc" not in str(caught.value)


def test_what_is_not_a_blob_is_refused_by_name(local: LocalAssistant) -> None:
    blobs: Any = ["a.md"]
    with pytest.raises(InvalidRequestError, match="a blob is a str"):
        made(local).upload_blobs(blobs)
