"""Uploading a file: its content on arrival, the checks before it is sent, and the wait for its processing."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from pinecone_assistant_client import (
    APITimeoutError,
    AssistantFile,
    FileProcessingError,
    InvalidRequestError,
    MetadataMismatchError,
)
from pinecone_assistant_client.feeding import contents
from pinecone_assistant_client.feeding.effects import Sleep
from pinecone_assistant_client.feeding.target import Patience
from pinecone_assistant_local import LocalAssistant

from ..support.asking import Asking
from ..support.feeding import Feeder, file, files_of, methods, operation
from ..support.raw_server import RawServer, reply

PINE = b"A red pine grows up to 25 meters high."


def test_a_path_arrives_whole_with_its_name_and_metadata(feeder: Feeder, local: LocalAssistant, tmp_path: Path) -> None:
    (tmp_path / "pine.md").write_bytes(PINE)
    metadata = {"genre": "tree", "year": 2020, "height": 25.5, "tall": True, "tags": ["b", "a"], "ä": "ü €"}
    uploaded = feeder.files.upload(tmp_path / "pine.md", metadata=metadata)
    assert isinstance(uploaded, AssistantFile)
    assert (uploaded.name, uploaded.status, uploaded.size) == ("pine.md", "Available", len(PINE))
    assert uploaded.metadata == metadata
    assert files_of(local)[uploaded.id].content == PINE


@pytest.mark.parametrize("content", [b"", b"x", PINE, os.urandom(300_000)], ids=["empty", "one", "small", "large"])
@pytest.mark.parametrize("how", ["bytes", "bytearray", "memoryview", "stream", "pipe", "path text"])
def test_every_kind_of_file_arrives_byte_for_byte(
    feeder: Feeder, local: LocalAssistant, tmp_path: Path, content: bytes, how: str
) -> None:
    source: Any = {"bytes": bytes, "bytearray": bytearray, "memoryview": memoryview, "stream": io.BytesIO}.get(how)
    if how == "path text":
        (tmp_path / "a.txt").write_bytes(content)
        sent: Any = str(tmp_path / "a.txt")
    else:
        sent = _Pipe(content) if how == "pipe" else source(content)
    uploaded = feeder.files.upload(sent, name="blob.txt", wait=False)
    assert files_of(local)[uploaded.id].content == content
    assert uploaded.name == "blob.txt"


class _Pipe:
    """A binary stream that can be read once and is not an io.IOBase."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)
        self.reads = 0

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        return self._rest.read(size)


def test_a_stream_is_read_from_where_it_stands(feeder: Feeder, local: LocalAssistant) -> None:
    stream = io.BytesIO(b"head " + PINE)
    stream.seek(5)
    uploaded = feeder.files.upload(stream, name="pine.md")
    assert files_of(local)[uploaded.id].content == PINE


@pytest.mark.parametrize("name", ['a "b".md', "x\\y.md", "naïve €.md", "a;b=c.md", "%41.md", "  spaced .md"])
def test_a_name_keeps_its_characters(feeder: Feeder, local: LocalAssistant, name: str) -> None:
    uploaded = feeder.files.upload(PINE, name=name)
    assert uploaded.name in (name, name.replace('"', "%22"))  # browsers write this for a quote


