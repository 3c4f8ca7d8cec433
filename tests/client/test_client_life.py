"""From construction to the last closed socket: close, break, cancel, interrupt, pickle, fork, and many event loops."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import os
import pickle
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import requests
import requests.adapters
from llama_index.core.async_utils import asyncio_run

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, BadRequestError, InvalidRequestError
from pinecone_assistant_client.retries import Retries, RetryPolicy

from .asking import KEY, Asking
from .raw_server import HOLD, RawServer, Step, reply, streamed
from .wire import PARTS, QUESTION, TEXT, completion, part

WHOLE = reply(completion())
UNFINISHED = streamed([part("one "), HOLD])


def settings(server: RawServer) -> dict[str, Any]:
    return {"assistant_name": "docs", "api_key": KEY, "host": server.url, "timeout": 5.0}


def sync_client(server: RawServer, **options: Any) -> AssistantClient:
    return AssistantClient(**settings(server) | options)


def async_client(server: RawServer, **options: Any) -> AsyncAssistantClient:
    return AsyncAssistantClient(**settings(server) | options)


# Construction


@pytest.mark.parametrize("client", [AssistantClient, AsyncAssistantClient])
def test_construction_needs_no_key_and_touches_no_network(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("construction touched the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    client()
    client(assistant_name="docs", host="https://assistant.example", verify="/no/such/file", timeout=-1, max_retries=-1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_key": None}, "PINECONE_API_KEY"),
        ({"assistant_name": None}, "PINECONE_ASSISTANT_NAME"),
        ({"api_key": "a\nb"}, "line break"),
        ({"max_retries": -1}, "max_retries"),
        ({"timeout": 0}, "timeout"),
        ({"verify": "/no/such/file"}, "/no/such/file"),
        ({"host": "ftp://x"}, "host"),
    ],
)
def test_a_wrong_option_is_told_at_the_first_use_before_any_traffic(
    ask: Asking, server: RawServer, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        ask(**options).chat_completion(QUESTION)
    with pytest.raises(InvalidRequestError, match=said):
        list(ask(**options).stream_chat_completion(QUESTION))
    assert server.connections == 0


# Close


def test_a_closed_client_opens_again(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    asker = ask()
    asker.chat_completion(QUESTION)
    asker.close()
    assert server.sees_no_connections()
    asker.close()
    assert asker.chat_completion(QUESTION).content == TEXT
    assert server.connections == 2


def test_a_client_never_used_closes(ask: Asking, server: RawServer) -> None:
    ask().close()
    assert server.connections == 0


def test_the_end_of_a_with_block_closes_the_connection(server: RawServer) -> None:
    server.otherwise = WHOLE
    with sync_client(server) as client:
        client.chat_completion(QUESTION)
    assert server.sees_no_connections()


async def test_the_end_of_an_async_with_block_closes_the_connection(server: RawServer) -> None:
    server.otherwise = WHOLE
    async with async_client(server) as client:
        await client.chat_completion(QUESTION)
    assert await asyncio.to_thread(server.sees_no_connections)


def test_closing_closes_although_an_error_is_kept(ask: Asking, server: RawServer) -> None:
    """The error's traceback refers to urllib3's pool, whose connections once stayed open as long as the error."""
    server.otherwise = reply(b"no", status=400)
    asker = ask()
    with pytest.raises(BadRequestError) as kept:
        asker.chat_completion(QUESTION)
    asker.close()
    assert server.sees_no_connections(1)
    assert kept.value.status_code == 400


def test_closing_in_another_thread_does_not_break_a_call(server: RawServer) -> None:
    server.otherwise = WHOLE
    client = sync_client(server)
    done = threading.Event()

    def close_all_the_time() -> None:
        while not done.wait(0.001):
            client.close()

    closing = threading.Thread(target=close_all_the_time)
    closing.start()
    try:
        client._retries = Retries(RetryPolicy(max_retries=100), sleep=lambda _: None)
        for _ in range(50):
            assert client.chat_completion(QUESTION).content == TEXT
            assert "".join(answer.content for answer in client.stream_chat_completion(QUESTION)) == TEXT
    finally:
        done.set()
        closing.join()
        client.close()
    assert len(server.requests) == 100


def test_closing_an_unfinished_stream_closes_its_connection(ask: Asking, server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    asker = ask()
    answers = asker.stream_chat_completion(QUESTION)
    assert next(answers).content == "one "
    answers.close()
    assert server.sees_a_disconnect(1)
    assert asker.chat_completion(QUESTION).content == TEXT


def test_closing_a_shaped_stream_closes_its_connection(ask: Asking, server: RawServer) -> None:
    """The adapters' streams go through one more generator."""
    server.script(streamed([part("one two three"), HOLD]), WHOLE)
    answers = ask().stream_answer(QUESTION, stop="never said")
    assert next(answers).content
    answers.close()
    assert server.sees_a_disconnect(1)


