"""Limits that keep files and keys on this machine: allowed callers, request sizes, file names."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from pinecone_assistant_cli.__main__ import main
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.api.server import LOOPBACK, own_hosts, parse_address, parse_host, url_host
from pinecone_assistant_local.documents.file_types import MEGABYTE
from pinecone_assistant_local.service import links
from pinecone_assistant_local.store.files import NewFile

from .conftest import Api
from .documents.made_files import endless_pdf

FACT = "A red pine grows up to 25 meters."


def _raw(local: LocalAssistant, request: str) -> tuple[int, str]:
    """The status and body of an answer to a request written by hand."""
    host, port = local.host.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


def test_it_listens_on_the_loopback_interface_only(local: LocalAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LOOPBACK == "127.0.0.1"
    asked: list[tuple[str, int]] = []
    listen = socket.socket.bind

    def bind(self: socket.socket, address: tuple[str, int]) -> None:
        asked.append(address)
        listen(self, address)

    monkeypatch.setattr("socket.socket.bind", bind)
    with LocalAssistant():
        assert asked == [("127.0.0.1", 0)]


ENDPOINTS = [
    ("GET", "/healthz"),
    ("GET", "/assistant/assistants"),
    ("GET", "/assistant/files/local-assistant"),
    ("POST", "/assistant/files/local-assistant"),
    ("POST", "/assistant/chat/local-assistant"),
    ("GET", "/assistant/signed/local-assistant/x?expires=1&signature=x"),
    ("GET", "/"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.rebound.example", "localhost.rebound.example:8790"])
def test_a_rebound_name_reaches_nothing(local: LocalAssistant, method: str, path: str, host: str) -> None:
    """DNS rebinding: a web page makes its own name point to 127.0.0.1, which its Host header shows."""
    request = f"{method} {path} HTTP/1.1\nHost: {host}\nApi-Key: local\nContent-Length: 0\nConnection: close\n\n"
    status, body = _raw(local, request)
    assert (status, json.loads(body)["error"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("hosts", ["Host: 127.0.0.1\nHost: rebound.example", ""])
def test_two_hosts_or_none_are_refused(local: LocalAssistant, hosts: str) -> None:
    hosts = f"{hosts}\n" if hosts else ""
    status, _ = _raw(local, f"GET /healthz HTTP/1.1\n{hosts}Connection: close\n\n")
    assert status in (400, 403)


def test_no_answer_invites_a_web_page(api: Api) -> None:
    """Without CORS headers a browser keeps answers from the page that asked."""
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for method, headers in (("OPTIONS", preflight), ("GET", {"Origin": "http://evil.example"})):
        response = api.call(method, f"/files/{api.local.name}", headers=headers)
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


def test_keys_and_signatures_are_compared_in_constant_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def spy(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return compare(left, right)

    monkeypatch.setattr("hmac.compare_digest", spy)
    assert api.call("GET", "/assistants", headers={"Api-Key": "locaX"}).status_code == 401
    assert compared == [b"locaX"]
    assert api.call("GET", f"/signed/{api.local.name}/x?expires=1&signature=y").status_code == 403
    assert len(compared) == 2


@pytest.mark.parametrize(
    "header", ["X-Api-Key", "Authorization", "X-Auth-Token", "Cookie", "Ocp-Apim-Subscription-Key"]
)
def test_the_key_of_another_service_is_not_recorded(api: Api, header: str) -> None:
    """A real key may be sent by mistake; the records appear in the messages of failing tests."""
    api.call("GET", "/assistants", headers={header: "pcsk_real", "X-Other": "kept"})
    assert "pcsk_real" not in repr(api.local.requests[-1])
    assert api.local.requests[-1].headers["x-other"] == "kept"


def test_a_body_without_the_key_is_neither_read_nor_recorded(local: LocalAssistant) -> None:
    announced = "Content-Type: application/json\nContent-Length: 8000000"
    host = local.host.removeprefix("http://")
    status, _ = _raw(local, f"POST /assistant/assistants HTTP/1.1\nHost: {host}\n{announced}\nConnection: close\n\n")
    assert status == 401
    assert local.requests[-1].body is None


@pytest.mark.parametrize("name", ["x.txt", "x.md", "x.json", "x.docx"])
def test_a_file_is_refused_as_soon_as_it_is_too_large_for_its_type(local: LocalAssistant, name: str) -> None:
    """The answer arrives before the request has ended."""
    host, port = local.host.removeprefix("http://").split(":")
    head = (
        f"POST /assistant/files/{local.name} HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {50 * MEGABYTE}\r\n\r\n"
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + b" " * (10 * MEGABYTE + 1000))
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_too_large_a_file_gets_its_answer(api: Api) -> None:
    """Excess bytes are discarded as they arrive, so that a broken connection does not lose the answer."""
    response = api.upload("x.txt", b" " * (30 * MEGABYTE))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "INVALID_ARGUMENT")


def test_a_pdf_may_have_100_mb_and_no_more(api: Api) -> None:
    """The body of a request is capped at what the largest type may have."""
    host = api.local.host.removeprefix("http://")
    announced = f"Content-Type: multipart/form-data; boundary=b\nContent-Length: {101 * MEGABYTE}"
    status, _ = _raw(
        api.local,
        f"POST /assistant/files/{api.local.name} HTTP/1.1\nHost: {host}\nApi-Key: local\n{announced}\nConnection: close\n\n",
    )
    assert status == 413


NAMES = [
    "../../escaped.md",
    "/etc/escaped.md",
    "C:\\escaped.md",
    "..%2fescaped.md",
    "a/../../escaped.md",
    "~/escaped.md",
]


def test_a_file_name_is_never_a_path(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "store"
    with LocalAssistant(data_dir=store) as local, requests.Session() as session:
        api = Api(local, session=session)
        for name in NAMES:
            local.service.store.files.add(local.name, NewFile(name, FACT.encode()))
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="../../raw.md"\r\n\r\nRaw.\r\n--b--\r\n'
        api.call("POST", f"/files/{local.name}", data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
        listed = api.call("GET", f"/files/{local.name}").json()["files"]
        assert [file["name"] for file in listed] == [*NAMES, "../../raw.md"]
        link = api.call("GET", f"/files/{local.name}/{listed[0]['id']}", params={"include_url": "true"}).json()
        assert requests.get(link["signed_url"], timeout=20).text == FACT
    assert {path.name.partition("-")[0] for path in tmp_path.rglob("*")} == {"deep", "store", "assistant.sqlite3"}


@pytest.mark.parametrize("name", ["a\x00.md", "a\r\nX: 1.md", "", " ", "x" * 1025 + ".md", "md", "a.exe", "a.md/"])
def test_a_name_that_is_none_is_refused(api: Api, name: str) -> None:
    part = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\nRaw.\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert api.call("POST", f"/files/{api.local.name}", data=part.encode(), headers=headers).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/assistant", "/assistant/", "/assistant/signed", "/assistant/signed/", "/assistant/signed/local-assistant",
             "/assistant/signed/local-assistant/", "/assistant/signed/local-assistant/pine.md", "/assistant.sqlite3",
             "/assistant/signed/../assistant.sqlite3", "/%2e%2e/assistant.sqlite3", "/static/", "/docs", "/openapi.json"],
)  # fmt: skip
def test_nothing_lists_files_or_leads_out_of_the_api(local: LocalAssistant, path: str) -> None:
    local.upload_text("pine.md", FACT)
    host = local.host.removeprefix("http://")
    for key in ("Api-Key: local\n", ""):
        status, body = _raw(local, f"GET {path} HTTP/1.1\nHost: {host}\n{key}Connection: close\n\n")
        assert status in (401, 403, 404)
        assert "25 meters" not in body
        assert "SQLite" not in body


def _link(api: Api, file_id: str, **headers: str) -> str:
    response = api.call("GET", f"/files/{api.local.name}/{file_id}", params={"include_url": "true"}, headers=headers)
    return str(response.json()["signed_url"])


def test_a_signed_link_works_without_a_key_for_its_file_until_it_expires(
    local: LocalAssistant, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = local.upload_text("pine.md", FACT), local.upload_text("other.md", "Other.")
    link = _link(api, file.id)
    response = requests.get(link, timeout=20)
    assert (response.status_code, response.text) == (200, FACT)
    assert response.headers["content-type"].startswith("text/markdown")
    for forged in (
        link.replace(file.id, other.id),
        re.sub(r"expires=\d+", "expires=9999999999", link),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.partition("?")[0],
    ):
        assert requests.get(forged, timeout=20).status_code == 403
    now = time.time()
    monkeypatch.setattr(local.service.links, "_clock", lambda: now + 2 * links.LIFETIME_SECONDS + 1)
    assert requests.get(link, timeout=20).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_signed_link_and_the_health_check_can_only_be_read(api: Api, method: str) -> None:
    """It was 500 with a traceback in the log, for anyone without a key."""
    link = _link(api, api.local.upload_text("pine.md", FACT).id)
    for url in (link, f"{api.local.host}/healthz"):
        response = requests.request(method, url, timeout=20)
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_host_and_links_follow_the_checked_host_header() -> None:
    with LocalAssistant(allowed_hosts=["Assistant.Internal"]) as local, requests.Session() as session:
        api = Api(local, session=session)
        file = local.upload_text("pine.md", FACT)
        for host in ("assistant.internal:8790", "ASSISTANT.internal", "localhost:1"):
            found = api.call("GET", f"/assistants/{local.name}", headers={"Host": host}).json()
            assert found["host"] == f"http://{host}"
            link = _link(api, file.id, Host=host)
            assert link.startswith(f"http://{host}/assistant/signed/")
            path = link.removeprefix(f"http://{host}")
            assert requests.get(local.host + path, headers={"Host": host}, timeout=20).text == FACT
        assert api.call("GET", "/assistants", headers={"Host": "other.internal"}).status_code == 403
        forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
        found = api.call("GET", f"/assistants/{local.name}", headers=forwarded).json()
        assert found["host"] == local.host


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a server would listen on."""
    asked: list[str] = []

    def listen(host: str, port: int) -> socket.socket:
        asked.append(host)
        raise OSError(98, "not in a test")

    monkeypatch.setattr("pinecone_assistant_local.local_assistant.listen", listen)
    return asked


