"""The web chat, end to end: its server and headless Chromium, each in its own process."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pinecone_assistant_local import LocalAssistant

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "examples" / "web_chat" / "server.py"
PYTHON = ROOT / ".venv-others" / "web" / "bin" / "python"
BROWSER = Path(__file__).with_name("web_chat_browser.py")
SECONDS = 240.0
HOSTILE = "<img src=x onerror=window.hacked=1>"


@dataclass
class Chat:
    """A running chat: its address, its process, and whether a test has asked it to stop."""

    address: str
    pid: int
    is_stopped: bool = False


@contextmanager
def serving(environment: dict[str, str], *arguments: str) -> Iterator[Chat]:
    """Run the chat. It must stop without an error when asked to, and must have connected only to its assistant."""
    needs({".venv-others/web (make .venv-others/web/.ready)": PYTHON.exists()})
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    with socket.create_server(("127.0.0.1", 0)) as trap:
        proxy = f"http://127.0.0.1:{trap.getsockname()[1]}"
        kept |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
        kept |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        process = subprocess.Popen(
            [str(PYTHON), str(SERVER), "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=kept | environment,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            opened = next((line for line in process.stdout if line.startswith("Open ")), None)
            assert opened, process.communicate()[1]
            chat = Chat(opened.split()[1], process.pid)
            yield chat
            if not chat.is_stopped:
                process.send_signal(signal.SIGINT)
            _, printed = process.communicate(timeout=SECONDS)
            complaints = [line for line in printed.splitlines() if not line.startswith("retry ")]
            assert complaints == []
            assert process.returncode == 0
            trap.setblocking(False)
            with pytest.raises(BlockingIOError):  # nobody connected
                trap.accept()
        finally:
            process.kill()
            process.communicate()


def needs(there: dict[str, bool]) -> None:
    """Skip the test if something is not installed; fail it in CI, which must install it."""
    missing = [name for name, is_there in there.items() if not is_there]
    if missing:
        reason = f"the browser test needs {' and '.join(missing)}"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, and {reason}")
        pytest.skip(reason)


def browse(scenario: str, chat: Chat, *expected: str) -> dict[str, Any]:
    """Run a scenario and return its report. Also check that only expected errors were logged, and only the chat was contacted."""
    needs(
        {
            "playwright (pip install playwright)": importlib.util.find_spec("playwright") is not None,
            "/usr/bin/chromium (apt-get install chromium)": Path("/usr/bin/chromium").exists(),
        }
    )
    done = subprocess.run(
        [sys.executable, str(BROWSER), scenario, chat.address, str(chat.pid)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert [text for text in seen["complaints"] if not any(words in text for words in expected)] == []
    elsewhere = [url for url in seen["addresses"] if not url.startswith((chat.address, "data:", "blob:"))]
    assert elsewhere == [], "no CDN, no fonts, no telemetry"
    return seen


def send(chat: Chat, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
    """Send a request that does not come from the page."""
    connection = http.client.HTTPConnection(urlsplit(chat.address).netloc, timeout=SECONDS)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def endless(left: threading.Semaphore) -> LocalAssistant:
    """Return an assistant whose slow answers end only with their request, which releases the semaphore."""

    def generate(question: str, _: Sequence[object]) -> Iterator[str]:
        if "slow" not in question:
            yield "A quick answer."
            return
        try:
            for number in range(100_000):
                yield f"word{number} "
        finally:
            left.release()

    return LocalAssistant(generate=generate, token_delay_seconds=0.01)


def asked(local: LocalAssistant) -> list[Any]:
    """Return the bodies of the questions that reached the assistant."""
    return [one.body for one in local.requests if "/chat/" in one.path]


def test_a_conversation_has_passages_filter_reload_retry_and_uploads_and_axe_finds_nothing() -> None:
    """Uses the local assistant and its files, on a wide and a narrow page, light and dark."""
    with serving({}) as chat:
        seen = browse("tour", chat)
    assert "nothing is billed, nothing leaves this machine" in seen["notice"]
    assert seen["focus_first"], "the question can be typed at once"
    assert seen["question"] == "What is the maximum height of a red pine?", "the first starter"
    assert seen["steps"] > 10, "the answer came in one piece"
    assert "43.8 meters [1]. In a garden" in seen["answer"], "the citation is before the full stop"
    assert seen["citations"] == [["[1]", "red_pine.md"], ["[2]", "red_pine_nursery.md"], ["[2]", "red_pine_nursery.md"]]
    assert "red_pine_nursery.md" in seen["target"]
    assert "3 meters after thirty years" in seen["target"]
    assert seen["focus_target"], "a screen reader goes on at the passage"
    assert "43.8 meters" in seen["copied"]
    assert seen["chooser"], "files can be chosen, several at once, without dropping any"
    assert "Only files with resource: nursery" in seen["nursery"]
    assert "43.8" not in seen["nursery"]
    assert {source for _, source in seen["nursery_citations"]} == {"red_pine_nursery.md"}
    assert seen["reloaded"] == [seen["answer"], seen["nursery"]], "a reload keeps the conversation"
    assert seen["passages"] == 5, "and its passages"
    assert seen["chats"] == ["New chat", "What is the maximum height of a red pine?"]
    assert seen["again"] == 2, "Retry replaces the last answer"
    assert seen["overflow"] <= 0, "nothing is wider than a phone"
    assert seen["left"] == 1, "Clear deletes the chat"
    assert "tansy.md is among the files now." in seen["added"]
    assert "exe was not added" in seen["added"]
    assert seen["tansy"] == [["[1]", "tansy.md"]]
    assert seen["accessible"] == {"start": [], "answered": [], "files": [], "phone": [], "dark": [], "dropped": []}


def test_what_files_and_models_say_is_shown_and_never_run(local_assistant: LocalAssistant) -> None:
    """Markup from any source is shown as text; Markdown is rendered, but cannot load or run anything."""
    local_assistant.upload_text(f"{HOSTILE}.md", "A pine.", metadata={"topic": HOSTILE})
    local_assistant.reply(
        f"<b>Tall</b> <script>hacked=2</script> {HOSTILE} <svg/onload=hacked=3> the end",
        citations=[{"file": f"{HOSTILE}.md", "highlight": f"{HOSTILE} *as it is*\n\n# <b>so</b>"}],
        times=1,
    )
    local_assistant.reply(
        "**Tall** [a](javascript:hacked=4) ![p](http://evil.example/pixel.png)\n\n- one\n\n`<i>`\n\n|x|\n|-|\n|cell|\n\nthe end",
        citations=[{"file": '"onmouseover="hacked=5".md', "highlight": "[b](javascript:hacked=6)"}],
        times=1,
    )
    with serving(local_assistant.environ, "--live") as chat:
        seen = browse("hostile", chat, "Content Security Policy")
    assert f"{HOSTILE}.md" in seen["files"]
    assert f"topic: {HOSTILE}" in seen["files"]
    assert HOSTILE in seen["markup"]["text"]
    assert seen["markup"]["citations"] == [["[1]", f"{HOSTILE}.md"]]
    assert seen["markdown"]["citations"] == [["[1]", '"onmouseover="hacked=5".md']]
    assert f"{HOSTILE} *as it is*\n\n# <b>so</b>" in seen["passages"]
    assert "[b](javascript:hacked=6)" in seen["passages"]
    assert (seen["hacked"], seen["risky"]) == (None, 0)
    assert [link for link in seen["links"] if link and not link.startswith("#passage-")] == []
    assert seen["rendered"] == ["Tall", "one", "<i>", "cell"]


def test_a_stopped_or_closed_page_cancels_the_request_at_the_assistant() -> None:
    left = threading.Semaphore(0)
    with endless(left) as local:
        local.upload_text("pine.md", "A slow answer and a quick answer are both about the red pine.")
        with serving(local.environ, "--live") as chat:
            seen = browse("leave", chat)
            assert left.acquire(timeout=SECONDS), "the assistant still writes what was stopped"
            assert left.acquire(timeout=SECONDS), "the assistant still writes for a page that is closed"
        assert seen["early"] == "Too early?", "one answer at a time; the question waits in its box"
        assert "word50" in seen["stopped"]
        assert len(seen["stopped"]) < 10_000
        _, quick, slow = asked(local)
        assert [message["content"] for message in quick["messages"]] == ["Give me a quick answer."], (
            "it is not remembered"
        )
        assert [message["content"] for message in slow["messages"]] == [
            "Give me a quick answer.",
            "A quick answer.",
            "Give me a slow answer.",
        ]


def test_a_failure_says_what_happened_keeps_the_question_and_asks_it_again(local_assistant: LocalAssistant) -> None:
    """An answer breaks off; later the chat's own server ends."""
    local_assistant.reply("It is tall, and that is all there is to say about it.")
    local_assistant.faults.add(times=1, cut_after_events=5)
    with serving(local_assistant.environ, "--live") as chat:
        seen = browse(
            "mistakes", chat, "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"
        )
        chat.is_stopped = True
    assert "the answer was cut after" in seen["cut"]
    assert "docs/" not in seen["cut"], "pages for developers are none of the user's business"
    assert seen["accessible"] == []
    assert "that is all there is to say about it" in seen["fine"]
    assert seen["questions"] == ["What is the maximum height of a red pine?"]
    assert [len(body["messages"]) for body in asked(local_assistant)] == [1, 1]
    assert seen["kept"] == "Are you there?"


