"""Listing, getting, reading and deleting files, and evaluating an answer."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pinecone_assistant_client import (
    APIStatusError,
    APITimeoutError,
    AssistantError,
    BadRequestError,
    Evaluation,
    FileProcessingError,
    IncompleteStreamError,
    InternalServerError,
    InvalidRequestError,
    NotFoundError,
    StreamError,
    Upload,
)
from pinecone_assistant_local import LocalAssistant

from ..support.asking import KEY, Asking
from ..support.feeding import NO_ASSISTANT, NO_FILE, Feeder, file, methods, operation, refused
from ..support.raw_server import CLOSE, Answer, RawServer, head, reply

SIGNED = "/bucket/secret-path/pine.md?X-Goog-Signature=abcdef0123456789&X-Goog-Credential=me"
PINE = b"A red pine grows up to 25 meters high."


def page(*ids: str, next_: str | None = None, key: str = "files") -> Answer:
    items = [file(id_) if key == "files" else operation(id_) for id_ in ids]
    return reply({key: items} | ({"pagination": {"next": next_}} if next_ else {}))


def targets(server: RawServer) -> list[str]:
    return [request.target for request in server.requests]


def test_a_list_fetches_its_pages_as_they_are_needed(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(page("a", "b", next_="n=1&x"), page("c"))
    files = scripted().files.list()
    assert server.requests == []
    assert [next(files).id, next(files).id] == ["a", "b"]
    assert len(server.requests) == 1
    assert [found.id for found in files] == ["c"]
    assert targets(server) == [
        "/assistant/files/docs?limit=100",
        "/assistant/files/docs?limit=100&pagination_token=n%3D1%26x",
    ]


def test_a_list_of_an_old_version_is_one_page_and_asks_for_no_size(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(page("a", "b"))
    assert len(list(scripted(api_version="2025-10").files.list())) == 2
    assert targets(server) == ["/assistant/files/docs"]


def test_the_filter_of_a_list_is_json_in_the_query(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(page("a"))
    wanted = {"genre": {"$in": ["a&b", "ä"]}, "year": 2020}
    list(scripted().files.list(filter=wanted))
    query = parse_qs(urlsplit(server.requests[0].target).query)
    assert json.loads(query["filter"][0]) == wanted


def test_a_wrong_filter_is_refused_before_traffic(scripted: Callable[..., Feeder], server: RawServer) -> None:
    with pytest.raises(InvalidRequestError, match=r"filter\.genre"):
        scripted().files.list(filter={"genre": ["a", "b"]})
    assert server.requests == []


def test_a_filter_finds_files_in_the_local_assistant(feeder: Feeder, local: LocalAssistant) -> None:
    for number in range(3):
        feeder.files.upload(PINE, name=f"{number}.md", metadata={"n": number})
    assert [found.name for found in feeder.files.list(filter={"n": {"$gte": 1}})] == ["1.md", "2.md"]


@pytest.mark.parametrize("body", [b"{}", b'{"files": null}', b'{"files": []}'])
def test_an_empty_assistant_has_no_files(scripted: Callable[..., Feeder], server: RawServer, body: bytes) -> None:
    server.script(reply(body))
    assert list(scripted().files.list()) == []


@pytest.mark.parametrize("kind_of_list", ["files", "operations"])
def test_a_list_that_names_the_same_page_again_ends_with_an_error(
    scripted: Callable[..., Feeder], server: RawServer, kind_of_list: str
) -> None:
    server.otherwise = page("a", next_="again", key=kind_of_list)
    with pytest.raises(StreamError, match="no end"):
        list(getattr(scripted(), kind_of_list).list())
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind_of_list", ["files", "operations"])
def test_a_list_that_goes_round_in_a_circle_of_pages_ends_with_an_error(
    scripted: Callable[..., Feeder], server: RawServer, kind_of_list: str
) -> None:
    server.script(*[page("a", next_=token, key=kind_of_list) for token in "abcb"])
    with pytest.raises(StreamError, match="no end"):
        list(getattr(scripted(), kind_of_list).list())


def test_a_sync_of_a_list_without_an_end_sends_nothing(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(*[page("a", next_=token) for token in "abab"])
    with pytest.raises(StreamError, match="no end"):
        scripted().files.sync([Upload(PINE, "pine.md")], owner="o", delete=True)
    assert {request.method for request in server.requests} == {"GET"}


def test_a_list_is_retried_page_by_page(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(PINE, name="a.md")
    local.faults.add(on=("GET", "/assistant/files/*"), times=2, status=503)
    assert [found.name for found in feeder.files.list()] == ["a.md"]


def test_what_the_service_says_of_a_file_arrives(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(
        reply(
            {
                "id": "f1",
                "name": "pine.md",
                "size": 1073470.0,
                "status": "Available",
                "metadata": {"a": [1]},
                "multimodal": True,
                "created_on": "2025-02-20T18:37:03.338791010Z",
                "updated_on": "2025-02-20T18:37:04Z",
                "signed_url": None,
                "percent_done": 1.0,
                "new": {"field": 1},
            }
        )
    )
    found = scripted().files.get("f1")
    assert (found.size, type(found.size), found.metadata, found.multimodal) == (1073470, int, {"a": [1]}, True)
    assert (found.created_at, found.updated_at) == ("2025-02-20T18:37:03.338791010Z", "2025-02-20T18:37:04Z")
    assert found.url is None
    assert targets(server) == ["/assistant/files/docs/f1"]


def test_a_signed_link_comes_only_if_it_is_asked_for_and_stays_out_of_the_repr(
    feeder: Feeder, local: LocalAssistant
) -> None:
    uploaded = feeder.files.upload(PINE, name="a.md")
    assert uploaded.url is None
    found = feeder.files.get(uploaded.id, include_url=True)
    assert found.url is not None
    assert found.url not in repr(found)
    assert feeder.files.get(uploaded.id).url is None


def test_a_missing_file_is_named_in_its_error(feeder: Feeder) -> None:
    with pytest.raises(NotFoundError, match=r'^file "gone" in assistant "local-assistant" not found'):
        feeder.files.get("gone")


def test_ids_that_cannot_be_are_refused_before_traffic(feeder: Feeder, local: LocalAssistant) -> None:
    for id_ in ("", "a.b", "a/b", "../x", "a b", "a=", "ä", "x" * 129, None, 3):
        for call in (feeder.files.get, feeder.files.read, feeder.files.delete):
            with pytest.raises(InvalidRequestError, match="file_id"):
                call(id_)
    for id_ in ("", " ", "..", None, 3):
        for call in (feeder.operations.get, feeder.operations.wait):
            with pytest.raises(InvalidRequestError, match="operation_id"):
                call(id_)
    assert local.requests == []


def test_an_operation_id_with_a_slash_stays_one_part_of_the_path(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(operation()))
    scripted().operations.get("a/../b?c")
    assert targets(server) == ["/assistant/operations/docs/a%2F..%2Fb%3Fc"]


@pytest.mark.parametrize("content", [b"", PINE, bytes(range(256)) * 3000], ids=["empty", "small", "large"])
def test_what_was_uploaded_is_read_again(feeder: Feeder, content: bytes) -> None:
    uploaded = feeder.files.upload(content, name="a.txt", wait=False)
    assert feeder.files.read(uploaded.id) == content


def linked(server: RawServer, url: str | None = None, name: str = "pine.md") -> Answer:
    return reply(file(name=name, signed_url=server.url + SIGNED if url is None else url))


def test_a_signed_link_gets_neither_key_nor_other_headers(
    scripted: Callable[..., Feeder], server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(linked(server), reply(PINE, content_type="text/plain"))
    feeder = scripted(default_headers={"X-Gateway": "token-0123456789"})
    assert feeder.files.read("f1") == PINE
    described, fetched = server.requests
    assert described.target == "/assistant/files/docs/f1?include_url=true"
    assert fetched.target == SIGNED
    assert set(fetched.headers) <= {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}
    assert KEY not in str(fetched.headers)
    assert "Signature" not in caplog.text
    assert "abcdef0123456789" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(b"", status=302, headers={"Location": "http://127.0.0.1:1/else"}), BadRequestError),
        (reply(b"", status=307, headers={"Location": "/else"}), BadRequestError),
        (reply(b"<Error>X-Goog-Signature=abcdef0123456789</Error>", status=403), BadRequestError),
        (reply(b"", status=404), BadRequestError),
        (reply(b"", status=204), BadRequestError),
        (reply(b"", status=503), InternalServerError),
        ([head(200, {"Content-Length": "100"}), b"half", CLOSE], IncompleteStreamError),
    ],
    ids=["302", "307", "403", "404", "204", "503", "cut"],
)
def test_a_link_that_is_not_handed_out_is_an_error_without_the_link(
    scripted: Callable[..., Feeder],
    server: RawServer,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    error: type[AssistantError],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(linked(server), answer)
    server.otherwise = answer
    with pytest.raises(error) as caught:
        scripted().files.read("f1")
    shown = f"{caught.value} {caught.value.__cause__} {caught.value.response} {caught.value.body} {caplog.text}"
    assert "abcdef0123456789" not in shown
    assert "abcdef0123456789" not in "".join(traceback.format_exception(caught.value))
    assert all(request.target in (SIGNED, "/assistant/files/docs/f1?include_url=true") for request in server.requests)
    if isinstance(caught.value, APIStatusError):
        assert "'pine.md' (file 'f1')" in str(caught.value)


def test_a_link_that_is_overloaded_is_tried_again(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(linked(server), reply(b"", status=503), reply(PINE))
    assert scripted().files.read("f1") == PINE


@pytest.mark.parametrize("framing", ["length", "endless"])
def test_a_content_over_the_limit_is_not_read_to_its_end(
    scripted: Callable[..., Feeder], server: RawServer, monkeypatch: pytest.MonkeyPatch, framing: str
) -> None:
    monkeypatch.setattr("pinecone_assistant_client.feeding.calls.max_bytes", lambda name: 1000)
    headers = {"Content-Length": "100000"} if framing == "length" else {"Connection": "close"}
    server.script(linked(server), [head(200, headers), *[b"x" * 10_000] * 10])
    with pytest.raises(StreamError, match="larger than 1,000 bytes"):
        scripted().files.read("f1")


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "ftp://x/y", "/assistant/x", "gopher://x", "http://[bad/x", "https://"]
)
def test_what_is_no_link_is_not_followed(scripted: Callable[..., Feeder], server: RawServer, url: str) -> None:
    server.script(linked(server, url))
    with pytest.raises(StreamError, match="link"):
        scripted().files.read("f1")


def test_a_link_goes_through_an_injected_session_without_its_headers_cookies_and_login(
    ask: Asking, server: RawServer
) -> None:
    def make() -> Any:
        if ask.kind == "sync":
            import requests  # noqa: PLC0415 - of one of the two kinds

            session = requests.Session()
            session.headers.update({"Api-Key": "session-key", "X-Gateway": "token"})
            session.auth = ("me", "word")
            session.cookies.set("c", "v")
            return {"http_session": session}
        import aiohttp  # noqa: PLC0415 - as above

        return {
            "async_http_session": aiohttp.ClientSession(
                headers={"Api-Key": "session-key", "X-Gateway": "token", "Authorization": "Basic bWU6d29yZA=="},
                cookies={"c": "v"},
            )
        }

    options = ask.run(make)
    server.script(linked(server), reply(PINE))
    feeder = Feeder(ask, **options)
    assert feeder.files.read("f1") == PINE
    assert server.requests[0].headers["x-gateway"] == "token"
    assert not {"api-key", "x-gateway", "authorization", "cookie"} & server.requests[1].headers.keys()
    ask.run(next(iter(options.values())).close)


def test_a_deleted_file_is_gone(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(PINE, name="a.md", file_id="one")
    feeder.files.delete("one")
    assert list(feeder.files.list()) == []
    with pytest.raises(NotFoundError, match='file "one"'):
        feeder.files.delete("one")
    feeder.files.delete("one", missing_ok=True)


def test_a_file_whose_processing_failed_is_deleted_at_once(feeder: Feeder, local: LocalAssistant) -> None:
    with pytest.raises(FileProcessingError) as caught:
        feeder.files.upload(b"%PDF broken", name="a.pdf")
    feeder.files.delete(caught.value.file_id)
    assert methods(local)[-1] == "DELETE files"


def test_missing_ok_does_not_hide_a_missing_assistant(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(NO_ASSISTANT)
    with pytest.raises(NotFoundError, match="Assistant"):
        scripted().files.delete("f1", missing_ok=True)


def test_a_deletion_waits_for_its_operation(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(
        reply(operation(status="Processing"), status=202), reply(operation(status="Processing")), reply(operation())
    )
    feeder = scripted()
    feeder.files.delete("f1")
    assert feeder.waits.seconds == [0.5]
    assert [request.method for request in server.requests] == ["DELETE", "GET", "GET"]


def test_a_deletion_that_does_not_wait_sends_one_request(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Processing"), status=202))
    scripted().files.delete("f1", wait=False)
    assert len(server.requests) == 1


def test_a_deletion_that_fails_raises_the_services_reason(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Failed", error_message="locked"), status=202))
    with pytest.raises(FileProcessingError, match=r"file 'f1'.*locked"):
        scripted().files.delete("f1")


def test_a_deletion_of_an_old_version_looks_until_the_file_is_gone(
    scripted: Callable[..., Feeder], server: RawServer
) -> None:
    server.script(reply(b""), reply(file(status="Deleting")), NO_FILE)
    scripted(api_version="2025-10").files.delete("f1")
    assert [request.method for request in server.requests] == ["DELETE", "GET", "GET"]


def test_the_end_of_the_time_of_a_deletion_says_how_to_look(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Processing"), status=202))
    server.otherwise = reply(operation(status="Processing"))
    with pytest.raises(APITimeoutError, match=r"goes on.*client\.operations\.get\('op-1'\)"):
        scripted().files.delete("f1", timeout=2)


def test_operations_are_listed_by_type_and_status(feeder: Feeder, local: LocalAssistant) -> None:
    feeder.files.upload(PINE, name="a.md", file_id="one")
    feeder.files.delete("one")
    kinds = [found.operation_type for found in feeder.operations.list()]
    assert sorted(kinds) == ["delete_file", "upsert_file"]
    found = list(feeder.operations.list(operation_type="upsert_file", status="Completed"))
    assert [(one.file_id, one.status, one.percent_complete) for one in found] == [("one", "Completed", 100)]
    assert found[0].ingestion_units == 1
    assert feeder.operations.get(found[0].id) == found[0]


def test_an_operation_is_waited_for(scripted: Callable[..., Feeder], server: RawServer) -> None:
    pending = reply(operation(status="Processing"))
    server.script(pending, pending, reply(operation()))
    feeder = scripted()
    assert feeder.operations.wait("op-1").status == "Completed"
    assert feeder.waits.seconds == [0.5, 1.0]


def test_an_operation_that_failed_raises(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Failed", error_message="no PDF")))
    with pytest.raises(FileProcessingError, match=r"file 'f1': no PDF"):
        scripted().operations.wait("op-1")


def test_no_time_for_an_operation_is_one_look(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(operation(status="Processing")))
    with pytest.raises(APITimeoutError, match=r"client\.operations\.wait\('op-1'\)"):
        scripted().operations.wait("op-1", timeout=0)
    assert len(server.requests) == 1


def test_an_evaluation_asks_the_assistants_own_host(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(
        refused(503, "busy"),
        reply(
            {
                "metrics": {"correctness": 0.5, "completeness": 1, "alignment": 0.66},
                "reasoning": {"evaluated_facts": [{"fact": {"content": "It is high."}, "entailment": "entailed"}]},
                "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
            }
        ),
    )
    evaluation = scripted().evaluate("How high?", "25 m", "25 meters")
    assert isinstance(evaluation, Evaluation)
    assert (evaluation.correctness, evaluation.completeness, evaluation.alignment) == (0.5, 1, 0.66)
    assert evaluation.facts == (("It is high.", "entailed"),)
    assert evaluation.usage is not None
    assert evaluation.usage.total_tokens == 7
    assert targets(server) == ["/assistant/evaluation/metrics/alignment"] * 2
    assert server.requests[0].json() == {"question": "How high?", "answer": "25 m", "ground_truth_answer": "25 meters"}


def test_an_evaluation_has_a_total_time_of_its_own(scripted: Callable[..., Feeder], server: RawServer) -> None:
    """A wait that does not fit raises the refusal at once, without a second request."""
    server.otherwise = refused(503, "busy", headers={"Retry-After": "55"})
    feeder = scripted()
    with pytest.raises(InternalServerError, match="busy"):
        feeder.evaluate("q", "a", "b", total_timeout=30)
    assert len(server.requests) == 1
    with pytest.raises(InvalidRequestError, match="total_timeout"):
        feeder.evaluate("q", "a", "b", total_timeout=0)


def test_an_evaluation_in_the_local_assistant(feeder: Feeder) -> None:
    assert feeder.evaluate("q", "A pine is high.", "A pine is high.").alignment == 1


@pytest.mark.parametrize("texts", [("", "a", "b"), ("a", " ", "b"), ("a", "b", None), (1, "a", "b")])
def test_an_evaluation_without_a_text_is_refused_before_traffic(
    scripted: Callable[..., Feeder], server: RawServer, texts: tuple[Any, Any, Any]
) -> None:
    with pytest.raises(InvalidRequestError, match="pass a text"):
        scripted().evaluate(*texts)
    assert server.requests == []


def test_an_evaluation_that_has_no_metrics_is_an_error(scripted: Callable[..., Feeder], server: RawServer) -> None:
    server.script(reply(b"{}"), reply(b'{"error": {"code": "X", "message": "broken"}}'))
    feeder = scripted()
    with pytest.raises(StreamError, match="no metrics"):
        feeder.evaluate("q", "a", "b")
    with pytest.raises(StreamError, match="broken"):
        feeder.evaluate("q", "a", "b")


def test_a_guarded_client_refuses_what_the_service_cannot_narrow(ask_local: Asking, local: LocalAssistant) -> None:
    feeder = Feeder(ask_local, guard_filter={"tenant": "acme"})
    calls: list[Callable[[], Any]] = [
        lambda: feeder.files.upload(PINE, name="a.md"),
        lambda: feeder.files.upload_many([]),
        lambda: feeder.files.sync("."),
        lambda: feeder.files.get("one"),
        lambda: feeder.files.read("one"),
        lambda: feeder.files.delete("one"),
        lambda: feeder.operations.get("op"),
        feeder.operations.list,
        lambda: feeder.operations.wait("op"),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError, match="guard_filter"):
            call()
    assert local.requests == []


def test_a_guard_narrows_the_list(ask_local: Asking, feeder: Feeder, local: LocalAssistant) -> None:
    for tenant in ("acme", "other"):
        for year in (2020, 2021):
            feeder.files.upload(PINE, name=f"{tenant}-{year}.md", metadata={"tenant": tenant, "year": year})
    guarded = Feeder(ask_local, guard_filter={"tenant": "acme"})
    assert {found.name for found in guarded.files.list()} == {"acme-2020.md", "acme-2021.md"}
    assert [found.name for found in guarded.files.list(filter={"year": 2021})] == ["acme-2021.md"]
    assert [found.name for found in guarded.files.list(filter={"tenant": "other"})] == []
