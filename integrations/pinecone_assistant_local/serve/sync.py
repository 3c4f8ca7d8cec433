"""Uploading a folder to an assistant, with a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pinecone_assistant_client import AssistantError
from pinecone_assistant_client.adapters import MetadataRules

from ..errors import DocumentError
from ..local_assistant import LocalAssistant
from .folder import look_into, put_document, remove_other_documents, shown

_MOST_LINES = 20


class FolderSync:
    """The files of a folder with their metadata.

    Args:
        folder: The folder.
        console: Where to print the report.
        metadata: The file with the metadata of the files.

    Raises:
        ValueError: The metadata cannot be read or has another form, or a rule matches no file.
    """

    def __init__(self, folder: Path, console: Console, metadata: Path | None = None) -> None:
        self.console = console
        self._folder = folder
        self._metadata_file = metadata
        self._rules = MetadataRules.read(metadata) if metadata else MetadataRules({})
        self._reported: dict[str, str] = {}
        names, _ = self._look()
        missing = self._rules.unmatched(names)
        if missing:
            raise ValueError(f"{metadata}: no file in {folder} matches {', '.join(map(repr, missing))}")
        for name in names:
            self._rules.of(name)

    def run(self, local: LocalAssistant, is_stopped: Callable[[], bool], *, with_progress: bool = True) -> bool:
        """Upload new and changed files and remove deleted ones; return False if asked to stop meanwhile."""
        documents, left_out = self._look()
        service = local.service
        removed = remove_other_documents(service, local.name, documents)
        put, refused = 0, dict[str, str]()
        columns = (
            TextColumn("Uploading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[name]}", markup=False),
        )
        with Progress(*columns, console=self.console, transient=True, disable=not with_progress) as progress:
            task = progress.add_task("Uploading", total=len(documents), name="")
            for name, path in documents.items():
                if is_stopped():
                    return False
                progress.update(task, name=shown(name))
                try:
                    put += put_document(service, local.name, name, path, self._rules.of(name))
                except (AssistantError, DocumentError, OSError) as error:
                    refused[name] = str(error).removeprefix(f"{name}: ")
                progress.advance(task)
        self._report(left_out | refused)
        done = f"{put} uploaded, {len(documents) - put - len(refused)} unchanged, {len(removed)} removed"
        self.console.print(
            f"{len(documents) - len(refused)} of {len(documents)} files available: {done}.", markup=False
        )
        return True

    def _report(self, left_out: dict[str, str]) -> None:
        """Print which files are left out and why, each only once."""
        lines = [
            f"Left out {shown(name)}: {shown(reason)}"
            for name, reason in left_out.items()
            if self._reported.get(name) != reason
        ]
        self._reported = left_out
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"Left out {len(lines) - _MOST_LINES} more."]
        for line in lines:
            self.console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)

    def _look(self) -> tuple[dict[str, Path], dict[str, str]]:
        """The documents and the files that are left out; the file with the metadata is neither."""
        documents, left_out = look_into(self._folder)
        if self._metadata_file is not None and self._metadata_file.resolve().is_relative_to(self._folder.resolve()):
            own = self._metadata_file.resolve().relative_to(self._folder.resolve()).as_posix()
            documents.pop(own, None)
            left_out.pop(own, None)
        return documents, left_out
