"""The path of a request: the same bytes from both transports, whatever the assistant is called."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient

from ..support.asking import KEY
from ..support.bodies import QUESTION, completion
from ..support.raw_server import RawServer, reply

# What quoting is about, more often than chance would have it.
PIECES = (
    "..",
    ".",
    "/",
    "\\",
    "%",
    "%2f",
    "%2F",
    "%2e%2e",
    "=",
    ";",
    "&",
    "@",
    "?",
    "#",
    ":",
    "+",
    " ",
    "~",
    "é",
    "松",
    "\U0001f332",
)
NAMES = (
    st.lists(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3), min_size=1)
    .map("".join)
    .filter(lambda name: name.strip() and name not in (".", ".."))
)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for all examples of a test."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def targets(server: RawServer, loop: asyncio.AbstractEventLoop, name: str) -> list[str]:
    """The request targets of both transports, each with a session of ours and with an injected one."""
    server.requests.clear()
    options: dict[str, Any] = {"assistant_name": name, "api_key": KEY, "host": server.url, "max_retries": 0}

    async def ask() -> None:
        async with AsyncAssistantClient(**options) as client:
            await client.chat_completion(QUESTION)
        async with (
            aiohttp.ClientSession() as session,
            AsyncAssistantClient(**options, async_http_session=session) as client,
        ):
            await client.chat_completion(QUESTION)

    with AssistantClient(**options) as client:
        client.chat_completion(QUESTION)
    with requests.Session() as session, AssistantClient(**options, http_session=session) as client:
        client.chat_completion(QUESTION)
    loop.run_until_complete(ask())
    return [f"{request.method} {request.target}" for request in server.requests]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
@example(name="a=b;c&d@e")
@example(name="../../assistants/other")
@example(name="a/../b%2fc%2Fd")
@example(name="...")
@example(name="red pine é 松")
def test_both_transports_send_the_same_path_for_any_name(
    server: RawServer, loop: asyncio.AbstractEventLoop, name: str
) -> None:
    """The URLs of aiohttp once turned %3D, %3B, %26 and %40 back into `=;&@`."""
    server.otherwise = reply(completion())
    sent = targets(server, loop, name)
    assert len(sent) == 4
    assert len(set(sent)) == 1, sent
    matched = re.fullmatch(r"POST /assistant/chat/([A-Za-z0-9_.~%-]+)/chat/completions", sent[0])
    assert matched, sent[0]
    assert unquote(matched[1]) == name
