"""`max_connections`: more calls wait for a slot, and waiting for one is not connecting."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import pytest

from pinecone_assistant_client import (
    APIConnectionError,
    APITimeoutError,
    AssistantClient,
    AssistantError,
    AsyncAssistantClient,
)

from ...support.asking import Asking
from ...support.bodies import PARTS, QUESTION, TEXT, completion, part
from ...support.clients import async_client, settings, sync_client
from ...support.connection_settings import good, said
from ...support.raw_server import CLOSE, HOLD, Answer, Pause, RawServer, WaitFor, head, reply, streamed

WHOLE = reply(completion())


def test_400_threads_share_a_few_connections(server: RawServer) -> None:
    server.otherwise = WHOLE
    with (
        sync_client(server, max_connections=4, timeout=(10.0, 10.0), max_retries=0) as client,
        ThreadPoolExecutor(400) as pool,
    ):
        answers = list(pool.map(lambda _: client.chat_completion(QUESTION).content, range(400)))
    assert answers == [TEXT] * 400
    assert server.connections <= 4


async def test_400_tasks_share_a_few_connections(server: RawServer) -> None:
    server.otherwise = WHOLE
    async with async_client(server, max_connections=4, timeout=(10.0, 10.0), max_retries=0) as client:
        answers = await asyncio.gather(*(client.chat_completion(QUESTION) for _ in range(400)))
    assert [answer.content for answer in answers] == [TEXT] * 400
    assert server.connections <= 4


CONNECT_SECONDS = 0.3


@pytest.fixture
def busy_server(server: RawServer) -> RawServer:
    """The server delays its first two answers for longer than the connect timeout."""
    held = [Pause(CONNECT_SECONDS + 0.1), *WHOLE]
    server.script(held, held)
    server.otherwise = WHOLE
    return server


def test_waiting_for_a_slot_is_not_connecting(busy_server: RawServer) -> None:
    with (
        sync_client(busy_server, max_connections=2, timeout=(CONNECT_SECONDS, 5.0), max_retries=0) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        answers = list(pool.map(lambda _: client.chat_completion(QUESTION).content, range(6)))
    assert answers == [TEXT] * 6


@pytest.mark.parametrize(
    "limits", [None, {"limit": 2}, {"limit": 0, "limit_per_host": 2}], ids=["own", "limit", "per host"]
)
async def test_waiting_for_a_slot_is_not_connecting_async(
    busy_server: RawServer, limits: dict[str, Any] | None
) -> None:
    """Aiohttp counts the wait for a slot of its own, also of an injected session's connector, as connecting."""
    async with contextlib.AsyncExitStack() as stack:
        options: dict[str, Any] = {"max_connections": 2}
        if limits is not None:
            connector = aiohttp.TCPConnector(**limits)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            options = {"async_http_session": session}
        client = async_client(busy_server, timeout=(CONNECT_SECONDS, 5.0), max_retries=0, **options)
        await stack.enter_async_context(client)
        answers = await asyncio.gather(*(client.chat_completion(QUESTION) for _ in range(6)))
    assert [answer.content for answer in answers] == [TEXT] * 6
    assert busy_server.connections <= 2


ENDINGS: dict[str, tuple[str, Answer]] = {
    "an answer": ("chat_completion", WHOLE),
    "a stream": ("stream_chat_completion", streamed(PARTS)),
    "an error status": ("chat_completion", reply("no", status=400)),
    "a cut answer": ("chat_completion", [head(200, {"Content-Length": "9"}), b"{", CLOSE]),
    "a cut stream": ("stream_chat_completion", streamed([part("A"), CLOSE])),
    "a lost connection": ("chat_completion", [CLOSE]),
    "no HTTP": ("chat_completion", [b"what\r\n\r\n", CLOSE]),
    "a timeout": ("chat_completion", [HOLD]),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_end_of_a_call_frees_its_slot(ask: Asking, server: RawServer, ending: str) -> None:
    method, answer = ENDINGS[ending]
    server.script(answer, answer, WHOLE)
    asker = ask(max_connections=1, max_retries=0, timeout=0.1 if ending == "a timeout" else 5.0)
    for _ in range(2):
        with contextlib.suppress(AssistantError):
            list(getattr(asker, method)(QUESTION)) if "stream" in method else getattr(asker, method)(QUESTION)
    assert asker.chat_completion(QUESTION).content == TEXT


def test_a_connection_that_cannot_be_opened_frees_its_slot(ask: Asking) -> None:
    asker = ask(host="http://127.0.0.1:1", max_connections=1, max_retries=0)
    for _ in range(3):
        with pytest.raises(APIConnectionError, match="cannot connect"):
            asker.chat_completion(QUESTION)


def test_a_stream_that_is_closed_early_frees_its_slot(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("A"), HOLD]), WHOLE)
    asker = ask(max_connections=1)
    stream = asker.stream_chat_completion(QUESTION)
    assert next(stream).content == "A"
    stream.close()
    stream.close()
    assert asker.chat_completion(QUESTION).content == TEXT


