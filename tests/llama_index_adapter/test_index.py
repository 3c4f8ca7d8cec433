"""`PineconeAssistantIndex`: uploads, deletions, refreshes, engines, and errors for unsupported methods."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, SimpleDirectoryReader, StorageContext, load_index_from_storage
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import FixedRecencyPostprocessor, MetadataReplacementPostProcessor
from llama_index.core.schema import MetadataMode, TextNode
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantIndex,
    PineconeAssistantQueryEngine,
)
from pinecone_assistant_client import AssistantError, InvalidRequestError, NotFoundError
from pinecone_assistant_local import LocalAssistant

QUESTION = "How tall is a red pine?"
PINE = Document(text="A red pine grows up to 25 meters high.", doc_id="pine", metadata={"year": 2024, "by": None})
BEES = Document(text="Bees make honey out of nectar.", doc_id="https://bees.example/honey?x=1", metadata={"year": 2020})


@pytest.fixture
def local() -> Iterator[LocalAssistant]:
    """An assistant without files."""
    with LocalAssistant(name="docs") as local:
        yield local


@pytest.fixture
def words(local: LocalAssistant) -> dict[str, Any]:
    """Options that connect to it."""
    return {"assistant_name": local.name, "host": local.host, "api_key": local.api_key}


def puts(local: LocalAssistant) -> int:
    """Return the number of uploaded files."""
    return sum(request.method == "PUT" for request in local.requests)


def test_documents_then_a_chat_engine_then_a_cited_answer(words: dict[str, Any]) -> None:
    index = PineconeAssistantIndex.from_documents([PINE, BEES], **words)
    engine = index.as_chat_engine()
    assert isinstance(engine, PineconeAssistantChatEngine)
    answer = engine.chat(QUESTION)
    assert "25 meters" in answer.response
    (source,) = answer.source_nodes
    assert source.metadata["year"] == 2024
    assert "by" not in source.metadata
    assert "signed" not in str(source.metadata)


async def test_the_same_async(words: dict[str, Any]) -> None:
    index = await PineconeAssistantIndex.afrom_documents([PINE], **words)
    assert "25 meters" in str(await index.as_query_engine().aquery(QUESTION))
    assert await index.arefresh_ref_docs([PINE, BEES]) == [False, True]
    await index.ainsert(Document(text="Another.", doc_id="another"))
    await index.aupdate_ref_doc(Document(text="Yet another.", doc_id="another"))
    assert set(await index.aref_doc_info()) == {"pine", BEES.id_, "another"}
    await index.adelete_ref_doc("another")
    await index.adelete_ref_doc("another")
    assert len(await index.alist_files()) == 2
    await index.llm.aclose()


def test_a_refresh_asks_the_service_and_sends_what_changed(words: dict[str, Any], local: LocalAssistant) -> None:
    """Works in another process too, because the index stores no state."""
    PineconeAssistantIndex.from_documents([PINE, BEES], **words)
    index, sent = PineconeAssistantIndex(**words), puts(local)
    assert index.refresh_ref_docs([PINE, BEES]) == [False, False]
    assert puts(local) == sent
    changed = [
        Document(text="A red pine grows tall.", doc_id="pine", metadata=PINE.metadata),
        Document(text=BEES.text, doc_id=BEES.id_, metadata={"year": 2021}),
        Document(text="New.", doc_id="new"),
    ]
    assert index.refresh_ref_docs(changed) == [True, True, True]
    info = index.ref_doc_info
    assert (info[BEES.id_].metadata, set(info)) == ({"year": 2021}, {"pine", BEES.id_, "new"})


def test_insert_update_and_delete(words: dict[str, Any], local: LocalAssistant) -> None:
    index = PineconeAssistantIndex(**words)
    index.insert(PINE)
    index.update_ref_doc(Document(text="A red pine grows up to 30 meters high.", doc_id="pine"))
    assert "30 meters" in str(index.as_query_engine().query(QUESTION))
    assert len(index.list_files()) == 1
    index.delete_ref_doc("pine")
    index.delete_ref_doc("pine")
    assert index.list_files() == []


def test_an_original_file_and_a_file_that_is_no_document(words: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "pine.md"
    path.write_text("A red pine grows up to 25 meters high.", "utf-8")
    index = PineconeAssistantIndex(**words)
    file = index.insert_file(path, metadata={"kind": "tree"}, file_id="pine")
    assert file.status == "Available"
    assert index.ref_doc_info == {}
    with pytest.raises(InvalidRequestError, match="not uploaded as a document"):
        index.delete_ref_doc("pine")
    report = index.sync(tmp_path, owner="x")
    assert report.uploaded == ("pine.md",)


def test_a_reader_of_a_folder_without_a_storage_context(words: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "pine.txt").write_text(PINE.text, "utf-8")
    (tmp_path / "bees.txt").write_text(BEES.text, "utf-8")
    documents = SimpleDirectoryReader(str(tmp_path)).load_data()
    index = PineconeAssistantIndex.from_documents(documents, **words)
    found = index.as_retriever(similarity_top_k=1).retrieve(QUESTION)
    assert [node.metadata["file_path"] for node in found] == [str(tmp_path / "pine.txt")]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("method", ["insert", "update_ref_doc", "refresh_ref_docs", "from_documents"])
def test_a_failed_upload_raises_and_the_next_refresh_sends_it_again(
    words: dict[str, Any], local: LocalAssistant, method: str, is_async: bool
) -> None:
    """A document that did not arrive never counts as done."""

    async def call(index: PineconeAssistantIndex) -> None:
        name = f"a{method}" if is_async else method
        arguments: list[Any] = [PINE] if method in ("insert", "update_ref_doc") else [[PINE, BEES]]
        options = words | {"max_retries": 0} if method == "from_documents" else {}
        try:
            result = getattr(index, name)(*arguments, **options)
            if is_async:
                await result
        finally:
            await index.llm.aclose()

    index = PineconeAssistantIndex(**words | {"max_retries": 0})
    with local.faults.add(on="files", status=400, times=10), pytest.raises(AssistantError):
        asyncio.run(call(index))
    assert index.list_files() == []
    assert index.refresh_ref_docs([PINE, BEES]) == [True, True]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_second_refresh_sends_nothing_but_lists(words: dict[str, Any], local: LocalAssistant, is_async: bool) -> None:
    """Also for documents with the same id: the last one is stored, and the first never replaces it."""
    twice = [Document(text="Old.", doc_id="twice"), BEES, Document(text="New.", doc_id="twice")]

    async def refresh() -> list[bool]:
        index = PineconeAssistantIndex(**words)
        changed = await index.arefresh_ref_docs(iter(twice)) if is_async else index.refresh_ref_docs(iter(twice))  # type: ignore[arg-type]  # tolerated
        await index.llm.aclose()
        return changed

    assert asyncio.run(refresh()) == [True, True, True]
    sent = len(local.requests)
    assert asyncio.run(refresh()) == [False, False, False]
    assert {request.method for request in local.requests[sent:]} == {"GET"}
    assert local.client().files.read("twice") == b"New."


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (Document(text=" ", doc_id="blank"), "'blank' has no text"),
        (Document(text="x", doc_id="a", metadata={"n": {"m": 1}}), "n"),
        (Document(text="x", doc_id="a", metadata={"doc_sha256": "1"}), "doc_sha256"),
        ("text", "a document is a str"),
        (Document(text="x", doc_id="a", metadata={"n": Path("a.md")}), "document 'a', metadata.n"),
        (Document(text="\ud800", doc_id="cut"), "'cut' has a lone surrogate in its text"),
    ],
)
def test_what_cannot_be_filed_is_refused_by_name(
    words: dict[str, Any], local: LocalAssistant, document: Any, said: str
) -> None:
    with pytest.raises(AssistantError, match=said):
        PineconeAssistantIndex.from_documents([PINE, document], **words)
    with pytest.raises(AssistantError, match=said):
        asyncio.run(PineconeAssistantIndex.afrom_documents([PINE, document], **words))
    assert puts(local) == 0


def test_one_document_in_place_of_a_list_is_refused_by_name(words: dict[str, Any]) -> None:
    one: Any = PINE
    for upload in (PineconeAssistantIndex(**words).refresh_ref_docs, PineconeAssistantIndex(**words)._upload):
        with pytest.raises(InvalidRequestError, match="the documents are a Document: pass a list"):
            upload(one)


def test_the_options_that_llama_index_users_know(words: dict[str, Any], local: LocalAssistant) -> None:
    index = PineconeAssistantIndex.from_documents([PINE], **words)
    engine = index.as_query_engine(similarity_top_k=3, filters={"year": 2024}, streaming=True, temperature=0.5)
    answer: Any = engine.query(QUESTION)
    assert "25 meters" in "".join(answer.response_gen)
    body: Any = local.requests[-1].body
    assert (body["context_options"]["top_k"], body["filter"], body["temperature"]) == (3, {"year": 2024}, 0.5)
    assert isinstance(engine, PineconeAssistantQueryEngine)
    assert index.as_retriever(filters={"year": 1999}).retrieve(QUESTION) == []
    chat = index.as_chat_engine(system_prompt="Be brief.", similarity_top_k=2)
    chat.chat(QUESTION)
    body = local.requests[-1].body
    assert body["context_options"]["top_k"] == 2
    assert "Be brief." in body["messages"][0]["content"]


def test_two_options_of_chat_engines_make_no_difference(words: dict[str, Any]) -> None:
    """LlamaIndex's documentation passes them to `as_chat_engine`, `verbose` also with the default mode."""
    index = PineconeAssistantIndex.from_documents([PINE], **words)
    chat = index.as_chat_engine(chat_mode=ChatMode.BEST, streaming=True, verbose=True)
    assert "25 meters" in str(chat.chat(QUESTION))
    assert "25 meters" in "".join(chat.stream_chat(QUESTION).response_gen)