def test_an_id_of_the_callers_is_replaced(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(b"old", name="a.md", file_id="pine-1", metadata={"v": 1})
    uploaded = feeder.files.upload(b"new", name="b.md", file_id="pine-1", metadata={"v": 2})
    assert (uploaded.id, uploaded.name, uploaded.metadata) == ("pine-1", "b.md", {"v": 2})
    assert [found.content for found in files_of(local).values()] == [b"new"]


def test_a_file_without_an_id_gets_one_that_no_other_has(feeder: Feeder, local: LocalAssistant) -> None:
    ids = {feeder.files.upload(PINE, name="pine.md").id for _ in range(3)}
    assert len(ids) == 3
    assert files_of(local).keys() == ids


def test_no_wait_returns_the_file_as_it_is(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Processing"), status=202), reply(file(status="Processing")))
    uploaded = scripted().files.upload(PINE, name="pine.md", file_id="f1", wait=False)
    assert uploaded.status == "Processing"
    assert [request.method for request in server.requests] == ["PUT", "GET"]


def test_the_wait_polls_at_once_then_more_and_more_slowly(scripted: Callable[..., Feeder], server: RawServer) -> None:
    pending = reply(operation(status="Processing"))
    server.script(reply(operation(status="Processing"), status=202), *[pending] * 6, reply(operation()), reply(file()))
    feeder = scripted()
    assert feeder.files.upload(PINE, name="pine.md", file_id="f1").status == "Available"
    assert feeder.waits.seconds == [0.5, 1, 2, 4, 5, 5]
    assert [request.target for request in server.requests[1:-1]] == ["/assistant/operations/docs/op-1"] * 7


def test_a_file_that_is_available_later_than_its_operation_is_waited_for(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(operation(), status=202), reply(file(status="Processing")), reply(file()))
    feeder = scripted()
    assert feeder.files.upload(PINE, name="pine.md", file_id="f1").status == "Available"
    assert feeder.waits.seconds == [0.5]


def test_the_end_of_the_time_says_that_processing_goes_on_and_how_to_look(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(operation(status="Processing"), status=202))
    server.otherwise = reply(operation(status="Processing"))
    feeder = scripted()
    with pytest.raises(
        APITimeoutError, match=r"'pine\.md'.*'f1'.*goes on.*client\.operations\.get\('op-1'\)"
    ) as caught:
        feeder.files.upload(PINE, name="pine.md", file_id="f1", timeout=3)
    assert sum(feeder.waits.seconds) == 3
    assert caught.value.may_have_been_processed


def test_the_time_of_the_wait_begins_when_the_file_is_sent() -> None:
    """A large file took the time from the service's work on it."""
    now = [0.0]
    patience = Patience(10.0, clock=lambda: now[0], jitter=lambda: 1.0)
    now[0] = 60.0  # the file was sent so long
    assert [step.seconds for step in patience.wait("pine.md is still Processing") if isinstance(step, Sleep)] == [0.5]
    now[0] = 71.0
    with pytest.raises(APITimeoutError, match="still Processing"):
        list(patience.wait("pine.md is still Processing"))


@pytest.mark.parametrize("timeout", [-1, float("nan"), "5", True])
def test_a_timeout_that_is_no_time_is_refused_before_traffic(
    scripted: Callable[..., Feeder], server: RawServer, timeout: Any
) -> None:
    with pytest.raises(InvalidRequestError, match="timeout is"):
        scripted().files.upload(PINE, name="pine.md", timeout=timeout)
    assert server.requests == []


@pytest.mark.parametrize("when", ["in the operation", "in the file"])
def test_a_file_that_cannot_be_processed_raises_the_services_reason(
    scripted: Callable[..., Feeder], server: RawServer, when: str
) -> None:
    failed = operation(status="Failed", error_message="no PDF")
    if when == "in the operation":
        server.script(reply(operation(status="Processing"), status=202), reply(failed))
    else:
        server.script(reply(operation(), status=202), reply(file(status="ProcessingFailed", error_message="no PDF")))
    with pytest.raises(FileProcessingError, match=r"'pine\.md'.*'f1'.*no PDF") as caught:
        scripted().files.upload(PINE, name="pine.md", file_id="f1")
    assert (caught.value.reason, caught.value.file_id, caught.value.file_name) == ("no PDF", "f1", "pine.md")


def test_a_broken_pdf_fails_in_the_local_assistant_too(feeder: Feeder) -> None:
    with pytest.raises(FileProcessingError, match=r"broken\.pdf"):
        feeder.files.upload(b"%PDF-1.7 broken", name="broken.pdf")


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"year": 1}, {"year": 1.0}),
        ({"year": 2.0}, {"year": 2}),
        ({"tags": ["a", "b"]}, {"tags": ["a", "b"]}),
        ({"tall": True}, {"tall": True}),
        ({}, None),
        ({}, {}),
    ],
)
def test_equal_json_is_no_mismatch(
    scripted: Callable[..., Feeder], server: RawServer, sent: dict[str, Any], found: Any
) -> None:
    server.script(reply(operation(), status=202), reply(file(metadata=found)))
    assert scripted().files.upload(PINE, name="pine.md", file_id="f1", metadata=sent).metadata == found


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"tall": True}, {"tall": 1}),
        ({"year": 1}, {"year": True}),
        ({"year": 0}, {"year": False}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
        ({"tags": ["a"]}, {"tags": "a"}),
        ({"year": 1}, {"year": "1"}),
        ({"year": 1}, {}),
        ({"year": 1}, None),
        ({"year": 1}, {"year": 1, "tenant": "other"}),
        ({}, {"tenant": "other"}),
    ],
)
def test_metadata_that_did_not_arrive_raises_and_names_the_way_out(
    scripted: Callable[..., Feeder], server: RawServer, sent: dict[str, Any], found: Any
) -> None:
    server.script(reply(operation(), status=202), reply(file(metadata=found)))
    with pytest.raises(MetadataMismatchError, match=r"'pine\.md'.*api_version=\"2025-10\"") as caught:
        scripted().files.upload(PINE, name="pine.md", file_id="f1", metadata=sent)
    assert caught.value.expected == sent
    assert caught.value.file.id == "f1"
    assert [request.method for request in server.requests] == ["PUT", "GET"]  # the file is left


