"""Calls that are ended from outside: the variables in the frames of the error hold neither the key nor a login."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
import requests

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient

from ..support.asking import KEY
from ..support.bodies import QUESTION, part
from ..support.proxy_server import ProxyServer
from ..support.raw_server import HOLD, Answer, RawServer, head, streamed
from ..support.recorder import modules_of, recorded, texts_in

TOKEN = "team-token-abcdef"
PASSWORD = "hunter2hunter2"
SECRETS = (KEY, TOKEN, PASSWORD)
FOREIGN = {"aiohttp", "urllib3", "requests", "http", "ssl", "socket", "email"}
WHERE: dict[str, tuple[str, Answer]] = {
    "before the head": ("chat_completion", [HOLD]),
    "in the head": ("chat_completion", [b"HTTP/1.1 200 OK\r\nX-A: 1\r\n", HOLD]),
    "in the body": ("chat_completion", [head(200, {"Content-Length": "100"}), b"{", HOLD]),
    "in a chunked body": ("chat", [head(200, {"Transfer-Encoding": "chunked"}), b"5\r\n{", HOLD]),
    "in an error's body": ("chat_completion", [head(400, {"Content-Length": "100"}), b"{", HOLD]),
    "before a stream": ("stream_chat_completion", [HOLD]),
    "between events": ("stream_chat_completion", streamed([part("one "), HOLD])),
    "in the context": ("context", [HOLD]),
    "behind a silent proxy": ("proxy", []),
    "in the lookup of the host": ("lookup", [HOLD]),
}
EACH = pytest.mark.parametrize("where", WHERE)


class Stopped(Exception):  # noqa: N818 - as a worker's time limit is called
    """An exception that a signal handler raises."""


@contextlib.contextmanager
def asked(server: RawServer, where: str, kind: Any, session: Any = None) -> Iterator[tuple[Any, Callable[[], bool]]]:
    """A client with every kind of secret, and a function that waits until the server has its request."""
    server.otherwise = WHERE[where][1]
    options: dict[str, Any] = {"host": server.url}
    arrived: Callable[[], bool] = lambda: server.sees_requests(1)  # noqa: E731
    if where == "in the lookup of the host":
        options = {"controller_host": server.url}
    if session is not None:
        options["http_session" if kind is AssistantClient else "async_http_session"] = session
    with contextlib.ExitStack() as stack:
        if where == "behind a silent proxy":
            proxy = stack.enter_context(ProxyServer(server.port, refusal=b""))
            arrived = lambda: bool(proxy.sees_a_head())  # noqa: E731
            options = {
                "host": "https://assistant.example",
                "proxies": {"https": proxy.url.replace("//", f"//u:{PASSWORD}@")},
            }
        client = kind(assistant_name="docs", api_key=KEY, default_headers={"X-Team": TOKEN}, timeout=5.0, **options)
        yield client, arrived


def method_of(where: str) -> str:
    return {"proxy": "chat_completion", "lookup": "chat_completion"}.get(WHERE[where][0], WHERE[where][0])


def check(error: BaseException) -> None:
    """Nothing secret is found, and no frame of a library is there to look in."""
    assert "pinecone_assistant_client" in modules_of(error)
    assert not modules_of(error) & FOREIGN
    found = recorded(error)
    assert [secret for secret in SECRETS if secret in found] == []


# Async


async def run(client: AsyncAssistantClient, where: str) -> None:
    asking = getattr(client, method_of(where))("pine" if where == "in the context" else QUESTION)
    if hasattr(asking, "__aiter__"):
        async for _ in asking:
            pass
    else:
        await asking


async def cancel(call: Any, arrived: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(call)
    await asyncio.to_thread(arrived)
    await asyncio.sleep(0.01)
    task.cancel()
    await task


async def wait_for(call: Any, arrived: Callable[[], bool]) -> None:
    await asyncio.wait_for(call, 0.1)


async def timeout(call: Any, arrived: Callable[[], bool]) -> None:
    if sys.version_info < (3, 11):
        call.close()
        pytest.skip("asyncio.timeout came with 3.11")
    async with asyncio.timeout(0.1):
        await call


@pytest.fixture(params=["own", "injected"])
async def async_session(request: pytest.FixtureRequest) -> AsyncIterator[aiohttp.ClientSession | None]:
    if request.param == "own":
        yield None
        return
    async with aiohttp.ClientSession() as session:
        yield session


@EACH
@pytest.mark.parametrize("how", [cancel, wait_for, timeout])
async def test_a_call_that_is_cancelled_shows_no_secret(
    server: RawServer, where: str, how: Any, async_session: aiohttp.ClientSession | None
) -> None:
    if async_session is not None and where == "behind a silent proxy":
        pytest.skip("an injected session has its own proxies")
    with asked(server, where, AsyncAssistantClient, async_session) as (client, arrived):
        async with client:
            with pytest.raises((asyncio.CancelledError, asyncio.TimeoutError)) as caught:
                await how(run(client, where), arrived)
            check(caught.value)


@EACH
def test_a_signal_handler_that_raises_inside_a_loop_shows_no_secret(server: RawServer, where: str) -> None:
    loop = asyncio.new_event_loop()
    with asked(server, where, AsyncAssistantClient) as (client, arrived):
        task = loop.create_task(run(client, where))
        with signalled(arrived), pytest.raises(Stopped) as caught:
            loop.run_until_complete(task)
        found = recorded_reprs(caught.value)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, Stopped)):
            loop.run_until_complete(task)
        loop.run_until_complete(client.close())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert [secret for secret in SECRETS if secret in found] == []


def recorded_reprs(error: BaseException) -> str:
    """The reprs of all variables. The variables themselves are not searched: the loop's frames lead to everything."""
    texts = []
    traceback = error.__traceback__
    while traceback is not None:
        texts += [repr(value) for value in traceback.tb_frame.f_locals.values() if "f_locals" not in repr(value)]
        traceback = traceback.tb_next
    return "\n".join(texts).replace(repr(SECRETS), "")


