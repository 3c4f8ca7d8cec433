"""A kept store and a server that is killed: nothing acknowledged is lost, nothing is stuck.

`DURABILITY_ROUNDS` is the number of kills, 5 if it is not set.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.store.files import NewFile
from pinecone_assistant_local.text.passages import Passage, to_passages

from ..conftest import Api
from ..documents.made_files import pdf
from ..documents.reading import blocks_of

ROUNDS = int(os.environ.get("DURABILITY_ROUNDS", "5"))
UPLOADERS = 3
FACT = "A red pine grows up to 25 meters."
HEADERS = {"Api-Key": "local", "X-Pinecone-Api-Version": "2026-04"}


@dataclass
class Served:
    """A server in another process."""

    host: str
    name: str
    process: subprocess.Popen[str]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{self.host}/assistant{path}", headers=HEADERS, timeout=20, **options)


@contextmanager
def _serving(folder: Path, store: Path) -> Iterator[Served]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    arguments = ["serve", str(folder), "--port", "0", "--api-key", "local", "--data-dir", str(store)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pinecone_assistant_cli", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        exported = dict(process.stdout.readline().strip().removeprefix("export ").partition("=")[::2] for _ in range(6))
        yield Served(exported["PINECONE_ASSISTANT_HOST"], exported["PINECONE_ASSISTANT_NAME"], process)
    finally:
        process.kill()
        process.communicate()


@dataclass
class Told:
    """Requests sent to the server, and those it acknowledged.

    Attributes:
        sent: The contents that were sent under each file identifier, in order.
        acknowledged: How many of them were acknowledged.
        deleted: The files whose deletion was sent, and whether it was acknowledged.
    """

    sent: dict[str, list[bytes]] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, bool] = field(default_factory=dict)


def _upload_until_killed(server: Served, told: Told, chooser: random.Random, prefix: str) -> None:
    """New files, replaced files and deleted files, until the connection breaks."""
    count = 0
    try:
        while True:
            count += 1
            file_id = f"{prefix}-{count}"
            if count > 3 and chooser.random() < 0.4:
                file_id = f"{prefix}-{chooser.randrange(1, count)}"
            if file_id in told.deleted:
                continue
            if file_id in told.sent and chooser.random() < 0.3:
                told.deleted[file_id] = False
                assert server.call("DELETE", f"/files/{server.name}/{file_id}").status_code == 202
                told.deleted[file_id] = True
                continue
            version = len(told.sent.setdefault(file_id, []))
            text = f"The mark of {file_id} in version {version} is {chooser.randrange(10**9)}. "
            is_pdf = file_id.endswith("5")
            content = pdf([text]) if is_pdf else (text + "A line of more text. " * chooser.randrange(3000)).encode()
            told.sent[file_id].append(content)
            files = {"file": ("x.pdf" if is_pdf else "x.txt", content)}
            assert server.call("PUT", f"/files/{server.name}/{file_id}", files=files).status_code == 202
            told.acknowledged[file_id] = version + 1
    except requests.RequestException:
        return


def _check(server: Served, told: Told, prefix: str) -> None:
    """Each file has the content that was acknowledged last, or a later one, and is Available; so are operations done."""
    for file_id, contents in told.sent.items():
        if not file_id.startswith(prefix):
            continue
        acknowledged = told.acknowledged.get(file_id, 0)
        response = server.call("GET", f"/files/{server.name}/{file_id}", params={"include_url": "true"})
        if response.status_code == 404:
            assert file_id in told.deleted or acknowledged == 0, file_id
            continue
        assert not told.deleted.get(file_id, False), f"{file_id} was deleted and is back"
        file = _settled(server, f"/files/{server.name}/{file_id}", response.json())
        assert file["status"] == "Available", file
        content = requests.get(response.json()["signed_url"], timeout=20).content
        assert content in contents[max(0, acknowledged - 1) :], file_id


def _settled(server: Served, path: str, body: dict[str, Any]) -> dict[str, Any]:
    ends = time.monotonic() + 30
    while body["status"] == "Processing" and time.monotonic() < ends:
        body = server.call("GET", path).json()
    return body


def _check_nothing_is_stuck(server: Served) -> None:
    stuck = server.call("GET", f"/operations/{server.name}", params={"status": "Processing"}).json()["operations"]
    for operation in stuck:
        done = _settled(server, f"/operations/{server.name}/{operation['id']}", operation)
        assert done["status"] != "Processing", done


def _check_database(store: Path) -> None:
    """Run SQLite's own checks, and check that related rows exist together."""
    connection = sqlite3.connect(store / "assistant.sqlite3")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO passage_index (passage_index) VALUES ('integrity-check')")
        count = "SELECT (SELECT count(*) FROM passages), (SELECT count(*) FROM passage_index_docsize)"
        passages, indexed = connection.execute(count).fetchone()
        assert passages == indexed
        lost = "SELECT id FROM files WHERE row NOT IN (SELECT file FROM file_contents)"
        assert connection.execute(lost).fetchall() == []
    finally:
        connection.close()