def _bad_files(folder: Path) -> dict[str, tuple[dict[str, Any], str]]:
    (folder / "sub").mkdir()
    (folder / "a.xyz").write_bytes(b"x")
    (folder / "noext").write_bytes(b"x")
    (folder / "big.txt").write_bytes(b"")
    os.truncate(folder / "big.txt", 10 * 1024 * 1024 + 1)
    (folder / "big.pdf").write_bytes(b"")
    os.truncate(folder / "big.pdf", 100 * 1024 * 1024 + 1)
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    os.mkfifo(folder / "fifo.md")
    good = {"file": b"x", "name": "a.md"}
    return {
        "missing": ({"file": folder / "missing.md"}, r"no file .*missing\.md"),
        "missing, as text": ({"file": str(folder / "missing.md")}, r"no file .*missing\.md"),
        "a broken link": ({"file": folder / "gone.md"}, r"no file .*gone\.md"),
        "a folder": (
            {"file": folder / "sub"},
            r"^'[^']*sub' is a folder: pass a file, or use client\.files\.sync\('[^']*'\); see [^;]*$",
        ),
        "a pipe": ({"file": folder / "fifo.md"}, r"fifo\.md' is not a regular file"),
        "unknown type": ({"file": folder / "a.xyz"}, r"'a\.xyz'.*\.txt, \.md, \.json, \.pdf, \.docx"),
        "no type": ({"file": folder / "noext"}, r"'noext'.*\.txt, \.md"),
        "over the limit": ({"file": folder / "big.txt"}, r"'big\.txt' has 10,485,761 bytes.*10,485,760"),
        "a PDF over the limit": ({"file": folder / "big.pdf"}, r"104,857,601 bytes.*104,857,600"),
        "bytes over the limit": ({"file": bytes(10 * 1024 * 1024 + 1), "name": "a.md"}, "10,485,761 bytes"),
        "a pipe over the limit": ({"file": _Pipe(bytes(10 * 1024 * 1024 + 1)), "name": "a.md"}, "more than 10,485,760"),
        "bytes without a name": ({"file": b"x"}, r"name=.*\.txt, \.md"),
        "a stream without a name": ({"file": io.BytesIO(b"x")}, "name="),
        "an empty name": ({"file": b"x", "name": ""}, "name ''"),
        "a name with a line break": ({"file": b"x", "name": "a\r\nb.md"}, "cannot be the name"),
        "a name that is not text": ({"file": b"x", "name": 3}, "name is a int"),
        "a text stream": ({"file": io.StringIO("x"), "name": "a.md"}, "binary mode"),
        "a closed stream": ({"file": _closed(), "name": "a.md"}, "'a.md' cannot be read"),
        "a path that its library cannot fetch": (
            {"file": _CloudPath(ConnectionError("no net"))},
            r"_CloudPath.*no net",
        ),
        "a path that is none": ({"file": _CloudPath(3)}, "_CloudPath"),
        "nothing": ({"file": None, "name": "a.md"}, "NoneType"),
        "a list": ({"file": [1], "name": "a.md"}, "list"),
        "an id with a dot": (good | {"file_id": "a.b"}, r"'a\.b'"),
        "an id with a slash": (good | {"file_id": "a/b"}, "a/b"),
        "an empty id": (good | {"file_id": ""}, "file_id ''"),
        "a long id": (good | {"file_id": "a" * 129}, "1 to 128"),
        "an id that is not text": (good | {"file_id": 3}, "file_id 3"),
        "null": (good | {"metadata": {"author": None}}, r"metadata\.author: null"),
        "nesting": (good | {"metadata": {"author": {"name": "x"}}}, r"metadata\.author: .*flat"),
        "a list of numbers": (good | {"metadata": {"tags": ["a", 2]}}, r"metadata\.tags\[1\]"),
        "null in a list": (good | {"metadata": {"tags": [None]}}, r"metadata\.tags\[0\]"),
        "a set": (good | {"metadata": {"tags": {"a"}}}, r"metadata\.tags: .*set"),
        "more than 16 KB": (good | {"metadata": {"text": "x" * 16_400}}, "16,384"),
        "16 KB of other letters": (good | {"metadata": {"text": "ä" * 8_200}}, "16,384"),
        "a large integer": (good | {"metadata": {"n": 2**53 + 1}}, r"metadata\.n"),
        "a larger integer": (good | {"metadata": {"n": 2**60}}, r"metadata\.n"),
        "no number": (good | {"metadata": {"n": float("nan")}}, r"metadata\.n"),
        "infinity": (good | {"metadata": {"n": float("inf")}}, r"metadata\.n"),
        "a metadata name that is not text": (good | {"metadata": {1: "x"}}, "metadata: .* 1"),
        "an operator": (good | {"metadata": {"$and": "x"}}, r"metadata\.\$and"),
        "no dict": (good | {"metadata": [("a", 1)]}, "metadata is a list"),
        "half a letter": (good | {"metadata": {"a": "\ud800"}}, r"metadata\.a"),
        "multimodal that is not a boolean": (good | {"multimodal": "yes"}, "multimodal is 'yes'"),
    }


