"""Faults on demand."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import requests

from pinecone_assistant_local import Fault, LocalAssistant
from pinecone_assistant_local.faults.fault import FaultOptions

from ..conftest import Api, events_of, text_of

ANSWER = "A red pine grows to 25 meters."


@pytest.fixture(autouse=True)
def _answer(local: LocalAssistant) -> None:
    local.reply(ANSWER)


def _stream(api: Api) -> bytes:
    """The bytes of a streamed answer, up to wherever it ends."""
    received = b""
    with _open(api) as response:
        try:
            for data in response.iter_content(None):
                received += data
        except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError):
            received += b"<cut>"
    return received


def _open(api: Api) -> requests.Response:
    body = {"messages": [{"role": "user", "content": "?!"}], "stream": True}
    return api.call("POST", f"/chat/{api.local.name}/chat/completions", json=body, stream=True)


def test_a_status_strikes_so_many_times_and_then_no_more(local: LocalAssistant, api: Api) -> None:
    fault = local.faults.add(status=429, retry_after=1, times=2, on="chat")
    answers = [api.completions("?!") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[0].json()["error"]["code"] == "TOO_MANY_REQUESTS"
    assert (fault.fired, local.faults.fired) == (2, 2)


def test_by_default_it_strikes_both_chat_endpoints_and_nothing_else(local: LocalAssistant, api: Api) -> None:
    local.upload_text("pine.md", ANSWER)
    with local.faults.add(status=503) as fault:
        assert api.completions("?!").status_code == 503
        assert api.chat("?!").status_code == 503
        assert api.context(query="pine").status_code == 200
        assert api.call("GET", f"/assistants/{local.name}").status_code == 200
        assert api.call("GET", f"/files/{local.name}").status_code == 200
    assert fault.fired == 2
    assert api.completions("?!").status_code == 200


@pytest.mark.parametrize(
    ("on", "struck"),
    [
        ("context", {"context"}),
        ("files", {"files", "operations"}),
        ("control", {"control"}),
        ("all", {"chat", "context", "files", "operations", "control"}),
        (("GET", "/assistant/files/*"), {"files"}),
        (("post", "/assistant/chat/local-assistant"), {"chat"}),
    ],
)
def test_it_strikes_what_it_is_meant_for(local: LocalAssistant, api: Api, on: Any, struck: set[str]) -> None:
    local.upload_text("pine.md", ANSWER)
    calls: dict[str, Callable[[], requests.Response]] = {
        "chat": lambda: api.chat("?!"),
        "context": lambda: api.context(query="pine"),
        "files": lambda: api.call("GET", f"/files/{local.name}"),
        "operations": lambda: api.call("GET", f"/operations/{local.name}"),
        "control": lambda: api.call("GET", "/assistants"),
    }
    with local.faults.add(status=500, on=on):
        assert {name for name, call in calls.items() if call().status_code == 500} == struck


def test_the_error_can_be_chosen(local: LocalAssistant, api: Api) -> None:
    local.faults.add(status=403, code="QUOTA_EXCEEDED", message="Too much.", headers={"X-More": "1"}, times=1)
    response = api.completions("?!")
    assert response.json() == {"error": {"code": "QUOTA_EXCEEDED", "message": "Too much."}, "status": 403}
    assert response.headers["x-more"] == "1"
    local.faults.add(status=502, body="<html>Bad gateway</html>", retry_after="Wed, 21 Oct 2026 07:28:00 GMT", times=1)
    response = api.completions("?!")
    assert (response.status_code, response.text) == (502, "<html>Bad gateway</html>")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["retry-after"] == "Wed, 21 Oct 2026 07:28:00 GMT"


def test_html_is_a_page_with_status_200(local: LocalAssistant, api: Api) -> None:
    local.faults.add(html=True)
    response = api.completions("?!", stream=True)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<!DOCTYPE html>")


def test_a_stream_is_cut_after_so_many_events(local: LocalAssistant, api: Api) -> None:
    local.faults.add(cut_after_events=3)
    received = _stream(api)
    assert received.endswith(b"<cut>")
    assert received.count(b"data:") == 3


def test_a_stream_is_reset_after_so_many_events(local: LocalAssistant) -> None:
    local.faults.add(reset=True, cut_after_events=2)
    with pytest.raises(ConnectionResetError):
        _read_raw(local)


def test_a_connection_is_reset_before_the_answer(local: LocalAssistant) -> None:
    local.faults.add(reset=True)
    with pytest.raises(ConnectionResetError):
        _read_raw(local)


def _read_raw(local: LocalAssistant) -> bytes:
    host, port = local.host.removeprefix("http://").split(":")
    body = json.dumps({"messages": [{"role": "user", "content": "?!"}], "stream": True})
    received = b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST /assistant/chat/{local.name}/chat/completions HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        while data := connection.recv(65536):
            received += data
    return received


def test_a_plain_answer_is_cut_in_half(local: LocalAssistant, api: Api) -> None:
    local.faults.add(cut_after_events=1)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        api.completions("?!")


def test_a_stream_can_end_whole_but_without_a_finish_reason(local: LocalAssistant, api: Api) -> None:
    local.faults.add(omit_finish=True)
    events = events_of(api.completions("?!", stream=True))
    assert text_of(events) == ANSWER
    assert not any(choice["finish_reason"] for event in events for choice in event["choices"])
    ends = [event for event in events_of(api.chat("?!", stream=True)) if event["type"] == "message_end"]
    assert ends == []
    assert "finish_reason" not in api.completions("?!").json()["choices"][0]


def test_the_usage_can_be_left_out(local: LocalAssistant, api: Api) -> None:
    local.faults.add(omit_usage=True)
    events = events_of(api.completions("?!", stream=True))
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in api.completions("?!").json()
    assert "usage" not in events_of(api.chat("?!", stream=True))[-1]


def test_an_error_can_come_inside_a_stream(local: LocalAssistant, api: Api) -> None:
    local.faults.add(error_after_events=2, error={"code": "INTERNAL", "message": "Out of luck."})
    events = events_of(api.completions("?!", stream=True))
    assert len(events) == 3
    assert events[-1] == {"error": {"code": "INTERNAL", "message": "Out of luck."}}
    assert api.completions("?!").json() == events[-1]


def test_an_event_can_be_malformed(local: LocalAssistant, api: Api) -> None:
    local.faults.add(malformed_after_events=1)
    received = _stream(api)
    assert b'data:{"id": "cut off in the mid\n\n' in received
    with pytest.raises(requests.exceptions.JSONDecodeError):
        api.completions("?!").json()


def test_answers_can_come_in_the_documented_wrapper(local: LocalAssistant, api: Api) -> None:
    local.faults.add(wrapped=True)
    assert api.completions("?!").json()["chat_completion"]["choices"][0]["message"]["content"] == ANSWER
    events = events_of(api.completions("?!", stream=True))
    assert text_of([event["chat_completion"] for event in events]) == ANSWER


def test_heartbeats_come_before_the_first_event(local: LocalAssistant, api: Api) -> None:
    local.faults.add(heartbeats=3)
    response = api.completions("?!", stream=True)
    assert response.content.startswith(b":\n\n:\n\n:\n\ndata:")
    assert text_of(events_of(response)) == ANSWER


def test_a_stalled_request_is_never_answered(local: LocalAssistant, api: Api) -> None:
    with local.faults.add(stall=True), pytest.raises(requests.exceptions.ReadTimeout):
        api.call("POST", f"/chat/{local.name}", json={"messages": [{"role": "user", "content": "?!"}]}, timeout=0.2)
    assert api.chat("?!").status_code == 200


def test_a_stream_can_stall_after_some_events(local: LocalAssistant, api: Api) -> None:
    local.faults.add(stall_after_events=2, times=1)
    body = {"messages": [{"role": "user", "content": "?!"}], "stream": True}
    path = f"/chat/{local.name}/chat/completions"
    received: list[bytes] = []
    with api.call("POST", path, json=body, stream=True, timeout=0.3) as response:
        with pytest.raises(requests.ConnectionError):
            received.extend(response.iter_content(None))
        assert local.faults.fired == 1
    assert b"".join(received).count(b"data:") == 2


def test_closing_ends_a_stalled_request() -> None:
    with LocalAssistant() as local:
        local.faults.add(stall=True)
        host, port = local.host.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        connection.sendall(
            f"GET /assistant/assistants HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\n\r\n".encode(),
        )
        connection.sendall(
            f"POST /assistant/chat/{local.name} HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\n"
            "Content-Length: 2\r\n\r\n{}".encode(),
        )
        assert connection.recv(100)
    connection.close()


BODY_FAULTS: list[dict[str, Any]] = [
    {"cut_after_body_bytes": 1},
    {"cut_after_body_bytes": 300_000},
    {"cut_after_body_bytes": 300_000, "reset": True},
    {"cut_after_body_bytes": 10**9},
    {"stall_after_body_bytes": 300_000},
    {"stall_after_body_bytes": 10**9},
]


@pytest.mark.parametrize("options", BODY_FAULTS, ids=str)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_upload_that_breaks_off_or_gets_stuck_leaves_no_file(
    local: LocalAssistant, api: Api, options: dict[str, Any], method: str
) -> None:
    text = "A red pine grows. " * 50_000
    file_id = "own-id" if method == "PUT" else ""
    path = f"/files/{local.name}" + (f"/{file_id}" if file_id else "")
    fault = local.faults.add(on="files", times=1, **options)
    with pytest.raises(requests.RequestException):
        api.call(method, path, files={"file": ("pine.txt", text)}, timeout=0.3 if "stall" in str(options) else 20)
    assert fault.fired == 1
    assert api.call("GET", f"/files/{local.name}").json()["files"] == []
    assert api.upload("pine.txt", "A red pine grows.", method=method, file_id=file_id).status_code == 202


def test_an_upload_that_gets_stuck_is_not_read_on(local: LocalAssistant) -> None:
    """So a large upload fills the buffers between client and server, and the client waits while sending."""
    local.faults.add(on="files", stall_after_body_bytes=1)
    with _uploading(local) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.sendall(b" " * 80_000_000)


def test_closing_ends_an_upload_that_is_stuck() -> None:
    with LocalAssistant() as local:
        local.faults.add(on="files", stall_after_body_bytes=1)
        connection = _uploading(local)
        connection.sendall(b" " * 200_000)
        while not local.faults.fired:
            time.sleep(0.001)
    connection.close()


def test_an_upload_can_be_reset_while_its_body_is_read(local: LocalAssistant) -> None:
    local.faults.add(on="files", cut_after_body_bytes=1000, reset=True)
    with _uploading(local) as connection:
        connection.sendall(b" " * 2000)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def _uploading(local: LocalAssistant) -> socket.socket:
    host, port = local.host.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(
        f"POST /assistant/files/{local.name} HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\nContent-Length: 90000000\r\n"
        'Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; '
        'filename="a.pdf"\r\n\r\n'.encode()
    )
    return connection


@pytest.mark.parametrize("options", [{"cut_after_body_bytes": 1}, {"cut_after_body_bytes": 1, "reset": True}])
def test_a_question_breaks_off_while_it_is_read_too(local: LocalAssistant, api: Api, options: dict[str, Any]) -> None:
    local.faults.add(times=1, **options)
    with pytest.raises(requests.ConnectionError):
        api.completions("?!")
    assert api.completions("?!").status_code == 200


@pytest.mark.parametrize("reset", [False, True])
def test_the_answer_of_an_upload_can_be_lost_after_the_file_is_stored(
    local: LocalAssistant, api: Api, reset: bool
) -> None:
    local.faults.add(on=("POST", "/assistant/files/*"), cut_after_events=0, reset=reset, times=1)
    with pytest.raises(requests.ConnectionError):
        api.upload("pine.md", ANSWER)
    [file] = api.call("GET", f"/files/{local.name}").json()["files"]
    assert (file["name"], file["status"]) == ("pine.md", "Available")


@pytest.mark.parametrize("stream", [False, True])
def test_delays_are_waited_for(local: LocalAssistant, api: Api, stream: bool) -> None:
    local.faults.add(delay_seconds=0.05, first_token_delay_seconds=0.05, token_delay_seconds=0.01)
    began = time.perf_counter()
    api.completions("?!", stream=stream)
    assert time.perf_counter() - began >= (0.15 if stream else 0.1)


def test_the_oldest_fault_goes_first(local: LocalAssistant, api: Api) -> None:
    local.faults.add(status=500, times=1)
    local.faults.add(status=503, times=1)
    assert [api.completions("?!").status_code for _ in range(3)] == [500, 503, 200]


def test_the_typed_options_are_those_of_a_fault() -> None:
    """They are written twice, because a type checker reads only one of them."""
    assert set(FaultOptions.__annotations__) == {option.name for option in fields(Fault) if option.init}


def test_clear_ends_every_fault(local: LocalAssistant, api: Api) -> None:
    local.faults.add(status=500)
    assert api.completions("?!").status_code == 500
    local.faults.clear()
    assert api.completions("?!").status_code == 200
    assert local.faults.fired == 0


def test_faults_do_not_hide_a_wrong_key(local: LocalAssistant, api: Api) -> None:
    local.faults.add(status=500, on="all")
    assert api.call("GET", "/assistants", headers={"Api-Key": "wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"on": "chats"}, ValueError),
        ({"times": 0}, ValueError),
        ({"status": 42}, ValueError),
        ({"statuss": 429}, TypeError),
        ({"fired": 3}, TypeError),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    local: LocalAssistant, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        local.faults.add(**options)