@pytest.mark.parametrize("key", [None, "in-the-environment"])
def test_serving_other_machines_needs_an_explicit_key(
    tmp_path: Path,
    no_socket: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str | None,
) -> None:
    if key:
        monkeypatch.setenv("PINECONE_API_KEY", key)
    for address in ("0.0.0.0", "::", "192.168.1.5"):
        assert main(["serve", str(tmp_path), "--bind", address, "--allow-host", "docs.internal"]) == 2
        assert "--api-key" in capsys.readouterr().err
    assert no_socket == []


def test_with_an_explicit_key_it_serves_other_machines(
    tmp_path: Path, no_socket: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["serve", str(tmp_path), "--bind", "0.0.0.0", "--allow-host", "docs.internal", "--api-key", "mine"]
    assert main(arguments) == 2
    assert "not in a test" in capsys.readouterr().err
    assert no_socket == ["0.0.0.0"]
    assert main(["serve", str(tmp_path)]) == 2
    assert no_socket == ["0.0.0.0", "127.0.0.1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bind", "example.com"],
        ["--bind", "0.0.0.0", "--api-key", "local"],
        ["--allow-host", "*"],
        ["--allow-host", "docs.internal:8790"],
        ["--allow-host", "http://docs.internal"],
        ["--allow-host", ""],
    ],
)
def test_a_bind_or_host_that_makes_no_sense_is_refused(
    tmp_path: Path, no_socket: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["serve", str(tmp_path), *arguments]) == 2
    assert capsys.readouterr().err
    assert no_socket == []


