"""Destinations of the output: pipes that end early, full disks, no stream at all, and terminals without UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pinecone_assistant_local import LocalAssistant

from .conftest import Command

ARGUMENTS = [["explain"], ["--help"], ["files", "list"], ["ask", "How tall is a red pine?"]]
EACH = pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)


def run(command: Command, arguments: list[str], stdout: int) -> tuple[int, str]:
    """Run the command with this output; return its exit code and its messages."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pinecone_assistant_cli", *arguments],
        env=command.environ,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@EACH
def test_a_pipe_that_ended_is_1_without_a_word(pines: LocalAssistant, command: Command, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run(command, arguments, writing) == (1, "")
    finally:
        os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@EACH
def test_a_full_disk_is_1_and_said_once(pines: LocalAssistant, command: Command, arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        code, said = run(command, arguments, full.fileno())
    assert code == 1
    assert said == "Error: [Errno 28] No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_no_output_at_all_is_no_failure(pines: LocalAssistant, command: Command) -> None:
    program = [sys.executable, "-W", "error", "-m", "pinecone_assistant_cli", "files", "list"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', *program],
        env=command.environ,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["chat"], 0), (["files", "delete", "x"], 2), (["sync", ".", "--delete", "--owner", "o"], 2)],
)
def test_no_input_at_all_is_an_end_of_input(
    local: LocalAssistant, command: Command, arguments: list[str], code: int
) -> None:
    program = [sys.executable, "-W", "error", "-m", "pinecone_assistant_cli", *arguments]
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" <&-', *program],
        env=command.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code
    assert local.requests == []


def test_a_terminal_without_utf_8_gets_question_marks_and_json_gets_escapes(
    local: LocalAssistant, command: Command
) -> None:
    local.upload_text("café.md", "A café is a place.")
    line = command("files", "list", PYTHONIOENCODING="ascii")
    assert (line.code, line.out.split("\t")[0]) == (0, "caf?.md")
    listed = command("files", "list", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(listed.out)["name"] == "café.md"
