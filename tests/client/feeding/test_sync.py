"""`files.sync` against the local assistant: which files are uploaded, left unchanged and deleted."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_client import (
    AssistantError,
    InternalServerError,
    InvalidRequestError,
    SyncReport,
    Upload,
)
from pinecone_assistant_local import LocalAssistant

from ..support.asking import Asking
from ..support.feeding import Feeder, files_of, methods

FILES = {"a.md": "text a", "guides/b.md": "text b", "guides/deep/c.txt": "text c", "d.json": '{"d": 1}'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four documents."""
    root = tmp_path / "docs"
    write(root, FILES)
    return root


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def held(local: LocalAssistant, owner: str = "docs") -> dict[str, str]:
    """The owner's files in the assistant: content by path."""
    return {
        str(found.metadata.get("sync_path")): found.content.decode()
        for found in files_of(local).values()
        if found.metadata and found.metadata.get("sync_owner") == owner
    }


def sent(local: LocalAssistant) -> list[str]:
    """The requests since the last call of this function that change something."""
    found = [method for method in methods(local) if method != "GET files" or "/files/" in method]
    changes = [method for method in found if not method.startswith("GET")]
    local._running.service.requests.clear()
    return changes


def test_a_folder_arrives_with_names_and_metadata(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    report = feeder.files.sync(folder, metadata={"genre": "guide"})
    assert isinstance(report, SyncReport)
    assert report.uploaded == ("a.md", "d.json", "guides/b.md", "guides/deep/c.txt")
    assert (report.replaced, report.unchanged, report.deleted, report.failed, report.is_dry_run) == (
        (),
        (),
        (),
        (),
        False,
    )
    assert held(local) == FILES
    found = next(found for found in files_of(local).values() if found.name == "b.md")
    metadata = dict(found.metadata or {})
    assert len(str(metadata.pop("sync_sha256"))) == 64
    assert metadata == {"genre": "guide", "sync_owner": "docs", "sync_path": "guides/b.md"}
    assert str(report) == "4 uploaded, 0 replaced, 0 unchanged, 0 deleted, 0 ignored, 0 failed, 4 ingestion units"


def test_the_second_of_two_runs_sends_only_the_list(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder)
    local._running.service.requests.clear()
    report = feeder.files.sync(str(folder))
    assert report.unchanged == tuple(sorted(FILES))
    assert [(request.method, request.path) for request in local.requests] == [("GET", f"/assistant/files/{local.name}")]


def test_times_play_no_part(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder)
    for path in FILES:
        os.utime(folder / path, (1, 1))
    assert len(feeder.files.sync(folder).unchanged) == 4


def test_a_change_of_content_or_metadata_is_replaced_by_put(
    feeder: Feeder, local: LocalAssistant, folder: Path
) -> None:
    feeder.files.sync(folder)
    ids = set(files_of(local))
    write(folder, {"a.md": "text A"})
    sent(local)
    report = feeder.files.sync(folder)
    assert (report.replaced, len(report.unchanged)) == (("a.md",), 3)
    assert sent(local) == ["PUT files"]
    assert held(local)["a.md"] == "text A"
    report = feeder.files.sync(folder, metadata={"year": 1})
    assert len(report.replaced) == 4
    assert len(feeder.files.sync(folder, metadata={"year": 1.0}).unchanged) == 4
    assert set(files_of(local)) == ids


def test_a_file_whose_processing_failed_is_sent_again(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF broken")
    for _ in range(2):
        sent(local)
        report = feeder.files.sync(folder, raise_on_error=False)
        assert [path for path, _ in report.failed] == ["broken.pdf"]
        assert "PUT files" in sent(local)


def test_a_dry_run_sends_only_lists_and_reports_the_same(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder, owner="docs")
    write(folder, {"a.md": "changed", "new.md": "new"})
    (folder / "d.json").unlink()
    local._running.service.requests.clear()
    dry = feeder.files.sync(folder, owner="docs", delete=True, dry_run=True)
    assert {request.method for request in local.requests} == {"GET"}
    assert len(local.requests) == 1
    assert dry.is_dry_run
    assert str(dry).startswith("dry run, nothing was changed: 1 uploaded, 1 replaced, 2 unchanged, 1 deleted")
    wet = feeder.files.sync(folder, owner="docs", delete=True)
    assert dataclasses.replace(wet, is_dry_run=True, ingestion_units=0.0) == dry
    assert (wet.uploaded, wet.replaced, wet.deleted) == (("new.md",), ("a.md",), ("d.json",))


def test_two_owners_never_touch_each_others_files(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.upload(b"by hand", name="a.md", file_id="by-hand", metadata={"sync_owner": "one"})
    feeder.files.sync(folder, owner="one")
    feeder.files.sync(folder, owner="two")
    (folder / "a.md").unlink()
    report = feeder.files.sync(folder, owner="two", delete=True)
    assert report.deleted == ("a.md",)
    assert held(local, "one").keys() == {*FILES, "None"}  # and the one that only says so
    assert held(local, "two").keys() == FILES.keys() - {"a.md"}
    assert "by-hand" in files_of(local)


def test_without_delete_nothing_is_deleted(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder, owner="docs")
    (folder / "a.md").unlink()
    report = feeder.files.sync(folder, owner="docs")
    assert report.deleted == ()
    assert held(local).keys() == FILES.keys()


def test_delete_needs_the_owner_spelled_out(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    for dry_run in (False, True):
        with pytest.raises(InvalidRequestError, match="delete=True needs owner="):
            feeder.files.sync(folder, delete=True, dry_run=dry_run)
    assert local.requests == []


@pytest.mark.parametrize("as_iterable", [False, True])
def test_deleting_more_than_half_needs_max_delete(
    feeder: Feeder, local: LocalAssistant, folder: Path, as_iterable: bool
) -> None:
    def source() -> Any:
        return [Upload(folder / path, path) for path in FILES if (folder / path).exists()] if as_iterable else folder

    feeder.files.sync(source(), owner="docs")
    for path in ("a.md", "d.json", "guides/b.md"):
        (folder / path).unlink()
    for options in ({}, {"max_delete": 2}):
        sent(local)
        with pytest.raises(InvalidRequestError, match=r"delete 3 of the 4 files of owner 'docs'"):
            feeder.files.sync(source(), owner="docs", delete=True, **options)
        assert "DELETE files" not in sent(local)
    assert len(feeder.files.sync(source(), owner="docs", delete=True, dry_run=True).deleted) == 3
    assert len(feeder.files.sync(source(), owner="docs", delete=True, max_delete=3).deleted) == 3
    assert held(local) == {"guides/deep/c.txt": "text c"}


def test_a_folder_that_would_delete_too_much_uploads_nothing_either(
    feeder: Feeder, local: LocalAssistant, folder: Path
) -> None:
    feeder.files.sync(folder, owner="docs")
    for path in FILES:
        (folder / path).unlink()
    write(folder, {"new.md": "new"})
    sent(local)
    with pytest.raises(InvalidRequestError, match="more than half"):
        feeder.files.sync(folder, owner="docs", delete=True)
    assert sent(local) == []


@pytest.mark.parametrize("max_delete", [-1, 1.5, "3", True])
def test_a_max_delete_that_is_no_number_is_refused(
    feeder: Feeder, local: LocalAssistant, folder: Path, max_delete: Any
) -> None:
    with pytest.raises(InvalidRequestError, match="max_delete is"):
        feeder.files.sync(folder, owner="docs", delete=True, max_delete=max_delete)
    assert local.requests == []


def test_narrower_patterns_delete_what_no_longer_matches(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder, owner="docs")
    report = feeder.files.sync(folder, owner="docs", patterns=("guides/**",), delete=True)
    assert report.deleted == ("a.md", "d.json")


def test_nothing_is_deleted_if_an_upload_failed(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder, owner="docs")
    (folder / "a.md").unlink()
    (folder / "broken.pdf").write_bytes(b"%PDF broken")
    report = feeder.files.sync(folder, owner="docs", delete=True, raise_on_error=False)
    assert (report.deleted, [path for path, _ in report.failed]) == ((), ["broken.pdf"])
    assert "a.md" in held(local)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_nothing_is_deleted_if_a_folder_could_not_be_listed_by_its_rights(
    feeder: Feeder, local: LocalAssistant, folder: Path
) -> None:
    feeder.files.sync(folder, owner="docs")
    (folder / "guides").chmod(0)
    try:
        report = feeder.files.sync(folder, owner="docs", delete=True, raise_on_error=False)
    finally:
        (folder / "guides").chmod(0o755)
    assert report.deleted == ()


def test_nothing_is_deleted_if_a_folder_could_not_be_listed(
    feeder: Feeder, local: LocalAssistant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeder.files.sync(folder, owner="docs")
    (folder / "a.md").unlink()
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("guides"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = feeder.files.sync(folder, owner="docs", delete=True, raise_on_error=False)
    assert report.deleted == ()
    assert [path for path, _ in report.failed] == ["guides/"]
    assert held(local).keys() == FILES.keys()
    with pytest.raises(InvalidRequestError, match="'guides/' cannot be listed") as caught:
        feeder.files.sync(folder, owner="docs", delete=True)
    assert caught.value.report.unchanged == ("d.json",)


def test_nothing_is_deleted_or_sent_if_the_list_of_the_assistant_failed(
    feeder: Feeder, local: LocalAssistant, folder: Path
) -> None:
    feeder.files.sync(folder, owner="docs")
    (folder / "a.md").unlink()
    sent(local)
    local.faults.add(on=("GET", f"/assistant/files/{local.name}"), status=503)
    with pytest.raises(InternalServerError):
        feeder.files.sync(folder, owner="docs", delete=True)
    assert sent(local) == []


def test_nothing_is_deleted_if_the_iterable_broke(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync([Upload(folder / path, path) for path in FILES], owner="docs")

    def broken() -> Iterator[Upload]:
        yield from [Upload(folder / path, path) for path in list(FILES)[:3]]
        raise LookupError("of the caller")

    with pytest.raises(LookupError) as caught:
        feeder.files.sync(broken(), owner="docs", delete=True)
    assert caught.value.report.unchanged  # type: ignore[attr-defined] # it is set on the raised error
    assert held(local).keys() == FILES.keys()


def test_a_deletion_that_fails_is_reported(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder, owner="docs")
    (folder / "a.md").unlink()
    local.faults.add(on=("DELETE", "/assistant/files/*"), status=500)
    report = feeder.files.sync(folder, owner="docs", delete=True, raise_on_error=False)
    assert [path for path, _ in report.failed] == ["a.md"]
    assert report.deleted == ()


def test_one_bad_file_is_reported_and_the_others_go_through(
    feeder: Feeder, local: LocalAssistant, folder: Path
) -> None:
    (folder / "big.md").write_bytes(b"")
    os.truncate(folder / "big.md", 10 * 1024 * 1024 + 1)
    (folder / "bad.pdf").write_bytes(b"%PDF broken")
    with pytest.raises(AssistantError) as caught:
        feeder.files.sync(folder)
    report = caught.value.report
    assert len(report.uploaded) == 4
    assert [path for path, _ in report.failed] == ["bad.pdf", "big.md"]
    assert "10,485,761 bytes" in str(report.failed[1][1])
    assert caught.value is report.failed[0][1]


@pytest.mark.parametrize("source", ["missing", "file", "empty", "ignored", "unmatched", "excluded"])
def test_a_source_without_files_is_said_and_changes_nothing(
    feeder: Feeder, local: LocalAssistant, folder: Path, source: str
) -> None:
    feeder.files.sync(folder, owner="docs")
    sent(local)
    (folder.parent / "empty").mkdir()
    write(folder.parent, {"ignored/x.xyz": "x", "ignored/.b.md": "b"})
    cases: dict[str, tuple[Path, dict[str, Any], str]] = {
        "missing": (folder / "nowhere", {}, "'.*nowhere' cannot be listed"),
        "file": (folder / "a.md", {}, r"a\.md' is not a folder.*client\.files\.upload"),
        "empty": (folder.parent / "empty", {}, "no file in '.*empty' matches"),
        "ignored": (folder.parent / "ignored", {}, r"2 were left out: \.b\.md, x\.xyz"),
        "unmatched": (folder, {"patterns": ("*.pdf",)}, "no file in '.*docs' matches"),
        "excluded": (folder, {"exclude": ("**/*",)}, "no file in '.*docs' matches"),
    }
    path, options, pattern = cases[source]
    with pytest.raises(InvalidRequestError, match=pattern):
        feeder.files.sync(path, owner="docs", delete=True, max_delete=1000, **options)
    assert local.requests == []
    assert held(local).keys() == FILES.keys()


def test_an_iterable_without_files_is_said_and_changes_nothing(feeder: Feeder, local: LocalAssistant) -> None:
    sources: list[Any] = [[], iter(())]
    for source in sources:
        with pytest.raises(InvalidRequestError, match="has no files"):
            feeder.files.sync(source, owner="docs", delete=True, max_delete=100)
    assert local.requests == []


def test_an_iterable_has_its_names_for_paths(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    uploads = [
        Upload(b"bytes", "guides/b.md", metadata={"genre": "own"}),
        Upload(folder / "a.md"),
        Upload(folder / "d.json", "data/d.json"),
    ]
    report = feeder.files.sync(iter(uploads), owner="docs", metadata={"genre": "all", "year": 1})
    assert report.uploaded == ("a.md", "data/d.json", "guides/b.md")
    found = {one.name: one for one in files_of(local).values()}
    assert found.keys() == {"a.md", "d.json", "b.md"}
    own = found["b.md"].metadata or {}
    assert (own["genre"], own["year"]) == ("own", 1)
    assert (
        feeder.files.sync(iter(uploads), owner="docs", metadata={"genre": "all", "year": 1}).unchanged
        == report.uploaded
    )


@pytest.mark.parametrize(
    ("uploads", "pattern"),
    [
        ([Upload(b"x", "a.md"), Upload(b"y", "a.md")], r"'a\.md' is twice"),
        ([Upload(b"x", "a.md", file_id="mine")], "file_id='mine'"),
        ([Upload(b"x")], "name="),
        ([Upload(b"x", "a.xyz")], "'a.xyz'"),
        ([Upload(b"x", "a.md", metadata={"sync_path": "x"})], r"metadata\.sync_path"),
        ([Upload(b"x", "a.md", metadata={"a": None})], "null"),
        ([Upload(b"x", "a.md", metadata=[1])], "metadata of 'a.md' is a list"),  # type: ignore[arg-type] # on purpose
    ],
)
def test_a_wrong_upload_of_an_iterable_is_reported(
    feeder: Feeder, local: LocalAssistant, uploads: list[Upload], pattern: str
) -> None:
    report = feeder.files.sync([*uploads, Upload(b"good", "good.md")], owner="docs", raise_on_error=False)
    assert "good.md" in report.uploaded
    [(_, error)] = report.failed
    with pytest.raises(InvalidRequestError, match=pattern):
        raise error


@pytest.mark.parametrize("source", [None, 3, b"docs", Upload(b"x", "a.md"), "", ["docs"], [b"x"]])
def test_what_is_no_source_is_named(feeder: Feeder, local: LocalAssistant, source: Any) -> None:
    for options in [{"owner": "docs"}, {}] if not isinstance(source, list) else [{"owner": "docs"}]:
        with pytest.raises(InvalidRequestError, match=r"source(\[0\])? is a"):
            feeder.files.sync(source, **options)
    assert local.requests == []


def test_an_iterable_needs_an_owner(feeder: Feeder, local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match="owner="):
        feeder.files.sync([Upload(b"x", "a.md")])
    assert local.requests == []


@pytest.mark.parametrize("owner", ["", " ", 3, "\ud800"])
def test_an_owner_that_is_no_name_is_refused(feeder: Feeder, local: LocalAssistant, folder: Path, owner: Any) -> None:
    with pytest.raises(InvalidRequestError, match="owner"):
        feeder.files.sync(folder, owner=owner)
    assert local.requests == []


def test_the_owner_is_by_default_the_folders_name(
    feeder: Feeder, local: LocalAssistant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeder.files.sync(folder)
    monkeypatch.chdir(folder)
    for source in (".", folder / "guides" / "..", f"{folder}/"):
        assert len(feeder.files.sync(source).unchanged) == 4


def test_metadata_by_a_function_of_the_path(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    feeder.files.sync(folder, metadata=lambda path: {"part": path.split("/")[0]} if "/" in path else None)
    found = {one.name: one.metadata or {} for one in files_of(local).values()}
    assert found["b.md"]["part"] == "guides"
    assert "part" not in found["a.md"]


@pytest.mark.parametrize("form", ["dict", "file", "path"])
def test_metadata_by_rules(feeder: Feeder, local: LocalAssistant, folder: Path, form: str) -> None:
    rules = {"**/*.md": {"kind": "text", "level": 1}, "guides/*": {"level": 2}, "d.json": {"kind": "data"}}
    (folder / "meta.json").write_text(json.dumps(rules))
    metadata: Any = {"dict": rules, "file": folder / "meta.json", "path": str(folder / "meta.json")}[form]
    report = feeder.files.sync(folder, exclude=("meta.json",) if form == "dict" else (), metadata=metadata)
    assert len(report.uploaded) == 4
    assert report.ignored == (() if form == "dict" else ("meta.json",))
    found = {one.name: one.metadata or {} for one in files_of(local).values()}
    assert [found[name].get("kind") for name in ("a.md", "b.md", "c.txt", "d.json")] == ["text", "text", None, "data"]
    assert [found[name].get("level") for name in ("a.md", "b.md", "c.txt", "d.json")] == [1, 2, 2, None]


@pytest.mark.parametrize(
    ("metadata", "pattern"),
    [
        ({"**/*.pdf": {"a": 1}}, r"no file in .* matches '\*\*/\*\.pdf'"),
        ({"a.md": {"a": None}}, "null"),
        ({"a.md": {"a": 1}, "b": 2}, "must have the form"),
        ({"a": None}, "null"),
        ({"a": {}}, "no file in .* matches 'a'"),
        ({"sync_owner": "x"}, r"metadata\.sync_owner"),
        ("missing.json", r"'missing\.json' cannot be read"),
        (3, "metadata is a int"),
        ([("a", 1)], "metadata is a list"),
    ],
)
def test_wrong_metadata_is_named_before_traffic(
    feeder: Feeder, local: LocalAssistant, folder: Path, metadata: Any, pattern: str
) -> None:
    with pytest.raises(InvalidRequestError, match=pattern):
        feeder.files.sync(folder, metadata=metadata)
    assert local.requests == []


def test_rules_that_are_no_json_are_named(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    (folder / "meta.json").write_text("{")
    with pytest.raises(InvalidRequestError, match=r"meta\.json' is not JSON"):
        feeder.files.sync(folder, metadata=folder / "meta.json")


def test_wrong_metadata_of_one_file_is_that_files_error(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    report = feeder.files.sync(
        folder,
        metadata=lambda path: {"a": None} if path == "a.md" else {"text": "x" * 17_000} if path == "d.json" else {},
        raise_on_error=False,
    )
    assert len(report.uploaded) == 2
    assert [path for path, _ in report.failed] == ["a.md", "d.json"]


def test_a_file_that_changes_between_hashing_and_sending_is_an_error_and_is_mended_by_the_next_run(
    feeder: Feeder, local: LocalAssistant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pinecone_assistant_client.feeding import sync  # noqa: PLC0415 - its door is patched

    real = sync._read

    def read_and_change(file: Any) -> Any:
        found = real(file)
        if file.path == "a.md":
            (folder / "a.md").write_text("text Z")  # as long as before
        return found

    monkeypatch.setattr(sync, "_read", read_and_change)
    report = feeder.files.sync(folder, raise_on_error=False)
    [(path, error)] = report.failed
    assert (path, "changed while it was sent" in str(error)) == ("a.md", True)
    assert "a.md" not in held(local)
    monkeypatch.undo()
    assert feeder.files.sync(folder).uploaded == ("a.md",)
    assert held(local)["a.md"] == "text Z"


def test_progress_is_told_of_every_file(feeder: Feeder, folder: Path) -> None:
    told: list[Any] = []

    def on_progress(done: int, total: int | None, path: str) -> None:
        told.append((done, total, path, threading.current_thread()))

    for _ in range(2):
        told.clear()
        feeder.files.sync(folder, on_progress=on_progress)
        assert [(done, total) for done, total, *_ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
        assert {path for _, _, path, _ in told} == FILES.keys()
        assert {thread for *_, thread in told} == {threading.current_thread()}


def test_an_old_version_is_refused_before_traffic(ask_local: Asking, local: LocalAssistant, folder: Path) -> None:
    feeder = Feeder(ask_local, api_version="2025-10")
    with pytest.raises(InvalidRequestError, match=r"files\.sync needs api_version 2026-04"):
        feeder.files.sync(folder)
    assert local.requests == []


def test_lists_are_one_request_a_page(feeder: Feeder, local: LocalAssistant) -> None:
    uploads = [Upload(f"{number}".encode(), f"{number}.md") for number in range(230)]
    feeder.files.sync(uploads, owner="docs", concurrency=16)
    local._running.service.requests.clear()
    assert len(feeder.files.sync(uploads, owner="docs").unchanged) == 230
    assert methods(local) == ["GET files"] * 3


def test_faults_in_a_sync_leave_each_file_once(feeder: Feeder, local: LocalAssistant, folder: Path) -> None:
    local.faults.add(on=("PUT", "/assistant/files/*"), times=2, status=503)
    local.faults.add(on=("PUT", "/assistant/files/*"), times=2, cut_after_events=0)
    feeder.files.sync(folder)
    assert held(local) == FILES
    assert len(files_of(local)) == 4


def test_sync_in_a_service_that_drops_metadata_raises_and_never_duplicates(
    ask: Asking, folder: Path, service_of: Callable[..., Any]
) -> None:
    service = service_of()
    service.drops_metadata = True
    feeder = Feeder(ask, host=service.url)
    for _ in range(2):
        report = feeder.files.sync(folder, raise_on_error=False)
        assert len(report.failed) == 4
    assert len(service.files) == 4


@pytest.fixture
def service_of() -> Iterator[Callable[..., Any]]:
    """A service that can drop metadata."""
    from ..support.file_service import FileService  # noqa: PLC0415 - for one test

    with FileService() as service:
        yield lambda: service
