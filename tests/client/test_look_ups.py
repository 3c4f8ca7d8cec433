"""Looking the host up: once for all that start together, and one failure for all of them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, AuthenticationError, InternalServerError
from pinecone_assistant_client.retries import Retries, RetryPolicy

from .asking import KEY, Asking
from .raw_server import RawServer, WaitFor, reply
from .wire import QUESTION, TEXT, completion, service_error

FAILED = reply(service_error("UNAVAILABLE", "down", 503), status=503)
REFUSED = reply(service_error("UNAUTHENTICATED", "Invalid API key.", 401), status=401)


def test_threads_that_start_together_fail_together(server: RawServer) -> None:
    """If each tried again by itself after the failure, the last of them would wait for all the timeouts in turn."""
    gate = threading.Event()
    server.script([WaitFor(gate), *REFUSED])
    server.otherwise = REFUSED
    client = AssistantClient(assistant_name="docs", api_key=KEY, controller_host=server.url, timeout=5)

    def call() -> str:
        with pytest.raises(AuthenticationError) as caught:
            client.chat_completion(QUESTION)
        return str(caught.value)

    with client, ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(call) for _ in range(20)]
        threading.Timer(0.3, gate.set).start()
        said = {future.result() for future in calls}
    assert len(said) == 1
    assert len(server.requests) == 1


async def test_calls_of_a_loop_that_start_together_fail_together(server: RawServer) -> None:
    server.otherwise = FAILED
    async with AsyncAssistantClient(assistant_name="docs", api_key=KEY, controller_host=server.url) as client:
        client._retries = Retries(RetryPolicy(max_retries=1), async_sleep=asyncio.sleep, jitter=lambda: 0.0)
        done = await asyncio.gather(*(client.chat_completion(QUESTION) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(error, InternalServerError) for error in done)
    assert len({id(error) for error in done}) == 50  # each caller has an error of its own
    assert len(server.requests) == 2


def test_a_slow_look_up_of_one_assistant_does_not_hold_another_up(server: RawServer) -> None:
    gate = threading.Event()
    server.script([WaitFor(gate), *reply({"host": server.url})])
    server.otherwise = reply({"host": server.url, **completion()})
    slow = AssistantClient(assistant_name="slow", api_key=KEY, controller_host=server.url, timeout=5)
    quick = AssistantClient(assistant_name="quick", api_key=KEY, controller_host=server.url, timeout=5)
    with slow, quick, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.chat_completion, QUESTION)
        while not server.requests:
            pass
        assert quick.chat_completion(QUESTION).content == TEXT
        assert not waiting.done()
        gate.set()
        assert waiting.result().content == TEXT


def test_a_look_up_that_failed_is_made_again_by_the_next_call(ask: Asking, server: RawServer) -> None:
    server.script(REFUSED, reply({"host": server.url}), reply(completion()))
    asker = ask(host=None, controller_host=server.url)
    with pytest.raises(AuthenticationError):
        asker.chat_completion(QUESTION)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert [request.method for request in server.requests] == ["GET", "GET", "POST"]
