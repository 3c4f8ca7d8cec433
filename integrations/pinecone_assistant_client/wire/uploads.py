"""Multipart bodies of uploads. A body is an iterable that starts anew for each attempt, and it never holds a whole file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from urllib3.fields import RequestField


class Content(Protocol):
    """The bytes of a file to upload.

    Attributes:
        name: The file's name in the assistant; its extension decides the type.
        size: Bytes.
        is_in_memory: False if reading may block: an event loop then leaves the reading to a thread.
    """

    name: str
    size: int
    is_in_memory: bool

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the beginning, piece by piece; each call reads anew. Raises AssistantError if it cannot."""


class MultipartBody:
    """The body of an upload: the metadata field, if any, and the file, with an exact length.

    Both transports take it. `requests` reads `len()` and iterates, so it also works in an injected session; the aiohttp
    transport writes the pieces itself.

    Args:
        content: The file.
        content_type: Its media type.
        metadata: Its metadata as JSON, or None to send no such field.
        boundary: A text that does not occur in the file: random.
    """

    def __init__(self, content: Content, *, content_type: str, metadata: bytes | None, boundary: str) -> None:
        self._content = content
        mark = f"--{boundary}\r\n".encode()
        head = b""
        if metadata is not None:
            head = mark + _part_head("metadata", None, None) + metadata + b"\r\n"
        self._head = head + mark + _part_head("file", content.name, content_type)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.is_in_memory = content.is_in_memory

    def __len__(self) -> int:
        return len(self._head) + self._content.size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._content.pieces()
        yield self._tail


def _part_head(name: str, file_name: str | None, content_type: str | None) -> bytes:
    part = RequestField(name=name, data=b"", filename=file_name)
    part.make_multipart(content_type=content_type)
    return part.render_headers().encode()