def test_the_docstore_option_of_updates_is_taken_where_llama_index_documents_it(words: dict[str, Any]) -> None:
    index = PineconeAssistantIndex(**words)
    docstore: dict[str, Any] = {"delete_kwargs": {"delete_from_docstore": True}}
    index.update_ref_doc(PINE, **docstore)
    index.update_ref_doc(PINE, update_kwargs=docstore)
    assert index.refresh_ref_docs([PINE, BEES], update_kwargs=docstore) == [False, True]

    async def update() -> list[bool]:
        await index.aupdate_ref_doc(PINE, **docstore)
        return await index.arefresh_ref_docs([PINE, BEES], update_kwargs=docstore)

    assert asyncio.run(update()) == [False, False]
    with pytest.raises(InvalidRequestError, match="refresh_ref_docs has no option 'chunk_size'"):
        index.refresh_ref_docs([PINE], update_kwargs={"chunk_size": 1})


def test_a_list_of_files_takes_the_filters_of_llama_index(words: dict[str, Any]) -> None:
    index = PineconeAssistantIndex.from_documents([PINE, BEES], **words)
    recent = MetadataFilters(filters=[MetadataFilter(key="year", value=2022, operator=FilterOperator.GT)])
    assert [file.id for file in index.list_files(filter=recent)] == ["pine"]
    assert [file.id for file in asyncio.run(index.alist_files(filter=recent))] == ["pine"]


