"""Event loops, threads, copies and pickles of an LLM, changed connection options, and closed connections."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import psutil
import pytest
import requests
from llama_index.core.async_utils import asyncio_run
from llama_index.core.callbacks import CallbackManager, LlamaDebugHandler
from llama_index.core.llms import ChatMessage

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
    PineconeAssistantToolSpec,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import APIConnectionError, AssistantClient, AsyncAssistantClient, AuthenticationError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, SECRET, Ask, EndlessStream, bodies, run

MESSAGES = [ChatMessage(QUESTION)]


def descriptors() -> int:
    gc.collect()
    return psutil.Process(os.getpid()).num_fds()


async def one_of_each(llm: PineconeAssistant) -> str:
    """Ask for a whole answer and for a stream."""
    text = (await llm.achat(MESSAGES)).message.content
    streamed = "".join([answer.delta or "" async for answer in await llm.astream_chat(MESSAGES)])
    assert text
    assert streamed[:20] == text[:20]
    return str(text)


def test_thirty_loops_leave_no_descriptor(llm: PineconeAssistant) -> None:
    """Warnings are errors in this folder, so a ResourceWarning fails this test too."""
    run(one_of_each(llm))
    before = descriptors()
    for _ in range(30):
        run(one_of_each(llm))
    assert descriptors() <= before


def test_thirty_asyncio_runs_of_llama_index_inside_a_running_loop_leave_no_descriptor(llm: PineconeAssistant) -> None:
    """LlamaIndex starts a thread and an event loop for each call, and does not shut down that loop's generators."""

    async def outer() -> tuple[int, int]:
        await one_of_each(llm)
        asyncio_run(one_of_each(llm))
        before = descriptors()
        for _ in range(30):
            asyncio_run(one_of_each(llm))
        return before, descriptors()

    before, after = run(outer())
    assert after <= before
    run(llm.aclose())


def test_many_threads_share_one_llm(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: str(ask(llm)[-1]), range(16)))
    assert all("25 meters" in answer for answer in answers)
    assert len(bodies(local)) == 16


def test_many_calls_in_one_loop(llm: PineconeAssistant, local: LocalAssistant) -> None:
    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(one_of_each(llm) for _ in range(20)))

    assert len(run(all_at_once())) == 20
    assert len(bodies(local)) == 40


