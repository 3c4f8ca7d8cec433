"""Synchronise an assistant with a folder, with LangChain's `index()`: only the changes are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from demo_assistant import DATA, QUESTION
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_core.indexing import InMemoryRecordManager, index

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantIndex
from pinecone_assistant_local import LocalAssistant


class FolderLoader(BaseLoader):
    """Loader of the Markdown files in a folder, with their metadata. Any LangChain loader works instead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lazy_load(self) -> Iterator[Document]:
        """Yield a document for each file."""
        metadata = json.loads((DATA / "metadata.json").read_text(encoding="utf-8"))
        for path in sorted(self.folder.glob("*.md")):
            text = path.read_text(encoding="utf-8")
            yield Document(text, metadata={**metadata[path.name], "source": path.name})


def main() -> None:
    with LocalAssistant(name="demo") as local, TemporaryDirectory() as name:
        connection = local.connection  # your own assistant: connection = {}
        folder = Path(name)
        for path in DATA.glob("*.md"):
            (folder / path.name).write_bytes(path.read_bytes())
        assistant = PineconeAssistantIndex(**connection)
        records = InMemoryRecordManager(namespace="demo")  # use SQLRecordManager to keep the records between runs
        records.create_schema()

        def keep_in_step(when: str) -> None:
            loader = FolderLoader(folder)
            done = index(loader, records, assistant, cleanup="full", source_id_key="source", key_encoder="sha256")
            print(f"{when}: {done['num_added']} added, {done['num_skipped']} skipped, {done['num_deleted']} deleted")

        keep_in_step("first run")
        keep_in_step("second run")
        (folder / "moon.md").unlink()
        (folder / "red_pine_nursery.md").write_text("Our red pines are 4 meters high.\n", encoding="utf-8")
        keep_in_step("one file gone and one changed")

        print(QUESTION)
        for document in assistant.invoke(QUESTION, filter={"resource": "encyclopedia"}, k=1):
            print(f"  {document.metadata['source']}: {document.page_content[:60]!r}...")
        chat = ChatPineconeAssistant(**connection, strip_references=True)
        print(chat.invoke(QUESTION, filter={"resource": "encyclopedia"}).text)


if __name__ == "__main__":
    main()
