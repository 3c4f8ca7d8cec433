"""LlamaIndex: upload documents to an assistant, chat about them, and refresh only the changed ones."""

from __future__ import annotations

import json
from pathlib import Path

from demo_assistant import DATA
from llama_index.core import SimpleDirectoryReader

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantIndex
from pinecone_assistant_local import LocalAssistant


def metadata_of(path: str) -> dict[str, object]:
    """Return the metadata of a file. Filters select by it, and the sources of answers contain it."""
    metadata: dict[str, dict[str, object]] = json.loads((DATA / "metadata.json").read_text(encoding="utf-8"))
    return {**metadata[Path(path).name], "source": Path(path).name}


def main() -> None:
    with LocalAssistant(name="demo") as local:
        connection = local.connection  # your own assistant: connection = {}
        reader = SimpleDirectoryReader(str(DATA), required_exts=[".md"], file_metadata=metadata_of, filename_as_id=True)
        documents = reader.load_data()
        index = PineconeAssistantIndex.from_documents(documents, **connection)
        print(f"{len(index.ref_doc_info)} documents are in the assistant.")

        engine = index.as_chat_engine(filters={"resource": "encyclopedia"})
        response = engine.chat("What is the maximum height of a red pine?")
        print(response)
        for node in response.source_nodes:
            print(f"  {node.metadata['source']} ({node.metadata['topic']}): {node.text}")

        print(f"A refresh sends {sum(index.refresh_ref_docs(documents))} documents,")
        documents[0].set_content(documents[0].text + "\nIt is protected.\n")
        print(f"and {sum(index.refresh_ref_docs(documents))} after a change.")
        index.delete_ref_doc(documents[0].doc_id)
        print(f"{len(index.ref_doc_info)} documents are left.")


if __name__ == "__main__":
    main()