@pytest.mark.parametrize(
    ("address", "url", "hosts"),
    [
        ("127.0.0.1", "127.0.0.1", ("127.0.0.1",)),
        ("localhost", "127.0.0.1", ("127.0.0.1",)),
        ("0.0.0.0", "127.0.0.1", ()),
        ("::", "[::1]", ()),
        ("192.168.1.5", "192.168.1.5", ("192.168.1.5",)),
        ("[fe80::1]", "[fe80::1]", ("[fe80::1]",)),
    ],
)
def test_an_address_has_a_url_and_names(address: str, url: str, hosts: tuple[str, ...]) -> None:
    parsed = parse_address(address)
    assert (url_host(parsed), own_hosts(parsed)) == (url, hosts)


def test_host_names_are_compared_in_lower_case() -> None:
    assert [parse_host(name) for name in ("Docs.Internal", "10.0.0.1", "::1")] == ["docs.internal", "10.0.0.1", "[::1]"]


def test_sigterm_stops_the_server_while_it_reads_a_file_and_leaves_no_child(tmp_path: Path) -> None:
    """SIGTERM works like Ctrl-C. The next start reads the file, so it is not reported as failed."""
    (tmp_path / "docs").mkdir()
    command = ["serve", str(tmp_path / "docs"), "--port", "0", "--api-key", "k", "--data-dir", str(tmp_path / "store")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pinecone_assistant_cli", *command],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        exported = dict(process.stdout.readline().strip().removeprefix("export ").partition("=")[::2] for _ in range(6))
        url = f"{exported['PINECONE_ASSISTANT_HOST']}/assistant/files/{exported['PINECONE_ASSISTANT_NAME']}"
        headers = {"Api-Key": "k", "X-Pinecone-Api-Version": "2026-04"}
        uploaded = requests.post(url, headers=headers, files={"file": ("slow.pdf", endless_pdf())}, timeout=20)
        assert uploaded.json()["status"] == "Processing"
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 0
        assert "Traceback" not in errors
        assert not child.is_running()
    finally:
        process.kill()
        process.communicate()
    with LocalAssistant(name=exported["PINECONE_ASSISTANT_NAME"], data_dir=tmp_path / "store") as local:
        (file,) = local.service.store.files.unfinished()
        assert file.name == "slow.pdf"


def test_the_content_hash_is_crc32c_under_the_key_that_the_sdks_read(local: LocalAssistant, api: Api) -> None:
    """0xE3069283 is the check value of CRC-32C."""
    file = local.upload_text("digits.txt", "123456789")
    body = api.call("GET", f"/files/{local.name}/{file.id}").json()
    assert base64.b64decode(body["crc32c_hash"]) == bytes.fromhex("E3069283")


def test_times_have_nanoseconds_and_sizes_are_bytes(local: LocalAssistant, api: Api) -> None:
    file = local.upload_text("pine.md", "Föhre.")
    body = api.call("GET", f"/files/{local.name}/{file.id}").json()
    assert body["size"] == 7
    for key in ("created_on", "updated_on"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", body[key])
