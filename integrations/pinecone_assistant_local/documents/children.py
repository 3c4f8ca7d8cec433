"""PDF and DOCX files to their raw text, read in a child process that may fail, hang or grow without harm."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from ..errors import DocumentError
from .child import __main__ as extraction_child
from .contents import DocxContent, PdfContent

_logger = logging.getLogger("pinecone_assistant_local")

_KINDS = {"pdf": "PDF", "docx": "DOCX"}
_NEEDED = ("pypdfium2", "PIL")
_MAX_TRACEBACK = 4_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for reading one file; memory and CPU time are limited where the operating system can."""

    wall_seconds: float = 120.0
    cpu_seconds: int = 110
    memory_bytes: int = 2 * 1024**3
    output_bytes: int = 128 * 1024**2


class Interrupted(Exception):  # noqa: N818  (not an error of the file: the server is closing)
    """The reading of a file was stopped; it can be read again later."""


class Children:
    """Child processes, one for each file, that can be ended.

    Args:
        limits: The memory and time of each process.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def read_pdf(self, content: bytes, *, images: bool = False) -> PdfContent:
        """Return the lines, and if wanted the images, of a PDF.

        Raises:
            DocumentError: It cannot be read within the limits.
            Interrupted: `close` was called.
        """
        return self._run("pdf", content, PdfContent, images=images)

    def read_docx(self, content: bytes) -> DocxContent:
        """Return the paragraphs and tables of a DOCX document; raises as `read_pdf` does."""
        return self._run("docx", content, DocxContent)

    def close(self) -> None:
        """End the running children; from now on reading any file raises `Interrupted`."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()

    def _run(self, kind: str, content: bytes, result: type[_T], *, images: bool = False) -> _T:
        options = {
            "kind": kind,
            "images": images,
            "folders": _import_folders(_NEEDED),
            "memory_bytes": self._limits.memory_bytes,
            "cpu_seconds": self._limits.cpu_seconds,
            "wall_seconds": self._limits.wall_seconds,
        }
        # Files instead of pipes for both directions: a pipe that nobody empties would block.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
            given.write(content)
            given.seek(0)
            process = self._start(json.dumps(options), given, errors)
            timed_out = threading.Event()

            def give_up() -> None:
                timed_out.set()
                process.kill()

            timer = threading.Timer(self._limits.wall_seconds, give_up)
            timer.start()
            try:
                assert process.stdout is not None  # noqa: S101  (it was asked for)
                with process.stdout:
                    output = process.stdout.read(self._limits.output_bytes + 1)
                if len(output) > self._limits.output_bytes:
                    process.kill()
                status = process.wait()
            finally:
                timer.cancel()
                timer.join()
                with self._lock:
                    self._running.discard(process)
                    closed = self._closed
            if closed and status != 0:
                raise Interrupted
            if len(output) > self._limits.output_bytes:
                raise DocumentError(f"The {_KINDS[kind]} file holds more text and images than a file may.")
            if timed_out.is_set() or status != 0:
                raise DocumentError(self._failure(kind, status, timed_out=timed_out.is_set(), errors=errors))
        return _decode(output, result, kind)

    def _start(self, options: str, given: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", extraction_child.__file__, options]
        with self._lock:
            if self._closed:
                raise Interrupted
            process = subprocess.Popen(  # noqa: S603  (our own program, and no shell)
                command,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")},
                # Ctrl-C in a terminal is meant for the server, which then ends its children itself.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            self._running.add(process)
        return process

    def _failure(self, kind: str, status: int, *, timed_out: bool, errors: IO[bytes]) -> str:
        name = _KINDS[kind]
        if timed_out or status in _signals("SIGXCPU", "SIGALRM"):
            return f"Reading the {name} file took longer than a file may take; it may be damaged or made to do so."
        if status < 0:
            stopped = f"signal {-status}"
            return f"The {name} file is damaged or needs more memory than a file may take ({stopped} ended its parser)."
        errors.seek(0)
        _logger.error("the %s parser failed: %s", name, errors.read(_MAX_TRACEBACK).decode(errors="replace"))
        return (
            f"The {name} file could not be read: its parser failed (exit status {status}); the server's log has more."
        )


def _signals(*names: str) -> set[int]:
    """Return the exit statuses of these signals, where there are such signals."""
    return {-int(getattr(signal, name)) for name in names if hasattr(signal, name)}


def _decode(output: bytes, result: type[_T], kind: str) -> _T:
    reason = msgspec.json.decode(output, type=_Failure).error
    if reason is not None:
        raise DocumentError(reason)
    try:
        return msgspec.json.decode(output, type=result)
    except msgspec.DecodeError as error:
        raise DocumentError(f"The {_KINDS[kind]} file could not be read: {error}.") from error


class _Failure(msgspec.Struct):
    error: str | None = None


def _import_folders(names: Iterable[str]) -> list[str]:
    """Return where packages were found: `python -I` does not look into PYTHONPATH and the user's site-packages."""
    found = (importlib.util.find_spec(name) for name in names)
    return sorted({str(Path(spec.origin).parent.parent) for spec in found if spec is not None and spec.origin})
