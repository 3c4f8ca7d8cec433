"""`python -m pinecone_assistant_cli serve DIR`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pinecone_assistant_cli.__main__ import main
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.serve.serving import Stop, assistant_name
from pinecone_assistant_local.serve.sync import FolderSync


@contextmanager
def _serving(
    folder: Path, *arguments: str, key: str | None = None
) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """The exported environment of a server in another process, and the process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    if key is not None:
        environment["PINECONE_API_KEY"] = key
    process = subprocess.Popen(
        [sys.executable, "-m", "pinecone_assistant_cli", "serve", str(folder), "--port", "0", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        exported = [process.stdout.readline() for _ in range(6)]
        pairs = [re.fullmatch(r"export (\w+)=(.*)\n", line) for line in exported]
        assert all(pairs), (exported, process.poll())
        yield {pair[1]: pair[2] for pair in pairs if pair}, process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My Documents!"
    (folder / "sub").mkdir(parents=True)
    (folder / "pine.md").write_text("The red pine can grow up to 25 meters high.")
    (folder / "sub" / "whale.txt").write_text("Blue whales reach a length of 30 meters.")
    (folder / "empty.txt").write_text("")
    (folder / "picture.png").write_text("no document")
    (folder / ".hidden.md").write_text("The secret is 42.")
    return folder


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_a_folder_until_it_is_stopped(folder: Path, stop: signal.Signals) -> None:
    with _serving(folder) as (environment, process):
        host, name = environment["PINECONE_ASSISTANT_HOST"], environment["PINECONE_ASSISTANT_NAME"]
        headers = {"Api-Key": environment["PINECONE_API_KEY"]}
        assert name == "my-documents"
        files = requests.get(f"{host}/assistant/files/{name}", headers=headers, timeout=20).json()["files"]
        available = {file["name"] for file in files if file["status"] == "Available"}
        assert available == {"pine.md", "sub/whale.txt"}
        body = {"messages": [{"role": "user", "content": "How high is a red pine?"}]}
        answer = requests.post(f"{host}/assistant/chat/{name}", json=body, headers=headers, timeout=20).json()
        assert answer["message"]["content"] == "The red pine can grow up to 25 meters high."
        process.send_signal(stop)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Left out empty.txt: The file is empty." in errors
        assert "2 of 3 files available" in errors
        assert "Traceback" not in errors


def test_health_is_503_until_the_folders_files_are_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other containers wait for /healthz before they ask."""
    seen: list[tuple[int, str]] = []
    hosts: list[str] = []
    sync = FolderSync.run

    def ask() -> None:
        response = requests.get(f"{hosts[0]}/healthz", timeout=20)
        seen.append((response.status_code, response.json()["status"]))

    def asking_sync(self: FolderSync, local: LocalAssistant, *arguments: Any, **options: Any) -> bool:
        hosts.append(local.host)
        ask()
        return sync(self, local, *arguments, **options)

    monkeypatch.setattr(FolderSync, "run", asking_sync)
    monkeypatch.setattr(Stop, "wait", lambda _: ask())
    assert main(["serve", str(folder), "--port", "0"]) == 0
    assert seen == [(503, "starting"), (200, "ok")]


@pytest.mark.parametrize(
    ("arguments", "key", "expected"),
    [(["--api-key", "flag"], "environment", "flag"), ([], "environment", "environment"), ([], None, None)],
)
def test_the_key_is_the_flag_or_the_environment_or_random(
    folder: Path, arguments: list[str], key: str | None, expected: str | None
) -> None:
    with _serving(folder, *arguments, key=key) as (environment, _):
        used = environment["PINECONE_API_KEY"]
        assert used == expected if expected else re.fullmatch(r"local-[\w-]{24}", used)
        url = environment["PINECONE_ASSISTANT_HOST"] + "/assistant/assistants"
        assert requests.get(url, headers={"Api-Key": used}, timeout=20).status_code == 200


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path / "missing")]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--port", "99999"], ["--name", "Bad Name"], ["--api-key", "a\nb"]])
def test_bad_arguments_are_an_error(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path), *arguments]) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "name"), [("My Docs!", "my-docs"), ("---", "local-assistant"), ("a" * 70, "a" * 63), ("Ä-b_c", "b-c")]
)
def test_the_name_is_the_folders_made_valid(tmp_path: Path, folder: str, name: str) -> None:
    assert assistant_name(tmp_path / folder) == name
