"""Serving a folder with `serve`: metadata, restarts, changes while it runs, the lines it writes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from pinecone_assistant_cli.__main__ import main
from pinecone_assistant_client.adapters import MetadataRules
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.serve.sync import FolderSync


@dataclass
class Served:
    """A server in another process."""

    process: subprocess.Popen[str]
    environment: dict[str, str]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Api-Key": self.environment["PINECONE_API_KEY"], "X-Pinecone-Api-Version": "2026-04"}
        return requests.request(
            method, self.environment["PINECONE_ASSISTANT_HOST"] + path, headers=headers, timeout=20, **options
        )

    def files(self) -> dict[str, dict[str, Any]]:
        """The Available files by name."""
        listed = self.call("GET", f"/assistant/files/{self.environment['PINECONE_ASSISTANT_NAME']}").json()["files"]
        assert len({file["name"] for file in listed}) == len(listed)
        return {file["name"]: file for file in listed if file["status"] == "Available"}

    def stop(self) -> str:
        """Stop the command with Ctrl-C and return its error output."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors
        assert "Traceback" not in errors
        return errors


@contextmanager
def _serving(folder: Path, *arguments: str | Path) -> Iterator[Served]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    command = [sys.executable, "-m", "pinecone_assistant_cli", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(
        [*command, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        lines = [re.fullmatch(r"export (\w+)=(.*)\n", process.stdout.readline()) for _ in range(6)]
        yield Served(process, {line[1]: line[2] for line in lines if line})
    finally:
        process.kill()
        process.communicate()


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for another process to see a change on disk."""
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "guides").mkdir(parents=True)
    (folder / "pine.md").write_text("The red pine can grow up to 25 meters high.")
    (folder / "guides" / "whale.md").write_text("Blue whales reach a length of 30 meters.")
    return folder


def test_a_restart_skips_what_is_unchanged_and_duplicates_nothing(folder: Path, tmp_path: Path) -> None:
    """A deleted file is gone; a changed file keeps its identifier."""
    with _serving(folder, "--data-dir", tmp_path / "data") as served:
        before = served.files()
        assert set(before) == {"pine.md", "guides/whale.md"}
        assert "2 uploaded, 0 unchanged, 0 removed" in served.stop()
    (folder / "pine.md").write_text("The red pine can grow up to 31 meters high.")
    with _serving(folder, "--data-dir", tmp_path / "data") as served:
        between = served.files()
        assert {name: file["id"] for name, file in between.items()} == {n: file["id"] for n, file in before.items()}
        assert between["guides/whale.md"]["updated_on"] == before["guides/whale.md"]["updated_on"]
        assert "1 uploaded, 1 unchanged, 0 removed" in served.stop()
    (folder / "pine.md").unlink()
    with _serving(folder, "--data-dir", tmp_path / "data") as served:
        assert set(served.files()) == {"guides/whale.md"}
        assert "0 uploaded, 1 unchanged, 1 removed" in served.stop()


def test_files_get_their_metadata_and_new_metadata_at_a_restart(folder: Path, tmp_path: Path) -> None:
    rules = folder / "meta.json"
    rules.write_text(json.dumps({"*": {"public": True, "year": 2024}, "guides/*": {"topic": "sea", "year": 2025}}))
    with _serving(folder, "--metadata", rules, "--data-dir", tmp_path / "data") as served:
        files = served.files()
        assert set(files) == {"pine.md", "guides/whale.md"}, "the file with the metadata is not a document"
        assert files["pine.md"]["metadata"] == {"public": True, "year": 2024}
        assert files["guides/whale.md"]["metadata"] == {"public": True, "year": 2025, "topic": "sea"}
        served.stop()
    rules.write_text(json.dumps({"*": {"public": True, "year": 2024}}))
    with _serving(folder, "--metadata", rules, "--data-dir", tmp_path / "data") as served:
        assert served.files()["guides/whale.md"]["metadata"] == {"public": True, "year": 2024}
        assert "1 uploaded, 1 unchanged" in served.stop()


def test_changes_in_the_folder_are_followed(folder: Path) -> None:
    with _serving(folder, "--watch") as served:
        assert len(served.files()) == 2
        (folder / "fox.txt").write_text("The fennec lives in the Sahara.")
        _until(lambda: "fox.txt" in served.files())
        (folder / "pine.md").unlink()
        _until(lambda: "pine.md" not in served.files())
        (folder / "fox.txt").write_text("The fennec lives in the desert.")
        body = {"query": "Where does the fennec live?"}
        path = f"/assistant/chat/{served.environment['PINECONE_ASSISTANT_NAME']}/context"
        _until(lambda: "desert" in served.call("POST", path, json=body).text)
        served.stop()


def test_what_is_left_out_is_named_with_the_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are replaced, so that a name cannot control the terminal; markup is shown as text."""
    outside = folder.parent / "outside.md"
    outside.write_text("Elsewhere.")
    (folder / "a\x1b[31m\u202e.md").write_text("Not printable.")
    (folder / "[red]whale.png").write_text("")
    (folder / "README").write_text("No extension.")
    (folder / "empty.md").write_text("")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.md").write_text("Not looked into.")
    (folder / "link.md").symlink_to(outside)
    (folder / "broken.md").symlink_to(folder / "nothing")
    (folder / "linked").symlink_to(folder / "guides")
    console = Console(stderr=True, width=200)
    sync = FolderSync(folder, console)
    with LocalAssistant(name="docs") as local:
        assert sync.run(local, lambda: False)
        lines = capsys.readouterr().err.splitlines()
        assert sync.run(local, lambda: False)
        again = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("Left out")] == [
        "Left out .git: hidden",
        "Left out README: none of .txt, .md, .json, .pdf, .docx",
        "Left out [red]whale.png: none of .txt, .md, .json, .pdf, .docx",
        "Left out broken.md: not a file",
        "Left out link.md: a link that leads out of the folder",
        "Left out linked: a link to a folder",
        "Left out a\ufffd[31m\ufffd.md: Invalid file name: must be 1-1024 printable characters",
        "Left out empty.md: The file is empty.",
    ]
    assert lines[-1].startswith("2 of 4 files available")
    assert [line for line in again if "Left out" in line] == [], "it was said before"


def test_of_many_files_that_are_left_out_some_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(100):
        (folder / f"{number}.png").write_text("")
    with LocalAssistant(name="docs") as local:
        FolderSync(folder, Console(stderr=True, width=200)).run(local, lambda: False)
    lines = [line for line in capsys.readouterr().err.splitlines() if "Left out" in line]
    assert (len(lines), lines[-1]) == (21, "Left out 80 more.")


def test_each_request_is_a_line_without_its_query(folder: Path) -> None:
    with _serving(folder, "--faults") as served:
        name = served.environment["PINECONE_ASSISTANT_NAME"]
        served.call("GET", f"/assistant/files/{name}?filter=%7B%22secret%22%3A1%7D")
        assert served.call("GET", "/healthz").status_code == 200
        served.call("POST", "/_faults", json={"status": 503, "times": 1})
        body = {"messages": [{"role": "user", "content": "How tall?"}]}
        assert served.call("POST", f"/assistant/chat/{name}", json=body).status_code == 503
        served.call("GET", "/assistant/%0Aforged")
        errors = served.stop()
    assert re.search(rf"^GET /assistant/files/{name} 200 \d+ ms$", errors, re.MULTILINE)
    assert re.search(rf"^POST /assistant/chat/{name} 503 \d+ ms$", errors, re.MULTILINE)
    assert re.search(r"^GET '/assistant/\\nforged' 404 \d+ ms$", errors, re.MULTILINE)
    assert "secret" not in errors
    assert "healthz" not in errors
    assert served.environment["PINECONE_API_KEY"] not in errors


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ('{"pine.txt": {"a": 1}, "*.pdf": {"a": 1}}', "'pine.txt', '*.pdf'"),
        ('{"pine.md": {"a": null}}', "pine.md"),
        ('{"pine.md": {"a": {"b": 1}}}', "pine.md"),
        ('{"pine.md": 3}', "must have the form"),
        ('["pine.md"]', "must have the form"),
        ("not json", "is not JSON"),
        (b'{"pine.md": {"a": "\xff"}}', "is not JSON"),
        (None, "No such file"),
    ],
)
def test_metadata_that_makes_no_sense_is_an_error(
    folder: Path, tmp_path: Path, rules: str | bytes | None, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "meta.json"
    if rules is not None:
        path.write_bytes(rules.encode() if isinstance(rules, str) else rules)
    assert main(["serve", str(folder), "--metadata", str(path)]) == 2
    assert reason in capsys.readouterr().err


def test_a_rule_is_a_path_or_a_glob() -> None:
    rules = MetadataRules({"**/a.md": {"k": 1}, "[x].md": {"k": 2}, "b/*": {"k": 3}})
    assert [rules.of(name) for name in ("a.md", "b/c/a.md", "[x].md", "d.md")] == [{"k": 1}, {"k": 3}, {"k": 2}, None]
    assert rules.unmatched(["d.md", "[x].md"]) == ["**/a.md", "b/*"]
