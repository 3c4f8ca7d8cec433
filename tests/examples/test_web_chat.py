"""The web chat, end to end: its server and headless Chromium, each in a process of its own."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pinecone_assistant_local import LocalAssistant

SERVER = Path(__file__).parents[2] / "examples" / "web_chat" / "server.py"
BROWSER = Path(__file__).with_name("web_chat_browser.py")
SECONDS = 120.0
HOSTILE = "<img src=x onerror=window.hacked=1>"


@contextmanager
def serving(environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """The address of a server; when it is asked to stop, it ends without a complaint."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(SERVER), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept | environment,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if line.startswith("Open "):
                address = line.split()[1]
                break
        assert address, process.communicate()[1]
        yield address
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=SECONDS)
        assert not complaints, complaints
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def browse(scenario: str, address: str) -> dict[str, Any]:
    """What a scenario saw. No console message, no other address, is part of every one of them."""
    missing = [
        *([] if importlib.util.find_spec("playwright") else ["playwright (pip install playwright)"]),
        *([] if Path("/usr/bin/chromium").exists() else ["/usr/bin/chromium (apt-get install chromium)"]),
    ]
    if missing:
        reason = f"the browser test needs {' and '.join(missing)}"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, and {reason}")
        pytest.skip(reason)
    done = subprocess.run(
        [sys.executable, str(BROWSER), scenario, address], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["complaints"] == []
    assert set(seen["addresses"]) <= {address, f"{address}chat"}
    return seen


def send(address: str, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
    """A request as something other than the page sends it."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=SECONDS)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def endless(left: threading.Event) -> LocalAssistant:
    """An assistant whose slow answers end only with their request, which sets the event."""

    def generate(question: str, _: Sequence[object]) -> Iterator[str]:
        if "slow" not in question:
            yield "A quick answer."
            return
        try:
            for number in range(100_000):
                yield f"word{number} "
        finally:
            left.set()

    return LocalAssistant(generate=generate, token_delay_seconds=0.01)


def test_answers_stream_in_and_citations_open_the_passage_behind_them() -> None:
    """With the local assistant and its files, by keyboard and by mouse."""
    with serving({}) as address:
        seen = browse("tour", address)
    assert seen["steps"] > 10, "the answer came in one piece"
    assert "43.8 meters1. In a garden" in seen["all"], "the citation stands before the full stop"
    assert seen["names"] == [
        "Source 1: red_pine.md",
        "Source 2: red_pine_nursery.md",
        "Source 2: red_pine_nursery.md",
    ]
    assert seen["focus_after"] == "question"
    assert seen["opened"]["file"] == "red_pine_nursery.md"
    assert "3 meters after thirty years" in seen["opened"]["highlight"]
    assert seen["focus_opened"] == "file", "a screen reader begins with the file's name"
    assert seen["expanded"] == ["false", "true", "false"]
    assert seen["closed"] is None
    assert seen["focus_closed"] == "Source 2: red_pine_nursery.md", "the reader is back where he was"
    assert seen["closed_by_button"] is None
    assert "43.8" not in seen["nursery"]
    assert "3 meters" in seen["nursery"]
    assert seen["sources"] == "1 red_pine_nursery.md"


def test_what_a_file_says_is_shown_and_never_run(local_assistant: LocalAssistant) -> None:
    """An uploaded file's markup reaches the page as text: in the answer and in the highlight."""
    local_assistant.upload_text("pine.txt", f"The maximum height of a red pine is 43 meters {HOSTILE} as we know.")
    with serving(local_assistant.environ, "--live") as address:
        seen = browse("shown", address)
    assert HOSTILE in seen["text"]
    assert HOSTILE in seen["panels"][0]["highlight"]
    assert (seen["hacked"], seen["elements"], seen["scripts"]) == (None, 0, 1)


def test_markup_of_models_and_in_file_names_is_text_too(local_assistant: LocalAssistant) -> None:
    local_assistant.reply(
        f"<b>Tall</b> <script>hacked=2</script> {HOSTILE}.", citations=[{"file": f"{HOSTILE}.md", "highlight": HOSTILE}]
    )
    with serving(local_assistant.environ, "--live") as address:
        seen = browse("shown", address)
    assert seen["text"] == f"<b>Tall</b> <script>hacked=2</script> {HOSTILE}1."
    assert seen["panels"] == [{"file": f"{HOSTILE}.md", "pages": "", "highlight": HOSTILE}]
    assert HOSTILE in seen["sources"][0]
    assert (seen["hacked"], seen["elements"], seen["scripts"]) == (None, 0, 1)


def test_citations_stand_at_their_code_point_with_their_pages(local_assistant: LocalAssistant) -> None:
    """The service counts code points and a browser counts UTF-16 units; emoji and early citations tell them apart."""
    local_assistant.reply(
        "\U0001f332\U0001f332 Tall. \U0001f41d Small.",
        citations=[
            {"file": "a.pdf", "pages": [2], "position": 7, "highlight": "Tall it is."},
            {"file": "b.pdf", "pages": [3, 4], "position": 7, "highlight": "Very."},
            {"file": "a.pdf", "pages": [2], "position": 16, "highlight": "Small too."},
        ],
    )
    with serving(local_assistant.environ, "--live") as address:
        seen = browse("shown", address)
    assert seen["text"] == "\U0001f332\U0001f332 Tall12. \U0001f41d Small1."
    assert seen["panels"] == [
        {"file": "a.pdf", "pages": "page 2", "highlight": "Tall it is."},
        {"file": "b.pdf", "pages": "pages 3, 4", "highlight": "Very."},
        {"file": "a.pdf", "pages": "page 2", "highlight": "Small too."},
    ]


@pytest.mark.parametrize("scenario", ["stop", "leave"])
def test_a_stopped_or_closed_page_cancels_the_request_at_the_assistant(scenario: str) -> None:
    left = threading.Event()
    with endless(left) as local:
        local.upload_text("pine.md", "A slow answer and a quick answer are both about the red pine.")
        with serving(local.environ, "--live") as address:
            seen = browse(scenario, address)
            assert left.wait(30), "the assistant still writes"
        if scenario == "stop":
            assert seen["length"] < 10_000
            assert "A quick answer." in seen["next"]
            last = local.requests[-1].body
            assert isinstance(last, dict)
            assert last["messages"] == [{"role": "user", "content": "Give me a quick answer."}], "it is not remembered"


def test_mistakes_are_told_where_they_happen_and_the_chat_goes_on(local_assistant: LocalAssistant) -> None:
    local_assistant.reply("It is tall, and that is all there is to say about it.")
    local_assistant.faults.add(times=1, cut_after_events=5)
    with serving(local_assistant.environ, "--live") as address:
        seen = browse("mistakes", address)
    assert "A filter is a JSON object" in seen["no_object"]
    assert (seen["invalid"], seen["focus"], seen["asked"]) == ("true", "filter", 0)
    assert "filter.topic: a list needs $in" in seen["refused"]
    assert "the answer was cut after" in seen["cut"]
    assert "It is tall" in seen["fine"]


def test_the_page_may_run_and_load_nothing_but_itself() -> None:
    """The policy has no unsafe-inline, no host, and no text may become markup."""
    with serving({}) as address:
        response = send(address, "GET", "/")
        policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert response.status == 200
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors", "trusted-types")} == {"'none'"}
    for name in ("script-src", "style-src"):
        assert policy[name].startswith("'sha256-"), "only what stands in the page"
        assert policy[name].count("'") == 2
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_other_sites_cannot_ask_through_the_users_browser(local_assistant: LocalAssistant) -> None:
    """A form of another page, a name that points here, a body that is no conversation: refused before any question."""
    asked = json.dumps({"messages": [{"role": "user", "content": "Hello?"}]})
    json_type = {"content_type": "application/json"}
    with serving(local_assistant.environ, "--live") as address:
        assert send(address, "POST", "/chat", asked, content_type="text/plain").status == 415
        assert send(address, "POST", "/chat", asked, host="evil.example", **json_type).status == 400
        assert send(address, "POST", "/chat", "[]", **json_type).status == 400
        assert send(address, "POST", "/chat", "{", **json_type).status == 400
        assert send(address, "POST", "/chat", '{"messages": "Hello?"}', **json_type).status == 400
        assert send(address, "POST", "/chat", " " * 1_000_001, **json_type).status == 413
        assert local_assistant.requests == []
        assert send(address, "POST", "/chat", asked, **json_type).status == 200


def test_live_without_a_key_says_what_to_set() -> None:
    with pytest.raises(AssertionError, match="PINECONE_API_KEY and PINECONE_ASSISTANT_NAME"), serving({}, "--live"):
        pass
