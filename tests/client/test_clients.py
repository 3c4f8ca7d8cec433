"""`Clients`: one sync and one async client behind an adapter object, over the same connections."""

from __future__ import annotations

import asyncio

import pytest

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient
from pinecone_assistant_client.adapters import Clients

from .support.asking import KEY
from .support.bodies import QUESTION, TEXT, completion
from .support.raw_server import RawServer, reply


@pytest.mark.parametrize("kind", [AssistantClient, AsyncAssistantClient])
async def test_both_clients_have_the_settings_of_the_one_that_was_passed(
    server: RawServer, kind: type[AssistantClient | AsyncAssistantClient]
) -> None:
    server.otherwise = reply(completion())
    first = kind(assistant_name="docs", api_key=KEY, host=server.url, model="gpt-5")
    clients = Clients("settings", first)
    assert clients.settings == "settings"
    assert first in (clients.sync, clients.asynchronous)
    assert clients.sync is clients.sync
    assert clients.asynchronous is clients.asynchronous
    assert clients.sync.chat_completion(QUESTION).content == TEXT
    assert (await clients.asynchronous.chat_completion(QUESTION)).content == TEXT
    assert [request.json()["model"] for request in server.requests] == ["gpt-5", "gpt-5"]
    assert {request.headers["api-key"] for request in server.requests} == {KEY}
    await clients.aclose()
    assert server.sees_no_connections()


async def test_close_releases_sync_connections_and_aclose_all(server: RawServer) -> None:
    server.otherwise = reply(completion())
    clients = Clients(None, AssistantClient(assistant_name="docs", api_key=KEY, host=server.url))
    clients.close()  # nothing is open
    clients.sync.chat_completion(QUESTION)
    await clients.asynchronous.chat_completion(QUESTION)
    clients.close()
    assert clients.sync._connections is None
    assert clients.asynchronous._connections is not None
    await clients.aclose()
    assert server.sees_no_connections()


@pytest.mark.parametrize("kind", [AssistantClient, AsyncAssistantClient])
async def test_an_injected_client_stays_open_and_the_one_made_from_it_does_not(
    server: RawServer, kind: type[AssistantClient | AsyncAssistantClient]
) -> None:
    server.otherwise = reply(completion())
    injected = kind(assistant_name="docs", api_key=KEY, host=server.url)
    clients = Clients(None, injected, is_injected=True)
    clients.sync.chat_completion(QUESTION)
    await clients.asynchronous.chat_completion(QUESTION)
    await clients.aclose()
    made = clients.asynchronous if injected is clients.sync else clients.sync
    assert injected._connections is not None
    assert made._connections is None
    await Clients(None, injected).aclose()
    assert await asyncio.to_thread(server.sees_no_connections)  # the loop closes the async connections
