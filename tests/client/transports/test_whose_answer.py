"""Matching of answers to requests: a caller never gets an interim response or the answer to another request."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_client import APIConnectionError

from ..support.asking import KEY, Asking, put
from ..support.bodies import QUESTION, TEXT, completion, parts
from ..support.broken_peers import SessionKind, session_options
from ..support.clients import described
from ..support.raw_server import RawServer, Set, WaitFor, reply, streamed

pytestmark = pytest.mark.usefixtures("no_proxy_of_this_machine")

REQUEST_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def interim(status: int) -> bytes:
    """An interim response with a header."""
    return b"HTTP/1.1 %d Interim\r\nLink: </style.css>; rel=preload\r\n\r\n" % status


@pytest.fixture(params=["own", "injected"])
def session(request: pytest.FixtureRequest) -> SessionKind:
    """The owner of the session: the client, or the caller (injected)."""
    chosen: SessionKind = request.param
    return chosen


def answer(text: str, is_streamed: bool) -> list[Any]:
    """A scripted answer."""
    return streamed(parts(text)) if is_streamed else reply(completion(text))


@pytest.mark.parametrize("status", [100, 102, 103, 199])
@pytest.mark.parametrize("times", [1, 3])
def test_an_interim_response_is_not_the_answer_and_the_next_caller_gets_their_own(
    ask: Asking, server: RawServer, status: int, is_streamed: bool, times: int
) -> None:
    server.script(
        *([*[interim(status)] * times, *answer(f"for {tenant}", is_streamed)] for tenant in ("a tenant", "another"))
    )
    asker = ask()
    assert put(asker, is_streamed) == "for a tenant"
    assert put(asker, is_streamed) == "for another"
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize("status", [102, 103, 199])
def test_an_interim_response_on_an_injected_session_never_becomes_an_answer(
    ask: Asking, server: RawServer, status: int, is_streamed: bool
) -> None:
    """Aiohttp skips it. Requests does not, so its connection is closed before the answer comes."""
    server.script([interim(status), *answer("for a tenant", is_streamed)], answer("for another", is_streamed))
    with session_options(ask, "injected") as options:
        asker = ask(**options)
        if ask.kind == "sync":
            with pytest.raises(APIConnectionError, match=f"interim status {status}") as caught:
                put(asker, is_streamed)
            assert caught.value.may_have_been_processed
            assert (asker.waits, len(server.requests)) == ([], 1)
        else:
            assert put(asker, is_streamed) == "for a tenant"
        assert put(asker, is_streamed) == "for another"


def test_a_hundred_interim_responses_are_no_answer(ask: Asking, server: RawServer) -> None:
    server.script([*[interim(103)] * 101, *reply(completion())])
    asker = ask()
    if ask.kind == "async":
        assert asker.chat_completion(QUESTION).content == TEXT  # aiohttp has no bound of its own; a timeout is
        return
    with pytest.raises(APIConnectionError, match="interim responses") as caught:
        asker.chat_completion(QUESTION)
    assert caught.value.may_have_been_processed


@pytest.mark.parametrize(
    "unsolicited", [REQUEST_TIMEOUT, reply(completion("for somebody else"))[0]], ids=["408", "answer"]
)
@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("when", ["with the answer", "later"])
def test_a_response_that_nobody_asked_for_is_not_the_next_answer(
    *,
    ask: Asking,
    session: SessionKind,
    is_streamed: bool,
    unsolicited: bytes,
    is_tls: bool,
    when: str,
    tls_context: ssl.SSLContext,
    ca_path: Path,
) -> None:
    assert isinstance(unsolicited, bytes)
    go_on, is_sent = threading.Event(), threading.Event()
    first = answer("the first", is_streamed)
    with RawServer(tls=tls_context if is_tls else None) as server:
        if when == "later":
            server.script([*first, WaitFor(go_on), unsolicited, Set(is_sent)])
        else:
            server.script([b"".join([*first, unsolicited])])
        server.otherwise = answer("the second", is_streamed)
        with session_options(ask, session, ca_path=ca_path if is_tls else None) as options:
            asker = ask(host=server.url, **options)
            assert put(asker, is_streamed) == "the first"
            go_on.set()
            if when == "later":
                assert is_sent.wait(5.0)
            _let_the_loop_read(ask)
            assert put(asker, is_streamed) == "the second"


def test_what_tls_has_unpacked_and_nobody_asked_for_is_not_the_next_answer(
    ask: Asking, tls_context: ssl.SSLContext, ca_path: Path
) -> None:
    """One TLS record has two answers: the part that does not fit the reader's buffer stays in TLS, not in the socket."""
    long = reply(completion("for somebody else " * 500))[0]
    assert isinstance(long, bytes)
    with RawServer(tls=tls_context) as server:
        first = b"".join(step for step in reply(completion("the first")) if isinstance(step, bytes))
        server.script([first + long])
        server.otherwise = reply(completion("the second"))
        asker = ask(host=server.url, verify=str(ca_path))
        assert asker.chat_completion(QUESTION).content == "the first"
        _let_the_loop_read(ask)
        assert asker.chat_completion(QUESTION).content == "the second"


def test_a_response_that_nobody_asked_for_does_not_name_the_host(ask: Asking) -> None:
    """The lookup is a GET on a kept connection of the control plane."""
    with RawServer() as control, RawServer() as data, RawServer() as wrong:
        first = b"".join(step for step in described(data.url) if isinstance(step, bytes))
        evil = b"".join(step for step in described(wrong.url) if isinstance(step, bytes))
        control.script([first + evil])
        control.otherwise = described(data.url)
        data.otherwise = reply(completion())
        options: dict[str, Any] = {"host": None, "controller_host": control.url, "api_key": KEY}
        assert ask(assistant_name="docs", **options).chat_completion(QUESTION).content == TEXT
        _let_the_loop_read(ask)
        assert ask(assistant_name="other", **options).chat_completion(QUESTION).content == TEXT
        assert (len(data.requests), wrong.requests) == (2, [])


def _let_the_loop_read(ask: Asking) -> None:
    """Let the event loop read the bytes that have arrived, as it does while an application does something else."""
    if ask.kind == "async":

        async def rest() -> Any:
            await asyncio.sleep(0.02)

        ask.run(rest)
