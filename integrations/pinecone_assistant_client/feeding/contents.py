"""Contents of files to upload: paths, bytes and streams, checked before anything is sent and read piece by piece.

A retry must read the file again, so every content can be read any number of times: a path is opened for each attempt, and a
stream that cannot seek is spooled first.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, cast

from ..errors import AssistantError, InvalidRequestError
from ..redaction import excerpt, without_secrets

MEGABYTE = 1024 * 1024
CONTENT_TYPES = {
    "txt": "text/plain",
    "md": "text/markdown",
    "json": "application/json",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_KNOWN = ", ".join(f".{extension}" for extension in CONTENT_TYPES)
_PIECE_BYTES = 128 * 1024
_SPOOL_BYTES = MEGABYTE
"""How much of a stream that cannot seek is kept in memory; the rest goes to a temporary file."""
MAX_FILE_BYTES = 100 * MEGABYTE


def extension_of(name: str) -> str | None:
    """The extension of a name, in lower case, if the service takes files of that type."""
    _, dot, extension = name.rpartition(".")
    return extension.lower() if dot and extension.lower() in CONTENT_TYPES else None


def max_bytes(name: str) -> int:
    """The largest file of that name that the service takes."""
    return MAX_FILE_BYTES if extension_of(name) == "pdf" else 10 * MEGABYTE


def checked_name(name: Any) -> str:
    """Return the name of a file if it is valid.

    Raises:
        InvalidRequestError: Not a text, empty, with control characters, or of an unknown type.
    """
    if not isinstance(name, str):
        raise InvalidRequestError(f"name is a {type(name).__name__}: pass a text such as 'pine.md'")
    if not name.strip() or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise InvalidRequestError(f"name {name!r} cannot be the name of a file: pass a text such as 'pine.md'")
    if extension_of(name) is None:
        raise InvalidRequestError(f"{name!r} has no known type: the name must end in one of {_KNOWN}")
    return name


class FileContent:
    """The bytes of one file, which can be read again and again.

    Args:
        name: The file's name in the assistant.
        size: Bytes.
        open_: Opens the file at its beginning, for each reading.
        closes: Whether a reading closes what it opened.
        is_in_memory: Reading does not block.
        spool: A temporary file that `close` closes.

    Attributes:
        expected_sha256: If set, `pieces` refuses bytes of another hash: the file changed since it was hashed.
    """

    def __init__(
        self,
        name: str,
        size: int,
        open_: Callable[[], BinaryIO],
        *,
        closes: bool = True,
        is_in_memory: bool = False,
        spool: Any = None,
    ) -> None:
        self.name = name
        self.size = size
        self.is_in_memory = is_in_memory
        self.expected_sha256: str | None = None
        self._open = open_
        self._closes = closes
        self._spool = spool
        if size > max_bytes(name):
            raise too_large(name, size)

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the beginning.

        Before the last piece is yielded, the end of the file is checked, so a file that grew is never sent in part.

        Raises:
            InvalidRequestError: It cannot be read, or it changed.
        """
        digest = hashlib.sha256() if self.expected_sha256 is not None else None
        with reading(self.name):
            stream = self._open()
            try:
                left = self.size
                while True:
                    piece = stream.read(min(left, _PIECE_BYTES)) if left else b""
                    if left and not piece:
                        raise self._changed(f"it has {self.size - left:,} bytes now")
                    left -= len(piece)
                    if digest is not None:
                        digest.update(piece)
                    if left <= 0:
                        if left < 0 or stream.read(1):
                            raise self._changed("it is larger now")
                        if digest is not None and digest.hexdigest() != self.expected_sha256:
                            raise self._changed("its content is another one now")
                    if piece:
                        yield bytes(piece)
                    if left <= 0:
                        return
            finally:
                if self._closes:
                    stream.close()

    def sha256(self) -> str:
        """The hash of the content, in hexadecimal."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def close(self) -> None:
        """Free the temporary file, if there is one."""
        if self._spool is not None:
            self._spool.close()

    def _changed(self, how: str) -> InvalidRequestError:
        return InvalidRequestError(
            f"{self.name!r} changed while it was sent: it had {self.size:,} bytes, and {how}. Nothing of it was stored: "
            "upload it again when it is complete"
        )


def open_content(file: Any, name: str | None) -> FileContent:
    """The content of a path, bytes or a binary stream, checked. A stream that cannot seek is read to its end here.

    Raises:
        InvalidRequestError: It does not exist, is not a file, has no name or an unknown type, or is too large.
    """
    if isinstance(file, (bytes, bytearray, memoryview)):
        # A copy of what its owner may change, and of a view with gaps, which no stream can read.
        is_copied = isinstance(file, bytearray) or not memoryview(file).c_contiguous
        data = bytes(file) if is_copied else file
        return FileContent(
            checked_name(_required(name, file)), memoryview(data).nbytes, lambda: io.BytesIO(data), is_in_memory=True
        )
    if isinstance(file, (str, os.PathLike)):
        with reading(f"a {type(file).__name__}"):  # of a library for storage, it may fetch the file now
            path = os.fspath(file)
        return _content_of_path(path, name)
    if callable(getattr(file, "read", None)):
        return _content_of_stream(file, checked_name(_required(name, file)))
    raise InvalidRequestError(
        f"file is a {type(file).__name__}: pass a path, bytes or a binary stream; for a folder use client.files.sync"
    )


def spooled(stream: Any, name: str) -> FileContent:
    """The content of a stream that can be read only once: at most 1 MB of it stays in memory.

    Raises:
        InvalidRequestError: It cannot be read, is not binary, or is too large.
    """
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed by the content
    try:
        size = 0
        with reading(name):
            while piece := _binary(stream.read(_PIECE_BYTES), name):
                size += len(piece)
                if size > max_bytes(name):
                    raise too_large(name, size, is_all=False)
                spool.write(piece)
    except BaseException:
        spool.close()
        raise
    return FileContent(name, size, lambda: _rewound(spool, 0), closes=False, spool=spool)


def too_large(name: str, size: int, *, is_all: bool = True) -> InvalidRequestError:
    """The error for a file over the limit."""
    limit = max_bytes(name)
    return InvalidRequestError(
        f"{name!r} has {'' if is_all else 'more than '}{size if is_all else limit:,} bytes, and the service takes at most "
        f"{limit:,} ({limit // MEGABYTE} MiB) of this type: split it"
    )


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn any error in reading a file into an InvalidRequestError: storage libraries raise errors of every kind."""
    try:
        yield
    except AssistantError:
        raise
    except Exception as error:
        reason = excerpt(without_secrets(str(error))) or type(error).__name__
        raise InvalidRequestError(
            f"{name!r} cannot be read ({reason}): check that it exists and is readable"
        ) from error


