"""Processing: uploaded content to passages, outside the request that uploaded it."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from ..documents.children import Children, Interrupted
from ..documents.file_types import is_read_by_child
from ..documents.reading import read_document
from ..errors import DocumentError, ServiceError, StoreError
from ..store.files import Files, StoredFile
from ..text.passages import to_passages

_logger = logging.getLogger("pinecone_assistant_local")


class Ingest:
    """A worker that processes files one after another; files that need a child process have a queue of their own.

    Args:
        files: Where the files are.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._children = Children()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="local-assistant-ingest")
        # A file that keeps its child busy up to the limits must not delay the others.
        self._child_worker = ThreadPoolExecutor(1, thread_name_prefix="local-assistant-child")
        self._pending: dict[tuple[int, int], Future[None]] = {}

    def submit(self, file: StoredFile) -> Future[None]:
        """Begin to process a file; the future ends when the file is Available or ProcessingFailed."""
        key = (file.row, file.generation)
        worker = self._child_worker if is_read_by_child(file.name) else self._worker
        future = worker.submit(self.process, file)
        self._pending[key] = future
        future.add_done_callback(lambda _: self._pending.pop(key, None))
        return future

    def pending(self, file: StoredFile) -> Future[None] | None:
        """The processing of a file, if it has not ended."""
        return self._pending.get((file.row, file.generation))

    def resume(self) -> None:
        """Restart the processing of files that an earlier run of the server left unfinished."""
        for file in self._files.unfinished():
            self.submit(file)

    def process(self, file: StoredFile) -> None:
        """Process a file now."""
        try:
            self._process(file)
        except StoreError as error:
            _logger.error("%s is not processed until the next start: %s", file.name, error)
            raise

    def _process(self, file: StoredFile) -> None:
        try:
            content = self._files.content(file)
            document = read_document(file.name, content, multimodal=file.multimodal, children=self._children)
        except DocumentError as error:
            self._files.fail(file, str(error))
            return
        except (ServiceError, Interrupted):
            return  # deleted before its turn, or the server is closing and will process it at the next start
        except StoreError:
            raise
        except Exception as error:
            # A bug in a parser must not leave the file in Processing for ever; the error is logged and raised.
            _logger.exception("processing %s failed", file.name)
            self._files.fail(file, f"Internal error while processing: {type(error).__name__}.")
            raise
        if document.images_left_out:
            _logger.warning(
                "%s: images without data (too many, too large or not readable): %d",
                file.name,
                document.images_left_out,
            )
        self._files.finish(file, to_passages(document.blocks, file.name), document.images)

    def close(self) -> None:
        """Finish the current file, or end its child; a store that is kept processes the others at its next start."""
        self._children.close()
        self._worker.shutdown(cancel_futures=True)
        self._child_worker.shutdown(cancel_futures=True)