def test_a_retriever_takes_an_llm_like_the_engines(words: dict[str, Any]) -> None:
    """It was a TypeError of the retriever's constructor."""
    index = PineconeAssistantIndex.from_documents([PINE, BEES], **words)
    llm = index.llm.with_options(filter={"year": 2020})
    assert {node.metadata["year"] for node in index.as_retriever(llm=llm).retrieve("honey, red pine")} == {2020}


@pytest.mark.parametrize(
    ("method", "option", "meant"),
    [
        ("as_retriever", "similarity_topk", "similarity_top_k"),
        ("as_retriever", "filter_", "filter"),
        ("as_query_engine", "similarity_topk", "similarity_top_k"),
        ("as_query_engine", "streamin", "streaming"),
        ("as_chat_engine", "chat_histry", "chat_history"),
        ("as_chat_engine", "system_promt", "system_prompt"),
    ],
)
def test_a_misspelt_option_is_refused_by_the_method_that_was_called(
    words: dict[str, Any], method: str, option: str, meant: str
) -> None:
    """The error named `with_options`, which nobody had called, and knew only the LLM's options."""
    with pytest.raises(
        InvalidRequestError, match=f"{method} has the unknown option '{option}': did you mean '{meant}'"
    ):
        getattr(PineconeAssistantIndex(**words), method)(**{option: 1})


@pytest.mark.parametrize("option", ["node_postprocessors", "response_mode", "text_qa_template"])
def test_a_step_of_llama_indexs_query_engines_is_refused_with_the_way_out(words: dict[str, Any], option: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"'{option}'.*from_args\(index.as_retriever\(\), {option}="):
        PineconeAssistantIndex(**words).as_query_engine(**{option: None})


def test_a_wrong_number_of_passages_is_an_error_with_the_callers_name(words: dict[str, Any]) -> None:
    """The error of an engine spoke of the service's `top_k`."""
    index = PineconeAssistantIndex(**words)
    for make in (index.as_retriever, index.as_query_engine, index.as_chat_engine):
        with pytest.raises(InvalidRequestError, match="similarity_top_k is 'many': pass a number"):
            make(similarity_top_k="many")


@pytest.mark.parametrize("mode", [mode for mode in ChatMode if mode != ChatMode.BEST])
def test_other_chat_modes_are_refused_with_the_reason(words: dict[str, Any], mode: ChatMode) -> None:
    with pytest.raises(InvalidRequestError, match=f"chat_mode='{mode.value}'.*searches its files for every turn"):
        PineconeAssistantIndex(**words).as_chat_engine(chat_mode=mode)


