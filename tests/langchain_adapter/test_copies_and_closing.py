"""Construction of models, their connections in threads and event loops, copies, pickles and closing."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import psutil
import pytest
import requests
from langchain_core.runnables import ConfigurableField
from pydantic import SecretStr

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from langchain_pinecone_assistant.errors import APIConnectionError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, words

KEY = "key-that-nobody-may-see"
HEADER = "header-that-nobody-may-see"


def open_connections() -> int:
    """Return the number of established local connections of this process, counting both ends."""
    gc.collect()
    return sum(1 for one in psutil.Process().net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED)


def test_construction_does_no_work_and_needs_no_key() -> None:
    """It starts no thread, opens no socket, and does not even import the code that sends requests."""
    code = """
import sys, threading
from langchain_pinecone_assistant import ChatPineconeAssistant
ChatPineconeAssistant(host="https://nowhere.example")
assert threading.active_count() == 1
late = {"pinecone_assistant_client.client_base", "pinecone_assistant_client.transports", "tenacity", "aiohttp"}
loaded = {*late, "pinecone_assistant_client.async_client", "langchain_pinecone_assistant.tools"} & set(sys.modules)
assert not loaded, loaded
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment)


def test_without_langchain_the_import_error_names_the_extra() -> None:
    code = """
import sys
sys.modules["langchain_core"] = None
try:
    import langchain_pinecone_assistant
except ImportError as error:
    assert str(error) == "langchain-core is missing: pip install '.[langchain]' from the clone", error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_exports_its_three_classes() -> None:
    import langchain_pinecone_assistant as package  # noqa: PLC0415  (the test is about this import)

    assert [getattr(package, name).__name__ for name in package.__all__] == package.__all__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing


async def test_async_never_runs_in_a_thread(library: LocalAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers the model, structured output, the retriever and the tool."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("run_in_executor")

    for name, module in list(sys.modules.items()):
        if name.startswith("langchain_core") and hasattr(module, "run_in_executor"):
            monkeypatch.setattr(module, "run_in_executor", refuse)
    chat = chat_model(library)
    await chat.ainvoke(QUESTION)
    assert [chunk async for chunk in chat.astream(QUESTION)]
    await chat.abatch([QUESTION, QUESTION])
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    await chat.with_structured_output(schema, include_raw=True).ainvoke(QUESTION)
    await PineconeAssistantRetriever(**words(library)).ainvoke(QUESTION)
    await PineconeAssistantTool(**words(library)).ainvoke({"question": QUESTION})


def test_one_model_lives_through_thirty_event_loops(library: LocalAssistant) -> None:
    """There is no "Event loop is closed" error, and no descriptor stays open."""
    chat = chat_model(library)

    async def once() -> str:
        answer = await chat.ainvoke(QUESTION)
        async for chunk in chat.astream(QUESTION):
            assert chunk.text
            break
        return str(answer.text)

    assert "43.8" in asyncio.run(once())
    before = psutil.Process().num_fds()
    for _ in range(30):
        assert "43.8" in asyncio.run(once())
    gc.collect()
    assert psutil.Process().num_fds() <= before + 2


def test_one_model_serves_fifty_threads(unknown: LocalAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, with one lookup of the host."""
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", unknown.host)
    chat = ChatPineconeAssistant(assistant_name=unknown.name, api_key=unknown.api_key)
    barrier = threading.Barrier(50)

    def once(_: int) -> str:
        barrier.wait()
        return str(chat.invoke(QUESTION).text)

    with ThreadPoolExecutor(50) as pool:
        texts = list(pool.map(once, range(50)))
    assert len({text.partition("References")[0] for text in texts}) == 1
    assert sum(request.method == "GET" for request in unknown.requests) == 1


async def test_fifty_questions_in_one_batch(ask: Ask, library: LocalAssistant) -> None:
    answers = await ask.batch(chat_model(library), [QUESTION] * 50, {"max_concurrency": 50})
    assert all("43.8" in answer.text for answer in answers)


