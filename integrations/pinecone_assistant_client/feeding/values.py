"""Public values of feeding: files, operations, assistants, evaluations, and the reports of many uploads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from ..answers import Usage
from ..errors import AssistantError

FileLike = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes themselves, or a binary stream."""


@dataclass(frozen=True, slots=True)
class AssistantFile:
    """A file of an assistant.

    Attributes:
        id: Its identifier.
        name: Its name.
        status: `"Processing"`, `"Available"`, `"Deleting"` or `"ProcessingFailed"`.
        metadata: Its metadata, or None.
        size: Bytes, or None if the service did not say.
        multimodal: Whether its images were processed, or None if the service did not say.
        created_at: When it was uploaded, RFC 3339.
        updated_at: When it last changed, RFC 3339.
        url: A signed link to its content, if it was asked for (`include_url=True`). Whoever has the link can read the file.
    """

    id: str
    name: str
    status: str | None = None
    metadata: dict[str, Any] | None = None
    size: int | None = None
    multimodal: bool | None = None
    created_at: str | None = None
    updated_at: str | None = None
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """An upload, replacement or deletion, in progress or ended. The service keeps it for 30 days.

    Attributes:
        id: Its identifier.
        operation_type: `"upload_file"`, `"upsert_file"`, `"update_file_metadata"` or `"delete_file"`.
        file_id: The file.
        status: `"Processing"`, `"Completed"` or `"Failed"`.
        percent_complete: 0 to 100.
        error_message: Why it failed.
        ingestion_units: What it cost, once it is known.
        created_at: When it began, RFC 3339.
        completed_at: When it ended, RFC 3339.
    """

    id: str
    operation_type: str | None = None
    file_id: str | None = None
    status: str | None = None
    percent_complete: float | None = None
    error_message: str | None = None
    ingestion_units: float | None = None
    created_at: str | None = None
    completed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant of the project.

    Attributes:
        name: Its name.
        status: `"Initializing"`, `"Ready"`, `"Failed"`, `"InitializationFailed"`, `"Terminating"` or `"Terminated"`.
        host: The host that it answers on; None while it is being set up.
        instructions: Guidance for all of its answers.
        metadata: Its metadata, or None.
        region: `"us"` or `"eu"`; None where the API version does not say.
        created_at: When it was created, RFC 3339.
        updated_at: When it last changed, RFC 3339.
    """

    name: str
    status: str | None = None
    host: str | None = None
    instructions: str | None = None
    metadata: dict[str, Any] | None = None
    region: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well an answer agrees with the ground truth; each score is between 0 and 1.

    Attributes:
        correctness: How much of the answer is true (precision).
        completeness: How much of the truth is in the answer (recall).
        alignment: The harmonic mean of the two.
        facts: Each fact of the ground truth and its `"entailed"`, `"contradicted"` or `"neutral"`.
        usage: Tokens, which are billed; None if the service did not say.
    """

    correctness: float
    completeness: float
    alignment: float
    facts: tuple[tuple[str, str], ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to upload.

    Attributes:
        file: A path, bytes, or a binary stream.
        name: Its name in the assistant; bytes and streams need one.
        file_id: Its identifier, 1 to 128 of `[A-Za-z0-9_-]`; a file of that id is replaced. None takes a random one.
        metadata: A flat dict of strings, numbers, booleans and lists of strings.
        multimodal: Process the images of a PDF too.
    """

    file: FileLike
    name: str | None = None
    file_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    multimodal: bool | None = None

    @property
    def label(self) -> str:
        """A short name for messages."""
        if isinstance(self.name, str) and self.name:
            return self.name
        return os.fspath(self.file) if isinstance(self.file, (str, os.PathLike)) else f"a {type(self.file).__name__}"

    def __repr__(self) -> str:
        options = {"file_id": self.file_id, "metadata": self.metadata, "multimodal": self.multimodal}
        shown = "".join(f", {name}={value!r}" for name, value in options.items() if value is not None)
        return f"Upload({self.label!r}{shown})"


@dataclass(frozen=True, slots=True)
class UploadReport:
    """The outcome of many uploads.

    Attributes:
        uploaded: The files that are Available, in the order of their uploads.
        failed: The others with their errors, in the same order.
        ingestion_units: Total cost of the uploads, as far as the service reported it.
    """

    uploaded: tuple[AssistantFile, ...] = ()
    failed: tuple[tuple[Upload, AssistantError], ...] = ()
    ingestion_units: float = 0.0

    def __str__(self) -> str:
        return f"{len(self.uploaded)} uploaded, {len(self.failed)} failed, {self.ingestion_units:g} ingestion units"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The outcome of a sync. All paths are posix paths below the source, sorted.

    Attributes:
        uploaded: New files.
        replaced: Files with changed content, metadata or `multimodal`, and files that had failed in processing.
        unchanged: Files that needed no upload.
        deleted: Files of this owner that the source no longer has.
        ignored: Paths that were left out: hidden names, unknown types, names that look like secrets, links out of the folder.
            A whole folder is one entry that ends in `/`.
        failed: Files that could not be uploaded, with their errors.
        ingestion_units: Total cost of the uploads, as far as the service reported it.
        is_dry_run: True if nothing was changed; the other fields then list the changes that a sync would make.
    """

    uploaded: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    failed: tuple[tuple[str, AssistantError], ...] = ()
    ingestion_units: float = 0.0
    is_dry_run: bool = False

    def __str__(self) -> str:
        counts = ("uploaded", "replaced", "unchanged", "deleted", "ignored", "failed")
        line = ", ".join(f"{len(getattr(self, name))} {name}" for name in counts)
        if self.is_dry_run:
            return f"dry run, nothing was changed: {line}"
        return f"{line}, {self.ingestion_units:g} ingestion units"
