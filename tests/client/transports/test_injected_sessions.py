"""Injected sessions: their settings win, and the client never closes them."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

import aiohttp
import pytest
import requests
import requests.adapters
import urllib3

from pinecone_assistant_client import (
    APIConnectionError,
    AssistantClient,
    AuthenticationError,
    BadRequestError,
    InvalidRequestError,
)

from ..support.asking import KEY
from ..support.bodies import QUESTION, TEXT
from ..support.clients import WHOLE, async_client, sync_client
from ..support.raw_server import CLOSE, HOLD, Answer, RawServer, chunk, head, reply


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


def test_the_body_of_a_redirect_is_not_read_to_its_end_by_an_injected_session(server: RawServer) -> None:
    """To prepare the redirect, requests reads its whole body, which may never end."""
    piece = chunk(b"x" * 65536)
    with requests.Session() as session, sync_client(server, http_session=session, max_retries=0) as client:
        server.otherwise = [head(307, {"Location": server.url, "Transfer-Encoding": "chunked"}), *[piece] * 200, HOLD]
        with pytest.raises(BadRequestError, match="redirect"):
            client.chat_completion(QUESTION)


@pytest.mark.parametrize("location", ["http://[bad", "http://a..b/", "http://\xff/", "://"])
def test_a_redirect_to_what_is_no_url_is_a_redirect_of_an_injected_session(server: RawServer, location: str) -> None:
    """Requests raises ValueError and UnicodeDecodeError for some of these."""
    server.otherwise = reply(b"", status=302, headers={"Location": location})
    with (
        requests.Session() as session,
        sync_client(server, http_session=session) as client,
        pytest.raises(BadRequestError, match="redirect"),
    ):
        client.chat_completion(QUESTION)


async def test_a_session_that_raises_for_a_status_gives_the_error_of_that_status(server: RawServer) -> None:
    """It was reported as a lost connection that may have been processed, and its cause held the headers."""
    server.otherwise = reply({"error": {"code": "X", "message": "bad key"}}, status=401)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        client = async_client(server, async_http_session=session)
        with pytest.raises(AuthenticationError, match="bad key") as caught:
            await client.chat_completion(QUESTION)
        assert caught.value.__cause__ is None
        await client.close()


def test_the_retries_of_an_injected_session_are_its_own_and_typed(server: RawServer) -> None:
    """A session with urllib3 retries raises RetryError; the caller gets this package's error."""
    server.otherwise = reply(b"busy", status=503)
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=0))
        with sync_client(server, http_session=session, max_retries=0) as client:
            with pytest.raises(Exception, match="503") as caught:
                client.chat_completion(QUESTION)
            assert type(caught.value).__module__.startswith("pinecone_assistant_client")


@pytest.mark.parametrize("is_streamed", [False, True], ids=["plain", "streamed"])
def test_a_head_that_urllib3_refuses_is_no_reason_to_send_the_question_again(
    server: RawServer, *, is_streamed: bool
) -> None:
    """Requests raises InvalidHeader, which is otherwise its error for a request's own headers, before anything is sent."""
    server.otherwise = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"]
    with requests.Session() as session, sync_client(server, http_session=session) as client:
        with pytest.raises(APIConnectionError, match="multiple unmatching values") as caught:
            _ask(client, is_streamed=is_streamed)
        assert caught.value.may_have_been_processed
    assert len(server.requests) == 1


@pytest.mark.parametrize("is_streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.JSONDecodeError("not JSON", "", 0),
        requests.exceptions.InvalidURL("of the hook's own request"),
        requests.exceptions.ConnectionError(urllib3.exceptions.ClosedPoolError(cast("Any", None), "closed")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_hook_of_the_session_raises_is_no_reason_to_send_the_question_again(
    server: RawServer, error: Exception, *, is_streamed: bool
) -> None:
    server.otherwise = WHOLE

    def hook(*_args: Any, **_options: Any) -> None:
        raise error

    with requests.Session() as session, sync_client(server, http_session=session) as client:
        session.hooks["response"].append(hook)
        with pytest.raises(APIConnectionError) as caught:
            _ask(client, is_streamed=is_streamed)
        assert caught.value.may_have_been_processed
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "end", [[CLOSE], [*reply(b"busy", status=503, headers={"Connection": "close"}), CLOSE]], ids=["cut", "503"]
)
def test_a_question_that_the_session_sent_before_its_last_retry_counts_as_written(
    server: RawServer, end: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.otherwise = end
    _refuse_connections(monkeypatch, after=1)
    retries = urllib3.Retry(1, allowed_methods=None, status_forcelist=[503], backoff_factor=0)
    with requests.Session() as session, sync_client(server, http_session=session) as client:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
        with pytest.raises(APIConnectionError) as caught:
            client.chat_completion(QUESTION)
        assert caught.value.may_have_been_processed
    assert len(server.requests) == 1


def test_a_question_that_the_session_could_never_send_is_not_written(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_connections(monkeypatch, after=0)
    with requests.Session() as session, sync_client(server, http_session=session, max_retries=0) as client:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(2, backoff_factor=0)))
        with pytest.raises(APIConnectionError) as caught:
            client.chat_completion(QUESTION)
        assert not caught.value.may_have_been_processed


def _ask(client: AssistantClient, *, is_streamed: bool) -> None:
    if is_streamed:
        list(client.stream_chat_completion(QUESTION))
    else:
        client.chat_completion(QUESTION)


def _refuse_connections(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    connect, made = urllib3.util.connection.create_connection, itertools.count()

    def create_connection(*args: Any, **options: Any) -> Any:
        if next(made) >= after:
            raise ConnectionRefusedError("refused")
        return connect(*args, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", create_connection)


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
