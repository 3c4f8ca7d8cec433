"""Checks that every request passes: host, key, version, size."""

from __future__ import annotations

import json
import socket

import pytest
import requests

from pinecone_assistant_local import LocalAssistant, RecordedRequest
from pinecone_assistant_local.service.request_log import MAX_BYTES, RequestLog

from ..conftest import Api


def _error(response: requests.Response) -> tuple[int, str, str]:
    body = response.json()
    assert set(body) == {"error", "status"}
    assert body["status"] == response.status_code
    return response.status_code, body["error"]["code"], body["error"]["message"]


def _raw(local: LocalAssistant, request: bytes) -> bytes:
    host, port = local.host.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer


@pytest.mark.parametrize("key", ["wrong", "", "localx", "schlüssel".encode()])
def test_a_wrong_key_is_401(api: Api, key: str) -> None:
    assert _error(api.call("GET", "/assistants", headers={"Api-Key": key})) == (
        401,
        "UNAUTHENTICATED",
        "Invalid API key.",
    )


def test_no_key_is_401(local: LocalAssistant) -> None:
    assert _error(requests.get(f"{local.host}/assistant/assistants", timeout=20))[0] == 401


def test_health_needs_no_key(local: LocalAssistant) -> None:
    response = requests.get(f"{local.host}/healthz", timeout=20)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("version", ["2024-07", "latest", "2026-4", ""])
def test_an_unknown_version_is_400_and_lists_the_known_ones(api: Api, version: str) -> None:
    status, code, message = _error(api.call("GET", "/assistants", headers={"X-Pinecone-Api-Version": version}))
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert "2025-01, 2025-04, 2025-10, 2026-04, 2026-07" in message


def test_without_a_version_it_is_the_oldest(api: Api) -> None:
    api.version = None
    assert "region" not in api.call("GET", f"/assistants/{api.local.name}").json()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "10.0.0.1:80"]
)
def test_a_foreign_host_header_is_refused(local: LocalAssistant, host: str) -> None:
    """A web page whose name is rebound to this machine sends its own name."""
    request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert _raw(local, request.encode()).startswith(b"HTTP/1.1 403")


def test_host_in_answers_follows_the_host_header(local: LocalAssistant) -> None:
    port = local.host.rpartition(":")[2]
    url = f"http://127.0.0.1:{port}/assistant/assistants/{local.name}"
    response = requests.get(url, headers={"Api-Key": "local", "Host": f"localhost:{port}"}, timeout=20)
    assert response.json()["host"] == f"http://localhost:{port}"


def test_a_json_body_that_announces_too_much_is_413_before_it_is_sent(local: LocalAssistant) -> None:
    request = (
        f"POST /assistant/chat/{local.name} HTTP/1.1\r\nHost: 127.0.0.1\r\nApi-Key: local\r\n"
        "Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert _raw(local, request.encode()).startswith(b"HTTP/1.1 413")


def test_a_json_body_without_a_length_is_capped_while_it_is_read(api: Api) -> None:
    sent = 0

    def endless() -> object:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield b" " * 100_000

    try:
        status = api.call("POST", f"/chat/{api.local.name}", data=endless()).status_code
    except requests.ConnectionError:
        status = 413  # the connection was closed while the rest was still being written
    assert status == 413
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b'{"messages": "\xff"}', b'{"a": NaN}', b"[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_400(api: Api, body: bytes) -> None:
    for path in (
        f"/chat/{api.local.name}",
        f"/chat/{api.local.name}/chat/completions",
        f"/chat/{api.local.name}/context",
    ):
        status, code, _ = _error(api.call("POST", path, data=body))
        assert (status, code) == (400, "INVALID_ARGUMENT")
    assert _error(api.call("POST", "/assistants", data=body))[0] == 400


def test_unknown_paths_and_methods_answer_in_the_services_shape(api: Api) -> None:
    assert _error(api.call("GET", "/nothing/here"))[:2] == (404, "NOT_FOUND")
    assert _error(api.call("PUT", "/assistants"))[0] == 405
    assert _error(api.call("GET", "/assistants/"))[0] == 404


def test_every_answer_has_a_request_id(local: LocalAssistant, api: Api) -> None:
    local.reply("Yes.")
    local.faults.add(status=503, on="context")
    answers = [
        api.call("GET", "/assistants"),
        api.call("GET", "/nothing"),
        api.call("GET", "/assistants", headers={"Api-Key": "wrong"}),
        api.completions("Is it?"),
        api.completions("Is it?", stream=True),
        api.context(query="x"),
        requests.get(f"{local.host}/healthz", timeout=20),
    ]
    ids = [answer.headers["x-pinecone-request-id"] for answer in answers]
    assert len(set(ids)) == len(answers)


def test_a_body_with_lone_surrogates_does_not_break_the_server(api: Api) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "\ud800 pine"}]})
    assert api.call("POST", f"/chat/{api.local.name}", data=body).status_code == 400
    assert api.call("GET", "/assistants").status_code == 200