class _CloudPath:
    """A path of a library for storage, which fetches the file when it is asked for its name."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __fspath__(self) -> Any:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def _closed() -> io.BytesIO:
    stream = io.BytesIO(b"x")
    stream.close()
    return stream


def test_bad_input_is_named_before_any_traffic(feeder: Feeder, local: LocalAssistant, tmp_path: Path) -> None:
    for case, (options, pattern) in _bad_files(tmp_path).items():
        with pytest.raises(InvalidRequestError, match=pattern):
            feeder.files.upload(**options)
        assert local.requests == [], case


def test_a_file_that_must_not_be_read_is_named_before_any_traffic(
    feeder: Feeder, local: LocalAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked.md").write_bytes(PINE)
    refused = PermissionError(13, "Permission denied")
    monkeypatch.setattr(contents, "open", Mock(side_effect=refused), raising=False)  # root may read every file
    with pytest.raises(InvalidRequestError, match=r"locked\.md' cannot be read .*Permission denied.*rights"):
        feeder.files.upload(tmp_path / "locked.md")
    assert local.requests == []


def test_a_view_with_gaps_arrives_as_its_bytes(feeder: Feeder, local: LocalAssistant) -> None:
    uploaded = feeder.files.upload(memoryview(b"a.b.c.")[::2], name="abc.txt")
    assert files_of(local)[uploaded.id].content == b"abc"


@pytest.mark.parametrize("size", [10 * 1024 * 1024])
def test_a_file_of_exactly_the_limit_is_taken(feeder: Feeder, local: LocalAssistant, size: int) -> None:
    uploaded = feeder.files.upload(bytes(size), name="big.txt", wait=False)
    assert uploaded.size == size


@pytest.mark.parametrize("change", ["grows", "shrinks", "is emptied"])
def test_a_file_that_changes_while_it_is_sent_is_an_error_and_is_not_stored(
    feeder: Feeder, local: LocalAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * 1_000_000)
    real_open = open
    opened: list[Any] = []

    def open_and_change(name: Any, *args: Any, **options: Any) -> Any:
        stream = real_open(name, *args, **options)
        if os.fspath(name) == os.fspath(path) and not opened:
            opened.append(name)
            if change == "grows":
                with real_open(path, "ab") as growing:
                    growing.write(b"more")
            else:
                os.truncate(path, 500_000 if change == "shrinks" else 0)
        return stream

    monkeypatch.setattr("builtins.open", open_and_change)
    with pytest.raises(InvalidRequestError, match=r"'log\.txt' changed while it was sent: it had 1,000,000 bytes"):
        feeder.files.upload(path)
    assert opened
    assert files_of(local) == {}
    feeder.files.upload(b"still usable", name="a.md")


def test_an_old_version_sends_metadata_in_the_query_and_polls_the_file(
    ask_local: Asking, local: LocalAssistant
) -> None:
    feeder = Feeder(ask_local, api_version="2025-10")
    uploaded = feeder.files.upload(PINE, name="pine.md", metadata={"genre": "tree", "year": 2020})
    assert (uploaded.status, uploaded.metadata) == ("Available", {"genre": "tree", "year": 2020})
    assert methods(local) == ["POST files", "GET files"]


@pytest.mark.parametrize("version", ["2025-01", "2025-04", "2025-10"])
def test_an_old_version_refuses_what_it_does_not_have_before_traffic(
    ask_local: Asking, local: LocalAssistant, version: str
) -> None:
    feeder = Feeder(ask_local, api_version=version)
    calls: list[tuple[str, Callable[[], Any]]] = [
        ("file_id=", lambda: feeder.files.upload(PINE, name="a.md", file_id="x")),
        ("operations.get", lambda: feeder.operations.get("op-1")),
        ("operations.list", feeder.operations.list),
        ("operations.wait", lambda: feeder.operations.wait("op-1")),
    ]
    if version < "2025-10":
        calls.append(("multimodal=", lambda: feeder.files.upload(PINE, name="a.md", multimodal=True)))
    for what, call in calls:
        with pytest.raises(InvalidRequestError, match=f"{what}.*{version}"):
            call()
    assert local.requests == []


def test_multimodal_is_sent_and_told(feeder: Feeder, local: LocalAssistant) -> None:
    with pytest.raises(FileProcessingError):  # the local assistant reads the PDF, which is none
        feeder.files.upload(b"%PDF", name="a.pdf", multimodal=True)
    assert local.requests[0].query["multimodal"] == "true"
    assert [found.multimodal for found in feeder.files.list()] == [True]
