"""The requests to the local assistant, for the assertions of tests."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

# Headers that may carry a key, including a key for another service sent by mistake, are not recorded.
_SECRET_HEADER = re.compile(r"key|auth|cookie|secret|token")


@dataclass(slots=True)
class RecordedRequest:
    """One request.

    Attributes:
        method: The HTTP method, such as "POST".
        path: The path without the query.
        version: The value of `X-Pinecone-Api-Version`; None if it was not sent.
        body: The decoded JSON, or for an upload its file name, size and metadata; None if there was none.
        headers: The headers with lower-case names, without the key.
        query: The decoded query parameters.
    """

    method: str
    path: str
    version: str | None = None
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


MAX_REQUESTS = 10_000
MAX_BYTES = 16 * 1024 * 1024
# Roughly the size of the Python objects of a record.
_RECORD_BYTES = 1_000


class RequestLog:
    """The last requests, oldest first: at most `MAX_REQUESTS`, with at most `MAX_BYTES` of headers and bodies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By id(), because a record changes while its request is read; each with its size in bytes.
        self._records: OrderedDict[int, tuple[RecordedRequest, int]] = OrderedDict()
        self._bytes = 0

    def add(self, record: RecordedRequest) -> None:
        """Record a request as the newest one."""
        with self._lock:
            self._records[id(record)] = (record, 0)
        self.grow(record, _RECORD_BYTES + len(record.path))

    def grow(self, record: RecordedRequest, count: int) -> None:
        """Add to the size of a request, and drop the oldest requests if the total is too large."""
        with self._lock:
            kept, before = self._records.get(id(record), (None, 0))
            if kept is not record:
                return  # dropped meanwhile, or the log was cleared
            self._records[id(record)] = (record, before + count)
            self._bytes += count
            while len(self._records) > MAX_REQUESTS or (self._bytes > MAX_BYTES and len(self._records) > 1):
                _, (_, dropped) = self._records.popitem(last=False)
                self._bytes -= dropped

    def all(self) -> list[RecordedRequest]:
        """A copy, which later requests do not change."""
        with self._lock:
            return [record for record, _ in self._records.values()]

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._records.clear()
            self._bytes = 0


def safe_headers(headers: Iterable[tuple[str, str]], api_key: str) -> dict[str, str]:
    """The headers without those that may carry a key, and without the key wherever else it appears."""
    return {name: value.replace(api_key, "[key]") for name, value in headers if not _SECRET_HEADER.search(name)}
