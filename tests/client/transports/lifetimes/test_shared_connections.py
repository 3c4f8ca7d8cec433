"""Shared connections are bounded in number: unused ones are dropped, those in use stay."""

from __future__ import annotations

import asyncio
import gc

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient
from pinecone_assistant_client.transports import connections as shared

from ...support.asking import KEY, Asking
from ...support.bodies import QUESTION, TEXT, completion
from ...support.raw_server import RawServer, reply


def with_settings(server: RawServer, number: int) -> AssistantClient:
    return AssistantClient(
        assistant_name="docs", api_key=KEY, host=server.url, proxies={"https": f"http://127.0.0.1:{number}"}
    )


def test_connections_that_nobody_uses_make_room_for_new_settings(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(completion())
    used = ask()
    assert used.chat_completion(QUESTION).content == TEXT
    for number in range(1, 2 * shared._MAX_SHARED):
        with_settings(server, number).chat_completion(QUESTION)
        gc.collect(0)
    assert len(shared._registry.shared) <= shared._MAX_SHARED
    assert used.client._connections in shared._registry.shared.values()
    assert used.chat_completion(QUESTION).content == TEXT
    assert server.requests[-1].connection == server.requests[0].connection
    assert server.connections == 2 * shared._MAX_SHARED
    _forget_unused()


def _forget_unused() -> None:
    for key, entry in list(shared._registry.shared.items()):
        if not entry.users:
            shared._registry.shared.pop(key).close()


async def test_async_connections_that_are_pushed_out_are_closed_by_their_loop(server: RawServer) -> None:
    server.otherwise = reply(completion())
    for number in range(1, 2 * shared._MAX_SHARED):
        await AsyncAssistantClient.like(with_settings(server, number)).chat_completion(QUESTION)
        gc.collect(0)
    _forget_unused()
    gc.collect()
    await asyncio.sleep(0.05)
    assert await asyncio.to_thread(server.sees_no_connections)


def test_connections_in_use_are_never_pushed_out(server: RawServer) -> None:
    server.otherwise = reply(completion())
    clients = [with_settings(server, number) for number in range(1, shared._MAX_SHARED + 5)]
    for _ in range(2):
        for client in clients:
            client.chat_completion(QUESTION)
    assert server.connections == len(clients)
    for client in clients:
        client.close()
    assert server.sees_no_connections()


async def test_a_sync_close_of_the_last_user_has_the_loop_close_its_session(server: RawServer) -> None:
    server.otherwise = reply(completion())
    client = AssistantClient(assistant_name="docs", api_key=KEY, host=server.url)
    twin = AsyncAssistantClient.like(client)
    await twin.chat_completion(QUESTION)
    client.with_options(model="gpt-4o").close()  # never used: closes nothing
    await twin.chat_completion(QUESTION)
    await asyncio.to_thread(client.chat_completion, QUESTION)
    del twin
    gc.collect()
    client.close()
    await asyncio.sleep(0.05)
    assert await asyncio.to_thread(server.sees_no_connections)
    assert [request.connection for request in server.requests] == [1, 1, 2]
