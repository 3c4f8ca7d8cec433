"""A local assistant, and the command in a child process that asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_local import LocalAssistant

DATA = Path(__file__).parents[2] / "examples" / "data"
QUESTION = "What is the maximum height of a red pine?"


@dataclass
class Done:
    """Exit code and output of one run of the command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as JSON, one object a line."""
        return [json.loads(line) for line in self.lines]


class Command:
    """Run `pinecone-assistant` with pipes; the environment names the local assistant."""

    def __init__(self, environ: dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PINECONE_", "COLUMNS"))}
        self.environ = kept | environ

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, stdin: str = "", **environ: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pinecone_assistant_cli", *map(str, arguments)],
            env=self.environ | environ,
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "\x1b" not in done.stdout, "no ANSI codes in a pipe"
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def local() -> Iterator[LocalAssistant]:
    """An assistant without files."""
    with LocalAssistant(name="docs", api_key="a-local-key") as local:
        yield local


@pytest.fixture
def pines(local: LocalAssistant) -> LocalAssistant:
    """The assistant with one file."""
    local.upload(DATA / "red_pine.md", metadata={"resource": "encyclopedia"})
    return local


@pytest.fixture
def command(local: LocalAssistant) -> Command:
    """The command for that assistant."""
    return Command(local.environ)
