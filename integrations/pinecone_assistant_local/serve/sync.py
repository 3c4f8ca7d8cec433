"""A folder brought into an assistant, with a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..errors import UploadError
from ..local_assistant import LocalAssistant
from .folder import Rules, documents_in, metadata_of, put_document, read_rules, remove_other_documents, unmatched


class FolderSync:
    """The files of a folder with their metadata.

    Args:
        folder: The folder.
        console: Where to say what was done.
        metadata: The file with the metadata of the files.

    Raises:
        ValueError: The metadata has another form, or a rule that matches no file.
        OSError: It cannot be read.
    """

    def __init__(self, folder: Path, console: Console, metadata: Path | None = None) -> None:
        self.console = console
        self._folder = folder
        self._metadata_file = metadata
        self._rules: Rules = read_rules(metadata) if metadata else {}
        names = self._documents()
        missing = unmatched(self._rules, names)
        if missing:
            raise ValueError(f"{metadata}: no file in {folder} matches {', '.join(map(repr, missing))}")
        for name in names:
            metadata_of(name, self._rules)

    def run(self, local: LocalAssistant, is_stopped: Callable[[], bool], *, with_progress: bool = True) -> bool:
        """Put what is new or changed and remove what is gone; False if it was asked to stop meanwhile."""
        documents = self._documents()
        service = local.service
        removed = remove_other_documents(service, local.name, documents)
        put, refused = 0, []
        columns = (TextColumn("Uploading"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[name]}"))
        with Progress(*columns, console=self.console, transient=True, disable=not with_progress) as progress:
            task = progress.add_task("Uploading", total=len(documents), name="")
            for name, path in documents.items():
                if is_stopped():
                    return False
                progress.update(task, name=name)
                try:
                    put += put_document(service, local.name, name, path, metadata_of(name, self._rules))
                except (UploadError, OSError, ValueError) as error:
                    refused.append(str(error))
                progress.advance(task)
        for reason in refused:
            self.console.print(f"Left out {reason}", style="yellow", markup=False, soft_wrap=True)
        done = f"{put} uploaded, {len(documents) - put - len(refused)} unchanged, {len(removed)} removed"
        self.console.print(
            f"{len(documents) - len(refused)} of {len(documents)} files available: {done}.", markup=False
        )
        return True

    def _documents(self) -> dict[str, Path]:
        """The files by their path in the folder; the one with the metadata is none of them."""
        own = self._metadata_file.resolve() if self._metadata_file else None
        return {
            path.relative_to(self._folder).as_posix(): path
            for path in documents_in(self._folder)
            if own is None or path.resolve() != own
        }
