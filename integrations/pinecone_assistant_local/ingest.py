"""Processing: uploaded content to passages, off the request that brought it."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from pinecone_assistant_local.documents import DocumentError, parse_document
from pinecone_assistant_local.errors import ServiceError
from pinecone_assistant_local.passages import to_passages
from pinecone_assistant_local.stored_files import Files, StoredFile

_logger = logging.getLogger("pinecone_assistant_local")


class Ingest:
    """Processes files one after another in a thread of its own.

    Args:
        files: Where the files are.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="local-assistant-ingest")
        self._pending: dict[tuple[int, int], Future[None]] = {}

    def submit(self, file: StoredFile) -> Future[None]:
        """Begins to process a file; the future ends when the file is Available or ProcessingFailed."""
        key = (file.row, file.generation)
        future = self._worker.submit(self.process, file)
        self._pending[key] = future
        future.add_done_callback(lambda _: self._pending.pop(key, None))
        return future

    def pending(self, file: StoredFile) -> Future[None] | None:
        """The processing of a file, if it has not ended."""
        return self._pending.get((file.row, file.generation))

    def resume(self) -> None:
        """Begins again what an earlier run of the server left unfinished."""
        for file in self._files.unfinished():
            self.submit(file)

    def process(self, file: StoredFile) -> None:
        """Processes a file now."""
        try:
            blocks = parse_document(file.name, self._files.content(file))
        except DocumentError as error:
            self._files.fail(file, str(error))
            return
        except ServiceError:
            return  # the file was deleted before its turn came
        except Exception as error:
            # A bug in a parser must not leave the file in Processing for ever; it is logged and raised.
            _logger.exception("processing %s failed", file.name)
            self._files.fail(file, f"Internal error while processing: {type(error).__name__}.")
            raise
        self._files.finish(file, to_passages(blocks, file.name))

    def close(self) -> None:
        """Finishes the file in work; the others are redone at the next start of a kept store."""
        self._worker.shutdown(cancel_futures=True)
