"""Clients for the tests of files: the public methods of both kinds, called sync."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from pinecone_assistant_client import Assistants, AsyncAssistants
from pinecone_assistant_client.retries import Retries
from pinecone_assistant_local import LocalAssistant

from .asking import Asking
from .raw_server import Answer, reply

WHEN = "2026-04-01T12:00:00Z"


class Waits:
    """Retries that do not sleep; what they would have slept is noted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def into(self, client: Any) -> None:
        """Let a client wait here."""

        async def sleep(seconds: float) -> None:
            self.seconds.append(seconds)

        client._retries = Retries(
            client._retries.policy, sleep=self.seconds.append, async_sleep=sleep, jitter=lambda: 1.0
        )


class Calls:
    """Wrap an object so that all its methods can be called sync: coroutines are run, async iterators are stepped."""

    def __init__(self, asking: Asking, object_: Any) -> None:
        self._asking = asking
        self._object = object_

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._object, name)
        if not callable(found):
            return found

        def call(*args: Any, **options: Any) -> Any:
            result = self._asking.run(lambda: found(*args, **options))
            return self._steps(result) if isinstance(result, AsyncIterator) else result

        return call

    def _steps(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._asking.run(items.__anext__)
            except StopAsyncIteration:  # noqa: PERF203 - the end of the list
                return


class Feeder:
    """A client of either kind for feeding; `waits` has what it would have slept."""

    def __init__(self, asking: Asking, **options: Any) -> None:
        self.asker = asking(**options)
        self.client = self.asker.client
        self.files = Calls(asking, self.client.files)
        self.operations = Calls(asking, self.client.operations)
        self._calls = Calls(asking, self.client)
        self.waits = Waits()
        self.waits.into(self.client)

    def evaluate(self, *args: Any, **options: Any) -> Any:
        return self._calls.evaluate(*args, **options)


class ControlPlane:
    """`Assistants` of either kind, behind sync calls."""

    def __init__(self, asking: Asking, **options: Any) -> None:
        make = Assistants if asking.kind == "sync" else AsyncAssistants
        self.object: Any = make(**options)
        self.waits = Waits()
        self.waits.into(self.object._exchange)
        self._calls = Calls(asking, self.object)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calls, name)


@dataclass(frozen=True)
class SentFile:
    """A file as the local assistant has it."""

    id: str
    name: str
    content: bytes
    metadata: dict[str, Any] | None


def files_of(local: LocalAssistant, assistant: str | None = None) -> dict[str, SentFile]:
    """All files of an assistant by their ids, out of its store."""
    files = local._running.service.store.files
    return {
        file.id: SentFile(file.id, file.name, files.content(file), file.metadata)
        for file in files.select(assistant or local.name)
    }


def methods(local: LocalAssistant) -> list[str]:
    """The requests so far: method and the kind of thing, `"PUT files"`."""
    return [f"{request.method} {request.path.split('/')[2]}" for request in local.requests]


def operation(id_: str = "op-1", status: str = "Completed", file_id: str = "f1", **others: Any) -> dict[str, Any]:
    """An operation on the wire."""
    return {
        "id": id_,
        "operation_type": "upsert_file",
        "file_id": file_id,
        "status": status,
        "created_on": WHEN,
        "percent_complete": 100 if status == "Completed" else 40,
        **others,
    }


def file(id_: str = "f1", name: str = "pine.md", status: str = "Available", **others: Any) -> dict[str, Any]:
    """A file on the wire."""
    return {"id": id_, "name": name, "status": status, "created_on": WHEN, "updated_on": WHEN, **others}


def refused(status: int, message: str, **options: Any) -> Answer:
    """An error in the service's shape."""
    return reply(json.dumps({"error": {"code": "X", "message": message}, "status": status}), status=status, **options)


NO_FILE = refused(404, "File with id f1  not found in provided assistant")
NO_ASSISTANT = refused(404, 'Assistant "docs" not found.')
