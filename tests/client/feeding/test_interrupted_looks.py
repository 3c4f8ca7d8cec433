"""Looks at the service that go wrong: answers that are cut, and things that it does not show yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client import IncompleteStreamError, InternalServerError, NotFoundError, Upload

from ..support.feeding import NO_ASSISTANT, NO_FILE, ControlPlane, Feeder, file, operation, refused
from ..support.raw_server import CLOSE, HOLD, Answer, RawServer, head, reply

PENDING = reply(operation(status="Processing"), status=202)
BUSY = refused(503, "busy")
NO_OPERATION = refused(404, "Operation op-1 not found.")
METRICS = {"metrics": {"correctness": 1, "completeness": 1, "alignment": 1}}
CREATED = {"name": "docs", "status": "Initializing"}


def cut(answer: dict[str, Any], status: int = 200) -> Answer:
    """An answer whose body ends in its middle."""
    data = json.dumps(answer).encode()
    return [head(status, {"Content-Length": str(len(data))}), data[:10], CLOSE]


def test_an_upload_survives_cut_answers_to_its_looks(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(PENDING, cut(operation()), reply(operation()), cut(file()), reply(file()))
    assert scripted().files.upload(b"x", name="pine.md", file_id="f1").status == "Available"


def test_an_upload_survives_a_body_that_stops(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(PENDING, [head(200, {"Content-Length": "100"}), b"{", HOLD], reply(operation()), reply(file()))
    assert scripted(timeout=(5.0, 0.3)).files.upload(b"x", name="pine.md", file_id="f1").status == "Available"


CALLS: dict[str, tuple[Callable[[Feeder], Any], dict[str, Any]]] = {
    "files.get": (lambda feeder: feeder.files.get("f1"), file()),
    "files.list": (lambda feeder: list(feeder.files.list()), {"files": [file()]}),
    "operations.get": (lambda feeder: feeder.operations.get("op-1"), operation()),
    "operations.list": (lambda feeder: list(feeder.operations.list()), {"operations": [operation()]}),
    "evaluate": (lambda feeder: feeder.evaluate("q", "a", "g"), METRICS),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_repeatable_request_is_sent_again_after_a_cut_answer(
    scripted: Callable[..., Feeder], server: RawServer, call: str
) -> None:
    do, answer = CALLS[call]
    server.script(cut(answer), cut(answer), reply(answer))
    assert do(scripted())
    assert len(server.requests) == 3


def test_an_answer_that_is_always_cut_is_an_error_that_speaks_of_no_bill(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.otherwise = cut(file())
    with pytest.raises(IncompleteStreamError, match="cut its answer") as caught:
        scripted().files.get("f1")
    assert "billed" not in str(caught.value)
    assert len(server.requests) == 3


def test_a_put_whose_answer_is_cut_is_not_paid_for_twice(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(cut(operation(), 202), reply(file()), reply(file()))
    assert scripted().files.upload(b"x", name="pine.md").status == "Available"
    assert [request.method for request in server.requests] == ["PUT", "GET", "GET"]


def test_a_host_whose_lookup_is_cut_is_looked_up_again(scripted: Callable[..., Feeder], server: RawServer) -> None:
    described = {"name": "docs", "status": "Ready", "host": server.url}
    server.script(cut(described), reply(described), reply({"files": [file()]}))
    feeder = scripted(host=None, controller_host=server.url)
    assert [found.id for found in feeder.files.list()] == ["f1"]


def test_a_content_that_is_cut_is_fetched_again(scripted: Callable[..., Feeder], server: RawServer) -> None:
    link = reply(file(signed_url=f"{server.url}/pine.md?signature=x"))
    server.script(link, [head(200, {"Content-Length": "100"}), b"half", CLOSE], reply(b"whole"))
    assert scripted().files.read("f1") == b"whole"


def test_an_upload_that_the_service_does_not_show_yet_is_waited_for(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(PENDING, NO_OPERATION, NO_OPERATION, reply(operation()), NO_FILE, reply(file()))
    feeder = scripted()
    assert feeder.files.upload(b"x", name="pine.md", file_id="f1").status == "Available"
    assert feeder.waits.seconds == [0.5, 1.0, 2.0]


def test_many_uploads_that_the_service_does_not_show_yet_are_waited_for(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    none = reply({"operations": []})
    server.script(PENDING, none, NO_OPERATION, none, reply(operation()), NO_FILE, reply(file()))
    assert len(scripted().files.upload_many([Upload(b"x", "pine.md", "f1")]).uploaded) == 1


@pytest.mark.parametrize("missing", [NO_OPERATION, NO_ASSISTANT], ids=["operation", "assistant"])
def test_an_upload_that_is_never_shown_ends(
    scripted: Callable[..., Feeder], server: RawServer, missing: Answer
) -> None:
    server.script(PENDING)
    server.otherwise = missing
    with pytest.raises(NotFoundError, match=r"'pine\.md' was sent as file 'f1'"):
        scripted().files.upload(b"x", name="pine.md", file_id="f1")
    assert len(server.requests) == (2 if missing is NO_ASSISTANT else 7)


def test_a_new_assistant_that_is_not_shown_yet_is_waited_for(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply(CREATED), NO_ASSISTANT, reply(CREATED | {"status": "Ready"}))
    server.otherwise = NO_FILE
    assert scripted_assistants().create("docs").status == "Ready"


def test_a_wait_for_an_assistant_that_fails_says_that_it_is_there(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply(CREATED))
    server.otherwise = BUSY
    with pytest.raises(InternalServerError, match=r"assistant 'docs' is there.*busy.*assistants\.get\('docs'\)"):
        scripted_assistants().create("docs")


def test_an_upload_without_a_wait_says_that_the_file_was_sent_if_the_look_fails(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(PENDING)
    server.otherwise = BUSY
    with pytest.raises(InternalServerError, match=r"'pine\.md' was sent as file 'f1'.*client\.files\.get\('f1'\)"):
        scripted().files.upload(b"x", name="pine.md", file_id="f1", wait=False)


def test_a_file_of_a_post_is_named_if_the_wait_for_it_fails(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(file("made", status="Processing")))
    server.otherwise = BUSY
    with pytest.raises(InternalServerError, match=r"'pine\.md' was sent as file 'made'.*client\.files\.get\('made'\)"):
        scripted(api_version="2025-10").files.upload(b"x", name="pine.md")


def test_a_deletion_whose_operation_is_not_shown_looks_at_the_file(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(operation(status="Processing", operation_type="delete_file"), status=202))
    server.otherwise = NO_FILE
    scripted().files.delete("f1")
    assert server.requests[-1].target == "/assistant/files/docs/f1"


def test_a_wait_for_a_deletion_that_fails_says_that_it_was_taken(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(operation(status="Processing", operation_type="delete_file"), status=202))
    server.otherwise = BUSY
    with pytest.raises(InternalServerError, match=r"took the deletion of file 'f1'.*busy.*client\.files\.get\('f1'\)"):
        scripted().files.delete("f1")


def test_a_file_with_other_images_is_not_taken_for_the_upload(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(BUSY, BUSY, BUSY, reply(file(name="a.pdf", size=1, multimodal=False)))
    with pytest.raises(InternalServerError, match="no clear end"):
        scripted().files.upload(b"x", name="a.pdf", file_id="f1", multimodal=True)