def test_a_stream_never_started_sends_nothing(ask: Asking, server: RawServer) -> None:
    answers = ask().stream_chat_completion(QUESTION)
    answers.close()
    assert server.connections == 0


def test_breaking_out_of_a_stream_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    with sync_client(server) as client:
        for answer in client.stream_chat_completion(QUESTION):
            assert answer.content == "one "
            break
        assert server.sees_a_disconnect(1)
        assert client.chat_completion(QUESTION).content == TEXT


async def test_breaking_out_of_an_async_stream_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    async with async_client(server) as client:
        async for answer in client.stream_chat_completion(QUESTION):
            assert answer.content == "one "
            break
        assert await asyncio.to_thread(server.sees_a_disconnect, 1)
        assert (await client.chat_completion(QUESTION)).content == TEXT


def test_an_exception_in_the_loop_body_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED)
    with sync_client(server) as client:

        def fail(_answer: object) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(map(fail, client.stream_chat_completion(QUESTION)))
        gc.collect()
        assert server.sees_a_disconnect(1)


def test_a_stream_that_is_garbage_collected_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    with sync_client(server) as client:
        answers = client.stream_chat_completion(QUESTION)
        next(answers)
        del answers
        gc.collect()
        assert server.sees_a_disconnect(1)
        assert client.chat_completion(QUESTION).content == TEXT


async def test_an_async_stream_that_is_garbage_collected_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    async with async_client(server) as client:
        answers = client.stream_chat_completion(QUESTION)
        await anext(answers)
        del answers
        gc.collect()
        assert await asyncio.to_thread(server.sees_a_disconnect, 1)
        assert (await client.chat_completion(QUESTION)).content == TEXT


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


# Copies


