"""`files`: list, show, upload, delete."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pinecone_assistant_cli.terminal import print_records
from pinecone_assistant_local import LocalAssistant

from .conftest import DATA, Command


def test_upload_then_list_then_show_then_delete(local: LocalAssistant, command: Command) -> None:
    done = command("files", "upload", DATA / "red_pine.md", "--metadata", '{"resource": "encyclopedia"}', "--json")
    assert done.code == 0, done.err
    (uploaded,) = done.objects
    assert (uploaded["name"], uploaded["status"]) == ("red_pine.md", "Available")
    (listed,) = command("files", "list", "--json").objects
    assert listed["metadata"] == {"resource": "encyclopedia"}
    assert command("files", "show", uploaded["id"], "--json").objects[0]["id"] == uploaded["id"]
    assert command("files", "delete", uploaded["id"], "--yes").code == 0
    assert command("files", "list").out == ""


def test_a_file_that_cannot_be_deleted_does_not_keep_the_others(pines: LocalAssistant, command: Command) -> None:
    (file_id,) = (file.id for file in pines.files.list())
    done = command("files", "delete", "nope", "not an id", file_id, file_id, "--yes")
    assert done.code == 1
    assert done.err.count("Error: ") == 2
    assert f"Deleted {file_id}." in done.err
    assert command("files", "list").out == ""


def test_a_list_in_a_pipe_is_one_file_a_line(pines: LocalAssistant, command: Command) -> None:
    (line,) = command("files", "list").lines
    name, _, status, *_ = line.split("\t")
    assert (name, status) == ("red_pine.md", "Available")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_in_a_terminal_a_table_fits_and_a_status_is_not_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    metadata = {"sync_owner": "handbook", "sync_sha256": "f" * 64}
    record = {"name": "a long name.md", "id": "x" * 52, "status": "ProcessingFailed", "size": 12, "metadata": metadata}
    print_records(tuple(record), [record], as_json=False)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert width < 80 or "ProcessingFailed" in shown
    assert shown.count("x") >= 52, "nothing is cut off"


def test_a_list_takes_a_filter(pines: LocalAssistant, command: Command) -> None:
    assert command("files", "list", "--filter", '{"resource": "nursery"}').lines == []
    assert len(command("files", "list", "--filter", '{"resource": "encyclopedia"}').lines) == 1


def test_one_bad_file_among_many_is_reported_and_the_others_go_through(
    local: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "good.txt").write_text("A pine is a tree.", "utf-8")
    done = command("files", "upload", tmp_path / "good.txt", tmp_path / "missing.txt", tmp_path / "x.exe", "--json")
    assert done.code == 1
    assert [file["name"] for file in done.objects] == ["good.txt"]
    assert "missing.txt" in done.err
    assert "x.exe" in done.err
    assert "1 file uploaded, 2 failed" in done.err


@pytest.mark.parametrize("metadata", ["{", "[]", '{"a": null}', '{"a": {"b": 1}}'])
def test_bad_metadata_uploads_nothing(local: LocalAssistant, command: Command, metadata: str) -> None:
    done = command("files", "upload", DATA / "red_pine.md", "--metadata", metadata)
    assert done.code in (1, 2)
    assert command("files", "list").lines == []


def test_an_id_names_one_file(command: Command) -> None:
    done = command("files", "upload", DATA / "red_pine.md", DATA / "red_pine.md", "--id", "one")
    assert (done.code, "--id" in done.err) == (2, True)


def test_a_file_of_an_id_is_replaced(local: LocalAssistant, command: Command) -> None:
    for _ in range(2):
        assert command("files", "upload", DATA / "red_pine.md", "--id", "pine").code == 0
    assert [line.split("\t")[1] for line in command("files", "list").lines] == ["pine"]


def test_without_a_terminal_nothing_is_deleted_unless_told(pines: LocalAssistant, command: Command) -> None:
    (file,) = command("files", "list", "--json").objects
    sent = len(pines.requests)
    done = command("files", "delete", file["id"])
    assert (done.code, "--yes" in done.err) == (2, True)
    assert len(pines.requests) == sent


def test_a_missing_file_is_1_unless_that_is_fine(local: LocalAssistant, command: Command) -> None:
    assert command("files", "delete", "none", "--yes").code == 1
    assert command("files", "delete", "none", "--yes", "--missing-ok").code == 0
    assert command("files", "show", "none").code == 1
