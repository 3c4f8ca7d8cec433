"""Slow, stalled and broken connections: a slow drip passes, and the text so far is never lost."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pinecone_assistant_client import APITimeoutError, AsyncAssistantClient, IncompleteStreamError

from ..support.asking import KEY, Asking
from ..support.bodies import PARTS, QUESTION, TEXT, part
from ..support.raw_server import CLOSE, HOLD, RESET, Answer, Pause, RawServer, Step, WaitFor, chunk, head, streamed


def test_the_time_between_bytes_is_bounded_and_the_whole_is_not(ask: Asking, server: RawServer) -> None:
    """A slow drip is not a stall: six pauses of 0.1 s pass a read timeout of 0.4 s."""
    server.script(streamed([piece for data in PARTS for piece in (Pause(0.1), data)]))
    assert "".join(answer.content for answer in ask(timeout=(2.0, 0.4)).stream_chat_completion(QUESTION)) == TEXT


def test_a_tcp_reset_in_the_middle_carries_the_text_so_far(ask: Asking, server: RawServer) -> None:
    seen = threading.Event()
    server.script(streamed([part("one "), WaitFor(seen), RESET]))
    texts: list[str] = []
    answers = ask().stream_chat_completion(QUESTION)
    texts.append(next(answers).content)
    seen.set()
    with pytest.raises(IncompleteStreamError) as caught:
        next(answers)
    assert texts == ["one "]
    assert caught.value.text == "one "


def test_a_stall_carries_the_text_so_far(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("one "), HOLD]))
    with pytest.raises(APITimeoutError) as caught:
        list(ask(timeout=(2.0, 0.2)).stream_chat_completion(QUESTION))
    assert caught.value.text == "one "
    assert caught.value.may_have_been_processed
    assert server.sees_a_disconnect()


@pytest.mark.parametrize(
    "ending", [[CLOSE], [RESET], [Pause(0.05), b"zz\r\n", CLOSE]], ids=["cut", "reset", "bad size"]
)
async def test_what_arrived_before_the_connection_broke_is_not_lost_to_a_slow_reader(
    server: RawServer, ending: Answer
) -> None:
    """Aiohttp loses it: it hides unread data behind its exception."""
    seen = threading.Event()
    start: list[Step] = [
        head(200, {"Transfer-Encoding": "chunked"}),
        chunk(part("one ")),
        WaitFor(seen),
        chunk(part("two ")),
    ]
    server.script([*start, Pause(0.05), *ending])
    texts: list[str] = []
    async with AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5) as client:
        answers = client.stream_chat_completion(QUESTION)
        texts.append((await anext(answers)).content)
        seen.set()
        assert await asyncio.to_thread(server.sees_no_connections)
        await asyncio.sleep(0.05)
        texts.append((await anext(answers)).content)
        with pytest.raises(IncompleteStreamError) as caught:
            await anext(answers)
    assert texts == ["one ", "two "]
    assert caught.value.text == "one two "


async def test_closing_the_client_ends_a_reader_that_waits(server: RawServer) -> None:
    """Aiohttp left the reader waiting for ever."""
    server.script(streamed([part("one "), HOLD]))
    client = AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=30)
    answers = client.stream_chat_completion(QUESTION)
    await anext(answers)
    reading = asyncio.ensure_future(anext(answers))
    await asyncio.sleep(0.05)
    await client.close()
    with pytest.raises(IncompleteStreamError):
        await asyncio.wait_for(reading, 5)
    assert await asyncio.to_thread(server.sees_a_disconnect)
