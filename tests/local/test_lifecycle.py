"""Starting, stopping, and the methods of the object for tests."""

from __future__ import annotations

import gc
import io
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from pinecone_assistant_client import AssistantClient, AssistantError, AssistantFile, InvalidRequestError, NotFoundError
from pinecone_assistant_local import LocalAssistant

from .conftest import Api

FACT = "The red pine can grow up to 25 meters high."


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_closing_leaves_no_thread_and_no_descriptor() -> None:
    with LocalAssistant():
        pass  # the first start imports modules and opens files that stay open
    threads, descriptors = set(threading.enumerate()), _open_descriptors()
    for _ in range(3):
        with LocalAssistant() as local, requests.Session() as session:
            api = Api(local, session=session)
            local.upload_text("pine.md", FACT)
            api.ask("How high is a red pine?")
    gc.collect()
    assert set(threading.enumerate()) == threads
    assert _open_descriptors() == descriptors


def test_closing_removes_the_temporary_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with LocalAssistant():
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_closing_ends_streams_that_are_still_running() -> None:
    with LocalAssistant(token_delay_seconds=30) as local:
        local.reply("A long answer.")
        url = f"{local.host}/assistant/chat/{local.name}/chat/completions"
        body = {"messages": [{"role": "user", "content": "?!"}], "stream": True}
        response = requests.post(url, json=body, headers={"Api-Key": "local"}, stream=True, timeout=20)
        assert next(response.iter_content(16))
        began = time.perf_counter()
    assert time.perf_counter() - began < 5
    response.close()


def test_closing_twice_is_closing_once() -> None:
    local = LocalAssistant().start()
    local.close()
    local.close()


def test_using_it_before_the_start_says_so() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        LocalAssistant().upload_text("pine.md", FACT)


def test_a_port_in_use_is_an_error_that_names_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            LocalAssistant(port=port).start()


@pytest.mark.parametrize("key", ["", " key", "key\n", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="api_key"):
        LocalAssistant(api_key=key)


def test_environ_points_every_client_to_it(local: LocalAssistant) -> None:
    assert local.environ == {
        "PINECONE_API_KEY": "local",
        "PINECONE_ASSISTANT_NAME": local.name,
        "PINECONE_ASSISTANT_HOST": local.host,
        "PINECONE_CONTROLLER_HOST": local.host,
        "PINECONE_PLUGIN_ASSISTANT_CONTROL_HOST": local.host,
        "PINECONE_PLUGIN_ASSISTANT_DATA_HOST": local.host,
    }
    assert local.host.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("kind", ["path", "text path", "bytes", "stream"])
def test_upload_takes_what_the_clients_upload_takes(local: LocalAssistant, api: Api, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pine.txt"
    path.write_text(FACT)
    sent: Any = {"path": path, "text path": str(path), "bytes": FACT.encode(), "stream": io.BytesIO(FACT.encode())}[
        kind
    ]
    uploads = {
        "local": local.upload(sent, name="a.txt", file_id="id-1", metadata={"topic": "trees"}, timeout=20),
        "client": local.files.upload(FACT.encode(), name="a.txt", file_id="id-2", metadata={"topic": "trees"}),
    }
    for file in uploads.values():
        assert isinstance(file, AssistantFile)
        assert (file.name, file.status, file.metadata, file.size) == (
            "a.txt",
            "Available",
            {"topic": "trees"},
            len(FACT),
        )
    assert [file.id for file in local.files.list(filter={"topic": "trees"})] == ["id-1", "id-2"]
    assert local.files.read("id-1") == FACT.encode()
    assert "25 meters" in api.ask("How high is a red pine?")


def test_local_files_lists_and_deletes(local: LocalAssistant) -> None:
    ids = [local.upload_text(f"{name}.md", FACT).id for name in "ab"]
    local.files.delete(ids[0])
    assert [(file.id, file.name) for file in local.files.list()] == [(ids[1], "b.md")]
    with pytest.raises(NotFoundError):
        local.files.get(ids[0])


def test_equal_uploads_in_equal_order_get_equal_identifiers_and_no_two_the_same() -> None:
    def ids() -> list[str]:
        with LocalAssistant() as local:
            return [local.upload_text("pine.md", FACT + " " * spaces).id for spaces in range(3)]

    first = ids()
    assert first == ids()
    assert len(set(first)) == 3


def test_identifiers_go_on_in_a_kept_store(tmp_path: Path) -> None:
    """They would replace the files of the run before."""
    for _ in range(2):
        with LocalAssistant(data_dir=tmp_path) as local:
            local.upload_text("pine.md", FACT)
    with LocalAssistant(data_dir=tmp_path) as local:
        assert len(list(local.files.list())) == 2


def test_uploads_of_a_test_are_neither_recorded_nor_struck_nor_reported() -> None:
    """Those of the code under test are."""
    lines: list[str] = []
    with LocalAssistant(on_request=lines.append) as local:
        fault = local.faults.add(on="all", status=503)
        local.upload_text("pine.md", FACT)
        local.upload(FACT.encode(), name="other.md")
        assert (local.requests, fault.fired, lines) == ([], 0, [])
        fault.remove()
        with local.client() as client:
            client.files.upload(FACT.encode(), name="third.md")
        assert [one.method for one in local.requests] == ["PUT", "GET"]
        stranger = {"Api-Key": local.api_key, "X-Local-Author": "guessed"}
        requests.get(f"{local.host}/assistant/assistants", headers=stranger, timeout=20)
        assert len(local.requests) == len(lines) == 3


def test_a_client_of_it_asks_it_whatever_the_environment_says(
    local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASSISTANT_NAME", "API_KEY", "ASSISTANT_HOST", "CONTROLLER_HOST"):
        monkeypatch.setenv(f"PINECONE_{name}", "http://127.0.0.1:9")
    local.reply("Yes.")
    with local.client(model="gpt-4.1", interface="standard", filter={"a": 1}) as client:
        assert isinstance(client, AssistantClient)
        assert client.chat([{"role": "user", "content": "Is it?"}]).content == "Yes."
    assert isinstance(local.requests[-1].body, dict)
    assert local.requests[-1].body["filter"] == {"a": 1}
    with pytest.raises(TypeError, match="no_such_option"):
        local.client(no_such_option=1)


def test_what_it_opened_is_closed_with_it() -> None:
    local = LocalAssistant().start()
    local.upload_text("pine.md", FACT)
    port = int(local.host.rpartition(":")[2])

    def connections() -> int:
        open_ones = psutil.Process().net_connections("tcp")
        return sum(one.raddr[1:] == (port,) and one.status == psutil.CONN_ESTABLISHED for one in open_ones)

    assert connections() == 0, "a test may count those of the code under test"
    local.files.get(next(iter(local.files.list())).id)
    assert connections() == 1
    local.close()
    assert connections() == 0
    with pytest.raises(RuntimeError, match="not running"):
        local.upload_text("pine.md", FACT)


def test_upload_takes_a_path(local: LocalAssistant, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "pine.txt"
    path.write_text(FACT)
    file = local.upload(path, metadata={"topic": "trees"})
    assert (file.name, file.metadata, file.size) == ("pine.txt", {"topic": "trees"}, len(FACT))
    assert "25 meters" in api.ask("How high is a red pine?")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("pine", FACT, "must end in one of"),
        ("pine.exe", FACT, "must end in one of"),
        ("pine.md", " \n ", "No text"),
        ("pine.json", '{"a": ', "not valid JSON"),
        ("pi\nne.md", FACT, "name"),
    ],
)
def test_an_upload_that_fails_raises_with_the_reason(local: LocalAssistant, name: str, text: str, reason: str) -> None:
    with pytest.raises(AssistantError, match=reason):
        local.upload_text(name, text)


@pytest.mark.parametrize("metadata", [{"a": None}, {"a": {"b": 1}}, {"$a": 1}, {"a": [1]}, {"a": "x" * 17_000}])
def test_an_upload_with_bad_metadata_raises(local: LocalAssistant, metadata: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError, match="etadata"):
        local.upload_text("pine.md", FACT, metadata)


def test_requests_record_bodies_and_never_the_key() -> None:
    with LocalAssistant(api_key="a-secret-key") as local, requests.Session() as session:
        api = Api(local, session=session)
        local.reply("Yes.")
        api.completions("Is it?", model="gpt-4.1")
        api.upload("pine.md", FACT, metadata={"a": 1})
        api.call("GET", "/assistants", headers={"X-Mine": "a-secret-key", "Api-Key": "wrong"})
        chat, upload, refused = local.requests
        assert (chat.method, chat.path) == ("POST", f"/assistant/chat/{local.name}/chat/completions")
        assert chat.version == "2026-04"
        assert chat.body == {"messages": [{"role": "user", "content": "Is it?"}], "model": "gpt-4.1"}
        assert upload.body == {"file": "pine.md", "size": len(FACT), "metadata": {"a": 1}}
        assert refused.path == "/assistant/assistants"
        assert "a-secret-key" not in repr(local.requests)


def test_reset_leaves_an_empty_assistant(local: LocalAssistant, api: Api) -> None:
    local.upload_text("pine.md", FACT)
    local.reply("Scripted.")
    local.faults.add(status=500)
    local.reset()
    assert local.requests == []
    assert local.faults.fired == 0
    assert api.completions("How high is a red pine?").status_code == 400
    assert api.call("GET", f"/files/{local.name}").json() == {"files": []}


def test_equal_files_and_requests_give_equal_answers_and_ids() -> None:
    def run() -> tuple[object, object]:
        with LocalAssistant(references=False) as local, requests.Session() as session:
            file = local.upload_text("pine.md", FACT)
            return Api(local, session=session).completions("How high is a red pine?").json(), file.id

    assert run() == run()


def test_a_repeated_question_has_another_id(library: Api) -> None:
    """Frameworks treat messages with equal ids as one message."""
    question = "How tall is a red pine in this test?"
    first, second = (library.completions(question).json() for _ in range(2))
    assert first["choices"] == second["choices"]
    assert first["id"] != second["id"]
    assert len(first["id"]) == 32


def test_files_in_a_data_dir_survive_a_restart(tmp_path: Path) -> None:
    with LocalAssistant(data_dir=tmp_path / "store") as local:
        local.upload_text("pine.md", FACT)
    with LocalAssistant(data_dir=tmp_path / "store") as local, requests.Session() as session:
        assert "25 meters" in Api(local, session=session).ask("How high is a red pine?")


def test_unfinished_work_is_done_at_the_next_start(tmp_path: Path) -> None:
    """A file that was acknowledged but not processed when the server died."""
    local = LocalAssistant(data_dir=tmp_path).start()
    store = local.service.store
    from pinecone_assistant_local.store.files import NewFile  # noqa: PLC0415  (the only test that looks inside)

    file, _ = store.files.add(local.name, NewFile("pine.md", FACT.encode()))
    local.close()
    with LocalAssistant(data_dir=tmp_path) as again, requests.Session() as session:
        found = Api(again, session=session).call("GET", f"/files/{again.name}/{file.id}")
        assert found.json()["status"] == "Available"
