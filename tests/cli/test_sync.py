"""`sync`: a folder and an assistant in step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pinecone_assistant_local import LocalAssistant

from .conftest import Command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three files, one of them of a kind that cannot be uploaded."""
    folder = tmp_path / "handbook"
    (folder / "hr").mkdir(parents=True)
    (folder / "start.md").write_text("# Start\n\nBegin here.", "utf-8")
    (folder / "hr" / "leave.txt").write_text("Leave is 30 days.", "utf-8")
    (folder / "logo.png").write_bytes(b"png")
    return folder


def test_sync_uploads_and_a_second_run_sends_only_lists(local: LocalAssistant, command: Command, folder: Path) -> None:
    (first,) = command("sync", folder, "--json").objects
    assert (sorted(first["uploaded"]), first["ignored"]) == (["hr/leave.txt", "start.md"], ["logo.png"])
    sent = len(local.requests)
    (second,) = command("sync", folder, "--json").objects
    assert (second["uploaded"], sorted(second["unchanged"])) == ([], ["hr/leave.txt", "start.md"])
    assert {request.method for request in local.requests[sent:]} == {"GET"}


def test_a_dry_run_changes_nothing(local: LocalAssistant, command: Command, folder: Path) -> None:
    (plan,) = command("sync", folder, "--dry-run", "--json").objects
    assert (plan["is_dry_run"], len(plan["uploaded"])) == (True, 2)
    assert command("files", "list").lines == []


def test_in_a_pipe_each_change_is_a_line_and_the_summary_is_apart(
    local: LocalAssistant, command: Command, folder: Path
) -> None:
    """They went to standard error, and `sync --dry-run > plan.txt` wrote an empty file."""
    plan = command("sync", folder, "--owner", "o", "--dry-run")
    assert sorted(plan.lines) == ["uploaded\thr/leave.txt", "uploaded\tstart.md"]
    assert "dry run, nothing was changed: 2 uploaded" in plan.err
    command("sync", folder, "--owner", "o")
    (folder / "start.md").write_text("# Start\n\nBegin there.", "utf-8")
    (folder / "hr" / "leave.txt").unlink()
    done = command("sync", folder, "--owner", "o", "--delete", "--yes")
    assert done.lines == ["replaced\tstart.md", "deleted\thr/leave.txt"]


def test_metadata_comes_from_a_file_of_rules(
    local: LocalAssistant, command: Command, folder: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "metadata.json"
    rules.write_text(json.dumps({"hr/*": {"team": "hr"}}), "utf-8")
    assert command("sync", folder, "--metadata", rules).code == 0
    assert len(command("files", "list", "--filter", '{"team": "hr"}').lines) == 1


def test_deleting_needs_an_owner_and_a_yes(local: LocalAssistant, command: Command, folder: Path) -> None:
    command("sync", folder, "--owner", "handbook")
    (folder / "start.md").unlink()
    sent = len(local.requests)
    assert command("sync", folder, "--delete").code == 2
    assert command("sync", folder, "--delete", "--owner", "handbook").code == 2
    assert len(local.requests) == sent
    done = command("sync", folder, "--delete", "--owner", "handbook", "--yes")
    assert done.code == 0, done.err
    assert [line.split("\t")[0] for line in command("files", "list").lines] == ["leave.txt"]


def test_a_missing_folder_is_2(command: Command, tmp_path: Path) -> None:
    done = command("sync", tmp_path / "nowhere")
    assert (done.code, "nowhere" in done.err) == (2, True)


def test_an_empty_folder_changes_nothing_and_says_so(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = command("sync", tmp_path / "empty")
    assert command("files", "list").lines == []
    assert done.err