async def test_a_cancelled_call_and_a_cancelled_wait_free_their_slots(server: RawServer) -> None:
    server.script([HOLD], WHOLE)
    async with async_client(server, max_connections=1) as client:
        first = asyncio.create_task(client.chat_completion(QUESTION))
        assert await asyncio.to_thread(server.sees_requests, 1)
        waiting = asyncio.create_task(client.chat_completion(QUESTION))
        await asyncio.sleep(0)
        waiting.cancel()
        first.cancel()
        for task in (first, waiting):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await client.chat_completion(QUESTION)).content == TEXT


def test_the_total_time_bounds_the_wait_for_a_slot(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("A"), HOLD]))
    asker = ask(max_connections=1)
    stream = asker.stream_chat_completion(QUESTION)
    assert next(stream).content == "A"
    with pytest.raises(APITimeoutError, match=r"total_timeout=0\.05") as caught:
        asker.chat_completion(QUESTION, total_timeout=0.05)
    assert not caught.value.may_have_been_processed
    assert len(server.requests) == 1
    stream.close()


def test_closing_the_client_leaves_nobody_waiting(server: RawServer) -> None:
    gate = threading.Event()
    server.otherwise = [WaitFor(gate), *WHOLE]
    client = sync_client(server, max_connections=1)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(client.chat_completion, QUESTION) for _ in range(3)]
        assert server.sees_requests(1)
        client.close()
        gate.set()
        assert [answer.result(5).content for answer in answers] == [TEXT] * 3
    client.close()


def test_clients_with_another_limit_have_connections_of_their_own(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    for limit in (1, 1, 2):
        ask(max_connections=limit).chat_completion(QUESTION)
    assert server.connections == 2


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "200", None])
def test_a_limit_that_is_not_a_number_from_1_is_refused(wrong: Any) -> None:
    assert said(good(max_connections=wrong).check) == f"max_connections is {wrong!r}: pass a number from 1"


def test_the_default_is_below_what_a_process_may_open() -> None:
    """`ulimit -n` is 256 on macOS: 400 calls at once failed with an error that named the network as the cause."""
    assert good().max_connections == 200
    assert (
        AssistantClient("docs")._settings.max_connections
        == AsyncAssistantClient("docs")._settings.max_connections
        == 200
    )


def test_too_many_open_files_are_not_blamed_on_the_network(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def refuse(family: int = -1, *args: Any, **options: Any) -> Any:
        if family == socket.AF_INET and "fileno" not in options:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(family, *args, **options)

    asker = ask(max_retries=0)
    if ask.kind == "sync":
        monkeypatch.setattr("urllib3.util.connection.socket.socket", refuse)
    else:
        monkeypatch.setattr("pinecone_assistant_client.transports.aiohttp_transport.socket.socket", refuse)
    with pytest.raises(APIConnectionError, match="lower max_connections=") as caught:
        asker.chat_completion(QUESTION)
    monkeypatch.undo()
    assert not caught.value.may_have_been_processed


async def test_each_event_loop_has_its_own_slots(server: RawServer) -> None:
    server.otherwise = WHOLE
    client = AsyncAssistantClient(**settings(server), max_connections=1)

    def elsewhere() -> str:
        async def ask() -> str:
            return (await client.chat_completion(QUESTION)).content

        return asyncio.run(ask())

    assert (await client.chat_completion(QUESTION)).content == TEXT
    assert await asyncio.to_thread(elsewhere) == TEXT
    await client.close()
