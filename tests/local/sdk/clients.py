"""One way to call every line of the SDK, so that one module of checks fits all.

The SDKs are used as their users do: the environment alone says where the service is.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import io
import json
from collections.abc import AsyncIterable, Awaitable
from pathlib import Path
from typing import Any, Protocol

# The facts that the assistant of the checks knows, each in its own file, and the questions.
FACT = "The red pine can grow up to 25 meters high."
OTHER = "Blue whales reach a length of 30 meters."
FILTER = {"topic": "trees"}
QUESTION = [{"role": "user", "content": "How high can a red pine grow?"}]


class Client(Protocol):
    """The calls that the checks make; options are the SDK's own."""

    errors: tuple[type[Exception], ...]
    has_pages: bool
    has_images: bool
    has_operations: bool
    polls_after_create: bool

    def create(self, name: str, **options: Any) -> Any: ...
    def describe(self, name: str) -> Any: ...
    def names(self) -> list[str]: ...
    def update(self, name: str, **options: Any) -> Any: ...
    def delete(self, name: str) -> None: ...
    def upload_path(self, name: str, path: Path, **options: Any) -> Any: ...
    def upload_stream(self, name: str, file_name: str, text: str, **options: Any) -> Any: ...
    def describe_file(self, name: str, file_id: str, **options: Any) -> Any: ...
    def list_files(self, name: str, **options: Any) -> list[Any]: ...
    def delete_file(self, name: str, file_id: str) -> None: ...
    def chat(self, name: str, **options: Any) -> Any: ...
    def completions(self, name: str, **options: Any) -> Any: ...
    def context(self, name: str, **options: Any) -> Any: ...
    def evaluate(self, question: str, answer: str, truth: str) -> tuple[Any, str]: ...
    def call(self, method: str, **options: Any) -> Any: ...
    def close(self) -> None: ...


def open_client(kind: str, **options: Any) -> Client:
    """A client of the installed line; `kind` is plugin, sync or async."""
    pinecone: Any = importlib.import_module("pinecone")
    if kind == "plugin":
        return PluginClient(pinecone.Pinecone(**options))
    return NewClient(pinecone, asynchronous=kind == "async", **options)


class PluginClient:
    """pinecone 7.3 with pinecone-plugin-assistant 1.8, and 8.1 with 3.0."""

    has_pages = False
    has_operations = False
    polls_after_create = True

    def __init__(self, pinecone: Any) -> None:
        self._api = pinecone.assistant
        self.has_images = importlib.metadata.version("pinecone-plugin-assistant") >= "3"
        parts = ("control", "data", "evaluation")
        modules = [
            importlib.import_module(f"pinecone_plugins.assistant.{part}.core.client.exceptions") for part in parts
        ]
        self.errors: tuple[type[Exception], ...] = tuple(module.PineconeApiException for module in modules)

    def create(self, name: str, **options: Any) -> Any:
        return self._api.create_assistant(name, **options)

    def describe(self, name: str) -> Any:
        return self._api.describe_assistant(name)

    def names(self) -> list[str]:
        return [assistant.name for assistant in self._api.list_assistants()]

    def update(self, name: str, **options: Any) -> Any:
        return self._api.update_assistant(name, **options)

    def delete(self, name: str) -> None:
        self._api.delete_assistant(name)

    def upload_path(self, name: str, path: Path, **options: Any) -> Any:
        return self._api.Assistant(name).upload_file(str(path), **options)

    def upload_stream(self, name: str, file_name: str, text: str, **options: Any) -> Any:
        return self._api.Assistant(name).upload_bytes_stream(io.BytesIO(text.encode()), file_name, **options)

    def describe_file(self, name: str, file_id: str, **options: Any) -> Any:
        return self._api.Assistant(name).describe_file(file_id, **options)

    def list_files(self, name: str, **options: Any) -> list[Any]:
        return list(self._api.Assistant(name).list_files(**options))

    def delete_file(self, name: str, file_id: str) -> None:
        self._api.Assistant(name).delete_file(file_id)

    def chat(self, name: str, **options: Any) -> Any:
        return self._answer(self._api.Assistant(name).chat, options)

    def completions(self, name: str, **options: Any) -> Any:
        return self._answer(self._api.Assistant(name).chat_completions, options)

    def context(self, name: str, **options: Any) -> Any:
        return self._api.Assistant(name).context(**options)

    def evaluate(self, question: str, answer: str, truth: str) -> tuple[Any, str]:
        found = self._api.evaluation.metrics.alignment(question, answer, truth)
        return found.metrics, str(found.reasoning.evaluated_facts)

    def call(self, method: str, **options: Any) -> Any:
        raise NotImplementedError(f"the plugin has no {method}{options}")

    def close(self) -> None:
        """It has nothing to close."""

    def _answer(self, ask: Any, options: dict[str, Any]) -> Any:
        answer = ask(**{"messages": QUESTION, **options})
        return list(answer) if options.get("stream") else answer


