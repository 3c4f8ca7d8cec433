"""The examples run, each in a new process like a user starts it, and print what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pinecone_assistant_local import LocalAssistant

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an example with only the given PINECONE_* variables."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=kept | environment,
        check=False,
    )


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
def test_quickstart_gives_two_cited_answers_for_two_filters(name: str) -> None:
    """The same question with two filters is answered from two files, and both are named."""
    done = run(name)
    assert done.returncode == 0, done.stderr
    encyclopedia, nursery = done.stdout.split("filter=")[1:]
    assert "43.8 meters" in encyclopedia
    assert "[1] red_pine.md" in encyclopedia
    assert "3 meters" in nursery
    assert "[1] red_pine_nursery.md" in nursery
    assert "http" not in encyclopedia + nursery, "the expiring links are stripped"


def test_evaluated_answers_have_scores_reasons_and_a_verdict() -> None:
    """In both frameworks the right answer passes, and the wrong one does not."""
    done = run("evaluate_answers.py")
    assert done.returncode == 0, done.stderr
    right, wrong = done.stdout.split("alignment ")[1:]
    assert right.startswith("1.00: What is the maximum height of a red pine?")
    assert "entailed: " in right
    assert float(wrong[:4]) < 0.8
    assert "1,642 meters" in wrong
    assert "passing: [True, False]" in wrong


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
def test_live_without_a_key_says_what_to_set(name: str) -> None:
    done = run(name, "--live")
    assert done.returncode != 0
    assert "PINECONE_API_KEY and PINECONE_ASSISTANT_NAME" in done.stderr


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
def test_live_prints_host_and_assistant_before_the_first_request(name: str) -> None:
    """`make demo-live` prints where the questions go, even if nothing answers there."""
    done = run(
        name,
        "--live",
        PINECONE_API_KEY="not-a-key",
        PINECONE_ASSISTANT_NAME="docs",
        PINECONE_ASSISTANT_HOST="http://127.0.0.1:9",
    )
    assert done.returncode != 0
    assert 'Asking assistant "docs" at http://127.0.0.1:9' in done.stdout
    assert "cannot connect to http://127.0.0.1:9" in done.stderr
    assert "not-a-key" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
@pytest.mark.parametrize("question", [[], [""], ["  "]])
def test_live_without_a_question_lists_the_files_and_says_how_to_ask(
    name: str, question: list[str], local_assistant: LocalAssistant
) -> None:
    """Nothing is uploaded and nothing is billed."""
    local_assistant.upload_text("mine.md", "A red pine is a tree.")
    done = run(name, "--live", *question, **local_assistant.environ)
    assert done.returncode == 0, done.stderr
    assert "  mine.md (Available)" in done.stdout
    assert 'make demo-live QUESTION="' in done.stdout
    assert [(one.method, one.path) for one in local_assistant.requests] == [("GET", "/assistant/files/local-assistant")]


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
def test_live_asks_the_question_once_and_uploads_nothing(name: str, local_assistant: LocalAssistant) -> None:
    local_assistant.reply("Forty.", citations=["mine.md"])
    done = run(name, "--live", "How tall?", **local_assistant.environ)
    assert done.returncode == 0, done.stderr
    assert "Forty" in done.stdout
    assert "[1] mine.md" in done.stdout
    [asked] = local_assistant.requests
    assert isinstance(asked.body, dict)
    assert asked.body["messages"] == [{"role": "user", "content": "How tall?"}]


@pytest.mark.parametrize(("question", "asked"), [(None, 0), ("", 0), ('Who\'s "there" $HOME `id`?', 2)])
def test_make_demo_live_passes_the_question_on_as_it_is(
    question: str | None, asked: int, local_assistant: LocalAssistant, tmp_path: Path
) -> None:
    """Runs the recipe with an existing environment; quotes and dollars must arrive unchanged."""
    local_assistant.reply("Nobody.")
    venv = EXAMPLES.parent / ".venv"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PINECONE_", "MAKE", "MFLAGS"))}
    arguments = [] if question is None else [f"QUESTION={question.replace('$', '$$')}"]
    if not (venv / ".all").is_file():
        pytest.skip("needs the .venv that make builds")
    done = subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv/.all", "demo-live", *arguments],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=120,
        env=kept | local_assistant.environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    chats = [one.body for one in local_assistant.requests if "/chat/" in one.path]
    assert [body["messages"][-1]["content"] for body in chats if isinstance(body, dict)] == [question] * asked
    assert not [one for one in local_assistant.requests if one.method in ("PUT", "DELETE")]
