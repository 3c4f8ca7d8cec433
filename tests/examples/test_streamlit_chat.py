"""The Streamlit chat, driven by Streamlit's AppTest in a process of the environment that has Streamlit."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from pinecone_assistant_local import LocalAssistant

from .test_web_chat import PYTHON, needs

USER = Path(__file__).with_name("streamlit_user.py")
QUESTION = "What is the maximum height of a red pine?"


def ask(*arguments: str, **environment: str) -> list[dict[str, Any]]:
    """Return the page after each question."""
    needs({".venv-others/web (make .venv-others/web/.ready)": PYTHON.exists()})
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    done = subprocess.run(
        [str(PYTHON), str(USER), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env=kept | {"PYTHONPATH": str(USER.parents[2] / "examples")} | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [page["exceptions"] for page in pages] == [[]] * len(pages)
    return pages


def test_an_answer_and_its_passages_are_shown_without_a_key() -> None:
    [page] = ask(QUESTION)
    assert page["caption"] == ["A local assistant: nothing leaves this machine."]
    assert page["chat"][0] == ["user", QUESTION]
    assert "43.8 meters" in page["chat"][1][1]
    [[label, first, *_]] = page["passages"]
    assert label == "Passages (3)"
    assert first.startswith("red_pine.md: A red pine usually stands 20 to 35 meters tall")


def test_a_conversation_is_sent_along_and_a_failed_question_is_not(local_assistant: LocalAssistant) -> None:
    """The first question fails; the third is sent with the second as history; text of a file is not rendered as Markdown."""
    local_assistant.reply("It is *tall*.", citations=[{"file": "a.pdf", "highlight": "<b>**Tall**</b>"}])
    local_assistant.faults.add(times=1, cut_after_events=3)
    first, second, third = ask("One?", "Two?", "Three?", "--live", **local_assistant.environ)
    assert first["caption"] == ["Your assistant: every question is billed."]
    [error] = first["errors"]
    assert "the answer was cut after" in error
    assert "docs/" not in error
    assert second["passages"] == [["Passages (1)", "a.pdf: <b>**Tall**</b>"]]
    assert third["chat"] == [
        ["user", "Two?"],
        ["assistant", "It is *tall*."],
        ["user", "Three?"],
        ["assistant", "It is *tall*."],
    ]
    assert len(third["passages"]) == 2
    asked = [one.body for one in local_assistant.requests if "/chat/" in one.path]
    assert [[message["content"] for message in body["messages"]] for body in asked if isinstance(body, dict)] == [
        ["One?"],
        ["Two?"],
        ["Two?", "It is *tall*.", "Three?"],
    ]


def test_live_without_a_key_says_what_to_set() -> None:
    [page] = ask("Hello?", "--live")
    assert "PINECONE_API_KEY and PINECONE_ASSISTANT_NAME" in page["errors"][0]
