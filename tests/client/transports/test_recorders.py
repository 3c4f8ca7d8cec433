"""Recorders and mocks of tests promise that nothing leaves the process, and serve the answers; sync and async."""

from __future__ import annotations

import gzip
import io
import json
import unittest.mock
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import requests_mock
import responses
import urllib3
import vcr
import vcr.errors

from pinecone_assistant_client import (
    APIConnectionError,
    AssistantError,
    IncompleteStreamError,
    InvalidRequestError,
    RateLimitError,
)
from pinecone_assistant_client.transports.recorders import is_recorded

from ..support.asking import KEY, Asking, text_of
from ..support.bodies import PARTS, QUESTION, TEXT, chat_answer, completion
from ..support.raw_server import RawServer, reply, streamed

STREAM = b"".join(PARTS)
URL = "/assistant/chat/docs/chat/completions"


def used(server: RawServer) -> None:
    """Nothing but what came before the mock reached the server."""
    assert len(server.requests) == 1


NEW_AND_WARM = ["a new client", "warm connections"]


def asked_before(which: str, ask: Asking, server: RawServer) -> Any:
    server.otherwise = reply(completion("from the network"))
    first = ask(max_retries=0)
    assert first.chat_completion(QUESTION).content == "from the network"
    return first if which == "warm connections" else ask(max_retries=0, max_connections=7)


@pytest.fixture(params=NEW_AND_WARM)
def asker(request: pytest.FixtureRequest, ask: Asking, server: RawServer) -> Any:
    """A client that was asked before, or a new one."""
    return asked_before(request.param, ask, server)


@pytest.fixture
def sync_ask(server: RawServer) -> Iterator[Asking]:
    """Asks with the sync client only: these mocks replace parts of requests, not of aiohttp."""
    asking = Asking("sync", server.url)
    yield asking
    asking.close()


@pytest.fixture(params=NEW_AND_WARM)
def sync_asker(request: pytest.FixtureRequest, sync_ask: Asking, server: RawServer) -> Any:
    """The same, sync."""
    return asked_before(request.param, sync_ask, server)


# vcrpy


def cassette(path: Path, **options: Any) -> AbstractContextManager[Any]:
    recorder = vcr.VCR(match_on=["method", "uri", "body"], filter_headers=["Api-Key"])
    context: AbstractContextManager[Any] = recorder.use_cassette(str(path), **options)
    return context


def test_vcr_lets_nothing_out(asker: Any, server: RawServer, tmp_path: Path) -> None:
    with cassette(tmp_path / "empty.yaml", record_mode="none"):
        for call in (asker.chat_completion, lambda q: list(asker.stream_chat_completion(q)), asker.chat):
            with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
                call(QUESTION)
    used(server)


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_vcr_records_and_serves_whole_and_streamed_answers(
    *, asker: Any, server: RawServer, tmp_path: Path, framing: Any, is_packed: bool
) -> None:
    path = tmp_path / "talk.yaml"
    server.script(
        streamed([json.dumps(completion()).encode()], framing=framing, gzip=is_packed),
        streamed(PARTS, framing=framing, gzip=is_packed),
        reply({"error": "slow down"}, status=429, headers={"Retry-After": "7"}),
    )
    for _ in range(2):  # from the network, then from the cassette
        with cassette(path, record_mode="once"):
            answer = asker.chat_completion(QUESTION)
            assert (answer.content, answer.usage.total_tokens) == (TEXT, 15)
            chunks = list(asker.stream_chat_completion(QUESTION))
            assert text_of(chunks) == TEXT
            with pytest.raises(RateLimitError) as caught:
                asker.chat_completion([{"role": "user", "content": "Again?"}])
            assert caught.value.retry_after == 7
    assert len(server.requests) == 4
    assert KEY not in path.read_text()


def test_the_fast_path_is_back_after_a_cassette(asker: Any, server: RawServer, tmp_path: Path) -> None:
    with cassette(tmp_path / "talk.yaml", record_mode="once"):
        asker.chat_completion(QUESTION)
    assert not is_recorded()
    before = server.connections
    for _ in range(3):
        assert asker.chat_completion(QUESTION).content == "from the network"
    assert server.connections <= before + 1


