"""Async clients where no event loop of asyncio runs: a typed error that says what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, AsyncAssistants, InvalidRequestError

from ...support.asking import KEY
from ...support.bodies import QUESTION, TEXT, completion
from ...support.raw_server import RawServer, reply

CALLS: dict[str, Callable[[AsyncAssistantClient], Awaitable[Any]]] = {
    "a whole answer": lambda client: client.chat_completion(QUESTION),
    "a standard answer": lambda client: client.chat(QUESTION),
    "a stream": lambda client: anext(client.stream_chat_completion(QUESTION)),
    "context": lambda client: client.context("pine"),
    "an upload": lambda client: client.files.upload(b"pine", name="pine.md"),
    "uploads": lambda client: client.files.upload_many([]),
    "an evaluation": lambda client: client.evaluate("a", "b", "c"),
    "a lookup": lambda client: client.chat_completion(QUESTION),
}


@pytest.mark.parametrize("name", CALLS)
def test_trio_is_told_what_to_do(server: RawServer, name: str) -> None:
    where: dict[str, Any] = {"controller_host": server.url} if name == "a lookup" else {"host": server.url}

    async def ask() -> None:
        async with AsyncAssistantClient("docs", api_key=KEY, **where) as client:
            await CALLS[name](client)

    with pytest.raises(InvalidRequestError, match=r"no event loop of asyncio .*trio\.to_thread\.run_sync"):
        trio.run(ask)
    assert server.requests == []


def test_the_control_plane_under_trio(server: RawServer) -> None:
    async def ask() -> None:
        async with AsyncAssistants(KEY, controller_host=server.url) as assistants:
            await assistants.get("docs")

    with pytest.raises(InvalidRequestError, match="no event loop of asyncio"):
        trio.run(ask)


def test_what_it_says_works(server: RawServer) -> None:
    server.otherwise = reply(completion())

    async def ask() -> str:
        with AssistantClient("docs", api_key=KEY, host=server.url) as client:
            return (await trio.to_thread.run_sync(client.chat_completion, QUESTION)).content

    assert trio.run(ask) == TEXT