def test_an_assistant_that_is_not_there_is_named_and_the_question_is_kept() -> None:
    nowhere = {
        "PINECONE_API_KEY": "not-a-key",
        "PINECONE_ASSISTANT_NAME": "docs",
        "PINECONE_ASSISTANT_HOST": "http://127.0.0.1:9",
    }
    with serving(nowhere, "--live") as chat:
        seen = browse("unreachable", chat)
    assert "cannot connect to http://127.0.0.1:9" in seen["text"]
    assert seen["question"] == "What is the maximum height of a red pine?"
    assert "not-a-key" not in json.dumps(seen)


def test_other_sites_cannot_ask_through_the_users_browser_nor_be_loaded(local_assistant: LocalAssistant) -> None:
    """Requests from other sites, or with another host name for this address, are refused; the page's policy names no host."""
    with serving(local_assistant.environ, "--live") as chat:
        assert send(chat, "GET", "/", host="evil.example").status == 400
        assert send(chat, "GET", "/", origin="http://evil.example").status == 403
        body = json.dumps({"data": ["Hello?", "{}", [], None], "fn_index": 2, "session_hash": "x"})
        for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/run/begin"):
            for origin in ("http://evil.example", "null", f"{chat.address.rstrip('/')}.evil.example"):
                assert send(chat, "POST", path, body, origin=origin, content_type="text/plain").status == 403
        response = send(chat, "GET", "/", origin=chat.address.rstrip("/"))
        assert asked(local_assistant) == []
    assert response.status == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["script-src-attr"] == policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert "'unsafe-eval'" not in policy["script-src"]
    for directive, sources in policy.items():
        assert set(sources.split()) <= {"'self'", "'none'", "'unsafe-inline'", "data:", "blob:"}, directive