# Sync


@contextlib.contextmanager
def signalled(arrived: Callable[[], bool], number: int = signal.SIGALRM) -> Iterator[None]:
    """Send a signal to the main thread once the request arrived; its handler raises."""

    def handle(number: int, frame: object) -> None:
        raise KeyboardInterrupt if number == signal.SIGINT else Stopped

    def send() -> None:
        assert arrived()
        threading.Event().wait(0.02)  # for what the server answers to arrive
        os.kill(os.getpid(), number)

    before = signal.signal(number, handle)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join(5)
        signal.signal(number, before)


def run_sync(client: AssistantClient, where: str) -> None:
    asking = getattr(client, method_of(where))("pine" if where == "in the context" else QUESTION)
    for _ in asking if hasattr(asking, "__next__") else ():
        pass


@pytest.fixture(params=["own", "injected"])
def sync_session(request: pytest.FixtureRequest) -> Iterator[requests.Session | None]:
    if request.param == "own":
        yield None
        return
    with requests.Session() as session:
        yield session


@EACH
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM])
def test_a_call_that_a_signal_ends_shows_no_secret(
    server: RawServer, where: str, number: int, sync_session: requests.Session | None
) -> None:
    if sync_session is not None and where == "behind a silent proxy":
        pytest.skip("an injected session has its own proxies")
    with (
        asked(server, where, AssistantClient, sync_session) as (client, arrived),
        client,
        signalled(arrived, number),
        pytest.raises((KeyboardInterrupt, Stopped)) as caught,
    ):
        run_sync(client, where)
    check(caught.value)


# What else may be recorded


def run_while_handling(client: AssistantClient) -> None:
    try:
        raise KeyError("the caller's own")
    except KeyError:
        client.chat_completion(QUESTION)


def test_a_handled_error_of_the_caller_stays_the_context(server: RawServer) -> None:
    with asked(server, "before the head", AssistantClient) as (client, arrived), client, signalled(arrived):
        with pytest.raises(Stopped) as caught:
            run_while_handling(client)
        assert isinstance(caught.value.__context__, KeyError)
        assert caught.value.__context__.__traceback__ is not None


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_vars_shows_of_a_client_that_was_used_has_no_secret(server: RawServer, kind: str) -> None:
    server.otherwise = streamed([part("A", finish="stop")])
    options: dict[str, Any] = {"host": "http://assistant.example", "api_key": KEY, "default_headers": {"X-Team": TOKEN}}
    with ProxyServer(server.port) as proxy:
        options["proxies"] = {"http": proxy.url.replace("//", f"//u:{PASSWORD}@")}
        if kind == "sync":
            with AssistantClient("docs", **options) as client:
                assert len(list(client.stream_chat_completion(QUESTION))) == 1
                found = "\n".join(texts_in(client))
        else:
            found = asyncio.run(asynchronous(options))
    assert "AssistantClient" in found
    assert [secret for secret in SECRETS if secret in found] == []


async def asynchronous(options: dict[str, Any]) -> str:
    async with AsyncAssistantClient("docs", **options) as client:
        assert len([chunk async for chunk in client.stream_chat_completion(QUESTION)]) == 1
        return "\n".join(texts_in(client))
