"""One session per event loop, closed with its loop: nothing is left behind, however the loop ends."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme
from llama_index.core.async_utils import asyncio_run

from pinecone_assistant_client import AsyncAssistantClient

from .asking import KEY
from .raw_server import HOLD, RawServer, Step, reply, streamed
from .wire import PARTS, QUESTION, TEXT, completion, part


def descriptors() -> int:
    gc.collect()
    return psutil.Process().num_fds()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signs the certificate of the server that speaks TLS."""
    return trustme.CA()


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[RawServer]:
    """A scripted server, plain and over TLS, whose transports close in another way."""
    tls = None
    if request.param == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
    with RawServer(tls=tls) as running:
        yield running


@pytest.fixture
def client(server: RawServer, authority: trustme.CA, tmp_path: Path) -> Iterator[AsyncAssistantClient]:
    """One client that is used in many loops."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    client = AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5, verify=str(bundle))
    yield client
    asyncio.run(client.close())


Use = Callable[[AsyncAssistantClient], Coroutine[Any, Any, str]]


async def ask_whole(client: AsyncAssistantClient) -> str:
    return (await client.chat_completion(QUESTION)).content


async def read_stream(client: AsyncAssistantClient) -> str:
    return "".join([chunk.content async for chunk in client.stream_chat_completion(QUESTION)])


async def leave_stream(client: AsyncAssistantClient) -> str:
    """Read one chunk and leave; the server keeps the connection open."""
    stream = client.stream_chat_completion(QUESTION)
    first = await stream.__anext__()
    _left.append(stream)  # nobody closes it: the end of the loop has to
    return first.content


_left: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    _left.clear()
    gc.collect()


WAYS: dict[str, tuple[Use, list[Step], str]] = {
    "whole": (ask_whole, reply(completion()), TEXT),
    "streamed": (read_stream, streamed(PARTS), TEXT),
    "left": (leave_stream, streamed([part("first"), HOLD]), "first"),
}


@pytest.mark.parametrize("way", WAYS)
def test_thirty_calls_of_asyncio_run_on_one_client_leave_no_descriptor(
    server: RawServer, client: AsyncAssistantClient, way: str
) -> None:
    use, server.otherwise, expected = WAYS[way]
    assert asyncio.run(use(client)) == expected
    before = descriptors()
    for _ in range(30):
        assert asyncio.run(use(client)) == expected
        _left.clear()
    assert _settles_at(before)


@pytest.mark.parametrize("way", WAYS)
def test_thirty_calls_of_asyncio_run_of_llama_index_inside_a_running_loop_leave_no_descriptor(
    server: RawServer, client: AsyncAssistantClient, way: str
) -> None:
    """It closes its loop without shutting the async generators down, so nobody tells the session."""
    use, server.otherwise, expected = WAYS[way]

    async def main() -> None:
        assert asyncio_run(use(client)) == expected
        before = descriptors()
        for _ in range(30):
            assert asyncio_run(use(client)) == expected
            _left.clear()
        assert _settles_at(before)

    asyncio.run(main())


def _settles_at(descriptors_before: int) -> bool:
    """The server's side of a closed connection goes a moment later."""
    for _ in range(100):
        if descriptors() <= descriptors_before:
            return True
        time.sleep(0.02)
    return False


def test_two_loops_in_turn_have_a_connection_each_and_one_loop_keeps_its_own(
    server: RawServer, client: AsyncAssistantClient
) -> None:
    server.otherwise = reply(completion())

    async def twice() -> None:
        await client.chat_completion(QUESTION)
        await client.chat_completion(QUESTION)

    asyncio.run(twice())
    asyncio.run(twice())
    assert [request.connection for request in server.requests] == [1, 1, 2, 2]


def test_a_loop_closes_its_connections_at_its_end(server: RawServer, client: AsyncAssistantClient) -> None:
    server.script(streamed([part("first"), HOLD]))
    asyncio.run(leave_stream(client))
    assert server.sees_a_disconnect()


def test_close_closes_what_a_loop_left_that_was_closed_without_notice(
    server: RawServer, client: AsyncAssistantClient
) -> None:
    server.script(streamed([part("first"), HOLD]))
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(leave_stream(client)) == "first"
    loop.close()
    asyncio.run(client.close())
    assert server.sees_a_disconnect()


@pytest.mark.parametrize("ending", ["", "asyncio.run(client.close())"])
def test_a_program_that_ends_after_loops_closed_without_notice_says_nothing(ending: str) -> None:
    """Nobody is told of an "Unclosed client session" at the end of the program."""
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
