"""docs/web.md: its application runs unchanged, under uvicorn and over a socket."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn

from pinecone_assistant_local import LocalAssistant
from tests.docs.test_docs import code_blocks

QUESTION = quote("How high does a red pine grow?")


def load() -> Any:
    """The page's application. It reads the environment, so the assistant's variables are set before."""
    [code] = code_blocks("web.md")
    names: dict[str, Any] = {"__name__": "web_docs"}
    exec(compile(code, "web.md", "exec"), names)
    return names["app"]


@pytest.fixture
def address(local_assistant: LocalAssistant) -> Iterator[tuple[str, int]]:
    """Address of the application, which asks an assistant with one file for each of two tenants."""
    local_assistant.upload_text("a.md", "The red pine grows up to 25 meters high.", metadata={"tenant": "a"})
    local_assistant.upload_text("b.md", "The red pine grows slowly and not high.", metadata={"tenant": "b"})
    with serving(load()) as where:
        yield where


class serving:  # noqa: N801 - a context manager, used as one
    """Run the application under uvicorn in a thread."""

    def __init__(self, app: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})

    def __enter__(self) -> tuple[str, int]:
        self.thread.start()
        host, port = self.listener.getsockname()
        return str(host), int(port)

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(30)
        self.listener.close()
        assert not self.thread.is_alive()


def get(address: tuple[str, int], path: str, tenant: str = "a", conversation: str = "") -> tuple[int, bytes]:
    """Return status and body, read to the end."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        connection.request(
            "GET", f"{path}?question={QUESTION}&conversation={conversation}", headers={"x-tenant": tenant}
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_each_tenant_gets_its_own_files_whole_and_streamed(address: tuple[str, int]) -> None:
    status, body = get(address, "/answer")
    assert status == 200
    answer = json.loads(body)
    assert "25 meters" in answer["text"]
    assert answer["citations"][0]["references"][0]["file_name"] == "a.md"
    assert get(address, "/stream") == (200, answer["text"].encode())
    assert b"25 meters" not in get(address, "/stream", tenant="b")[1]


def test_a_conversation_is_remembered_for_its_tenant_only(
    address: tuple[str, int], local_assistant: LocalAssistant
) -> None:
    """The second question carries the first turn; the same name of another tenant begins afresh; a cut turn is not kept."""
    path = "/chat"
    status, first = get(address, path, conversation="1")
    assert status == 200
    kinds = [line for line in first.decode().splitlines() if line.startswith("event: ")]
    assert kinds[0] == "event: token"
    assert kinds[-1] == "event: end"
    assert json.loads(first.decode().rstrip().rpartition("data: ")[2])[0]["references"][0]["file_name"] == "a.md"
    with local_assistant.faults.add(cut_after_events=6):
        assert b"event: error" in get(address, path, conversation="1")[1]
    get(address, path, conversation="1")
    sent: Any = local_assistant.requests[-1].body
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    get(address, path, tenant="b", conversation="1")
    sent = local_assistant.requests[-1].body
    assert len(sent["messages"]) == 1


@pytest.mark.parametrize("path", ["/answer", "/stream"])
def test_an_error_before_the_first_token_is_a_status(
    path: str, address: tuple[str, int], local_assistant: LocalAssistant
) -> None:
    """Also for a stream; the message says what to do."""
    with local_assistant.faults.add(status=401):
        status, body = get(address, path)
    assert status == 502
    assert b"PINECONE_API_KEY" in body
    with local_assistant.faults.add(status=429, retry_after=3600):
        assert get(address, path)[0] == 503


def test_an_error_after_the_first_token_breaks_the_response_off(
    address: tuple[str, int], local_assistant: LocalAssistant
) -> None:
    with local_assistant.faults.add(cut_after_events=6), pytest.raises(http.client.IncompleteRead) as caught:
        get(address, "/stream")
    assert b"The red" in caught.value.partial


def test_a_browser_that_goes_away_ends_the_request_to_the_assistant(monkeypatch: pytest.MonkeyPatch) -> None:
    left = threading.Event()

    def generate(_question: str, _passages: Sequence[object]) -> Iterator[str]:
        try:
            while True:
                yield "word "
        finally:
            left.set()

    with LocalAssistant(generate=generate, token_delay_seconds=0.01) as local:
        local.upload_text("a.md", "The red pine grows up to 25 meters high.", metadata={"tenant": "a"})
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        with serving(load()) as address:
            connection = http.client.HTTPConnection(*address, timeout=30)
            connection.request("GET", f"/stream?question={QUESTION}", headers={"x-tenant": "a"})
            assert connection.getresponse().read(20)
            connection.close()
            assert left.wait(30), "the assistant still writes"
