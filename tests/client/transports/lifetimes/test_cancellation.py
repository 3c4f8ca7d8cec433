"""Leaving early: the server sees the disconnect within a second, and the client stays usable."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient

from ...support.asking import KEY, Asking
from ...support.bodies import PARTS, QUESTION, TEXT, chat_event, completion, part
from ...support.raw_server import HOLD, RawServer, WaitFor, head, reply, streamed

STUCK = streamed([part("first"), HOLD])
STUCK_CHAT = streamed([chat_event("content_chunk", delta={"content": "first"}), HOLD])
SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("stream_chat_completion", {}),
    ("stream_chat", {}),
    ("stream_answer", {}),
    ("stream_answer", {"stop": "END", "strip_references": True}),
]


def still_works(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion()))
    assert ask().chat_completion(QUESTION).content == TEXT


@pytest.mark.parametrize(("method", "options"), SHAPES)
def test_closing_an_unfinished_stream_closes_its_connection(
    ask: Asking, server: RawServer, method: str, options: dict[str, Any]
) -> None:
    server.script(STUCK_CHAT if method == "stream_chat" else STUCK)
    stream = getattr(ask(), method)(QUESTION, **options)
    assert next(stream).content == "first"
    stream.close()
    assert server.sees_a_disconnect(1.0)
    assert list(stream) == []
    still_works(ask, server)


Call = Callable[[AsyncAssistantClient], Awaitable[object]]


async def read_all(client: AsyncAssistantClient) -> None:
    async for _ in client.stream_answer(QUESTION, stop="END"):
        pass


WAITING: dict[str, tuple[Call, list[Any]]] = {
    "for the head of a whole answer": (lambda client: client.chat_completion(QUESTION), [HOLD]),
    "for the body of a whole answer": (
        lambda client: client.chat_completion(QUESTION),
        [head(200, {"Content-Length": "100"}), b"{", HOLD],
    ),
    "for the head of a stream": (read_all, [HOLD]),
    "in a stream": (read_all, list(STUCK)),
    "for an error's body": (
        lambda client: client.chat_completion(QUESTION),
        [head(400, {"Content-Length": "100"}), b"{", HOLD],
    ),
}


@pytest.mark.parametrize("where", WAITING)
@pytest.mark.parametrize("how", ["cancel", "wait_for"])
async def test_cancelling_a_call_closes_its_connection(server: RawServer, where: str, how: str) -> None:
    call, answer = WAITING[where]
    server.script(answer, reply(completion()))
    async with AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5) as client:
        if how == "cancel":
            task = asyncio.ensure_future(call(client))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(call(client), 0.1)
        assert await asyncio.to_thread(server.sees_a_disconnect, 1.0)
        assert (await client.chat_completion(QUESTION)).content == TEXT
    assert len(server.requests) == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_one_of_many_calls_leaves_the_others_alone(server: RawServer) -> None:
    gate = threading.Event()
    server.otherwise = [*streamed(PARTS[:2])[:-1], WaitFor(gate), *streamed(PARTS[2:])[1:]]
    async with AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5) as client:

        async def read() -> str:
            return "".join([chunk.content async for chunk in client.stream_chat_completion(QUESTION)])

        tasks = [asyncio.create_task(read()) for _ in range(5)]
        await asyncio.sleep(0.1)
        tasks[2].cancel()
        gate.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [text for text in done if isinstance(text, str)] == [TEXT] * 4
    assert isinstance(done[2], asyncio.CancelledError)


def _interrupt(server: RawServer, requests: int = 1) -> threading.Thread:
    """Press Ctrl-C in the main thread once the request is there and the caller waits."""
    main = threading.get_ident()

    def press() -> None:
        deadline = time.monotonic() + 5
        while len(server.requests) < requests and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


@pytest.mark.parametrize("where", WAITING)
def test_a_keyboard_interrupt_while_waiting_closes_the_connection(server: RawServer, where: str) -> None:
    server.script(WAITING[where][1], reply(completion()))
    with AssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5) as client:
        thread = _interrupt(server)
        ask_: Callable[..., Any] = client.stream_answer if "stream" in where else client.answer
        with pytest.raises(KeyboardInterrupt):
            list(ask_(QUESTION, stop="END"))
        thread.join()
        assert server.sees_a_disconnect(1.0)
        assert client.chat_completion(QUESTION).content == TEXT
    assert len(server.requests) == 2


@pytest.mark.parametrize("where", WAITING)
def test_a_keyboard_interrupt_of_asyncio_run_closes_the_connection(server: RawServer, where: str) -> None:
    call, answer = WAITING[where]
    server.script(answer)
    client = AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5)

    async def main() -> None:
        await call(client)

    thread = _interrupt(server)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    thread.join()
    assert server.sees_a_disconnect(1.0)
    asyncio.run(client.close())
