"""Every cell of the clients' fault matrix, and tests that run once per client."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from pinecone_assistant_client import (
    APIConnectionError,
    APITimeoutError,
    AssistantClient,
    AssistantError,
    AsyncAssistantClient,
    IncompleteStreamError,
    StreamError,
)

from ..client.support.raw_server import CLOSE, Answer, Framing, RawServer, Step
from .bodies import ALL, TWO, Body, Interface, failure
from .matrix import AMPLE_SECONDS, FRAMINGS, ROWS, Expect, Row
from .running import KEY, Outcome, bound_of, faulty_server, no_waiting, run_async, watched

Kind = Literal["sync", "async"]
QUESTION = [{"role": "user", "content": "How tall is a red pine?"}]


def method_of(body: Body) -> str:
    """The client's method for this body."""
    plain = "chat_completion" if body.interface == "openai" else "chat"
    return f"stream_{plain}" if body.streams else plain


def ask(
    kind: Kind, body: Body, options: dict[str, Any], outcome: Outcome, between: Callable[[], None] | None = None
) -> None:
    """Ask and close. With `between`, ask, call it, and ask again over the same client."""

    def call(client: AssistantClient) -> None:
        outcome.text = ""
        result = getattr(client, method_of(body))(QUESTION)
        if not body.streams:
            outcome.text = result.content
            return
        for chunk in result:
            outcome.text += chunk.content

    async def acall(client: AsyncAssistantClient) -> None:
        outcome.text = ""
        result = getattr(client, method_of(body))(QUESTION)
        if not body.streams:
            outcome.text = (await result).content
            return
        async for chunk in result:
            outcome.text += chunk.content

    async def asynchronously() -> None:
        async with AsyncAssistantClient(**options) as client:
            await acall(client)
            if between is not None:
                between()
                await acall(client)

    try:
        if kind == "async":
            run_async(outcome, asynchronously)
            return
        with AssistantClient(**options) as client:
            call(client)
            if between is not None:
                between()
                call(client)
    except Exception as error:  # noqa: BLE001 - the class is what the cell is about
        outcome.result, outcome.error = type(error).__name__, error


def run_cell(row: Row, kind: Kind, body: Body) -> Outcome:
    """The outcome of one cell."""
    outcome = Outcome()
    with watched(outcome):
        with no_waiting(outcome), faulty_server(row, body) as (server, options):

            def restart() -> None:
                server.drop_idle()
                assert server.sees_no_connections()

            start = time.monotonic()
            ask(kind, body, options, outcome, restart if row.setup == "kept alive" else None)
            outcome.seconds = time.monotonic() - start
            outcome.requests, outcome.connections = len(server.requests), server.connections
        error, outcome.error = outcome.error, None
        if error is not None:
            assert isinstance(error, AssistantError), f"{type(error)} escaped: {error}"
            assert KEY not in str(error)
            if body.streams and isinstance(error, (StreamError, APITimeoutError)):
                assert error.text == outcome.text
            error.__traceback__ = None
            del error
    return outcome


CELLS = [(row, framing) for row in ROWS for framing in row.framings]


@pytest.mark.parametrize("streams", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("interface", ["openai", "standard"])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("row", "framing"), CELLS, ids=[f"{row.name}-{framing}" for row, framing in CELLS])
def test_the_fault_ends_as_the_matrix_says(
    row: Row, framing: Framing, kind: Kind, interface: Interface, *, streams: bool
) -> None:
    outcome = run_cell(row, kind, Body(interface, streams, framing))
    expect: Expect = row.streamed if streams else row.plain
    assert outcome.result == expect.result
    assert outcome.requests == expect.requests
    assert outcome.tries == (expect.tries or expect.requests)
    assert outcome.text == (ALL if expect.result == "answer" else expect.text)
    if row.retry_waits is not None:
        assert tuple(outcome.retry_waits) == row.retry_waits
    assert outcome.seconds < bound_of(row, outcome.tries)
    assert outcome.left == []


# Faults that do not fit into a row


SHORT_TEXTS = ("Tä ", "g.")


def options_for(server: RawServer) -> dict[str, Any]:
    return {"assistant_name": "docs", "api_key": KEY, "host": server.url, "timeout": AMPLE_SECONDS}