@pytest.mark.parametrize("method", ["as_retriever", "as_query_engine", "as_chat_engine"])
def test_another_llm_is_refused_with_the_way_out(words: dict[str, Any], method: str) -> None:
    with pytest.raises(
        InvalidRequestError, match=r"RetrieverQueryEngine\.from_args\(index\.as_retriever\(\), llm=llm\)"
    ):
        getattr(PineconeAssistantIndex(**words), method)(llm=MockLLM())


def test_what_has_no_place_is_refused_by_name(words: dict[str, Any]) -> None:
    index = PineconeAssistantIndex(**words)
    node = TextNode(text="x")
    calls: dict[str, Any] = {
        "insert_nodes": lambda: index.insert_nodes([node]),
        "ainsert_nodes": lambda: asyncio.run(index.ainsert_nodes([node])),
        "delete_nodes": lambda: index.delete_nodes(["x"]),
        "adelete_nodes": lambda: asyncio.run(index.adelete_nodes(["x"])),
        "set_index_id": lambda: index.set_index_id("x"),
        "insert": lambda: index.insert(PINE, chunk_size=1),
        "response_mode": lambda: index.as_query_engine(response_mode="compact"),
    }
    for name, call in calls.items():
        with pytest.raises(InvalidRequestError, match=name):
            call()
    with pytest.raises(InvalidRequestError, match="storage_context"):
        PineconeAssistantIndex.from_documents([], storage_context=None, **words)  # type: ignore[call-arg]  # refused


def test_a_storage_context_has_nothing_to_load(words: dict[str, Any], tmp_path: Path) -> None:
    PineconeAssistantIndex(**words).storage_context.persist(str(tmp_path))
    with pytest.raises(InvalidRequestError, match="keeps nothing in a storage context"):
        load_index_from_storage(StorageContext.from_defaults(persist_dir=str(tmp_path)))


def test_a_missing_assistant_is_not_an_empty_one(words: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError):
        PineconeAssistantIndex(**words | {"assistant_name": "other"}).delete_ref_doc("pine")


def test_postprocessors_find_what_was_filed(words: dict[str, Any]) -> None:
    pytest.importorskip("pandas", reason="this postprocessor of LlamaIndex needs pandas")
    old = Document(text="A red pine is 20 meters tall.", doc_id="old", metadata={"date": "2020-01-01"})
    new = Document(text="A red pine is 25 meters tall.", doc_id="new", metadata={"date": "2024-01-01"})
    nodes = PineconeAssistantIndex.from_documents([old, new], **words).as_retriever().retrieve(QUESTION)
    (latest,) = FixedRecencyPostprocessor(top_k=1, date_key="date").postprocess_nodes(nodes, query_str=QUESTION)
    assert latest.metadata["date"] == "2024-01-01"


@pytest.mark.parametrize("view", ["as_retriever", "as_query_engine"])
def test_a_window_that_was_filed_replaces_the_text(words: dict[str, Any], view: str) -> None:
    """Works for passages and for an answer's sources; LlamaIndex's sentence windows use the same metadata."""
    window = "Among the trees: a red pine is 25 meters tall. So says the atlas."
    pine = Document(text="A red pine is 25 meters tall.", doc_id="pine", metadata={"window": window})
    asked = getattr(PineconeAssistantIndex.from_documents([pine], **words), view)()
    nodes = asked.retrieve(QUESTION) if view == "as_retriever" else asked.query(QUESTION).source_nodes
    replaced = MetadataReplacementPostProcessor(target_metadata_key="window").postprocess_nodes(nodes)
    assert [node.node.get_content(MetadataMode.NONE) for node in replaced] == [window]


def test_the_page_label_of_a_reader_stays(words: dict[str, Any]) -> None:
    """A PDF reader creates one document per page, and each becomes a file without pages."""
    page = Document(text="A red pine is 25 meters tall.", doc_id="atlas-7", metadata={"page_label": "vii"})
    index = PineconeAssistantIndex.from_documents([page], **words)
    for nodes in (index.as_retriever().retrieve(QUESTION), index.as_query_engine().query(QUESTION).source_nodes):
        assert [node.metadata["page_label"] for node in nodes] == ["vii"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_the_ref_doc_id_of_a_node_deletes_its_document(words: dict[str, Any], is_async: bool) -> None:
    """Also if the document's own id is a path, which is not a legal file id."""

    async def delete() -> None:
        index = PineconeAssistantIndex.from_documents([BEES, PINE], **words)
        (node,) = index.as_retriever(filters={"year": 2020}).retrieve("What do bees make?")
        assert node.node.ref_doc_id is not None
        if is_async:
            await index.adelete_ref_doc(node.node.ref_doc_id)
        else:
            index.delete_ref_doc(node.node.ref_doc_id)
        assert set(index.ref_doc_info) == {"pine"}
        await index.llm.aclose()

    asyncio.run(delete())
