"""Pickled, copied and forked clients work, and drop their live connections."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import warnings

import pytest
import requests

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient

from ..support.asking import KEY, Asking
from ..support.bodies import QUESTION, TEXT
from ..support.clients import WHOLE, sync_client
from ..support.raw_server import RawServer


@pytest.fixture(autouse=True)
def _answers(server: RawServer) -> None:
    server.otherwise = WHOLE


def test_a_client_pickles_before_and_after_a_call(ask: Asking, server: RawServer) -> None:
    asker = ask(model="gpt-4o", max_retries=5, filter={"a": 1}, default_headers={"X-Team": "one"})
    for _ in range(2):
        twin = ask.over(pickle.loads(pickle.dumps(asker.client)))
        assert twin.chat_completion(QUESTION).content == TEXT
        assert server.requests[-1].json()["model"] == "gpt-4o"
        assert server.requests[-1].headers["x-team"] == "one"
        assert twin.client._retries.policy.max_retries == 5
        asker.chat_completion(QUESTION)


def test_like_makes_a_client_of_the_other_kind_with_the_same_settings(server: RawServer) -> None:
    with AssistantClient(assistant_name="docs", api_key=KEY, host=server.url, model="o4-mini") as client:
        client.chat_completion(QUESTION)

        async def main() -> str:
            async with AsyncAssistantClient.like(client) as twin:
                return (await twin.chat_completion(QUESTION)).content

        assert asyncio.run(main()) == TEXT
    assert [request.json()["model"] for request in server.requests] == ["o4-mini"] * 2


def test_construction_and_repr_do_no_work_and_show_no_key(server: RawServer) -> None:
    for cls in (AssistantClient, AsyncAssistantClient):
        client = cls(assistant_name="docs", api_key=KEY, host=server.url, default_headers={"X-Secret": "hide-me-1234"})
        shown = repr(client) + str(client) + repr(client._settings) + repr(client._options)
        assert KEY not in shown
        assert "hide-me-1234" not in shown
        assert "docs" in shown
        assert repr(client) == f"{cls.__name__}(assistant_name='docs', host={server.url!r})"
        chosen = cls(assistant_name="docs", filter={"tenant": "acme"}, guard_filter={"year": 2024}).with_options(
            model="o"
        )
        assert repr(chosen).endswith("host=None, model='o', filter={'tenant': 'acme'}, guard_filter={'year': 2024})")
    assert server.connections == 0


def in_a_child(work: object) -> int:
    """Run the work in a forked child, and return its exit status."""
    assert callable(work)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work() == TEXT else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_may_ask_async_and_its_parents_loop_goes_on(server: RawServer) -> None:
    """The child shares the parent's epoll, so closing the parent's transports there would make the parent miss events."""

    async def ask_once(client: AsyncAssistantClient) -> str:
        return (await client.chat_completion(QUESTION)).content

    async def main() -> None:
        async with AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url, timeout=5) as client:
            await ask_once(client)

            def in_child() -> str:
                asyncio._set_running_loop(None)
                return asyncio.run(ask_once(client))

            assert in_a_child(in_child) == 0
            assert await ask_once(client) == TEXT

    asyncio.run(main())
    assert [request.connection for request in server.requests] == [1, 2, 1]


def test_copies_and_pickles_of_a_used_client_work(ask: Asking, server: RawServer) -> None:
    asker = ask(default_headers={"X-Tenant": "blue"}, temperature=0.5)
    asker.chat_completion(QUESTION)
    for other in (copy.copy(asker.client), copy.deepcopy(asker.client), pickle.loads(pickle.dumps(asker.client))):
        assert ask.over(other).chat_completion(QUESTION).content == TEXT
    assert {request.headers["x-tenant"] for request in server.requests} == {"blue"}
    assert {request.json()["temperature"] for request in server.requests} == {0.5}
    assert server.connections == 1


def test_a_pickle_leaves_injected_sessions_behind(server: RawServer) -> None:
    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        client = pickle.loads(pickle.dumps(sync_client(server, http_session=session)))
        client.chat_completion(QUESTION)
        client.close()
    assert "x-mine" not in server.requests[0].headers


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own_connection(ask: Asking, server: RawServer) -> None:
    """Two processes that read one socket would read each other's answers."""
    asker = ask()
    asker.chat_completion(QUESTION)
    assert in_a_child(lambda: answer_of(asker.client)) == 0
    assert asker.chat_completion(QUESTION).content == TEXT
    assert [request.connection for request in server.requests] == [1, 2, 1]


def answer_of(client: AssistantClient | AsyncAssistantClient) -> str:
    """The answer of either client. It makes a new event loop, because in a forked child the parent's may count as running."""
    if isinstance(client, AssistantClient):
        return client.chat_completion(QUESTION).content
    asyncio.set_event_loop_policy(None)
    return asyncio.new_event_loop().run_until_complete(client.chat_completion(QUESTION)).content


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_takes_no_connection_of_its_parents_session(server: RawServer) -> None:
    """Two processes that send on one connection read each other's answers."""
    with requests.Session() as session:
        client = sync_client(server, http_session=session)
        assert client.chat_completion(QUESTION).content == TEXT
        assert in_a_child(lambda: client.chat_completion(QUESTION).content) == 0
        assert client.chat_completion(QUESTION).content == TEXT
    assert server.connections == 2
    assert len(server.requests) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_keeps_the_connections_it_opened_itself(server: RawServer) -> None:
    with requests.Session() as session:
        client = sync_client(server, http_session=session)
        client.chat_completion(QUESTION)

        def in_child() -> str:
            client.chat_completion(QUESTION)
            other = sync_client(server, http_session=session, max_connections=7)
            return other.chat_completion(QUESTION).content

        assert in_a_child(in_child) == 0
    assert server.connections == 2
