"""Fixtures: local assistants for the LlamaIndex adapter, and one call for all methods of the LLM."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]  # re-exported
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage

from llama_index.llms.pinecone_assistant import AssistantChatResponse, AssistantCompletionResponse, PineconeAssistant
from pinecone_assistant_local import LocalAssistant

T = TypeVar("T")
HandlerT = TypeVar("HandlerT", bound=BaseEventHandler)
Answer = AssistantChatResponse | AssistantCompletionResponse
QUESTION = "What is the maximum height of a red pine, in meters?"
RED_PINE = (
    "# Red pine\nA red pine can grow up to 25 meters high and 75 centimeters in diameter. It lives in North America."
)
NURSERY = "# Nursery\nWe sell pines that are 3 meters high."
SECRET = "pcsk_very-secret-key"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new event loop and return its result."""
    return asyncio.run(coroutine)


@dataclass(frozen=True)
class Ask:
    """One of the LLM's eight methods. Calling it returns the list of all responses."""

    method: str
    is_async: bool

    @property
    def streams(self) -> bool:
        return self.method.startswith("stream")

    def __call__(self, llm: PineconeAssistant, question: str = QUESTION, **options: Any) -> list[Answer]:
        """Return the responses to one question; a whole answer is a list of one."""
        argument = [ChatMessage(question)] if self.method.endswith("chat") else question
        return self.raw(llm, argument, **options)

    def raw(self, llm: Any, argument: Any, **options: Any) -> list[Any]:
        """Call the method with its own type of argument."""
        if not self.is_async:
            result = getattr(llm, self.method)(argument, **options)
            return list(result) if self.streams else [result]

        async def call() -> list[Any]:
            result = await getattr(llm, f"a{self.method}")(argument, **options)
            return [item async for item in result] if self.streams else [result]

        return run(call())


EIGHT = [
    Ask(method, is_async)
    for method in ("chat", "complete", "stream_chat", "stream_complete")
    for is_async in (False, True)
]


def _name(ask: Ask) -> str:
    return f"{'a' if ask.is_async else ''}{ask.method}"


@pytest.fixture(params=EIGHT, ids=_name)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Each of the eight methods."""
    assert isinstance(request.param, Ask)
    return request.param


@pytest.fixture(params=[ask for ask in EIGHT if ask.method.endswith("chat")], ids=_name)
def chat(request: pytest.FixtureRequest) -> Ask:
    """Each of the four methods that take messages."""
    assert isinstance(request.param, Ask)
    return request.param


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Sync, then async."""
    return bool(request.param)


@pytest.fixture
def call(is_async: bool) -> Callable[..., Any]:
    """Return `call`: `call(thing, "query", ...)` runs `thing.query(...)`, or `thing.aquery(...)` in a new event loop."""

    def call(thing: Any, method: str, *arguments: Any, **options: Any) -> Any:
        if not is_async:
            return getattr(thing, method)(*arguments, **options)

        async def wait() -> Any:
            return await getattr(thing, f"a{method}")(*arguments, **options)

        return run(wait())

    return call


@pytest.fixture
def thread_loop() -> Iterator[None]:
    """Set an event loop for this thread. Without one, LlamaIndex's asyncio_run creates one and leaves it open.

    An open loop causes a warning in whatever test runs when it is collected.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="session")
def _server() -> Iterator[LocalAssistant]:
    with LocalAssistant(api_key=SECRET) as server:
        yield server


@pytest.fixture
def local(_server: LocalAssistant) -> LocalAssistant:
    """A local assistant with files about a red pine and about a nursery."""
    _server.reset()
    _server.upload_text("red_pine.md", RED_PINE, metadata={"resource": "encyclopedia", "year": 2020})
    _server.upload_text("nursery.md", NURSERY, metadata={"resource": "nursery", "year": 2024})
    return _server


@pytest.fixture
def words(local: LocalAssistant) -> dict[str, Any]:
    """Options that connect to the local assistant."""
    return {"assistant_name": local.name, "api_key": local.api_key, "host": local.host}


@pytest.fixture
def llm(words: dict[str, Any]) -> PineconeAssistant:
    """An LLM with default options."""
    return PineconeAssistant(**words)


@contextmanager
def heard_by(handler: HandlerT) -> Iterator[HandlerT]:
    """Register the handler for LlamaIndex's instrumentation events, and yield it."""
    root = get_dispatcher()
    root.add_event_handler(handler)
    try:
        yield handler
    finally:
        root.event_handlers.remove(handler)


def bodies(local: LocalAssistant) -> list[dict[str, Any]]:
    """Return the bodies of the chat and context requests so far."""
    found = [request.body for request in local.requests if "/chat/" in request.path]
    assert all(isinstance(body, dict) for body in found)
    return found  # type: ignore[return-value]  # asserted above


def paths(local: LocalAssistant) -> list[str]:
    """Return the last path segments of the chat and context requests so far."""
    return [request.path.rpartition("/")[2] for request in local.requests if "/chat/" in request.path]


class EndlessStream:
    """A server that streams the beginning of an answer and then waits until the client disconnects."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_left = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(20)
            received = b""
            while b"\r\n\r\n" not in received or b'"stream"' not in received:
                received += connection.recv(65536)
            event = b'data:{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"A red "},"finish_reason":null}]}\n\n'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event * 3)
            try:
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass
            self.is_left.set()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def endless() -> Iterator[EndlessStream]:
    """A stream that never ends."""
    server = EndlessStream()
    yield server
    server.close()
