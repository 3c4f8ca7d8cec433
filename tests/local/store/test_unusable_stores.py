"""A store that cannot be opened, read or written: one sentence with its path, and no stored data is lost."""

from __future__ import annotations

import logging
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from pinecone_assistant_cli.__main__ import main
from pinecone_assistant_client import InternalServerError
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.errors import StoreError

from ..conftest import Api

FACT = "A red pine grows up to 25 meters."
STORE = "assistant.sqlite3"


def _is_a_file(folder: Path) -> Path:
    folder.write_text("")
    return folder


def _is_below_a_file(folder: Path) -> Path:
    folder.write_text("")
    return folder / "below"


def _cannot_be_made(_folder: Path) -> Path:
    return Path("/proc/no-such-process/store")


def _holds_something_else(folder: Path) -> Path:
    folder.mkdir()
    (folder / STORE).write_bytes(b"This is no database. " * 100)
    return folder


def _holds_a_folder_of_its_name(folder: Path) -> Path:
    (folder / STORE).mkdir(parents=True)
    return folder


def _is_of_another_version(folder: Path) -> Path:
    with LocalAssistant(data_dir=folder):
        pass
    connection = sqlite3.connect(folder / STORE)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    return folder


def _is_damaged(folder: Path) -> Path:
    with LocalAssistant(data_dir=folder) as local:
        local.upload_text("pine.md", FACT)
    content = bytearray((folder / STORE).read_bytes())
    content[100:4096] = b"\xff" * 3996
    (folder / STORE).write_bytes(content)
    return folder


BROKEN = [
    _is_a_file,
    _is_below_a_file,
    _cannot_be_made,
    _holds_something_else,
    _holds_a_folder_of_its_name,
    _is_of_another_version,
    _is_damaged,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_store_that_cannot_be_opened_is_an_error_with_its_path(
    tmp_path: Path, broken: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = broken(tmp_path / "store")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    local = LocalAssistant(data_dir=path)
    with pytest.raises(StoreError, match=str(path)):
        local.start()
    with pytest.raises(RuntimeError, match="not running"):
        local.host  # noqa: B018  (reading it is the point)
    (tmp_path / "docs").mkdir()
    assert main(["serve", str(tmp_path / "docs"), "--port", "0", "--data-dir", str(path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert str(path) in line
    assert {file: file.read_bytes() for file in before} == before


def test_a_start_that_fails_leaves_its_port_free(tmp_path: Path) -> None:
    with LocalAssistant() as other:
        port = int(other.host.rpartition(":")[2])
    path = _is_a_file(tmp_path / "store")
    for _ in range(2):
        with pytest.raises(StoreError):
            LocalAssistant(data_dir=path, port=port).start()
    with LocalAssistant(port=port):
        pass


def _fill_the_disk(local: LocalAssistant) -> None:
    """Let no page be added, as on a full disk: `PRAGMA max_page_count` gives SQLite's own error for one."""
    writer = local.service.store.database._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")


def _make_it_read_only(local: LocalAssistant) -> None:
    local.service.store.database._writer.execute("PRAGMA query_only = ON")


@pytest.mark.parametrize(
    ("happens", "reason"), [(_fill_the_disk, "disk is full"), (_make_it_read_only, "readonly database")]
)
def test_a_store_that_can_no_longer_be_written_goes_on_answering(
    tmp_path: Path, happens: Callable[[LocalAssistant], None], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Stored data stays; a new upload is refused and leaves no part behind."""
    with LocalAssistant(data_dir=tmp_path) as local, requests.Session() as session:
        api = Api(local, session=session)
        local.upload_text("pine.md", FACT)
        happens(local)
        large = "The blue whale is large. " * 20_000
        with caplog.at_level(logging.ERROR, "pinecone_assistant_local"):
            for refused in (api.upload("whale.txt", large), api.upload("whale.txt", large, method="PUT", file_id="x")):
                assert (refused.status_code, refused.json()["error"]["code"]) == (500, "INTERNAL")
                assert str(tmp_path) not in refused.text
            with pytest.raises(InternalServerError, match="store cannot be used"):
                local.upload(large.encode(), name="whale.txt", file_id="x")
        assert f"{tmp_path / STORE}" in caplog.text
        assert reason in caplog.text
        assert "Traceback" not in caplog.text
        assert "25 meters" in api.ask("How high does a red pine grow?")
    with LocalAssistant(data_dir=tmp_path) as local, requests.Session() as session:
        api = Api(local, session=session)
        assert [file["name"] for file in api.call("GET", f"/files/{local.name}").json()["files"]] == ["pine.md"]
        assert api.upload("whale.txt", large).status_code == 202


def test_a_file_whose_passages_do_not_fit_is_processed_at_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content was taken, so it is not lost; the disk is full when its passages are written."""
    with LocalAssistant(data_dir=tmp_path) as local, requests.Session() as session:
        files = local.service.store.files
        finish = files.finish

        def full(*arguments: Any) -> None:
            _fill_the_disk(local)
            finish(*arguments)

        monkeypatch.setattr(files, "finish", full)
        api = Api(local, session=session)
        with caplog.at_level(logging.ERROR, "pinecone_assistant_local"):
            operation = api.upload("pine.txt", f"{FACT} " * 5_000).json()
        assert operation["status"] == "Processing"
        assert "pine.txt is not processed until the next start" in caplog.text
    with LocalAssistant(data_dir=tmp_path) as local, requests.Session() as session:
        api = Api(local, session=session)
        assert api.call("GET", f"/operations/{local.name}/{operation['id']}").json()["status"] == "Completed"
        assert "25 meters" in api.ask("How high does a red pine grow?")


def test_a_folder_that_does_not_fit_ends_serve_with_a_sentence_and_keeps_what_fits(tmp_path: Path) -> None:
    """The limit of a file's size is the kernel's; SQLite reports it as it does other errors of a disk."""
    folder, store = tmp_path / "docs", tmp_path / "store"
    folder.mkdir()
    (folder / "a.txt").write_text(FACT)
    (folder / "b.txt").write_text("The blue whale is large. " * 40_000)
    limit = 600_000
    done = subprocess.run(
        [sys.executable, "-m", "pinecone_assistant_cli", "serve", folder, "--port", "0", "--data-dir", store],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert f"cannot use the store {store / STORE}" in done.stderr.splitlines()[-1]
    with LocalAssistant(data_dir=store) as local:
        assert [file.name for file in local.service.store.files.select("docs")] == ["a.txt"]


def test_an_upload_with_the_same_name_and_content_is_said(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Both files answer, so each fact is quoted twice."""
    with caplog.at_level(logging.WARNING, "pinecone_assistant_local"):
        first = api.upload("pine.md", FACT).json()["file_id"]
        api.upload("other.md", FACT)
        api.upload("pine.md", FACT + " It is a tree.")
        api.upload("pine.md", FACT, method="PUT", file_id=first)
        assert caplog.text == ""
        second = api.upload("pine.md", FACT).json()["file_id"]
    [record] = caplog.records
    assert record.getMessage().startswith(f"pine.md has been uploaded twice: {second}")
    assert first in record.getMessage()
