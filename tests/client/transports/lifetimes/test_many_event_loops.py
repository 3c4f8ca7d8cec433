"""Dozens of event loops, threads and calls leave no descriptor, no warning and no session behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from llama_index.core.async_utils import asyncio_run

from pinecone_assistant_client import AsyncAssistantClient

from ...support.asking import Asking
from ...support.bodies import PARTS, QUESTION, TEXT
from ...support.clients import WHOLE, async_client
from ...support.raw_server import RawServer, streamed


@contextlib.contextmanager
def no_leak(slack: int = 0) -> Iterator[None]:
    """Nothing is left open, and nobody complains, when the block ends."""
    said: list[str] = []

    def complain(unraisable: Any) -> None:
        said.append(repr(unraisable.exc_value))

    gc.collect()
    before = psutil.Process().num_fds()
    hook, sys.unraisablehook = sys.unraisablehook, complain
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if sys.version_info >= (3, 13):
                # asyncio's own: a loop that is closed over an unfinished generator leaves the call of aclose() behind.
                warnings.filterwarnings("ignore", message="coroutine method 'aclose' of")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = hook
    assert said == []
    for _ in range(100):
        if psutil.Process().num_fds() <= before + slack:
            break
        time.sleep(0.01)
    assert psutil.Process().num_fds() <= before + slack


async def whole(client: AsyncAssistantClient) -> None:
    assert (await client.chat_completion(QUESTION)).content == TEXT


async def streamed_whole(client: AsyncAssistantClient) -> None:
    assert "".join([answer.content async for answer in client.stream_chat_completion(QUESTION)]) == TEXT


async def unfinished(client: AsyncAssistantClient) -> None:
    async for _ in client.stream_chat_completion(QUESTION):
        break


_kept: list[AsyncIterator[Any]] = []


async def left_hanging(client: AsyncAssistantClient) -> None:
    """The stream outlives its loop."""
    answers = client.stream_chat_completion(QUESTION)
    await anext(answers)
    _kept.append(answers)


def run_nested(work: Callable[[], Any]) -> None:
    """LlamaIndex's way: a fresh loop in a thread, closed without shutting its async generators down."""

    async def outer() -> None:
        asyncio_run(work())

    asyncio.run(outer())


@pytest.mark.parametrize("run", [asyncio.run, "nested"], ids=["asyncio.run", "asyncio_run"])
@pytest.mark.parametrize(
    ("work", "tls"),
    [
        (whole, False),
        (streamed_whole, False),
        (unfinished, False),
        (left_hanging, False),
        (whole, True),
        (unfinished, True),
        (left_hanging, True),
    ],
)
def test_thirty_event_loops_leave_nothing_behind(
    *, server: RawServer, tls_server: RawServer, ca_path: Path, run: Any, work: Any, tls: bool
) -> None:
    """One stale loop at most may wait for the next use, and closing the client ends that too."""
    asked = tls_server if tls else server
    asked.otherwise = WHOLE if work is whole else streamed(PARTS)
    client = async_client(asked, verify=str(ca_path) if tls else True)
    asyncio.run(work(client))
    _kept.clear()
    asyncio.run(client.close())
    assert asked.sees_no_connections()
    with no_leak():
        for _ in range(30):
            if run == "nested":
                run_nested(lambda: work(client))
            else:
                run(work(client))
            _kept.clear()
            assert client._connections is not None
            assert len(client._connections.asynchronous._sessions) <= 1
        asyncio.run(client.close())
        assert asked.sees_no_connections()


def test_thirty_calls_inside_a_running_loop_leave_nothing_behind(server: RawServer) -> None:
    server.otherwise = WHOLE

    async def outer() -> None:
        client = async_client(server)
        await whole(client)
        with no_leak(slack=2):  # one stale loop's connection, and the server's end of it
            for _ in range(30):
                asyncio_run(whole(client))
        assert client._connections is not None
        assert len(client._connections.asynchronous._sessions) <= 2
        await client.close()

    asyncio.run(outer())
    assert server.sees_no_connections()


def test_a_client_forgotten_in_a_closed_loop_does_not_complain(server: RawServer) -> None:
    server.otherwise = WHOLE

    async def forget() -> None:
        await whole(async_client(server))

    asyncio.run(forget())
    with no_leak():
        asyncio.run(forget())
        asyncio.run(forget())


def test_threads_that_each_run_a_loop_share_a_client(server: RawServer) -> None:
    server.otherwise = WHOLE
    client = async_client(server)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                asyncio.run(whole(client))
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    with no_leak(slack=0):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        asyncio.run(client.close())
        assert server.sees_no_connections()
    assert failures == []
    assert len(server.requests) == 40


def test_two_hundred_calls_open_no_second_connection(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    asker = ask()
    asker.chat_completion(QUESTION)
    with no_leak():
        for _ in range(200):
            asker.chat_completion(QUESTION)
    assert server.connections == 1
