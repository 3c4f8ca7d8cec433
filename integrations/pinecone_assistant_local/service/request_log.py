"""The requests to the local assistant, for the assertions of tests."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

# Headers that may carry a key are not recorded: also the one of another service, sent by mistake.
_SECRET_HEADER = re.compile(r"key|auth|cookie|secret|token")


@dataclass(slots=True)
class RecordedRequest:
    """One request.

    Attributes:
        method: Such as "POST".
        path: Without the query.
        version: The value of `X-Pinecone-Api-Version`; None if it was not sent.
        body: The decoded JSON, or for an upload its file name, size and metadata; None if there was none.
        headers: Lower-case names; never the key.
        query: The decoded query parameters.
    """

    method: str
    path: str
    version: str | None
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


_KEPT = 10_000


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._records: deque[RecordedRequest] = deque(maxlen=_KEPT)

    def add(self, record: RecordedRequest) -> None:
        """Record a request."""
        self._records.append(record)

    def all(self) -> list[RecordedRequest]:
        """A list of its own, which later requests leave alone."""
        return list(self._records)

    def clear(self) -> None:
        """Forget every request."""
        self._records.clear()


def safe_headers(headers: Iterable[tuple[str, str]], api_key: str) -> dict[str, str]:
    """The headers without those that may carry a key, and without the key wherever else it stands."""
    return {name: value.replace(api_key, "[key]") for name, value in headers if not _SECRET_HEADER.search(name)}
