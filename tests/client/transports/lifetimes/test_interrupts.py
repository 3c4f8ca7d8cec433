"""Cancelled tasks, timeouts and Ctrl-C disconnect at once and leave a client that works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from pinecone_assistant_client import AsyncAssistantClient

from ...support.bodies import QUESTION, TEXT
from ...support.clients import UNFINISHED, WHOLE, async_client, sync_client
from ...support.raw_server import HOLD, RawServer, Step, reply

# Cancel


@pytest.mark.parametrize("answer", [[HOLD], UNFINISHED], ids=["before the head", "between events"])
async def test_cancelling_disconnects(server: RawServer, answer: list[Step]) -> None:
    server.script(answer, WHOLE)
    started = asyncio.Event()

    async def read(client: AsyncAssistantClient) -> None:
        started.set()
        async for _ in client.stream_chat_completion(QUESTION):
            pass

    async with async_client(server) as client:
        reading = asyncio.create_task(read(client))
        await started.wait()
        await asyncio.to_thread(server.sees_requests, 1)
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(server.sees_a_disconnect, 1)
        assert (await client.chat_completion(QUESTION)).content == TEXT
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [[HOLD], UNFINISHED], ids=["before the head", "in the body"])
async def test_wait_for_disconnects(server: RawServer, answer: list[Step]) -> None:
    server.script(answer, WHOLE)
    async with async_client(server) as client:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.chat_completion(QUESTION), 0.2)
        assert await asyncio.to_thread(server.sees_a_disconnect, 1)
        assert (await client.chat_completion(QUESTION)).content == TEXT


async def test_cancelling_the_one_who_looks_the_host_up_leaves_the_others_working(server: RawServer) -> None:
    server.script([HOLD], reply({"name": "docs", "status": "Ready", "host": server.url}), WHOLE)
    async with async_client(server, host=None, controller_host=server.url) as client:
        first = asyncio.create_task(client.chat_completion(QUESTION))
        await asyncio.to_thread(server.sees_requests, 1)
        second = asyncio.create_task(client.chat_completion(QUESTION))
        await asyncio.sleep(0.05)
        first.cancel()
        assert (await second).content == TEXT
        with pytest.raises(asyncio.CancelledError):
            await first


# Interrupt


@contextlib.contextmanager
def interrupted(server: RawServer, answered: threading.Event) -> Iterator[None]:
    """Press Ctrl-C once the server got the request and the caller read what there was to read."""

    def press() -> None:
        assert server.sees_requests(1)
        answered.wait(5)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        thread.join(5)
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("answer", [[HOLD], UNFINISHED], ids=["before the head", "between events"])
def test_a_keyboard_interrupt_disconnects(server: RawServer, answer: list[Step]) -> None:
    server.script(answer, WHOLE)
    answered = threading.Event()
    with sync_client(server) as client:
        if answer == [HOLD]:
            answered.set()
        with interrupted(server, answered):
            for _ in client.stream_chat_completion(QUESTION):
                answered.set()
        assert server.sees_a_disconnect(1)
        assert client.chat_completion(QUESTION).content == TEXT
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [[HOLD], UNFINISHED], ids=["before the head", "between events"])
def test_a_keyboard_interrupt_disconnects_async(server: RawServer, answer: list[Step]) -> None:
    server.script(answer, WHOLE)
    answered = threading.Event()
    client = async_client(server)

    async def read() -> None:
        async for _ in client.stream_chat_completion(QUESTION):
            answered.set()

    async def ask_again() -> str:
        async with client:
            return (await client.chat_completion(QUESTION)).content

    if answer == [HOLD]:
        answered.set()
    with interrupted(server, answered):
        asyncio.run(read())
    assert server.sees_a_disconnect(1)
    assert asyncio.run(ask_again()) == TEXT