def short_answer(interface: Interface, framing: Framing) -> tuple[bytes, int, int]:
    """Return the bytes of a short streamed answer, and the offsets at which its finish can and must have arrived."""
    body = Body(interface, streams=True, framing=framing)
    pieces = [*body.texts(*SHORT_TEXTS), body.ending[-1 if interface == "standard" else 0]]
    steps = [step for step in body.answer(pieces) if isinstance(step, bytes)]
    data = b"".join(steps)
    finish = data.rindex(b"stop")
    return data, finish + 4, data.index(b"\n\n", finish) + (4 if framing == "chunked" else 2)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("interface", ["openai", "standard"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_cut_after_any_byte_is_whole_or_an_error(kind: Kind, interface: Interface, framing: Framing) -> None:
    data, earliest, certain = short_answer(interface, framing)
    head_end = data.index(b"\r\n\r\n") + 4
    body = Body(interface, streams=True, framing=framing)
    outcome = Outcome()
    with watched(outcome), RawServer() as server:
        options = options_for(server)
        cuts: list[Answer] = [[data[:size], CLOSE] for size in range(len(data) + 1)]
        server.script(*cuts)

        def check(size: int, text: str, error: AssistantError | None) -> None:
            assert "".join(SHORT_TEXTS).startswith(text)
            if error is None:
                assert size >= earliest
                assert text == "".join(SHORT_TEXTS)
            elif size < head_end:
                # http.client accepts a cut head as a whole one; the body is then missing.
                assert type(error) in (APIConnectionError, IncompleteStreamError)
                assert text == ""
            else:
                assert type(error) is IncompleteStreamError
                assert error.text == text
                assert size < certain

        async def asynchronously() -> None:
            async with AsyncAssistantClient(**options) as client:
                for size in range(len(data) + 1):
                    text = ""
                    try:
                        async for chunk in getattr(client, method_of(body))(QUESTION):
                            text += chunk.content
                    except AssistantError as error:
                        check(size, text, error)
                    else:
                        check(size, text, None)

        if kind == "async":
            run_async(outcome, asynchronously)
        else:
            with AssistantClient(**options) as client:
                for size in range(len(data) + 1):
                    text = ""
                    try:
                        for chunk in getattr(client, method_of(body))(QUESTION):
                            text += chunk.content
                    except AssistantError as error:
                        check(size, text, error)
                    else:
                        check(size, text, None)
        assert len(server.requests) == len(data) + 1
    assert outcome.left == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_event_of_50_megabytes_is_refused_at_8(kind: Kind) -> None:
    body = Body("openai", streams=True)
    flood: list[Step] = [b"x" * 1024 * 1024] * 50
    row = Row("flood", lambda b: [b.broken([*b.some, b"data:", *flood])], Expect(), Expect())
    outcome = run_cell(row, kind, body)
    assert outcome.result == "StreamError"
    assert outcome.text == TWO
    assert outcome.requests == 1
    assert outcome.left == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_thousand_calls_over_a_server_that_fails_one_in_five_all_end_well(kind: Kind) -> None:
    plain, streamed = Body("openai", streams=False), Body("openai", streams=True)
    outcome = Outcome()
    with watched(outcome), no_waiting(outcome), RawServer() as server:
        options = options_for(server)
        for number in range(1000):
            if number % 5 == 4:
                server.script(failure(503))
            server.script(streamed.whole if number % 2 else plain.whole)

        async def asynchronously() -> None:
            async with AsyncAssistantClient(**options) as client:
                for number in range(1000):
                    if number % 2:
                        texts = [chunk.content async for chunk in client.stream_chat_completion(QUESTION)]
                        assert "".join(texts) == ALL
                    else:
                        assert (await client.chat_completion(QUESTION)).content == ALL

        if kind == "async":
            run_async(outcome, asynchronously)
        else:
            with AssistantClient(**options) as client:
                for number in range(1000):
                    if number % 2:
                        texts = [chunk.content for chunk in client.stream_chat_completion(QUESTION)]
                        assert "".join(texts) == ALL
                    else:
                        assert client.chat_completion(QUESTION).content == ALL
        assert len(server.requests) == 1200
        assert server.connections == 1
    assert outcome.retry_waits == [0.5] * 200
    assert outcome.left == []
