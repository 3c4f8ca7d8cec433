"""A folder of documents as the files of an assistant: put once, replaced when changed, removed when gone."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection
from pathlib import Path

from ..documents.file_types import TYPES, check_name, check_size, is_known_type
from ..errors import DocumentError, ServiceError
from ..service.service import Service
from ..store.files import NewFile, StoredFile
from ..store.metadata import Metadata

_NAMESPACE = uuid.UUID("2b1f6f57-5d0c-5b0e-8f39-6f6f0d0c8f11")


def look_into(folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """The documents in a folder by their path in it, and the paths that are not documents, each with the reason."""
    root = folder.resolve()
    documents: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for parent, folders, files in os.walk(folder):
        for entry in [*folders, *files]:
            path = Path(parent, entry)
            name = path.relative_to(folder).as_posix()
            reason = _reason_to_leave_out(path, root)
            if reason:
                left_out[name] = reason
            elif path.is_file():
                documents[name] = path
        folders[:] = [entry for entry in folders if Path(parent, entry).relative_to(folder).as_posix() not in left_out]
    return dict(sorted(documents.items())), dict(sorted(left_out.items()))


def _reason_to_leave_out(path: Path, root: Path) -> str | None:
    if path.name.startswith("."):
        return "hidden"
    if path.is_dir():
        return "a link to a folder" if path.is_symlink() else None
    if not path.is_file():
        return "not a file"
    if not path.resolve().is_relative_to(root):
        return "a link that leads out of the folder"
    return None if is_known_type(path.name) else f"none of {', '.join(f'.{known}' for known in TYPES)}"


def shown(text: str) -> str:
    """The text without characters that a terminal obeys or cannot show: a file's name may contain anything."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def file_id_of(name: str) -> str:
    """The identifier of a document by its path in the folder, in a form that files uploaded by clients do not have."""
    return str(uuid.uuid5(_NAMESPACE, name))


def put_document(service: Service, assistant: str, name: str, path: Path, metadata: Metadata | None = None) -> bool:
    """Make a document Available, unless it is already there with the same content and metadata.

    Returns:
        Whether it was uploaded.

    Raises:
        DocumentError: The document cannot be processed; the message is the reason.
        OSError: The file cannot be read.
    """
    files = service.store.files
    try:
        check_name(name)
        check_size(name, path.stat().st_size)
        content = path.read_bytes()
        check_size(name, len(content))
        new, file_id = NewFile(name, content, metadata), file_id_of(name)
        before = files.unchanged(assistant, file_id, new)
        is_new = before is None or before.metadata != metadata
        file = files.upsert(assistant, file_id, new)[0] if before is None or is_new else before
    except ServiceError as error:
        raise DocumentError(f"{name}: {error.message}") from error
    if file.status == "Processing":
        (service.ingest.pending(file) or service.ingest.submit(file)).result()
        file = files.get(assistant, file_id)
    if file.status != "Available":
        raise DocumentError(f"{name}: {file.error or file.status}")
    return is_new


def remove_other_documents(service: Service, assistant: str, names: Collection[str]) -> list[StoredFile]:
    """Remove the documents of earlier runs that are not among these names; files that clients uploaded stay."""
    files = service.store.files
    gone = [file for file in files.select(assistant) if file.id == file_id_of(file.name) and file.name not in names]
    for file in gone:
        files.delete(assistant, file.id)
    return gone
