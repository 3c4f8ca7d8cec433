"""A stream that outlives its event loop, on a connection that its server keeps open: its connection is closed."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from llama_index.core.async_utils import asyncio_run

from pinecone_assistant_client import AsyncAssistantClient

from ...support.asking import KEY
from ...support.bodies import QUESTION, completion, part
from ...support.raw_server import HOLD, RawServer, reply, streamed


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, tls_context: ssl.SSLContext) -> Iterator[RawServer]:
    """A scripted server, plain and over TLS: their transports close in different ways."""
    with RawServer(tls=tls_context if request.param == "https" else None) as running:
        running.otherwise = streamed([part("first"), HOLD])
        yield running


@pytest.fixture
def client(server: RawServer, ca_path: Path) -> Iterator[AsyncAssistantClient]:
    """One client that is used in many loops."""
    client = AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5, verify=str(ca_path))
    yield client
    asyncio.run(client.close())
    _left.clear()


_left: list[Any] = []


async def leave(client: AsyncAssistantClient) -> str:
    """Read one chunk and leave; nobody closes the stream."""
    stream = client.stream_chat_completion(QUESTION)
    first = await anext(stream)
    _left.append(stream)
    return first.content


def settles_at(descriptors: int) -> bool:
    """Whether no more descriptors are open; the server's side of a connection goes a moment later."""
    gc.collect()
    for _ in range(200):
        if psutil.Process().num_fds() <= descriptors:
            return True
        time.sleep(0.01)
    return False


def test_ten_calls_of_asyncio_run_leave_no_descriptor(client: AsyncAssistantClient) -> None:
    before = psutil.Process().num_fds()
    for _ in range(10):
        assert asyncio.run(leave(client)) == "first"
        _left.clear()
    assert settles_at(before)


def test_ten_calls_of_asyncio_run_of_llama_index_inside_a_running_loop_leave_no_descriptor(
    client: AsyncAssistantClient,
) -> None:
    """It closes its loop without shutting the async generators down, so the session is not closed with it."""

    async def main() -> None:
        assert asyncio_run(leave(client)) == "first"
        before = psutil.Process().num_fds()
        for _ in range(10):
            assert asyncio_run(leave(client)) == "first"
            _left.clear()
        assert settles_at(before)

    asyncio.run(main())


def test_the_end_of_a_loop_disconnects(server: RawServer, client: AsyncAssistantClient) -> None:
    asyncio.run(leave(client))
    assert server.sees_a_disconnect()


def test_close_disconnects_what_a_loop_left_that_was_closed_without_notice(
    server: RawServer, client: AsyncAssistantClient
) -> None:
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(leave(client)) == "first"
    loop.close()
    asyncio.run(client.close())
    assert server.sees_a_disconnect()


def test_a_task_that_waited_in_a_loop_closed_without_notice_is_not_run_without_its_loop(
    server: RawServer, client: AsyncAssistantClient, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.new_event_loop()
    woken: list[BaseException | None] = []

    async def wait() -> None:
        stream = client.stream_chat_completion(QUESTION)
        await anext(stream)
        try:
            await anext(stream)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever wakes it
            woken.append(error)

    task = loop.create_task(wait())
    loop.run_until_complete(asyncio.sleep(0.2))
    loop.close()
    asyncio.run(client.close())
    assert server.sees_a_disconnect()
    assert woken == []
    assert not task.done()
    task.get_coro().close()
    task._log_destroy_pending = False  # type: ignore[attr-defined] # it is pending on purpose


@pytest.mark.parametrize("ending", ["", "asyncio.run(client.close())"])
def test_a_program_that_ends_after_loops_closed_without_notice_says_nothing(ending: str) -> None:
    """The program ends without an "Unclosed client session" message."""
    program = """
        import asyncio, sys
        from pinecone_assistant_client import AsyncAssistantClient
        client = AsyncAssistantClient(assistant_name="docs", api_key="k", host=sys.argv[1])
        def ask():
            loop = asyncio.new_event_loop()
            answer = loop.run_until_complete(client.chat_completion([{"role": "user", "content": "?"}]))
            print(answer.content)
            loop.close()
        ask()
        ask()
    """
    with RawServer() as plain:
        plain.otherwise = reply(completion("Yes."))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program) + ending, plain.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stdout, done.stderr, done.returncode) == ("Yes.\nYes.\n", "", 0)
