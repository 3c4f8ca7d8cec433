"""Assistants of a project: create, get, list, update, delete, and clients of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client import (
    APITimeoutError,
    Assistant,
    AssistantError,
    Assistants,
    AsyncAssistants,
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    StreamError,
)
from pinecone_assistant_client.adapters import NOT_GIVEN
from pinecone_assistant_local import LocalAssistant

from ..support.asking import Asking, Kind
from ..support.feeding import NO_ASSISTANT, Calls, ControlPlane, refused
from ..support.raw_server import RawServer, reply


def described(status: str = "Ready", name: str = "docs", **others: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "host": "https://h.example", **others}


def test_an_assistant_lives_from_creation_to_deletion(assistants: ControlPlane, local: LocalAssistant) -> None:
    created = assistants.create("docs", instructions="Be brief.", metadata={"team": {"id": 1}}, region="eu")
    assert isinstance(created, Assistant)
    assert (created.name, created.status, created.host, created.region) == ("docs", "Ready", local.host, "eu")
    assert (created.instructions, created.metadata) == ("Be brief.", {"team": {"id": 1}})
    assert created.created_at
    assert assistants.get("docs") == created
    assert {found.name for found in assistants.list()} == {"docs", local.name}
    assistants.delete("docs")
    assert {found.name for found in assistants.list()} == {local.name}


def test_a_new_assistant_is_waited_for(scripted_assistants: Callable[..., ControlPlane], server: RawServer) -> None:
    pending = {"name": "docs", "status": "Initializing"}
    server.script(reply(pending), reply(pending), reply(pending), reply(described()))
    plane = scripted_assistants()
    assert plane.create("docs").host == "https://h.example"
    assert plane.waits.seconds == [0.5, 1.0]
    assert [request.target for request in server.requests] == [
        "/assistant/assistants",
        *["/assistant/assistants/docs"] * 3,
    ]


def test_no_wait_returns_the_assistant_as_it_is(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply({"name": "docs", "status": "Initializing"}))
    assert scripted_assistants().create("docs", wait=False).status == "Initializing"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["Failed", "InitializationFailed", "Terminated"])
def test_an_assistant_that_cannot_be_made_raises(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer, status: str
) -> None:
    server.script(reply({"name": "docs", "status": "Initializing"}), reply(described(status)))
    with pytest.raises(AssistantError, match=f"'docs'.*{status}"):
        scripted_assistants().create("docs")


def test_the_end_of_the_time_says_that_the_service_goes_on(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.otherwise = reply({"name": "docs", "status": "Initializing"})
    with pytest.raises(APITimeoutError, match=r"'docs' is still Initializing.*goes on.*assistants\.get\('docs'\)"):
        scripted_assistants().create("docs", timeout=4)


def test_a_name_that_is_taken_is_an_error_or_with_exist_ok_the_assistant(
    assistants: ControlPlane, local: LocalAssistant
) -> None:
    created = assistants.create("docs", instructions="first")
    with pytest.raises(BadRequestError, match=r'"docs".*409'):
        assistants.create("docs", instructions="second")
    assert assistants.create("docs", instructions="second", exist_ok=True) == created


def test_only_what_is_given_is_sent(scripted_assistants: Callable[..., ControlPlane], server: RawServer) -> None:
    server.script(reply(described()), reply(described()))
    plane = scripted_assistants()
    plane.create("docs")
    plane.create("docs", instructions="", metadata={}, region="us")
    assert [request.json() for request in server.requests] == [
        {"name": "docs"},
        {"name": "docs", "instructions": "", "metadata": {}, "region": "us"},
    ]


@pytest.mark.parametrize(
    ("name", "options", "pattern"),
    [
        ("", {}, "''"),
        ("my docs", {}, "'my docs'"),
        ("my_docs", {}, "'my_docs'"),
        ("-docs", {}, "'-docs'"),
        ("docs-", {}, "'docs-'"),
        ("a/b", {}, "'a/b'"),
        ("..", {}, r"'\.\.'"),
        ("dócs", {}, "'dócs'"),
        ("docs\n", {}, "docs"),
        ("x" * 64, {}, "1 to 63"),
        (None, {}, "None cannot be"),
        (3, {}, "3 cannot be"),
        ("docs", {"region": "mars"}, "region is 'mars'.*us.*eu"),
        ("docs", {"instructions": 3}, "instructions is a int"),
        ("docs", {"instructions": "x" * 16_385}, "instructions.*16,384"),
        ("docs", {"metadata": [1]}, "metadata is a list"),
        ("docs", {"metadata": {"x": "y" * 16_384}}, "metadata.*16,384"),
        ("docs", {"metadata": {"x": object()}}, "JSON"),
        ("docs", {"metadata": {"x": float("nan")}}, r"metadata\.x: nan is not a JSON number"),
        ("docs", {"metadata": {"x": [{"y": float("-inf")}]}}, r"metadata\.x\[0\]\.y: -inf"),
        ("docs", {"metadata": {"x": 2**53 + 1}}, r"metadata\.x: 9007199254740993"),
        ("docs", {"metadata": {"x": 10**30}}, r"metadata\.x: 1000"),
        ("docs", {"timeout": -1}, "timeout"),
    ],
)
def test_what_cannot_be_created_is_refused_before_traffic(
    scripted_assistants: Callable[..., ControlPlane],
    server: RawServer,
    name: Any,
    options: dict[str, Any],
    pattern: str,
) -> None:
    with pytest.raises(InvalidRequestError, match=pattern):
        scripted_assistants().create(name, **options)
    assert server.requests == []


def test_an_old_version_has_shorter_names(scripted_assistants: Callable[..., ControlPlane], server: RawServer) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 45"):
        scripted_assistants(api_version="2025-04").create("x" * 46)
    assert server.requests == []


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_a_client_of_no_assistant_is_refused_and_does_not_take_another(
    scripted_assistants: Callable[..., ControlPlane], name: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINECONE_ASSISTANT_NAME", "another")
    with pytest.raises(InvalidRequestError, match="cannot be the name of an assistant"):
        scripted_assistants().client(name)


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a\nb", None, 3])
def test_names_that_cannot_be_are_refused_in_every_call(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer, name: Any
) -> None:
    plane = scripted_assistants()
    for call in (plane.get, plane.delete, lambda name: plane.update(name, instructions="x")):
        with pytest.raises(InvalidRequestError):
            call(name)
    assert server.requests == []


def test_an_assistant_with_a_name_of_another_time_can_be_reached(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply(described(name="My Docs")))
    assert scripted_assistants().get("My Docs").name == "My Docs"
    assert server.requests[0].target == "/assistant/assistants/My%20Docs"


def test_a_list_fetches_its_pages_as_they_are_needed(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(
        reply({"assistants": [described(name="a")], "pagination": {"next": "t"}}),
        reply({"assistants": [described(name="b")]}),
    )
    found = scripted_assistants().list()
    assert next(found).name == "a"
    assert len(server.requests) == 1
    assert [one.name for one in found] == ["b"]
    assert [request.target for request in server.requests] == [
        "/assistant/assistants?limit=100",
        "/assistant/assistants?limit=100&pagination_token=t",
    ]


def test_a_list_that_goes_round_in_a_circle_of_pages_ends_with_an_error(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(*[reply({"assistants": [], "pagination": {"next": token}}) for token in "abab"])
    with pytest.raises(StreamError, match="no end"):
        list(scripted_assistants().list())


def test_a_list_needs_no_assistant_and_names_none_in_its_error(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINECONE_ASSISTANT_NAME", "of-the-environment")
    server.script(refused(404, "nothing here"))
    with pytest.raises(NotFoundError, match="the list of assistants not found") as caught:
        list(scripted_assistants().list())
    assert "of-the-environment" not in str(caught.value)


def test_an_update_replaces_what_is_given_and_none_clears(assistants: ControlPlane, local: LocalAssistant) -> None:
    assistants.create("docs", instructions="a", metadata={"x": 1, "y": 2})
    assert assistants.update("docs", instructions="b").metadata == {"x": 1, "y": 2}
    assert assistants.update("docs", metadata={"z": 3}).metadata == {"z": 3}
    found = assistants.get("docs")
    assert (found.instructions, found.metadata) == ("b", {"z": 3})
    cleared = assistants.update("docs", instructions=None, metadata=None)
    assert not cleared.instructions
    assert not cleared.metadata


def test_an_update_that_gives_nothing_is_refused_before_traffic(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    for options in ({}, {"instructions": NOT_GIVEN, "metadata": NOT_GIVEN}):
        with pytest.raises(InvalidRequestError, match="changes nothing"):
            scripted_assistants().update("docs", **options)
    assert server.requests == []


def test_an_update_with_a_number_that_would_not_arrive_is_refused_before_traffic(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    with pytest.raises(InvalidRequestError, match=r"metadata\.x: nan"):
        scripted_assistants().update("docs", metadata={"x": float("nan")})
    assert server.requests == []


def test_an_update_whose_answer_has_no_name_is_looked_up(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply({"assistant_name": "docs", "instructions": "b"}), reply(described(instructions="b")))
    assert scripted_assistants().update("docs", instructions="b").instructions == "b"
    assert [request.method for request in server.requests] == ["PATCH", "GET"]


def test_an_update_is_retried(assistants: ControlPlane, local: LocalAssistant) -> None:
    assistants.create("docs")
    local.faults.add(on=("PATCH", "/assistant/assistants/*"), times=1, cut_after_events=0)
    assert assistants.update("docs", instructions="b").instructions == "b"


def test_a_missing_assistant_is_an_error_or_with_missing_ok_none(assistants: ControlPlane) -> None:
    with pytest.raises(NotFoundError, match='"gone"'):
        assistants.delete("gone")
    assistants.delete("gone", missing_ok=True)
    with pytest.raises(NotFoundError, match='"gone"'):
        assistants.get("gone")


def test_a_deletion_waits_until_the_assistant_is_gone(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply(b""), reply(described("Terminating")), NO_ASSISTANT, reply(b""), reply(described("Terminated")))
    plane = scripted_assistants()
    plane.delete("docs")
    plane.delete("docs")
    assert plane.waits.seconds == [0.5]


def test_a_deletion_that_does_not_wait_sends_one_request(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply(b""))
    scripted_assistants().delete("docs", wait=False)
    assert len(server.requests) == 1


def test_the_end_of_the_time_of_a_deletion_says_how_to_look(
    scripted_assistants: Callable[..., ControlPlane], server: RawServer
) -> None:
    server.script(reply(b""))
    server.otherwise = reply(described("Terminating"))
    with pytest.raises(APITimeoutError, match=r"'docs' is still Terminating.*assistants\.get\('docs'\)"):
        scripted_assistants().delete("docs", timeout=1)


def test_a_client_of_an_assistant_has_the_same_connection_options(
    assistants: ControlPlane, ask_local: Asking, local: LocalAssistant
) -> None:
    assistants.create("docs")
    client = assistants.object.client("docs", model="gpt-4o")
    assert client.assistant_name == "docs"
    uploaded = Calls(ask_local, client.files).upload(b"A pine.", name="pine.md")
    assert uploaded.status == "Available"
    assert client.host == local.host
    ask_local.run(client.close)


def test_an_unknown_option_is_named(kind: Kind) -> None:
    make: Any = Assistants if kind == "sync" else AsyncAssistants
    with pytest.raises(InvalidRequestError, match=r"'max_retry'.*max_retries"):
        make(api_key="x", max_retry=3)
    with pytest.raises(InvalidRequestError, match="'assistant_name'"):
        make(api_key="x", assistant_name="docs")


def test_the_key_is_needed_and_never_shown(scripted_assistants: Callable[..., ControlPlane]) -> None:
    with pytest.raises(InvalidRequestError, match="no API key"):
        scripted_assistants(api_key=None).get("docs")
    assert "geheim" not in repr(scripted_assistants(api_key="geheim").object)