class NewClient:
    """pinecone 9.x and 10.x, whose sync and async clients have the same methods."""

    has_pages = True
    has_images = True
    polls_after_create = False

    def __init__(self, pinecone: Any, *, asynchronous: bool, **options: Any) -> None:
        self._loop = asyncio.new_event_loop() if asynchronous else None
        self._pinecone = (pinecone.AsyncPinecone if asynchronous else pinecone.Pinecone)(**options)
        self._api = self._pinecone.assistants
        self.errors: tuple[type[Exception], ...] = (pinecone.PineconeError,)
        self.has_operations = hasattr(self._api, "list_operations")

    def create(self, name: str, **options: Any) -> Any:
        return self.call("create", name=name, **options)

    def describe(self, name: str) -> Any:
        return self.call("describe", name=name)

    def names(self) -> list[str]:
        return [assistant.name for assistant in self.call("list")]

    def update(self, name: str, **options: Any) -> Any:
        return self.call("update", name=name, **options)

    def delete(self, name: str) -> None:
        self.call("delete", name=name)

    def upload_path(self, name: str, path: Path, **options: Any) -> Any:
        return self.call("upload_file", assistant_name=name, file_path=str(path), **options)

    def upload_stream(self, name: str, file_name: str, text: str, **options: Any) -> Any:
        stream = io.BytesIO(text.encode())
        return self.call("upload_file", assistant_name=name, file_stream=stream, file_name=file_name, **options)

    def describe_file(self, name: str, file_id: str, **options: Any) -> Any:
        return self.call("describe_file", assistant_name=name, file_id=file_id, **options)

    def list_files(self, name: str, **options: Any) -> list[Any]:
        return list(self.call("list_files", assistant_name=name, **options))

    def delete_file(self, name: str, file_id: str) -> None:
        self.call("delete_file", assistant_name=name, file_id=file_id)

    def chat(self, name: str, **options: Any) -> Any:
        return self.call("chat", assistant_name=name, **{"messages": QUESTION, **options})

    def completions(self, name: str, **options: Any) -> Any:
        return self.call("chat_completions", assistant_name=name, **{"messages": QUESTION, **options})

    def context(self, name: str, **options: Any) -> Any:
        return self.call("context", assistant_name=name, **options)

    def evaluate(self, question: str, answer: str, truth: str) -> tuple[Any, str]:
        found = self.call("evaluate_alignment", question=question, answer=answer, ground_truth_answer=truth)
        return found.scores, str([(fact.fact, fact.reasoning) for fact in found.facts])

    def call(self, method: str, **options: Any) -> Any:
        """The result of a method; a result in parts becomes a list."""
        result = getattr(self._api, method)(**options)
        if self._loop is not None:
            return self._loop.run_until_complete(_finish(result))
        return list(result) if hasattr(result, "__iter__") and not hasattr(result, "to_dict") else result

    def close(self) -> None:
        result = self._pinecone.close()
        if self._loop is not None:
            self._loop.run_until_complete(_finish(result))
            self._loop.close()


async def _finish(result: Awaitable[Any] | AsyncIterable[Any]) -> Any:
    value = await result if isinstance(result, Awaitable) else result
    return [item async for item in value] if isinstance(value, AsyncIterable) else value


def status_of(error: Exception) -> int:
    """The HTTP status in an SDK's error."""
    status: int = error.status_code if hasattr(error, "status_code") else getattr(error, "status", 0)
    return status


def message_of(error: Exception) -> str:
    """The service's own message in an SDK's error."""
    body = getattr(error, "body", None)
    if isinstance(body, str | bytes):
        body = json.loads(body)
    return str(body["error"]["message"]) if isinstance(body, dict) else str(error)