def test_killed_at_random_moments_it_loses_nothing_and_leaves_nothing_stuck(tmp_path: Path) -> None:
    """Each round uploads from several threads and kills the server with SIGKILL; the next one checks the remaining data."""
    folder, store = tmp_path / "empty", tmp_path / "store"
    folder.mkdir()
    chooser = random.Random()
    told = Told()
    for number in range(ROUNDS + 1):
        with _serving(folder, store) as server:
            if number:
                _check(server, told, f"r{number - 1}-")
                _check_nothing_is_stuck(server)
            if number == ROUNDS:
                _check(server, told, "r")
                break
            threads = [
                threading.Thread(
                    target=_upload_until_killed,
                    args=(server, told, random.Random(chooser.random()), f"r{number}-t{thread}"),
                )
                for thread in range(UPLOADERS)
            ]
            for thread in threads:
                thread.start()
            time.sleep(chooser.uniform(0.05, 0.8))
            os.kill(server.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            for thread in threads:
                thread.join()
        _check_database(store)
    assert sum(told.acknowledged.values()) >= ROUNDS


def _store_of(local: LocalAssistant) -> Any:
    return local.service.store


def test_a_kept_store_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    with LocalAssistant(data_dir=tmp_path) as local:
        with _store_of(local).database.write() as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: fsync at each commit
        local.upload_text("pine.md", FACT)


def test_a_file_and_its_content_are_written_in_one_transaction(local: LocalAssistant) -> None:
    """If the second statement fails, the first one leaves nothing."""
    store = _store_of(local)
    with store.database.write() as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON file_contents BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    with pytest.raises(sqlite3.Error, match="the disk is full"):
        store.files.add(local.name, NewFile("x.md", FACT.encode()))
    assert store.files.select(local.name) == []
    assert store.operations.select(local.name) == []


def test_the_end_of_the_work_on_a_file_is_one_transaction(local: LocalAssistant) -> None:
    """If writing passages fails halfway, none are left and the file is unchanged."""
    store = _store_of(local)
    file, operation = store.files.add(local.name, NewFile("x.md", FACT.encode()))

    def broken() -> Iterator[Passage]:
        yield from to_passages(blocks_of("x.md", FACT.encode()), "x.md")
        raise KeyError("the end")

    with pytest.raises(KeyError):
        store.files.finish(file, broken())
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM passages").fetchone()[0] == 0
    assert store.files.get(local.name, file.id).status == "Processing"
    assert store.operations.get(local.name, operation.id).status == "Processing"


def test_one_writer_at_a_time(local: LocalAssistant) -> None:
    database = _store_of(local).database
    inside: list[int] = []

    def write(number: int) -> None:
        with database.write():
            inside.append(number)
            time.sleep(0.002)
            assert inside[-1] == number

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(inside) == list(range(8))


def test_operations_that_cannot_end_are_ended_at_the_start(tmp_path: Path) -> None:
    """Their files are not being processed any more: they are Available or deleted."""
    with LocalAssistant(data_dir=tmp_path) as local:
        done, gone = (local.upload_text(name, FACT) for name in ("pine.md", "gone.md"))
    connection = sqlite3.connect(tmp_path / "assistant.sqlite3")
    with connection:
        connection.execute("UPDATE operations SET status = 'Processing', completed_on = NULL")
        connection.execute("DELETE FROM files WHERE id = ?", (gone.id,))
    connection.close()
    with LocalAssistant(data_dir=tmp_path) as local, requests.Session() as session:
        api = Api(local, session=session)
        operations = api.call("GET", f"/operations/{local.name}").json()["operations"]
        assert [(one["file_id"], one["status"], bool(one["completed_on"])) for one in operations] == [
            (done.id, "Failed", True),
            (gone.id, "Failed", True),
        ]


def test_a_folder_served_again_is_neither_duplicated_nor_forgotten(tmp_path: Path) -> None:
    """Unchanged files are kept, changed ones replaced, deleted ones removed; uploads of clients stay."""
    folder, store = tmp_path / "docs", tmp_path / "store"
    (folder / "sub").mkdir(parents=True)
    for name in ("same.md", "sub/changed.md", "removed.md"):
        (folder / name).write_text(f"About {name}: first.")

    def listed(server: Served) -> dict[str, dict[str, Any]]:
        files = server.call("GET", f"/files/{server.name}").json()["files"]
        assert len(files) == len({file["name"] for file in files})
        assert {file["status"] for file in files} == {"Available"}
        return {file["name"]: file for file in files}

    with _serving(folder, store) as server:
        server.call("POST", f"/files/{server.name}", files={"file": ("mine.md", FACT)})
        before = listed(server)
    (folder / "sub" / "changed.md").write_text("About sub/changed.md: second.")
    (folder / "removed.md").unlink()
    with _serving(folder, store) as server:
        after = listed(server)
    assert set(after) == {"same.md", "sub/changed.md", "mine.md"}
    assert {name: file["id"] for name, file in after.items()} == {name: before[name]["id"] for name in after}
    changed = {name for name in after if after[name]["updated_on"] != before[name]["updated_on"]}
    assert changed == {"sub/changed.md"}


def test_a_store_of_another_version_is_refused_and_named(tmp_path: Path) -> None:
    with LocalAssistant(data_dir=tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / "assistant.sqlite3")
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(ValueError, match=r"assistant\.sqlite3 was made by another version"):
        LocalAssistant(data_dir=tmp_path).start()
