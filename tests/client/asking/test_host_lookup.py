"""Host lookup: shared by concurrent calls, checked before the key is sent there, forgotten after a failure."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pinecone_assistant_client import (
    AssistantClient,
    AsyncAssistantClient,
    AuthenticationError,
    InternalServerError,
    InvalidRequestError,
    NotFoundError,
    hosts,
)
from pinecone_assistant_client.retries import Retries, RetryPolicy

from ..support.asking import KEY, Asking
from ..support.bodies import QUESTION, TEXT, completion, service_error
from ..support.clients import WHOLE, described
from ..support.raw_server import RawServer, WaitFor, reply

FAILED = reply(service_error("UNAVAILABLE", "down", 503), status=503)
REFUSED = reply(service_error("UNAUTHENTICATED", "Invalid API key.", 401), status=401)


def test_threads_that_start_together_fail_together(server: RawServer) -> None:
    """If each call retried the lookup by itself, the last of them would wait for all the timeouts in turn."""
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
        assert server.sees_requests(1)
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


def test_fifty_threads_on_a_cold_client_look_the_host_up_once(server: RawServer) -> None:
    server.script(described(server.url))
    server.otherwise = WHOLE
    start = threading.Barrier(50)
    with AssistantClient(assistant_name="docs", api_key=KEY, controller_host=server.url, timeout=10) as client:

        def call() -> str:
            start.wait(10)
            return client.chat_completion(QUESTION).content

        with ThreadPoolExecutor(50) as pool:
            assert {future.result() for future in [pool.submit(call) for _ in range(50)]} == {TEXT}
    assert [request.method for request in server.requests] == ["GET"] + ["POST"] * 50


async def test_200_calls_at_once_on_a_cold_client_look_the_host_up_once(server: RawServer) -> None:
    server.script(described(server.url))
    server.otherwise = WHOLE
    async with AsyncAssistantClient(
        assistant_name="docs", api_key=KEY, controller_host=server.url, timeout=20
    ) as client:
        answers = await asyncio.gather(*(client.chat_completion(QUESTION) for _ in range(200)))
        assert client._connections is not None
        assert len(client._connections.asynchronous._sessions) == 1
    assert {answer.content for answer in answers} == {TEXT}
    assert [request.method for request in server.requests] == ["GET"] + ["POST"] * 200


@pytest.mark.parametrize("host", ["http://assistant.example", "http://127.0.0.1.evil.example", "ftp://127.0.0.1"])
def test_a_looked_up_host_outside_https_is_refused(ask: Asking, server: RawServer, host: str) -> None:
    server.otherwise = described(host)
    asker = ask(host=None, controller_host=server.url)
    with pytest.raises(InvalidRequestError, match=r"which is not https|is not an http\(s\) URL") as caught:
        asker.chat_completion(QUESTION)
    assert host in str(caught.value)
    assert [request.method for request in server.requests] == ["GET"]


def test_the_host_is_forgotten_after_a_404(ask: Asking, server: RawServer) -> None:
    server.script(described(server.url), reply(service_error("NOT_FOUND", "gone", 404), status=404))
    asker = ask(host=None, controller_host=server.url)
    with pytest.raises(NotFoundError):
        asker.chat_completion(QUESTION)
    assert asker.client.host is None
    server.script(described(server.url), WHOLE)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert [request.method for request in server.requests] == ["GET", "POST", "GET", "POST"]


def test_another_key_looks_the_host_up_itself(ask: Asking, server: RawServer) -> None:
    server.script(described(server.url), WHOLE, described(server.url), WHOLE)
    ask(host=None, controller_host=server.url).chat_completion(QUESTION)
    ask(host=None, controller_host=server.url, api_key="another").chat_completion(QUESTION)
    assert [request.headers["api-key"] for request in server.requests] == [KEY, KEY, "another", "another"]


def test_a_host_that_was_named_without_a_certificate_is_not_used_by_a_client_that_asks_for_one(
    ask: Asking, server: RawServer
) -> None:
    server.script(described(server.url), WHOLE, described(server.url), WHOLE)
    ask(host=None, controller_host=server.url, verify=False).chat_completion(QUESTION)
    assert ask(host=None, controller_host=server.url).client.host is None


def test_remembered_hosts_are_bounded_and_the_oldest_goes() -> None:
    known = hosts._Hosts()
    for number in range(hosts._MAX_HOSTS + 3):
        known.remember(number, "https://a.example")
    assert list(known.known) == list(range(3, hosts._MAX_HOSTS + 3))
    known.remember(3, None)
    assert 3 not in known.known