async def test_a_hundred_configurable_invokes_are_one_connection_and_one_look_up(
    ask: Ask, unknown: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The framework creates a new model for each of them."""
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", unknown.host)
    chat = ChatPineconeAssistant(
        assistant_name=unknown.name, api_key=unknown.api_key, source_tag="hundred"
    ).configurable_fields(filter=ConfigurableField(id="filter"), temperature=ConfigurableField(id="temperature"))
    before = open_connections()
    for number in range(100):
        config = {"configurable": {"filter": {"resource": "encyclopedia"}, "temperature": number / 100}}
        await ask.invoke(chat, QUESTION, config)
    assert open_connections() - before <= 2  # one connection has two ends in this process
    assert [request.method for request in unknown.requests].count("GET") == 1
    temperatures = [request.body["temperature"] for request in unknown.requests[1:]]  # type: ignore[index]  # JSON
    assert temperatures == [number / 100 for number in range(100)]


@pytest.mark.parametrize(
    "change",
    [
        {"host": "http://127.0.0.1:9"},
        {"api_key": SecretStr("wrong")},
        {"assistant_name": "dcos"},
        {"proxies": {"http": "http://127.0.0.1:9"}},
    ],
)
async def test_a_copy_with_other_settings_never_keeps_the_old_client(
    ask: Ask, change: dict[str, Any], library: LocalAssistant
) -> None:
    """Copied after use, when a stale client could be kept; the original is unchanged."""
    chat = chat_model(library)
    await ask.invoke(chat, QUESTION)
    changed = chat.model_copy(update=change)
    with pytest.raises(Exception, match=r"refused|not found|cannot connect"):
        await ask.invoke(changed, QUESTION)
    assert "43.8" in (await ask.invoke(chat, QUESTION)).text


async def test_a_field_that_is_set_later_counts(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local, default_headers={"X-Tenant": "one"})
    await ask.invoke(chat, QUESTION)
    assert chat.default_headers is not None
    chat.default_headers["X-Tenant"] = "two"
    await ask.invoke(chat, QUESTION)
    assert [request.headers.get("x-tenant") for request in local.requests] == ["one", "two"]
    chat.host = "http://127.0.0.1:9"
    with pytest.raises(APIConnectionError):
        await ask.invoke(chat, QUESTION)


async def test_an_injected_requests_session_is_used_and_not_closed(local: LocalAssistant) -> None:
    """Also by a deep copy; a pickle leaves it out."""

    class Session(requests.Session):
        closed = False

        def close(self) -> None:
            self.closed = True

    with Session() as session:
        session.headers["X-Session"] = "mine"
        chat = chat_model(local, http_session=session)
        for one in (chat, copy.deepcopy(chat)):
            one.invoke(QUESTION)
            assert local.requests[-1].headers["x-session"] == "mine"
        chat.close()
        await chat.aclose()
        assert not session.closed
        assert pickle.loads(pickle.dumps(chat)).http_session is None


async def test_an_injected_aiohttp_session_is_used_and_not_closed(local: LocalAssistant) -> None:
    async with aiohttp.ClientSession(headers={"X-Session": "mine"}) as session:
        chat = chat_model(local, async_http_session=session)
        await chat.ainvoke(QUESTION)
        assert local.requests[-1].headers["x-session"] == "mine"
        await copy.deepcopy(chat).ainvoke(QUESTION)
        await chat.aclose()
        assert not session.closed


async def test_proxies_and_ca_bundles_are_honoured(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(APIConnectionError, match="cannot connect"):
        await ask.invoke(chat_model(library, proxies={"http": "http://127.0.0.1:9"}), QUESTION)
    with pytest.raises(InvalidRequestError, match="no such CA bundle"):
        await ask.invoke(chat_model(library, verify="/nowhere/ca.pem"), QUESTION)


async def test_custom_headers_and_the_source_tag_are_sent(ask: Ask, local: LocalAssistant) -> None:
    chat = chat_model(local, default_headers={"X-Tenant": "acme"}, source_tag="my_app", api_version="2025-10")
    await ask.invoke(chat, QUESTION)
    headers = local.requests[-1].headers
    assert headers["x-tenant"] == "acme"
    assert "source_tag=my_app" in headers["user-agent"]
    assert local.requests[-1].version == "2025-10"


@pytest.mark.parametrize("ending", ["", "/", "/assistant", "/assistant/"])
async def test_the_host_may_end_in_a_slash_or_a_path(ask: Ask, ending: str, library: LocalAssistant) -> None:
    assert "43.8" in (await ask.invoke(chat_model(library, host=library.host + ending), QUESTION)).text


async def test_names_are_quoted_in_urls(ask: Ask, local: LocalAssistant) -> None:
    with pytest.raises(Exception, match="not found"):
        await ask.invoke(chat_model(local, assistant_name="a/b c?d"), QUESTION)
    assert local.requests[-1].query == {}


async def test_leaving_a_stream_early_closes_its_connection(ask: Ask, local: LocalAssistant) -> None:
    """After `break` and after async cancellation, the response does not stay open."""
    with local.faults.add(stall_after_events=5):
        chat = chat_model(local, source_tag="early")
        before = open_connections()
        if ask.is_async:
            async for _ in chat.astream(QUESTION):
                break
            task = asyncio.ensure_future(_collect(chat))
            while len(local.requests) < 2:  # noqa: ASYNC110 - the server runs in a thread, which sets no event here
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.01)
        else:
            for _ in chat.stream(QUESTION):
                break
        for _ in range(200):
            if open_connections() <= before:
                break
            await asyncio.sleep(0.005)
        assert open_connections() <= before


async def _collect(chat: ChatPineconeAssistant) -> list[Any]:
    return [chunk async for chunk in chat.astream(QUESTION)]


async def test_closing_lets_it_open_again(ask: Ask, library: LocalAssistant) -> None:
    chat = chat_model(library)
    await ask.invoke(chat, QUESTION)
    chat.close()
    await chat.aclose()
    assert "43.8" in (await ask.invoke(chat, QUESTION)).text
    await chat.aclose()