def test_an_old_cassette_with_packed_bodies_is_read(sync_ask: Asking, server: RawServer, tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    asker = sync_ask(max_retries=0)
    server.otherwise = reply(completion(), headers={"Content-Encoding": "gzip"})

    def packed(response: dict[str, Any]) -> dict[str, Any]:
        response["body"]["string"] = gzip.compress(json.dumps(completion()).encode())
        return response

    server.otherwise = streamed([json.dumps(completion()).encode()], gzip=True)
    with vcr.VCR(before_record_response=packed).use_cassette(str(path)):
        asker.chat_completion(QUESTION)
    with cassette(path, record_mode="none"):
        assert asker.chat_completion(QUESTION).content == TEXT
    assert len(server.requests) == 1


@pytest.mark.parametrize("total_timeout", [None, 5.0])
def test_an_injected_session_under_vcr(
    ask: Asking, server: RawServer, tmp_path: Path, total_timeout: float | None
) -> None:
    """It raised AttributeError: chunked."""
    server.script(reply(completion()), streamed(PARTS))
    session: Any = ask.run(made_session if ask.kind == "async" else requests.Session)
    name = "http_session" if ask.kind == "sync" else "async_http_session"
    asker = ask(max_retries=0, total_timeout=total_timeout, **{name: session})
    for _ in range(2):
        with cassette(tmp_path / "talk.yaml", record_mode="once"):
            assert asker.chat_completion(QUESTION).content == TEXT
            assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
    assert len(server.requests) == 2
    ask.run(session.close)


async def made_session() -> Any:
    return aiohttp.ClientSession()


def test_vcr_over_https(ask: Asking, tls_server: RawServer, ca_path: Path, tmp_path: Path) -> None:
    tls_server.script(reply(completion()), streamed(PARTS))
    asker = ask(host=tls_server.url, verify=str(ca_path), max_retries=0)
    for _ in range(2):
        with cassette(tmp_path / "talk.yaml", record_mode="once"):
            assert asker.chat_completion(QUESTION).content == TEXT
            assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
    assert len(tls_server.requests) == 2


# responses


def test_responses_lets_nothing_out(sync_asker: Any, server: RawServer) -> None:
    with responses.RequestsMock():
        for call in (sync_asker.chat_completion, lambda q: list(sync_asker.stream_chat_completion(q)), sync_asker.chat):
            with pytest.raises(APIConnectionError, match="Responses"):
                call(QUESTION)
    used(server)


def test_responses_serves_whole_and_streamed_answers(sync_asker: Any, server: RawServer) -> None:
    with responses.RequestsMock() as mock:
        mock.post(server.url + URL, json=completion())
        mock.post(server.url + URL, body=STREAM, content_type="text/event-stream")
        mock.post(server.url + URL.removesuffix("/chat/completions"), json=chat_answer(TEXT))
        mock.post(server.url + URL, body=PARTS[0] + PARTS[1], content_type="text/event-stream")
        mock.post(server.url + URL, json={"error": "slow down"}, status=429, headers={"Retry-After": "7"})
        assert sync_asker.chat_completion(QUESTION).content == TEXT
        assert text_of(sync_asker.stream_chat_completion(QUESTION)) == TEXT
        assert sync_asker.chat(QUESTION).content == TEXT
        with pytest.raises(IncompleteStreamError) as cut:
            list(sync_asker.stream_chat_completion(QUESTION))
        assert cut.value.text == "A red pine "
        with pytest.raises(RateLimitError) as caught:
            sync_asker.chat_completion(QUESTION)
        assert caught.value.retry_after == 7
        sent = mock.calls[0].request
        assert (sent.headers["Api-Key"], json.loads(sent.body or "")["messages"]) == (KEY, QUESTION)
        assert sent.headers["User-Agent"].startswith("pinecone-assistant-integrations/")
    used(server)
    assert sync_asker.chat_completion(QUESTION).content == "from the network"


@pytest.mark.parametrize("error", [requests.ConnectionError, requests.ConnectTimeout, requests.ReadTimeout])
def test_errors_of_a_mock_are_ours(sync_asker: Any, server: RawServer, error: type[Exception]) -> None:
    with responses.RequestsMock() as mock:
        mock.post(server.url + URL, body=error("gone"))
        with pytest.raises(APIConnectionError):
            sync_asker.chat_completion(QUESTION)
    used(server)


# requests_mock


def test_requests_mock_lets_nothing_out(sync_asker: Any, server: RawServer) -> None:
    with requests_mock.Mocker():
        for call in (sync_asker.chat_completion, lambda q: list(sync_asker.stream_chat_completion(q)), sync_asker.chat):
            with pytest.raises(requests_mock.exceptions.NoMockAddress):
                call(QUESTION)
    used(server)


def test_requests_mock_serves_whole_and_streamed_answers(sync_asker: Any, server: RawServer) -> None:
    with requests_mock.Mocker() as mock:
        mock.post(
            server.url + URL,
            [
                {"json": completion()},
                {"content": STREAM},
                {"body": io.BytesIO(STREAM)},
                {"status_code": 500, "text": "no"},
            ],
        )
        assert sync_asker.chat_completion(QUESTION).content == TEXT
        assert text_of(sync_asker.stream_chat_completion(QUESTION)) == TEXT
        assert text_of(sync_asker.stream_chat_completion(QUESTION)) == TEXT
        with pytest.raises(AssistantError, match=r"\(500\)"):
            sync_asker.chat_completion(QUESTION)
        assert mock.request_history[0].json()["messages"] == QUESTION
    used(server)


def test_requests_mock_of_one_session(sync_ask: Asking, server: RawServer) -> None:
    with requests.Session() as session, requests_mock.Mocker(session=session) as mock:
        mock.post(server.url + URL, json=completion())
        assert sync_ask(http_session=session).chat_completion(QUESTION).content == TEXT
    assert server.requests == []


# Anything else that replaces them


def raising(*args: Any, **kwargs: Any) -> Any:
    raise requests.ConnectionError("nothing leaves")


PLACES: dict[str, Callable[[], Any]] = {
    "the adapter's send": lambda: unittest.mock.patch("requests.adapters.HTTPAdapter.send", raising),
    "the adapter's send by a mock": lambda: unittest.mock.patch(
        "requests.adapters.HTTPAdapter.send", side_effect=raising
    ),
    "the adapter's send by its own likeness": lambda: unittest.mock.patch(
        "requests.adapters.HTTPAdapter.send", autospec=True, side_effect=raising
    ),
    "the session's send": lambda: unittest.mock.patch("requests.Session.send", raising),
    "the session's send by a mock": lambda: unittest.mock.patch("requests.Session.send", side_effect=raising),
    "the session's send by its own likeness": lambda: unittest.mock.patch(
        "requests.Session.send", autospec=True, side_effect=raising
    ),
    "the http connection": lambda: unittest.mock.patch.object(urllib3.HTTPConnectionPool, "ConnectionCls", Refusing),
}


class Refusing(urllib3.connection.HTTPConnection):
    """A replacement of a connection class that is not a connection."""

    def connect(self) -> None:
        raising()


@pytest.mark.parametrize("place", PLACES)
def test_whatever_takes_their_place_is_asked(sync_asker: Any, server: RawServer, place: str) -> None:
    with PLACES[place](), pytest.raises(APIConnectionError, match="nothing leaves"):
        sync_asker.chat_completion(QUESTION)
    used(server)


def test_nothing_is_replaced_by_itself() -> None:
    assert not is_recorded()


@pytest.fixture
def traced() -> Iterator[list[str]]:
    """Tracing, as OpenTelemetry wraps `Session.send`."""
    import functools  # noqa: PLC0415

    seen: list[str] = []
    real = requests.Session.send

    @functools.wraps(real)
    def send(self: Any, request: Any, **options: Any) -> Any:
        seen.append(request.url)
        return real(self, request, **options)

    with unittest.mock.patch.object(requests.Session, "send", send):
        yield seen


def test_tracing_of_sessions_is_not_taken_for_a_mock(traced: list[str]) -> None:
    assert not is_recorded()


def test_the_settings_of_the_client_hold_under_a_recorder(
    sync_ask: Asking, tls_server: RawServer, tmp_path: Path
) -> None:
    """A server with an untrusted certificate is not recorded either."""
    with cassette(tmp_path / "talk.yaml", record_mode="once"), pytest.raises(APIConnectionError, match="TLS"):
        sync_ask(host=tls_server.url, max_retries=0).chat_completion(QUESTION)
    assert tls_server.requests == []


def test_settings_that_are_refused_under_a_mock_free_their_slot(sync_ask: Asking) -> None:
    asker = sync_ask(host="http://assistant.example", proxies={"http": "ftp://a:1"}, max_connections=1)
    with responses.RequestsMock():
        for _ in range(2):
            with pytest.raises(InvalidRequestError, match="ftp://a:1"):
                asker.chat_completion(QUESTION, total_timeout=1)


def test_slots_are_freed_under_a_mock(sync_ask: Asking, server: RawServer) -> None:
    asker = sync_ask(max_connections=1, max_retries=0)
    with responses.RequestsMock() as mock:
        mock.post(server.url + URL, body=STREAM, content_type="text/event-stream")
        for _ in range(3):
            stream = asker.stream_chat_completion(QUESTION)
            assert next(stream).content == "A red pine "
            stream.close()


async def test_aiohttps_own_requests_are_replaced(server: RawServer, tmp_path: Path) -> None:
    """Async clients use aiohttp's own session, so a replacement of its `_request` sees their requests."""
    from ..support.clients import async_client  # noqa: PLC0415

    async def refuse(*args: Any, **kwargs: Any) -> Any:
        raise aiohttp.ClientConnectionError("nothing leaves")

    with unittest.mock.patch.object(aiohttp.ClientSession, "_request", refuse):
        async with async_client(server, max_retries=0) as client:
            with pytest.raises(APIConnectionError, match="nothing leaves"):
                await client.chat_completion(QUESTION)
    assert server.requests == []