def _required(name: str | None, file: Any) -> str:
    if name is None:
        raise InvalidRequestError(
            f"a {type(file).__name__} has no name of its own: pass name=, whose extension ({_KNOWN}) decides the type"
        )
    return name


def _content_of_path(path: str | bytes, name: str | None) -> FileContent:
    shown = os.fsdecode(path)
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise InvalidRequestError(f"{shown!r} is a folder: pass a file, or use client.files.sync({shown!r})")
        if not stat.S_ISREG(found.st_mode):
            raise InvalidRequestError(f"{shown!r} is not a regular file: open it and pass the stream with name=")
        open(path, "rb").close()  # whether it may be read, before anything is sent
    except FileNotFoundError as error:
        raise InvalidRequestError(f"there is no file {shown!r}: check the path") from error
    except AssistantError:
        raise
    except (OSError, ValueError) as error:
        raise InvalidRequestError(f"{shown!r} cannot be read ({error}): check the path and its rights") from error
    checked = checked_name(os.path.basename(shown) if name is None else name)
    return FileContent(checked, found.st_size, lambda: open(path, "rb"))


def _content_of_stream(stream: Any, name: str) -> FileContent:
    with reading(name):
        _binary(stream.read(0), name)
        if not _can_seek(stream):
            return spooled(stream, name)
        start = stream.tell()
        size = stream.seek(0, os.SEEK_END) - start
        stream.seek(start)
    return FileContent(name, max(0, size), lambda: _rewound(stream, start), closes=False)


def _binary(data: Any, name: str) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InvalidRequestError(
            f"the stream for {name!r} gave {type(data).__name__}, not bytes: open it in binary mode, and let it block"
        )
    return bytes(data)


def _can_seek(stream: Any) -> bool:
    return bool(stream.seekable()) if callable(getattr(stream, "seekable", None)) else False


def _rewound(stream: Any, start: int) -> BinaryIO:
    stream.seek(start)
    return cast("BinaryIO", stream)


# CRC-32C (Castagnoli), the hash that the service reports for a file. Only an upload with an unclear outcome needs it.
_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901 - the remainder of this byte
        table.append(value)
    return tuple(table)


_TABLE = _table()


def crc32c(pieces: Iterable[bytes]) -> int:
    """The CRC-32C of a content that comes in pieces."""
    table = _TABLE
    state = 0xFFFFFFFF
    for piece in pieces:
        for byte in piece:
            state = state >> 8 ^ table[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF
