"""Files, operations and signed links."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterator

import pytest
import requests

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.service.links import LIFETIME_SECONDS, Links

from ..conftest import Api

FACT = "The red pine can grow up to 25 meters high."
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_an_upload_is_an_operation_that_is_already_done(api: Api) -> None:
    response = api.upload("pine.md", FACT, metadata={"topic": "trees", "tags": ["a", "b"]})
    operation = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/operations/{api.local.name}/{operation['id']}"
    assert (operation["operation_type"], operation["status"], operation["percent_complete"]) == (
        "upload_file",
        "Completed",
        100,
    )
    assert api.call("GET", response.headers["location"]).json() == operation
    file = api.call("GET", f"/files/{api.local.name}/{operation['file_id']}").json()
    assert re.fullmatch(UUID, file["id"])
    assert (file["name"], file["status"], file["size"], file["multimodal"]) == (
        "pine.md",
        "Available",
        len(FACT),
        False,
    )
    assert file["metadata"] == {"topic": "trees", "tags": ["a", "b"]}
    assert file["signed_url"] is None
    assert "percent_done" not in file


@pytest.mark.parametrize("version", ["2025-01", "2025-04", "2025-10"])
def test_in_older_versions_an_upload_is_a_file(api: Api, version: str) -> None:
    api.version = version
    response = api.upload("pine.md", FACT, query={"metadata": json.dumps({"topic": "trees"})})
    file = response.json()
    assert response.status_code == 200
    assert (file["status"], file["percent_done"], file["error_message"]) == ("Available", 1.0, None)
    assert file["metadata"] == {"topic": "trees"}
    assert file["size"] == len(FACT)


def test_one_file_can_be_handled_through_both_kinds_of_version(api: Api) -> None:
    api.version = "2025-10"
    file_id = api.upload("pine.md", FACT).json()["id"]
    api.version = "2026-04"
    assert api.call("GET", f"/files/{api.local.name}/{file_id}").json()["size"] == len(FACT)
    api.version = "2025-10"
    deleted = api.call("DELETE", f"/files/{api.local.name}/{file_id}")
    assert (deleted.status_code, deleted.content) == (200, b"")


def test_metadata_in_the_wrong_place_is_400(api: Api) -> None:
    in_query = api.upload("pine.md", FACT, query={"metadata": "{}"})
    assert in_query.status_code == 400
    api.version = "2025-10"
    assert api.upload("pine.md", FACT, metadata={"a": 1}).status_code == 400


@pytest.mark.parametrize("metadata", [{"a": None}, {"a": {}}, {"a": [1]}, {"$a": 1}, [], "x", {"a": "x" * 17_000}])
def test_bad_metadata_is_400(api: Api, metadata: object) -> None:
    response = api.upload("pine.md", FACT, metadata=metadata)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("part", [("blob", "{}", "application/json"), ("", "{}"), ("m.json", "{}", "text/plain")])
@pytest.mark.parametrize("metadata_first", [True, False])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_metadata_may_be_a_part_with_a_file_name(
    api: Api, part: tuple[str, ...], metadata_first: bool, method: str
) -> None:
    """JavaScript's FormData always writes a file name for a part of type application/json."""
    metadata = {"topic": "trees", "tags": ["a", "\u00e4"], "n": 1.5}
    parts = [("metadata", (part[0], json.dumps(metadata), *part[2:])), ("file", ("pine.md", FACT))]
    path = f"/files/{api.local.name}" + ("/own-id" if method == "PUT" else "")
    response = api.call(method, path, files=parts if metadata_first else parts[::-1])
    assert response.status_code == 202, response.text
    [file] = api.call("GET", f"/files/{api.local.name}").json()["files"]
    assert (file["name"], file["metadata"]) == ("pine.md", metadata)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": null}', b'{"a": "\xff"}', '{"a": "' + "x" * 17_000 + '"}'])
def test_bad_metadata_with_a_file_name_is_400_too(api: Api, content: str | bytes) -> None:
    parts = [("metadata", ("blob", content, "application/json")), ("file", ("pine.md", FACT))]
    response = api.call("POST", f"/files/{api.local.name}", files=parts)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


def test_metadata_with_a_file_name_is_refused_where_the_version_wants_the_query(api: Api) -> None:
    api.version = "2025-10"
    parts = [("metadata", ("blob", "{}", "application/json")), ("file", ("pine.md", FACT))]
    assert api.call("POST", f"/files/{api.local.name}", files=parts).status_code == 400


@pytest.mark.parametrize("name", [{"filename": "blob"}, {}])
def test_endless_metadata_is_given_up_while_it_is_read(api: Api, name: dict[str, str]) -> None:
    """The connection stays open for the answer, although most of the announced body never arrives."""
    host, port = api.local.host.removeprefix("http://").split(":")
    disposition = "".join(f'; {key}="{value}"' for key, value in {"name": "metadata", **name}.items())
    head = (
        f"POST /assistant/files/{api.local.name} HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\n"
        "X-Pinecone-Api-Version: 2026-04\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: 50000000\r\n\r\n--b\r\nContent-Disposition: form-data{disposition}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + b" " * 200_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_metadata_of_more_than_16_kb_is_refused_in_the_services_words(api: Api) -> None:
    response = api.upload("pine.md", FACT, metadata={"a": "x" * 17_000})
    assert response.json()["error"]["message"] == "Metadata exceeds maximum length of 16384 bytes"


@pytest.mark.parametrize("name", ["pine", "pine.exe", ".", "pine.md.zip"])
def test_a_name_without_a_known_extension_is_400(api: Api, name: str) -> None:
    assert api.upload(name, FACT).status_code == 400


@pytest.mark.parametrize("name", ["../../etc/pine.md", "/etc/pine.md", "..\\pine.md", "a b (1).md", "Föhre.MD"])
def test_a_name_is_text_and_never_a_path(api: Api, name: str) -> None:
    api.upload(name, FACT)
    [file] = api.call("GET", f"/files/{api.local.name}").json()["files"]
    assert file["name"] == name
    url = api.call("GET", f"/files/{api.local.name}/{file['id']}?include_url=true").json()["signed_url"]
    assert requests.get(url, timeout=20).text == FACT


@pytest.mark.parametrize(("method", "file_id"), [("POST", ""), ("PUT", "/pine")])
def test_an_upload_to_an_assistant_that_is_deleted_meanwhile_is_404(api: Api, method: str, file_id: str) -> None:
    assert api.call("POST", "/assistants", json={"name": "short-lived"}).status_code == 200

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="pine.md"\r\n\r\n' + b"tall " * 20_000
        assert Api(api.local).call("DELETE", "/assistants/short-lived").status_code == 200
        yield b"trees\r\n--b--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    response = api.call(method, f"/files/short-lived{file_id}", data=body(), headers=kind)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_an_upload_without_a_file_is_400(api: Api) -> None:
    path = f"/files/{api.local.name}"
    assert api.call("POST", path, files={"other": ("pine.md", FACT)}).status_code == 400
    assert api.call("POST", path, data={"file": FACT}).status_code == 400
    assert api.call("POST", path, json={"file": FACT}).status_code == 400
    header = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.call("POST", path, data=b"--x\r\nbroken", headers=header).status_code == 400
    assert api.call("POST", path, data=b"", headers={"Content-Type": "multipart/form-data"}).status_code == 400


def test_a_file_of_more_than_10_mb_is_413(api: Api) -> None:
    response = api.upload("big.txt", b"word " * (2 * 1024 * 1024 + 10))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.md", b" \n\n", "No text"),
        ("greek.txt", "πεύκο".encode("cp1253"), "UTF-8"),
        ("binary.txt", b"a\0b", "binary"),
        ("cut.json", b'{"a": [1, 2', "valid JSON"),
        ("deep.json", b"[" * 100_000 + b"]" * 100_000, "valid JSON|deeply"),
    ],
)
def test_what_cannot_be_read_ends_in_processing_failed(api: Api, name: str, content: bytes, reason: str) -> None:
    operation = api.upload(name, content).json()
    assert operation["status"] == "Failed"
    assert re.search(reason, operation["error_message"])
    path = f"/files/{api.local.name}/{operation['file_id']}"
    assert api.call("GET", path).json()["status"] == "ProcessingFailed"
    api.version = "2025-10"
    assert re.search(reason, api.call("GET", path).json()["error_message"])
    api.version = "2026-04"
    assert api.call("DELETE", path).status_code == 204


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_may_be_utf_8_or_utf_16_with_a_mark(api: Api, encoding: str) -> None:
    api.upload("foehre.txt", "Die Föhre wächst langsam.".encode(encoding))
    assert "Die Föhre wächst langsam" in api.ask("Föhre?")


def test_upsert_creates_and_then_replaces_under_the_same_id(api: Api) -> None:
    created = api.upload("pine.md", FACT, method="PUT", file_id="my-pine_1")
    assert (created.status_code, created.json()["operation_type"], created.json()["file_id"]) == (
        202,
        "upsert_file",
        "my-pine_1",
    )
    assert "25 meters" in api.ask("How high is a red pine?")
    api.upload("pine.md", "The red pine can grow up to 31 meters high.", method="PUT", file_id="my-pine_1")
    assert "31 meters" in api.ask("How high is a red pine?")
    [file] = api.call("GET", f"/files/{api.local.name}").json()["files"]
    assert file["id"] == "my-pine_1"


@pytest.mark.parametrize("file_id", ["a" * 129, "a.b", "ä", "a b"])
def test_a_bad_file_id_is_400(api: Api, file_id: str) -> None:
    assert api.upload("pine.md", FACT, method="PUT", file_id=file_id).status_code == 400


def test_upsert_and_operations_are_not_there_in_older_versions(api: Api) -> None:
    api.version = "2025-10"
    assert api.upload("pine.md", FACT, method="PUT", file_id="a").status_code == 404
    assert api.call("GET", f"/operations/{api.local.name}").status_code == 404


def test_a_deleted_file_is_gone_from_answers_and_404(api: Api) -> None:
    file_id = api.upload("pine.md", FACT).json()["file_id"]
    api.upload("whale.md", "Blue whales reach a length of 30 meters.")
    path = f"/files/{api.local.name}/{file_id}"
    deleted = api.call("DELETE", path)
    assert (deleted.status_code, deleted.json()["operation_type"], deleted.json()["status"]) == (
        202,
        "delete_file",
        "Completed",
    )
    for method in ("GET", "DELETE"):
        response = api.call(method, path)
        assert response.status_code == 404
        assert response.json()["error"]["message"] == f"File with id {file_id}  not found in provided assistant"
    assert "could not find" in api.ask("How high is a red pine?")


def test_an_unknown_operation_is_404(api: Api) -> None:
    response = api.call("GET", f"/operations/{api.local.name}/op-1")
    assert (response.status_code, response.json()["error"]["message"]) == (404, "Operation op-1 not found.")


def test_operations_are_filtered_and_come_in_pages(api: Api) -> None:
    first = api.upload("a.md", FACT).json()["file_id"]
    api.upload("b.txt", b"")
    api.call("DELETE", f"/files/{api.local.name}/{first}")
    path = f"/operations/{api.local.name}"

    def kinds(**query: str) -> list[str]:
        return [one["operation_type"] for one in api.call("GET", path, params=query).json()["operations"]]

    assert kinds() == ["upload_file", "upload_file", "delete_file"]
    assert kinds(operation_type="delete_file") == ["delete_file"]
    assert kinds(status="Failed") == ["upload_file"]
    assert kinds(status="Processing") == []
    page = api.call("GET", path, params={"limit": "2"}).json()
    assert len(page["operations"]) == 2
    assert kinds(pagination_token=page["pagination"]["next"]) == ["delete_file"]
    for query in ({"status": "Done"}, {"operation_type": "x"}, {"limit": "0"}):
        assert api.call("GET", path, params=query).status_code == 400


@pytest.mark.parametrize("digits", [19, 40, 5000])
def test_a_number_that_no_row_and_no_page_can_have_is_400(api: Api, digits: int) -> None:
    """It was 500: SQLite takes 64 bits, and Python refuses to read more than 4,300 digits."""
    token = base64.urlsafe_b64encode(b"9" * digits).decode()
    for query in ({"pagination_token": token}, {"limit": "9" * digits}):
        assert api.call("GET", f"/files/{api.local.name}", params=query).status_code == 400


def test_files_come_in_pages_of_50(api: Api) -> None:
    for number in range(52):
        api.local.upload_text(f"{number}.txt", f"Fact number {number}.", {"even": number % 2 == 0})
    path = f"/files/{api.local.name}"
    page = api.call("GET", path).json()
    assert len(page["files"]) == 50
    rest = api.call("GET", path, params={"pagination_token": page["pagination"]["next"]}).json()
    assert [file["name"] for file in rest["files"]] == ["50.txt", "51.txt"]
    assert "pagination" not in rest
    even = api.call("GET", path, params={"filter": '{"even": true}', "limit": "100"}).json()
    assert len(even["files"]) == 26
    api.version = "2025-10"
    assert len(api.call("GET", path).json()["files"]) == 52


@pytest.mark.parametrize("change", ["signature=0", "expires=99999999999", "assistant"])
def test_a_link_that_was_changed_does_not_work(api: Api, change: str) -> None:
    file_id = api.upload("pine.md", FACT).json()["file_id"]
    url = api.call("GET", f"/files/{api.local.name}/{file_id}?include_url=true").json()["signed_url"]
    assert requests.get(url, timeout=20).text == FACT
    name, _, _ = change.partition("=")
    changed = (
        url.replace("/local-assistant/", "/other/") if name == "assistant" else re.sub(rf"{name}=\w+", change, url)
    )
    assert changed != url
    response = requests.get(changed, timeout=20)
    assert (response.status_code, FACT in response.text) == (403, False)


def test_a_link_is_served_so_that_no_browser_runs_it(api: Api) -> None:
    file_id = api.upload("pine.md", "<script>alert(1)</script> pine").json()["file_id"]
    url = api.call("GET", f"/files/{api.local.name}/{file_id}?include_url=true").json()["signed_url"]
    headers = requests.get(url, timeout=20).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox"
    assert headers["content-type"].startswith("text/markdown")


def test_a_link_expires() -> None:
    now = 1_000_000.0
    links = Links(lambda: now)
    url = links.sign("http://h", "a", "f")
    match = re.fullmatch(r"http://h/assistant/signed/a/f\?expires=(\d+)&signature=(\w+)", url)
    assert match is not None
    assert links.is_valid("a", "f", *match.groups())
    now += LIFETIME_SECONDS - 1
    assert links.sign("http://h", "a", "f") == url
    now += LIFETIME_SECONDS + 2
    assert not links.is_valid("a", "f", *match.groups())
    assert links.sign("http://h", "a", "f") != url


def test_links_of_another_server_do_not_work() -> None:
    with LocalAssistant() as one, LocalAssistant() as two:
        for local in (one, two):
            local.upload_text("pine.md", FACT)
        url = _link_of_first_file(one)
        assert requests.get(url, timeout=20).status_code == 200
        assert requests.get(url.replace(one.host, two.host), timeout=20).status_code == 403


def _link_of_first_file(local: LocalAssistant) -> str:
    with requests.Session() as session:
        api = Api(local, session=session)
        [file] = api.call("GET", f"/files/{local.name}").json()["files"]
        url = api.call("GET", f"/files/{local.name}/{file['id']}?include_url=true").json()["signed_url"]
        assert isinstance(url, str)
        return url


def test_a_flag_that_is_neither_true_nor_false_is_400(api: Api) -> None:
    file_id = api.upload("pine.md", FACT).json()["file_id"]
    assert api.call("GET", f"/files/{api.local.name}/{file_id}?include_url=yes").status_code == 400
    assert api.call("GET", f"/files/{api.local.name}/{file_id}?include_url=").status_code == 400
    assert api.upload("pine.md", FACT, query={"multimodal": "maybe"}).status_code == 400
