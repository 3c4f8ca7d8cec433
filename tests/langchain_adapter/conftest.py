"""Fixtures: local assistants in this process and in another one, and ways to ask them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import Runnable
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant import connection as notices
from pinecone_assistant_local import LocalAssistant

DATA = Path(__file__).parents[2] / "examples" / "data"
QUESTION = "What is the maximum height of a red pine?"


def words(local: LocalAssistant, **options: Any) -> dict[str, Any]:
    """Return the constructor options that connect to a local assistant."""
    return {"assistant_name": local.name, "host": local.host, "api_key": local.api_key, **options}


def chat_model(local: LocalAssistant, **options: Any) -> ChatPineconeAssistant:
    """Return a model of the local assistant, by default without retries, so that no test waits for one."""
    return ChatPineconeAssistant(**words(local, **{"max_retries": 0, **options}))


class Ask:
    """Call a runnable sync or async, so that one test covers both."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async

    async def invoke(self, runnable: Runnable[Any, Any], value: Any, config: Any = None, **options: Any) -> Any:
        if self.is_async:
            return await runnable.ainvoke(value, config, **options)
        return runnable.invoke(value, config, **options)

    async def stream(self, runnable: Runnable[Any, Any], value: Any, config: Any = None, **options: Any) -> list[Any]:
        if self.is_async:
            return [chunk async for chunk in runnable.astream(value, config, **options)]
        return list(runnable.stream(value, config, **options))

    async def batch(
        self, runnable: Runnable[Any, Any], values: list[Any], config: Any = None, **options: Any
    ) -> list[Any]:
        if self.is_async:
            return await runnable.abatch(values, config, **options)
        return runnable.batch(values, config, **options)


class Traces(BaseTracer):
    """Tracer that stores every run in the form in which it would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        self.runs.append(run)


def merged(chunks: Sequence[Any]) -> AIMessageChunk:
    """Return the sum of the chunks, added like in users' code."""
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert isinstance(whole, AIMessageChunk)
    return whole


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Sync and async."""
    return Ask(is_async=request.param == "async")


@pytest.fixture(scope="session")
def library() -> Iterator[LocalAssistant]:
    """A local assistant with the files of examples/data; tests must not change it."""
    metadata = json.loads((DATA / "metadata.json").read_text("utf-8"))
    with LocalAssistant(name="library", api_key="library-key") as local:
        for path in sorted(DATA.glob("*.md")):
            local.upload(path, metadata=metadata[path.name])
        yield local


@pytest.fixture(scope="session")
def _own() -> Iterator[LocalAssistant]:
    with LocalAssistant(name="own", api_key="own-key") as assistant:
        yield assistant


@pytest.fixture
def local(_own: LocalAssistant) -> LocalAssistant:
    """A local assistant in its initial state with one file; a test may script it, break it and count its requests."""
    _own.reset()
    _own.upload(DATA / "red_pine.md", metadata={"resource": "encyclopedia"})
    return _own


@pytest.fixture
def unknown() -> Iterator[LocalAssistant]:
    """A local assistant on its own port, so that no test has looked up its host yet."""
    with LocalAssistant(name="unknown", api_key="unknown-key") as assistant:
        assistant.upload(DATA / "red_pine.md", metadata={"resource": "encyclopedia"})
        yield assistant


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Constructor options that connect to a local assistant in another process."""
    folder = tmp_path_factory.mktemp("served")
    for path in DATA.glob("*.md"):
        (folder / path.name).write_bytes(path.read_bytes())
    command = ["-m", "pinecone_assistant_cli", "serve", str(folder), "--port", "0", "--api-key", "served-key"]
    with subprocess.Popen(
        [sys.executable, *command, "--name", "served"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                found = re.fullmatch(r"export PINECONE_ASSISTANT_HOST='?([^'\n]+)'?\n", line)
                if found:
                    break
            else:
                pytest.fail("the local assistant did not start in its process")
            yield {"assistant_name": "served", "host": found[1], "api_key": "served-key"}
        finally:
            process.terminate()


@pytest.fixture(autouse=True)
def _notices_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset notices that are logged once per process, so that each test can see them."""
    monkeypatch.setattr(notices, "_given", set())


@pytest.fixture(params=["openai", "standard"])
def interface(request: pytest.FixtureRequest) -> str:
    """Each of the service's two interfaces."""
    return str(request.param)