def test_copies_and_pickles_of_a_used_client_work(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    asker = ask(default_headers={"X-Tenant": "blue"}, temperature=0.5)
    asker.chat_completion(QUESTION)
    for other in (copy.copy(asker.client), copy.deepcopy(asker.client), pickle.loads(pickle.dumps(asker.client))):
        assert ask.over(other).chat_completion(QUESTION).content == TEXT
    assert {request.headers["x-tenant"] for request in server.requests} == {"blue"}
    assert {request.json()["temperature"] for request in server.requests} == {0.5}
    assert server.connections == 1


def test_a_pickle_leaves_injected_sessions_behind(server: RawServer) -> None:
    server.otherwise = WHOLE
    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        client = pickle.loads(pickle.dumps(sync_client(server, http_session=session)))
        client.chat_completion(QUESTION)
        client.close()
    assert "x-mine" not in server.requests[0].headers


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_its_own_connection(ask: Asking, server: RawServer) -> None:
    """Two processes that read one socket would read each other's answers."""
    server.otherwise = WHOLE
    asker = ask()
    asker.chat_completion(QUESTION)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with sync_or_async_answer(asker.client) as content:
                code = 0 if content == TEXT else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert asker.chat_completion(QUESTION).content == TEXT
    assert [request.connection for request in server.requests] == [1, 2, 1]


@contextlib.contextmanager
def sync_or_async_answer(client: Any) -> Iterator[str]:
    if isinstance(client, AssistantClient):
        yield client.chat_completion(QUESTION).content
    else:
        # The child may not run the parent's loop, which the forking thread might be inside of.
        asyncio.set_event_loop_policy(None)
        loop = asyncio.new_event_loop()
        yield loop.run_until_complete(client.chat_completion(QUESTION)).content


# Injected sessions


def test_an_injected_session_wins_and_stays_open(server: RawServer) -> None:
    server.otherwise = WHOLE

    class Mounted(requests.adapters.HTTPAdapter):
        sent = 0

        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            Mounted.sent += 1
            return super().send(*args, **kwargs)

    with requests.Session() as session:
        session.mount("http://", Mounted())
        session.headers["X-Mine"] = "yes"
        session.cookies.set("mine", "kept")
        with sync_client(server, http_session=session) as client:
            client.chat_completion(QUESTION)
            assert list(client.stream_chat_completion(QUESTION)) is not None
        assert Mounted.sent == 2
        assert server.requests[0].headers["x-mine"] == "yes"
        assert "mine=kept" in server.requests[0].headers["cookie"]
        assert server.requests[0].headers["api-key"] == KEY
        session.get(server.url)
    assert server.connections == 1


def test_a_redirect_is_not_followed_by_an_injected_session(server: RawServer) -> None:
    with RawServer() as other, requests.Session() as session:
        server.otherwise = reply(b"", status=307, headers={"Location": other.url})
        with sync_client(server, http_session=session) as client, pytest.raises(Exception, match="redirect"):
            client.chat_completion(QUESTION)
        assert other.connections == 0


def test_the_retries_of_an_injected_session_are_its_own_and_typed(server: RawServer) -> None:
    """A session with urllib3 retries raises RetryError; what arrives is this package's error."""
    server.otherwise = reply(b"busy", status=503)
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=0))
        with sync_client(server, http_session=session, max_retries=0) as client:
            with pytest.raises(Exception, match="503") as caught:
                client.chat_completion(QUESTION)
            assert type(caught.value).__module__.startswith("pinecone_assistant_client")


async def test_an_injected_async_session_wins_and_stays_open(server: RawServer) -> None:
    server.otherwise = WHOLE
    async with aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
        async with async_client(server, async_http_session=session) as client:
            await client.chat_completion(QUESTION)
        assert not session.closed
        assert (await client.chat_completion(QUESTION)).content == TEXT
        assert {request.headers["x-mine"] for request in server.requests} == {"yes"}
    assert server.connections == 1


async def test_a_closed_async_session_is_a_clear_error(server: RawServer) -> None:
    session = aiohttp.ClientSession()
    client = async_client(server, async_http_session=session)
    await session.close()
    with pytest.raises(InvalidRequestError, match="async_http_session is closed"):
        await client.chat_completion(QUESTION)


def test_an_async_session_of_another_loop_is_a_clear_error(server: RawServer) -> None:
    server.otherwise = WHOLE
    made: list[aiohttp.ClientSession] = []

    async def make() -> None:
        made.append(aiohttp.ClientSession())

    one = asyncio.new_event_loop()
    try:
        one.run_until_complete(make())
        client = async_client(server, async_http_session=made[0])

        async def ask() -> None:
            await client.chat_completion(QUESTION)

        with pytest.raises(InvalidRequestError, match="another event loop"):
            asyncio.run(ask())
        one.run_until_complete(ask())
        with pytest.raises(InvalidRequestError, match="another event loop"):
            asyncio.run(ask())
        one.run_until_complete(made[0].close())
    finally:
        one.close()
    assert len(server.requests) == 1


# Many event loops


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
