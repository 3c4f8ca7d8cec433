"""A crash reporter finds no key, header, signed link or file content in the errors of file operations."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client import AssistantError, Upload
from pinecone_assistant_client.feeding.contents import FileContent

from ..support.asking import KEY
from ..support.feeding import ControlPlane, Feeder, file, operation
from ..support.raw_server import CLOSE, HOLD, RESET, Answer, RawServer, head, reply
from ..support.recorder import modules_of, recorded

TOKEN = "team-token-abcdef"
SIGNATURE = "abcdef0123456789"
FOREIGN = {"aiohttp", "urllib3", "requests", "http", "ssl", "socket", "msgspec", "tenacity"}
FAILURES: dict[str, Answer] = {
    "a status": reply({"error": f"no {KEY}"}, status=400),
    "a lost connection": [CLOSE],
    "a reset": [RESET],
    "time": [HOLD],
    "no answer": reply({"what": KEY}),
    "a cut body": [head(200, {"Content-Length": "99"}), b"{", CLOSE],
}
CALLS: dict[str, Callable[[Feeder], Any]] = {
    "upload": lambda feeder: feeder.files.upload(b"x", name="a.md"),
    "upload_many": lambda feeder: feeder.files.upload_many([Upload(b"x", "a.md"), Upload(b"y", "b.md")]),
    "sync": lambda feeder: feeder.files.sync([Upload(b"x", "a.md")], owner="docs"),
    "list": lambda feeder: list(feeder.files.list()),
    "get": lambda feeder: feeder.files.get("one", include_url=True),
    "read": lambda feeder: feeder.files.read("one"),
    "delete": lambda feeder: feeder.files.delete("one"),
    "operations": lambda feeder: feeder.operations.wait("op-1"),
    "evaluate": lambda feeder: feeder.evaluate("q", "a", "b"),
}


def check(error: BaseException) -> None:
    found = recorded(error)
    assert KEY not in found
    assert TOKEN not in found
    assert SIGNATURE not in found
    assert not modules_of(error) & FOREIGN


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("call", CALLS)
def test_no_variable_of_a_frame_holds_a_secret(
    scripted: Callable[..., Feeder], server: RawServer, call: str, failure: str
) -> None:
    if (call, failure) == ("list", "no answer"):
        pytest.skip("a list that is left out is empty")
    if (call, failure) == ("sync", "no answer"):
        server.script(reply({}))
    server.otherwise = FAILURES[failure]
    feeder = scripted(default_headers={"X-Team": TOKEN}, timeout=0.2 if failure == "time" else 5.0, max_retries=0)
    with pytest.raises(AssistantError) as caught:
        CALLS[call](feeder)
    check(caught.value)
    for _, error in getattr(caught.value.report, "failed", ()):
        check(error)


@pytest.mark.parametrize("failure", [*FAILURES, "no link"])
def test_no_variable_of_a_frame_holds_a_signed_link(
    scripted: Callable[..., Feeder], server: RawServer, failure: str
) -> None:
    url = f"{'ftp://x' if failure == 'no link' else server.url}/pine.md?X-Goog-Signature={SIGNATURE}"
    server.script(reply(file(signed_url=url)))
    server.otherwise = FAILURES.get(failure, [CLOSE])
    feeder = scripted(timeout=0.2 if failure == "time" else 5.0, max_retries=0)
    if failure == "no answer":
        assert feeder.files.read("f1")
        return
    with pytest.raises(AssistantError) as caught:
        feeder.files.read("f1")
    check(caught.value)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("call", ["create", "get", "list", "update", "delete"])
def test_no_variable_of_a_frame_of_the_control_plane_holds_a_secret(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer, call: str, failure: str
) -> None:
    calls: dict[str, Callable[[ControlPlane], Any]] = {
        "create": lambda plane: plane.create("docs"),
        "get": lambda plane: plane.get("docs"),
        "list": lambda plane: list(plane.list()),
        "update": lambda plane: plane.update("docs", instructions="x"),
        "delete": lambda plane: plane.delete("docs"),
    }
    if (call, failure) in (("list", "no answer"), ("delete", "no answer")):
        pytest.skip("an answer that needs no content")
    server.otherwise = FAILURES[failure]
    plane = scripted_assistants(
        api_key=KEY, default_headers={"X-Team": TOKEN}, timeout=0.2 if failure == "time" else 5.0, max_retries=0
    )
    with pytest.raises(AssistantError) as caught:
        calls[call](plane)
    check(caught.value)


def test_a_report_keeps_no_content_alive(scripted: Callable[..., Feeder], server: RawServer) -> None:
    """A million failures must not hold a million files."""
    made: list[weakref.ref[FileContent]] = []
    real = FileContent.__init__

    def noted(self: FileContent, *args: Any, **options: Any) -> None:
        real(self, *args, **options)
        made.append(weakref.ref(self))

    server.otherwise = reply(operation(status="Failed"), status=202)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FileContent, "__init__", noted)
        report = scripted(max_retries=0).files.upload_many(
            (Upload(b"x" * 1000, f"{number}.md") for number in range(20)), raise_on_error=False
        )
    gc.collect()
    assert len(report.failed) == len(made) == 20
    assert [content for content in made if content() is not None] == []
