"""Uploads, deletions and creations over a broken connection end with one file, or with an error that says what to do."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

from pinecone_assistant_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)
from pinecone_assistant_client.feeding.contents import crc32c
from pinecone_assistant_local import LocalAssistant

from ..support.asking import Asking
from ..support.feeding import NO_ASSISTANT, NO_FILE, ControlPlane, Feeder, file, files_of, methods, operation, refused
from ..support.raw_server import HOLD, RESET, RawServer, head, reply

LARGE = os.urandom(200_000).hex().encode()
PUT = ("PUT", "/assistant/files/*")
TRANSIENT = (408, 429, 500, 502, 503, 504)


def _source(how: str, tmp_path: Path) -> Any:
    if how == "path":
        (tmp_path / "large.txt").write_bytes(LARGE)
        return tmp_path / "large.txt"
    return LARGE if how == "bytes" else _Pipe() if how == "pipe" else io.BytesIO(LARGE)


class _Pipe:
    def __init__(self) -> None:
        self._rest = io.BytesIO(LARGE)

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)


@pytest.mark.parametrize("how", ["path", "bytes", "stream", "pipe"])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 429, "retry_after": 1},
        {"reset": True},
        {"reset": True, "cut_after_body_bytes": 150_000},
        {"cut_after_body_bytes": 150_000},
        {"cut_after_events": 0},
        {"cut_after_events": 0, "reset": True},
    ],
    ids=["503", "429", "reset", "reset in the body", "closed in the body", "answer lost", "answer reset"],
)
def test_a_broken_upload_is_sent_again_and_leaves_one_file(
    feeder: Feeder, local: LocalAssistant, tmp_path: Path, fault: dict[str, Any], how: str
) -> None:
    local.faults.add(on=PUT, times=2, **fault)
    uploaded = feeder.files.upload(_source(how, tmp_path), name="large.txt", metadata={"a": 1})
    assert local.faults.fired == 2
    assert [(found.id, found.content) for found in files_of(local).values()] == [(uploaded.id, LARGE)]
    assert methods(local).count("PUT files") == 3


@pytest.mark.parametrize("api_version", ["2026-04", "2025-10"])
@pytest.mark.parametrize("fault", [{"stall": True}, {"reset": True}, {"cut_after_events": 0}])
def test_no_error_or_log_of_an_upload_speaks_of_a_second_bill(
    ask_local: Asking, local: LocalAssistant, fault: dict[str, Any], api_version: str, caplog: pytest.LogCaptureFixture
) -> None:
    local.faults.add(on="files", **fault)
    feeder = Feeder(ask_local, timeout=(5.0, 0.2), max_retries=1, api_version=api_version)
    with caplog.at_level("INFO"), pytest.raises(AssistantError, match="has no clear end") as caught:
        feeder.files.upload(b"text", name="a.txt")
    for text in (str(caught.value), caplog.text):
        assert "retry_on_timeout" not in text
        assert "not sent again" not in text


@pytest.mark.parametrize("where", ["stall", "stall_after_body_bytes"])
def test_a_read_timeout_in_the_middle_is_sent_again_and_leaves_one_file(
    ask_local: Asking, local: LocalAssistant, where: str
) -> None:
    local.faults.add(on=PUT, times=1, **({"stall": True} if where == "stall" else {"stall_after_body_bytes": 100_000}))
    feeder = Feeder(ask_local, timeout=(5.0, 1.0))
    uploaded = feeder.files.upload(bytes(8_000_000), name="large.txt", wait=False)
    assert [(found.id, len(found.content)) for found in files_of(local).values()] == [(uploaded.id, 8_000_000)]


def test_a_replacement_whose_answer_is_lost_leaves_the_new_content_once(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(b"old text", name="a.md", file_id="one")
    local.faults.add(on=PUT, times=1, cut_after_events=0)
    feeder.files.upload(b"new text", name="a.md", file_id="one")
    assert [found.content for found in files_of(local).values()] == [b"new text"]


@pytest.mark.parametrize("file_id", [None, "mine"])
def test_an_upload_that_arrived_though_no_answer_ever_came_is_found(
    feeder: Feeder, local: LocalAssistant, file_id: str | None
) -> None:
    local.faults.add(on=PUT, cut_after_events=0)
    uploaded = feeder.files.upload(b"a red pine", name="pine.md", file_id=file_id, metadata={"a": 1})
    assert (uploaded.status, uploaded.metadata) == ("Available", {"a": 1})
    assert files_of(local).keys() == {uploaded.id}
    assert methods(local).count("PUT files") == 3


@pytest.mark.parametrize("old", [b"old text", b"older text", None])
@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 503}, {"status": 500}], ids=["reset", "503", "500"])
def test_an_upload_that_never_arrived_is_not_taken_for_the_file_that_was_there(
    feeder: Feeder, local: LocalAssistant, fault: dict[str, Any], old: bytes | None
) -> None:
    if old is not None:
        feeder.files.upload(old, name="a.md", file_id="one")
    local.faults.add(on=PUT, **fault)
    expected = APIConnectionError if "reset" in fault else InternalServerError
    with pytest.raises(expected, match=r"'a\.md' as file 'one' has no clear end.*client\.files\.get\('one'\)"):
        feeder.files.upload(b"new text", name="a.md", file_id="one")
    assert [found.content for found in files_of(local).values()] == ([] if old is None else [old])


def test_an_upload_that_arrived_and_still_processes_is_waited_for(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    pending = operation(status="Processing")
    server.script(
        [RESET],
        reply(file(status="Processing")),
        reply({"operations": [operation("op-0", "Processing", "other"), pending]}),
        reply(pending),
        reply(operation(ingestion_units=3)),
        reply(file()),
    )
    assert scripted(max_retries=0).files.upload(b"x", name="pine.md", file_id="f1").status == "Available"
    assert [request.target for request in server.requests][2:4] == [
        "/assistant/operations/docs?operation_type=upsert_file&status=Processing&limit=100",
        "/assistant/operations/docs/op-1",
    ]


def test_a_409_on_a_repeated_put_is_resolved_by_a_look(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(refused(503, "busy"), refused(409, "in use"), reply(file(size=1)), reply(file(size=1)))
    assert scripted().files.upload(b"x", name="pine.md", file_id="f1").status == "Available"
    assert [request.method for request in server.requests] == ["PUT", "PUT", "GET", "GET"]


@pytest.mark.parametrize(
    "found",
    [file(size=2), file(name="other.md"), file(metadata={"a": 2}), None],
    ids=["size", "name", "metadata", "none"],
)
def test_a_409_on_a_repeated_put_is_not_resolved_by_another_file(
    scripted: Callable[..., Feeder], server: RawServer, found: dict[str, Any] | None
) -> None:
    server.script(refused(503, "busy"), refused(409, "in use"), NO_FILE if found is None else reply(found))
    with pytest.raises(BadRequestError, match=r"no clear end.*in use"):
        scripted().files.upload(b"x", name="pine.md", file_id="f1", metadata={"a": 1})


def test_a_409_on_the_first_put_is_the_callers(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(refused(409, "in use"))
    with pytest.raises(BadRequestError, match="in use"):
        scripted().files.upload(b"x", name="pine.md", file_id="f1")
    assert len(server.requests) == 1


def test_an_answer_to_a_put_that_cannot_be_read_is_an_unclear_end(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(b"<html>", status=202), reply(file(size=1)), reply(file(size=1)))
    assert scripted().files.upload(b"x", name="pine.md", file_id="f1").status == "Available"


def test_the_wait_that_fails_says_that_the_file_was_sent(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Processing"), status=202))
    server.otherwise = refused(503, "busy")
    with pytest.raises(InternalServerError, match=r"'pine\.md' was sent as file 'f1'.*client\.files\.get\('f1'\)"):
        scripted().files.upload(b"x", name="pine.md", file_id="f1")


@pytest.mark.parametrize("version", ["2025-01", "2025-10"])
@pytest.mark.parametrize("failure", [*TRANSIENT, "reset", "timeout", "cut"])
def test_a_post_is_sent_once_and_its_error_says_what_may_have_been_stored(
    scripted: Callable[..., Feeder], server: RawServer, version: str, failure: int | str
) -> None:
    answers: dict[Any, Any] = {
        "reset": [RESET],
        "timeout": [HOLD],
        "cut": [head(200, {"Content-Length": "100"}), b"{"],
    }
    server.script(answers.get(failure) or refused(int(failure), "busy"))
    feeder = scripted(api_version=version, timeout=0.3, retry_on_timeout=True)
    with pytest.raises(AssistantError) as caught:
        feeder.files.upload(b"x", name="pine.md")
    assert [request.method for request in server.requests] == ["POST"]
    if failure == 429:  # it was turned away, so nothing was stored
        assert isinstance(caught.value, RateLimitError)
    else:
        assert "'pine.md'" in str(caught.value)
        assert "may have been stored under an id that the service chose" in str(caught.value)
        assert "client.files.list()" in str(caught.value)


def test_a_post_that_was_never_written_is_sent_again(
    ask_local: Asking, local: LocalAssistant, server: RawServer
) -> None:
    port = server.port
    server.stop()
    feeder = Feeder(ask_local, api_version="2025-10", host=f"http://127.0.0.1:{port}")
    with pytest.raises(APIConnectionError, match="cannot connect") as caught:
        feeder.files.upload(b"x", name="pine.md")
    assert len(feeder.waits.seconds) == 2
    assert "stored" not in str(caught.value)


@pytest.mark.parametrize(
    "fault", [{"cut_after_events": 0}, {"reset": True}, {"status": 503}], ids=["lost", "reset", "503"]
)
def test_a_deletion_that_the_network_breaks_is_done_once(
    feeder: Feeder, local: LocalAssistant, fault: dict[str, Any]
) -> None:
    feeder.files.upload(b"x", name="a.md", file_id="one")
    local.faults.add(on=("DELETE", "/assistant/files/*"), times=1, **fault)
    feeder.files.delete("one")
    assert files_of(local) == {}


def test_a_deletion_whose_answers_are_all_lost_is_found_done(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(b"x", name="a.md", file_id="one")
    local.faults.add(on=("DELETE", "/assistant/files/*"), times=1, cut_after_events=0)
    client = feeder.client
    client._retries = type(client._retries)(type(client._retries.policy)(max_retries=0))
    feeder.files.delete("one")
    assert files_of(local) == {}


def test_a_deletion_that_never_arrived_says_that_the_file_is_still_there(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(b"x", name="a.md", file_id="one")
    local.faults.add(on=("DELETE", "/assistant/files/*"), status=503)
    with pytest.raises(InternalServerError, match=r"deletion of file 'one' has no clear end.*still there"):
        feeder.files.delete("one")
    assert files_of(local).keys() == {"one"}


def test_a_file_that_is_being_deleted_after_an_unclear_end_is_waited_for(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script([RESET], reply(file(status="Deleting")), reply(file(status="Deleting")), NO_FILE)
    scripted(max_retries=0).files.delete("f1")
    assert [request.method for request in server.requests] == ["DELETE", "GET", "GET", "GET"]


CREATED = {"name": "docs", "status": "Ready", "host": "https://h.example", "instructions": "brief"}


@pytest.mark.parametrize("end", ["reset", "timeout", "503", "unreadable"])
def test_a_creation_without_a_clear_end_is_resolved_by_get(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer, end: str
) -> None:
    answers: dict[str, Any] = {
        "reset": [RESET],
        "timeout": [HOLD],
        "503": refused(503, "busy"),
        "unreadable": reply(b"<html>"),
    }
    server.script(answers[end], reply(CREATED))
    created = scripted_assistants(timeout=0.3).create("docs", instructions="brief")
    assert (created.name, created.status) == ("docs", "Ready")
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_a_creation_that_did_not_arrive_raises_and_is_not_repeated(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script([HOLD], NO_ASSISTANT)
    with pytest.raises(APITimeoutError, match=r"'docs' has no clear end.*not there now.*assistants\.get\('docs'\)"):
        scripted_assistants(timeout=0.3, retry_on_timeout=True).create("docs")
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_a_creation_that_the_service_turned_away_is_sent_again_after_a_look(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(refused(503, "busy"), NO_ASSISTANT, refused(429, "wait"), reply(CREATED))
    plane = scripted_assistants()
    assert plane.create("docs", instructions="brief").name == "docs"
    assert [request.method for request in server.requests] == ["POST", "GET", "POST", "POST"]
    assert plane.waits.seconds == [0.5, 1.0]


def test_a_409_after_a_creation_without_a_clear_end_is_our_own(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(refused(503, "busy"), NO_ASSISTANT, refused(409, "exists"), reply(CREATED))
    assert scripted_assistants().create("docs", instructions="brief").name == "docs"


def test_an_assistant_with_other_settings_was_there_before(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script([RESET], reply(CREATED))
    with pytest.raises(APIConnectionError, match="other settings"):
        scripted_assistants().create("docs", instructions="wordy")


@pytest.mark.parametrize("status", TRANSIENT)
def test_a_creation_that_is_always_turned_away_ends(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer, status: int
) -> None:
    looks = [] if status == 429 else [NO_ASSISTANT]
    for _ in range(3):
        server.script(refused(status, "busy"), *looks)
    with pytest.raises(APIStatusError) as caught:
        scripted_assistants().create("docs")
    assert caught.value.status_code == status
    assert [request.method for request in server.requests].count("POST") == 3


def test_an_assistant_that_is_deleted_twice_by_a_retry_is_deleted(
    assistants: ControlPlane, local: LocalAssistant
) -> None:
    assistants.create("docs")
    local.faults.add(on=("DELETE", "/assistant/assistants/*"), times=1, cut_after_events=0)
    assistants.delete("docs")
    with pytest.raises(NotFoundError):
        assistants.get("docs")


@pytest.mark.parametrize("content", [b"", b"a", b"123456789", os.urandom(5000)])
def test_the_hash_of_a_content_is_the_one_that_google_computes(content: bytes) -> None:
    assert crc32c([content[:7], content[7:]]) == google_crc32c.value(content)
