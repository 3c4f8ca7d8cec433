"""Every cell of the adapters' fault matrix."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest
from langchain_core.exceptions import ModelError

from pinecone_assistant_client import AssistantError

from .adapters import BREAK, FAULTS, METHODS, Method, expected
from .bodies import ALL
from .matrix import Row
from .running import KEY, Outcome, bound_of, faulty_server, no_waiting, run_async, watched
from .table import DOCUMENT, written

CELLS = [(method, fault) for method in METHODS for fault in FAULTS if expected(method, fault).result]


def ask(method: Method, asked: Any, outcome: Outcome) -> None:
    """Ask, sync."""
    result = method.call(asked)
    if method.kind != "stream":
        outcome.text = result
        return
    for text in result:
        outcome.text += text


async def aask(method: Method, asked: Any, outcome: Outcome) -> None:
    """Ask, async."""
    result = method.call(asked)
    if method.kind != "stream":
        outcome.text = await result
        return
    async for text in result:
        outcome.text += text


def break_off(method: Method, asked: Any, outcome: Outcome) -> None:
    """Leave a stream after its first text."""
    for text in method.call(asked):
        outcome.text += text
        if outcome.text:
            break


async def abreak_off(method: Method, asked: Any, outcome: Outcome, server: Any) -> None:
    """Leave a stream after its first text, or cancel the call for a whole answer."""
    if method.kind == "stream":
        texts = method.call(asked)
        async for text in texts:
            outcome.text += text
            if outcome.text:
                break
        del texts
    else:
        asking = asyncio.ensure_future(aask(method, asked, outcome))
        await asyncio.to_thread(server.sees_requests, 1)
        await asyncio.sleep(0.02)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    gc.collect()
    assert await asyncio.to_thread(server.sees_a_disconnect, 1)


def run_cell(method: Method, fault: Row) -> Outcome:
    """The outcome of one cell."""
    outcome = Outcome()
    with watched(outcome), no_waiting(outcome), faulty_server(fault, method.body) as (server, options):
        asked = method.make(**options)

        async def asynchronously() -> None:
            try:
                if fault is BREAK:
                    await abreak_off(method, asked, outcome, server)
                else:
                    await aask(method, asked, outcome)
            finally:
                await asked.aclose()

        start = time.monotonic()
        try:
            if method.is_async:
                run_async(outcome, asynchronously)
            elif fault is BREAK:
                break_off(method, asked, outcome)
                gc.collect()
                assert server.sees_a_disconnect(1)
            else:
                ask(method, asked, outcome)
            if fault is BREAK:
                outcome.result = "disconnects"
        except AssistantError as error:
            outcome.result = type(error).__name__
            outcome.shows_the_key = KEY in str(error)
            outcome.is_of_the_framework = isinstance(error, ModelError)
        finally:
            asked.close()
        outcome.seconds = time.monotonic() - start
        outcome.requests = len(server.requests)
    return outcome


@pytest.mark.parametrize(("method", "fault"), CELLS, ids=[f"{method.name}-{fault.name}" for method, fault in CELLS])
def test_the_fault_ends_as_the_matrix_says(method: Method, fault: Row) -> None:
    outcome = run_cell(method, fault)
    expect = expected(method, fault)
    assert outcome.result == expect.result
    assert outcome.requests == expect.requests
    assert outcome.tries == (expect.tries or expect.requests)
    if fault is not BREAK:
        assert outcome.text == (ALL if expect.result == "answer" else expect.text)
    if expect.result not in ("answer", "disconnects"):
        assert outcome.is_of_the_framework == (method.framework == "LangChain")
        assert not outcome.shows_the_key
    assert outcome.seconds < bound_of(fault, outcome.tries)
    assert outcome.left == []


def test_no_method_was_taken_out_of_the_matrix() -> None:
    assert len(METHODS) == len({method.name for method in METHODS}) == 28


def test_the_table_in_the_docs_is_the_one_the_tests_assert() -> None:
    """Write it with `python -m tests.faults --write`."""
    document = DOCUMENT.read_text("utf-8")
    assert document == written(document)
