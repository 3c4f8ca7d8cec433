"""The LangChain examples run and print what they promise."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}


@pytest.fixture
def output_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run an example in this process and return its output; a new process for each would take ten times as long."""

    def run(name: str) -> str:
        monkeypatch.syspath_prepend(str(EXAMPLES))
        monkeypatch.setattr(sys, "argv", [name])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_is_tested_here() -> None:
    tested = Path(__file__).read_text("utf-8")
    names = {path.name for path in EXAMPLES.glob("langchain_*.py")}
    assert len(names) == 8
    assert all(f'"{name}"' in tested for name in names)


def test_a_chain_with_history_answers_a_second_question(output_of: Callable[[str], str]) -> None:
    shown = output_of("langchain_chain_with_history.py")
    assert "500 years" in shown
    assert "43.8 meters" in shown


def test_an_agent_shows_tokens_and_footnotes(output_of: Callable[[str], str]) -> None:
    """The output has the assistant's answer twice: streamed, and with its sources."""
    shown = output_of("langchain_agent_with_footnotes.py")
    assert shown.count("43.8 meters") == 2
    assert "---\n[1] red_pine.md" in shown
    assert "I asked the library" in shown


def test_callbacks_hear_tokens_retries_and_usage(output_of: Callable[[str], str]) -> None:
    shown = output_of("langchain_callbacks.py")
    assert shown.count("|") > 20
    assert "(attempt 1 failed, trying again)" in shown
    assert shown.count("usage: {") == 3
    assert "in all: {'gpt-4o" in shown


def test_filters_follow_the_user_and_the_lost_one_is_shown(output_of: Callable[[str], str]) -> None:
    ada, bob, bound, lost = output_of("langchain_filters_per_user.py").strip().split("\n")
    assert "43.8 meters" in ada
    assert "dwarf" not in ada
    assert "dwarf red pine" in bob
    assert bob.removeprefix("bob: ") == bound.removeprefix("bob, bound: ")
    assert lost == "chain.invoke(..., filter=...) sent a filter: False"


def test_a_batch_falls_back_and_shows_its_progress(output_of: Callable[[str], str]) -> None:
    shown = output_of("langchain_fallbacks_and_batch.py")
    assert "Asking" in shown
    assert "384,400" in shown
    assert "1,642" in shown


def test_the_retriever_feeds_another_model(output_of: Callable[[str], str]) -> None:
    shown = output_of("langchain_retriever.py")
    assert "red_pine.md" in shown
    assert "your own model" in shown


def test_a_folder_is_indexed_and_kept_in_step(output_of: Callable[[str], str]) -> None:
    """The second run sends nothing; then one file is gone, and one is replaced."""
    shown = output_of("langchain_index_a_folder.py")
    assert "first run: 7 added, 0 skipped, 0 deleted" in shown
    assert "second run: 0 added, 7 skipped, 0 deleted" in shown
    assert "one changed: 1 added, 5 skipped, 2 deleted" in shown
    assert "  red_pine.md: " in shown
    assert "43.8 meters" in shown


def test_a_browser_gets_tokens_and_then_the_sources() -> None:
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "langchain_browser_stream.py"), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        try:
            assert process.stderr is not None
            address = next(
                found[1] for line in process.stderr if (found := re.search(r"running on (http://[\w.:]+)", line))
            )
            assert "EventSource" in requests.get(address, timeout=20).text
            question = {"q": "What is the maximum height of a red pine?"}
            events = requests.get(f"{address}/ask", question, timeout=20).text.strip().split("\n\n")
            assert len([event for event in events if event.startswith("event: token\n")]) > 5
            assert '"red_pine.md"' in events[-1]
            refused = requests.get(f"{address}/ask", {"q": " "}, timeout=20).text
            assert "is empty" in refused
        finally:
            process.terminate()