def test_every_path_is_there_without_its_first_part_too(local: LocalAssistant, api: Api) -> None:
    """For the TypeScript SDK, PINECONE_CONTROLLER_HOST includes `/assistant`; for the Python SDKs it does not."""
    file = local.upload_text("pine.md", "A red pine grows up to 25 meters.")
    ask = {"messages": [{"role": "user", "content": "How high is a red pine?"}]}
    calls: list[tuple[str, str, object]] = [
        ("GET", "/assistants", None),
        ("GET", f"/assistants/{local.name}", None),
        ("GET", f"/files/{local.name}", None),
        ("GET", f"/files/{local.name}/{file.id}", None),
        ("GET", f"/operations/{local.name}", None),
        ("POST", f"/chat/{local.name}/context", {"query": "red pine"}),
        ("POST", f"/chat/{local.name}", ask),
        ("POST", f"/chat/{local.name}/chat/completions", ask),
        ("POST", "/evaluation/metrics/alignment", {"question": "?", "answer": "A.", "ground_truth_answer": "A."}),
    ]
    headers = {"Api-Key": local.api_key, "X-Pinecone-Api-Version": "2026-04"}
    for method, path, body in calls:
        short = requests.request(method, local.host + path, json=body, headers=headers, timeout=20)
        whole = requests.request(method, f"{local.host}/assistant{path}", json=body, headers=headers, timeout=20)
        assert (short.status_code, set(short.json())) == (200, set(whole.json())), path
        assert [one.path for one in local.requests[-2:]] == [f"/assistant{path}"] * 2
    with local.faults.add(status=503):
        assert (
            requests.post(f"{local.host}/chat/{local.name}", json=ask, headers=headers, timeout=20).status_code == 503
        )


@pytest.mark.parametrize(
    "path", ["/assistantsx", "//assistants", "/Assistants", "/signed/local-assistant/x", "/assistants/"]
)
def test_nothing_else_is_there_without_its_first_part(local: LocalAssistant, path: str) -> None:
    response = requests.get(local.host + path, headers={"Api-Key": local.api_key}, timeout=20)
    assert response.status_code == 404


def test_nothing_of_a_stranger_is_recorded_but_method_and_path(local: LocalAssistant) -> None:
    path = f"/assistant/chat/{local.name}"
    requests.post(
        f"{local.host}{path}?a=secret",
        json={"messages": ["secret"]},
        headers={"X-Any": "secret", "Api-Key": "wrong", "X-Pinecone-Api-Version": "secret"},
        timeout=20,
    )
    assert local.requests == [RecordedRequest("POST", path)]


def test_the_requests_that_are_kept_are_bounded_in_bytes(local: LocalAssistant, api: Api) -> None:
    """Ten thousand bodies of 8 MB each were kept."""
    text = "x" * 3_000_000
    for number in range(8):
        api.completions(f"{number} {text}")
    kept = [one.body["messages"][0]["content"][0] for one in local.requests if isinstance(one.body, dict)]
    assert kept == ["3", "4", "5", "6", "7"]


def test_the_paths_of_strangers_are_bounded_too(local: LocalAssistant) -> None:
    log = local.service.requests
    for number in range(2_000):
        log.add(RecordedRequest("GET", f"/{number}/" + "x" * 15_000))
    assert len(log.all()) * 15_000 < MAX_BYTES
    assert log.all()[-1].path.startswith("/1999/")


def test_a_request_that_alone_is_too_large_is_kept_until_the_next_one() -> None:
    log = RequestLog()
    large, small = RecordedRequest("POST", "/large"), RecordedRequest("POST", "/small")
    log.add(large)
    log.grow(large, 2 * MAX_BYTES)
    assert log.all() == [large]
    log.add(small)
    assert log.all() == [small]
    log.grow(large, 5)  # it is still being read, but no longer kept
    assert log.all() == [small]