@pytest.mark.parametrize("how", ["pickle", "deepcopy", "copy", "model_copy"])
def test_a_copy_works_before_and_after_calls(
    words: dict[str, Any], ask: Ask, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    llm = PineconeAssistant(**words, filter={"resource": "nursery"}, temperature=0.5)
    copies: dict[str, Callable[[], PineconeAssistant]] = {
        "pickle": lambda: pickle.loads(pickle.dumps(llm)),
        "deepcopy": lambda: copy.deepcopy(llm),
        "copy": lambda: copy.copy(llm),
        "model_copy": llm.model_copy,
    }
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            twin = copies[how]()
            assert twin.to_dict() == llm.to_dict()
            assert "3 meters" in str(ask(twin)[-1])
            ask(llm)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert SECRET not in caplog.text


@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
def test_injected_sessions_are_shared_by_deep_copies_and_left_out_of_pickles(
    words: dict[str, Any], how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def use() -> None:
        async with aiohttp.ClientSession() as session:
            with requests.Session() as sync_session:
                llm = PineconeAssistant(**words, http_session=sync_session, async_http_session=session)
                assert await one_of_each(llm)
                assert llm.chat(MESSAGES)
                if how == "deepcopy":
                    twin = copy.deepcopy(llm)
                    assert twin.async_http_session is session
                    assert twin.http_session is sync_session
                else:
                    twin = pickle.loads(pickle.dumps(llm))
                    assert twin.async_http_session is None
                    assert twin.http_session is None
                assert await one_of_each(twin)
                assert llm.async_http_session is session, "the original keeps its own"
                await llm.aclose()
                await twin.aclose()
                assert not session.closed, "injected sessions are the user's to close"

    run(use())
    assert "unpickleable" not in caplog.text


def test_a_changed_connection_word_makes_a_new_client(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    ask(llm)
    with pytest.raises(AuthenticationError):
        ask(llm.model_copy(update={"api_key": "wrong"}))
    with pytest.raises(APIConnectionError, match=":9"):
        ask(llm.model_copy(update={"host": "http://127.0.0.1:9", "max_retries": 0}))
    assert ask(llm), "the original is as it was"
    llm.assistant_name = "nobody"
    with pytest.raises(Exception, match='"nobody"'):
        ask(llm)
    llm.assistant_name = local.name
    assert ask(llm)


def test_a_header_that_changes_in_place_is_sent(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, default_headers={"X-Team": "a"})
    ask(llm)
    assert llm.default_headers is not None
    llm.default_headers["X-Team"] = "b"
    ask(llm)
    assert [request.headers["x-team"] for request in local.requests if "/chat/" in request.path] == ["a", "b"]


def test_variants_share_one_connection(words: dict[str, Any], local: LocalAssistant) -> None:
    """Copies with other options share the connections, so nothing reconnects."""
    llm = PineconeAssistant(**words)
    llm.chat(MESSAGES)
    before = descriptors()
    for index in range(20):
        llm.with_options(temperature=index / 20).chat(MESSAGES)
        llm.model_copy(update={"timeout": 10.0 + index}).chat(MESSAGES)
    assert descriptors() <= before


@pytest.mark.parametrize("has_handler", [False, True], ids=["plain", "with a handler that keeps everything"])
@pytest.mark.parametrize("method", ["stream_chat", "stream_complete"])
def test_leaving_a_stream_closes_its_connection(
    words: dict[str, Any], endless: EndlessStream, is_async: bool, method: str, has_handler: bool
) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    llm = PineconeAssistant(
        **words | {"host": endless.host}, callback_manager=CallbackManager([handler] if has_handler else [])
    )
    argument: Any = MESSAGES if method == "stream_chat" else QUESTION
    if not is_async:
        stream = getattr(llm, method)(argument)
        assert next(stream).delta == "A red "
        stream.close()
        assert endless.is_left.wait(5)
        return

    async def leave() -> None:
        stream = await getattr(llm, f"a{method}")(argument)
        assert (await stream.__anext__()).delta == "A red "
        await stream.aclose()
        assert await asyncio.to_thread(endless.is_left.wait, 5)

    run(leave())


def test_breaking_out_of_a_stream_closes_its_connection(words: dict[str, Any], endless: EndlessStream) -> None:
    for _ in PineconeAssistant(**words | {"host": endless.host}).stream_chat(MESSAGES):
        break
    assert endless.is_left.wait(5)


def test_a_cancelled_stream_closes_its_connection(words: dict[str, Any], endless: EndlessStream) -> None:
    llm = PineconeAssistant(**words | {"host": endless.host})

    async def cancel() -> None:
        is_reading = asyncio.Event()

        async def read() -> None:
            async for _ in await llm.astream_chat(MESSAGES):
                is_reading.set()

        task = asyncio.create_task(read())
        await is_reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(endless.is_left.wait, 5)

    run(cancel())


def test_close_and_aclose_can_be_called_any_time_and_later_calls_open_again(llm: PineconeAssistant) -> None:
    llm.close()
    assert llm.chat(MESSAGES)
    llm.close()
    assert llm.chat(MESSAGES)

    async def use() -> None:
        await llm.aclose()
        assert await llm.achat(MESSAGES)
        await llm.aclose()
        assert await llm.achat(MESSAGES)
        await llm.aclose()

    run(use())
    assert threading.active_count() < 50


def open_connections(local: LocalAssistant, expected: int) -> int:
    """Return the number of open connections to this server; closing one may take a moment."""
    port = int(local.host.rpartition(":")[2])
    deadline = time.monotonic() + 5
    while True:
        gc.collect()
        found = psutil.Process(os.getpid()).net_connections()
        count = sum(one.status == psutil.CONN_ESTABLISHED and one.raddr and one.raddr.port == port for one in found)
        if count == expected or time.monotonic() > deadline:
            return count
        time.sleep(0.01)


def test_connections_beside_a_given_client_are_released() -> None:
    """Sync calls with an async client, and the reverse. Before, nothing closed their connections."""

    async def use(local: LocalAssistant) -> None:
        words: dict[str, Any] = {"assistant_name": local.name, "api_key": local.api_key, "host": local.host}
        async with AsyncAssistantClient(**words) as client:
            llm = PineconeAssistant(client=client)
            assert llm.chat(MESSAGES)
            llm.close()
            assert open_connections(local, 0) == 0
            await llm.achat(MESSAGES)
            await llm.aclose()
            assert open_connections(local, 1) == 1, "the client's own are the user's to close"
        assert open_connections(local, 0) == 0
        with AssistantClient(**words) as sync_client:
            llm = PineconeAssistant(client=sync_client)
            await llm.achat(MESSAGES)
            await llm.aclose()
            assert open_connections(local, 0) == 0

    with LocalAssistant() as local:  # its own: connections of other tests are not counted
        local.upload_text("pine.md", "A red pine grows up to 25 meters high.")
        run(use(local))


def test_async_is_native(words: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """No async method calls a sync one, in a thread or directly."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a sync call inside an async one")

    for name in ("answer", "stream_answer", "context"):
        monkeypatch.setattr(AssistantClient, name, fail)

    async def use() -> None:
        llm = PineconeAssistant(**words)
        await one_of_each(llm)
        assert (await llm.acomplete(QUESTION)).text
        assert [answer async for answer in await llm.astream_complete(QUESTION)]
        assert await PineconeAssistantRetriever(llm).aretrieve(QUESTION)
        engine = PineconeAssistantQueryEngine(llm)
        assert await engine.aquery(QUESTION)
        assert (await engine.as_tool().acall(QUESTION)).content
        await (await PineconeAssistantChatEngine(llm).astream_chat(QUESTION)).aprint_response_stream()
        for tool in PineconeAssistantToolSpec(llm).to_tool_list():
            assert (await tool.acall(QUESTION)).content

    run(use())
    with pytest.raises(AssertionError, match="a sync call"):
        PineconeAssistant(**words).chat(MESSAGES)
