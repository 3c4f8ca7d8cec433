"""The examples run, each in a process of its own as a user starts it, and show what they are for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an example without any PINECONE_* variable but the given ones."""
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
    """The same question under two filters is answered from two files, and both are named."""
    done = run(name)
    assert done.returncode == 0, done.stderr
    encyclopedia, nursery = done.stdout.split("filter=")[1:]
    assert "43.8 meters" in encyclopedia
    assert "[1] red_pine.md" in encyclopedia
    assert "3 meters" in nursery
    assert "[1] red_pine_nursery.md" in nursery
    assert "http" not in encyclopedia + nursery, "the expiring links are stripped"


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
def test_live_without_a_key_says_what_to_set(name: str) -> None:
    done = run(name, "--live")
    assert done.returncode != 0
    assert "PINECONE_API_KEY and PINECONE_ASSISTANT_NAME" in done.stderr


@pytest.mark.parametrize("name", ["quickstart_langchain.py", "quickstart_llama_index.py"])
def test_live_prints_host_and_assistant_before_the_first_request(name: str) -> None:
    """`make demo-live` says where the questions go, even where nothing answers."""
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
