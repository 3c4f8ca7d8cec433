"""Intended differences from the official SDK (pinecone 10.x). Both clients ask one scripted server.

The rows are those of docs/sdk_differences.md, which has the reasons.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pinecone
import pytest
from pinecone._internal import http_client

from ..client.support.asking import KEY, Asking, Kind
from ..client.support.bodies import CHAT_EVENTS, QUESTION, chat_event, completion, event, part, parts, service_error
from ..client.support.raw_server import HOLD, RESET, Answer, RawServer, reply, streamed

DOCS = Path(__file__).parents[2] / "docs" / "sdk_differences.md"
OPENING = part("A red pine ")
SEPARATED = json.dumps({"choices": [{"index": 0, "delta": {"content": "tall\u2028pine"}, "finish_reason": "stop"}]})
LINES = part("tall pine", finish="stop").replace(b',"', b',\ndata: "').replace(b', "', b',\ndata: "')


@dataclass(frozen=True)
class Row:
    """A fault and each client's result: the text or the error, and the number of chats that reached the server."""

    fault: str
    answer: Answer
    method: Literal["whole", "stream", "standard stream"]
    sdk: str
    ours: str


ROWS = [
    Row("no answer within the timeout", [HOLD], "whole", "PineconeTimeoutError, 4 chats", "APITimeoutError, 1 chat"),
    Row(
        "connection reset after the request",
        [RESET],
        "whole",
        "PineconeConnectionError, 4 chats",
        "APIConnectionError, 1 chat",
    ),
    Row(
        "429 with Retry-After: 3600",
        reply(service_error("RESOURCE_EXHAUSTED", "slow", 429), status=429, headers={"Retry-After": "3600"}),
        "whole",
        "RateLimitError, 4 chats",
        "RateLimitError, 1 chat",
    ),
    Row(
        "stream ends without a finish_reason",
        streamed([OPENING]),
        "stream",
        "'A red pine ', 1 chat",
        "IncompleteStreamError, 1 chat",
    ),
    Row(
        "standard stream ends without message_end",
        streamed(CHAT_EVENTS[:2]),
        "standard stream",
        "'A red pine grows ', 1 chat",
        "IncompleteStreamError, 1 chat",
    ),
    Row(
        "error event inside a stream",
        streamed([OPENING, event({"error": {"code": "INTERNAL", "message": "model failed"}})]),
        "stream",
        "'A red pine ', 1 chat",
        "StreamError, 1 chat",
    ),
    Row(
        "event of a wrong shape inside a stream",
        streamed([OPENING, event({"id": "1", "choices": "none"}), *parts("is tall")]),
        "stream",
        "'A red pine is tall', 1 chat",
        "StreamError, 1 chat",
    ),
    Row(
        "content of a wrong shape inside a standard stream",
        streamed([*CHAT_EVENTS[:2], chat_event("content_chunk", delta="lost"), *CHAT_EVENTS[2:]]),
        "standard stream",
        "'A red pine grows up to 25 meters.', 1 chat",
        "StreamError, 1 chat",
    ),
    Row(
        "web page with status 200 instead of a stream",
        reply("<html>Please log in</html>", content_type="text/html"),
        "stream",
        "'', 1 chat",
        "StreamError, 1 chat",
    ),
    Row("empty stream", streamed([]), "stream", "'', 1 chat", "IncompleteStreamError, 1 chat"),
    Row(
        "event that is not JSON", streamed([b"data: {\n\n"]), "stream", "JSONDecodeError, 1 chat", "StreamError, 1 chat"
    ),
    Row(
        "U+2028 inside an event",
        streamed([b"data: " + SEPARATED.encode().replace(b"\\u2028", "\u2028".encode()) + b"\n\n"]),
        "stream",
        "JSONDecodeError, 1 chat",
        "'tall\\u2028pine', 1 chat",
    ),
    Row("event over several data lines", streamed([LINES]), "stream", "JSONDecodeError, 1 chat", "'tall pine', 1 chat"),
]


@pytest.fixture
def server() -> Iterator[RawServer]:
    """The scripted server, control plane and data plane."""
    with RawServer() as running:
        yield running


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the SDK would have waited before its retries; sleeping is replaced."""
    waited: list[float] = []
    monkeypatch.setattr(http_client, "_retry_sleep", waited.append)
    http_client.get_budget_registry()._reset()  # the budget stops retries to a host that failed often, like this server
    return waited


def _sdk(server: RawServer, method: str) -> str:
    """Return the text of the SDK's answer."""
    server.script(reply({"name": "docs", "status": "Ready", "host": server.url}))
    with pinecone.Pinecone(api_key=KEY, host=server.url, timeout=0.2) as client:
        assistants: Any = client.assistants
        if method == "whole":
            answer = assistants.chat_completions(assistant_name="docs", messages=QUESTION)
            return str(answer.choices[0].message.content)
        if method == "stream":
            chunks = assistants.chat_completions(assistant_name="docs", messages=QUESTION, stream=True, timeout=2)
            return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        chunks = assistants.chat(assistant_name="docs", messages=QUESTION, stream=True, timeout=2)
        return "".join(chunk.delta.content for chunk in chunks if chunk.type == "content_chunk")


def _ours(kind: Kind) -> Callable[[RawServer, str], str]:
    def run(server: RawServer, method: str) -> str:
        asking = Asking(kind, server.url)
        asker = asking(timeout=0.2)
        try:
            if method == "whole":
                return str(asker.chat_completion(QUESTION).content)
            stream = asker.stream_chat_completion if method == "stream" else asker.stream_chat
            return "".join(chunk.content for chunk in stream(QUESTION))
        finally:
            asking.close()

    return run


def _outcome(run: Callable[[RawServer, str], str], server: RawServer, row: Row) -> str:
    server.otherwise = row.answer
    try:
        result = ascii(run(server, row.method))
    except Exception as error:  # noqa: BLE001 - the test compares the class
        result = type(error).__name__
    chats = sum(request.method == "POST" for request in server.requests)
    return f"{result}, {chats} chat{'s' if chats > 1 else ''}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_the_sdk_does_what_the_table_says(server: RawServer, sleeps: list[float], row: Row) -> None:
    """If this fails after an upgrade of the SDK, the SDK has changed: update the table in docs/sdk_differences.md."""
    assert _outcome(_sdk, server, row) == row.sdk
    if "Retry-After" in row.fault:
        assert sleeps
        assert min(sleeps) >= 60


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_ours_does_what_the_table_says(server: RawServer, kind: Kind, row: Row) -> None:
    assert _outcome(_ours(kind), server, row) == row.ours


def test_the_sdk_always_names_a_model_and_ours_lets_the_service_choose(server: RawServer, sleeps: list[float]) -> None:
    server.otherwise = reply(completion())
    _sdk(server, "whole")
    _ours("sync")(server, "whole")
    sdk, ours = (request.json() for request in server.requests if request.method == "POST")
    assert sdk["model"] == "gpt-4o"
    assert "model" not in ours


def test_the_page_has_these_rows_and_a_reason_for_each() -> None:
    lines = re.findall(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \| (.+) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert [line[:3] for line in lines] == [(row.fault, row.sdk, row.ours) for row in ROWS]
    assert all(len(reason) > 20 for *_, reason in lines)
