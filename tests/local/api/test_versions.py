"""Effect of a request's API version on its answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from pinecone_assistant_local.api import files as endpoints_files
from pinecone_assistant_local.api.versions import SUPPORTED
from pinecone_assistant_local.service.ingest import Ingest
from pinecone_assistant_local.store.files import StoredFile

from ..conftest import Api

FACT = "The red pine can grow up to 25 meters high."
OLD = [version for version in SUPPORTED if version < "2026-04"]
NEW = [version for version in SUPPORTED if version >= "2026-04"]
FLOATS = ("2025-01", "2025-04")
OLD_FILE = {"percent_done", "error_message"}


@pytest.fixture(params=SUPPORTED)
def versioned(api: Api, request: pytest.FixtureRequest) -> Api:
    """The client of the empty local assistant, in every version."""
    api.version = request.param
    return api


def _upload(api: Api, text: str = FACT) -> str:
    """Upload a file in the way of the version and return its identifier."""
    if api.version in NEW:
        return str(api.upload("pine.md", text, metadata={"a": 1}).json()["file_id"])
    return str(api.upload("pine.md", text, query={"metadata": json.dumps({"a": 1})}).json()["id"])


def test_a_file_has_the_fields_of_its_version(versioned: Api) -> None:
    file_id = _upload(versioned)
    described = versioned.call("GET", f"/files/{versioned.local.name}/{file_id}").json()
    [listed] = versioned.call("GET", f"/files/{versioned.local.name}").json()["files"]
    for file in (described, listed):
        assert OLD_FILE & set(file) == (set() if versioned.version in NEW else OLD_FILE)
        # Recordings of early 2025 have a size that no description of those versions names, written as a float.
        assert (file["size"], type(file["size"])) == (len(FACT), float if versioned.version in FLOATS else int)
        assert file["metadata"] == {"a": 1}


def test_a_file_that_one_version_uploads_every_version_sees_and_one_deletes(api: Api) -> None:
    for uploads in (OLD[0], OLD[-1], NEW[0], NEW[-1]):
        api.version = uploads
        file_id = _upload(api)
        for api.version in SUPPORTED:
            assert api.call("GET", f"/files/{api.local.name}/{file_id}").json()["status"] == "Available"
            assert "25 meters" in api.ask("How high is a red pine?")
        api.version = NEW[0] if uploads in OLD else OLD[-1]
        assert api.call("DELETE", f"/files/{api.local.name}/{file_id}").status_code in (200, 202)
        api.version = uploads
        assert api.call("GET", f"/files/{api.local.name}/{file_id}").status_code == 404


def test_metadata_goes_where_the_version_wants_it(versioned: Api) -> None:
    in_query = versioned.upload("pine.md", FACT, query={"metadata": "{}"}).status_code
    in_form = versioned.upload("pine.md", FACT, metadata={"a": 1}).status_code
    assert (in_query, in_form) == ((400, 202) if versioned.version in NEW else (200, 400))


def test_upsert_and_operations_are_there_from_2026_04_on(versioned: Api) -> None:
    expected = (202, 200) if versioned.version in NEW else (404, 404)
    upsert = versioned.upload("pine.md", FACT, method="PUT", file_id="my-id")
    operations = versioned.call("GET", f"/operations/{versioned.local.name}")
    assert (upsert.status_code, operations.status_code) == expected


def test_lists_come_in_pages_from_2026_04_on(versioned: Api) -> None:
    _upload(versioned)
    _upload(versioned)
    versioned.call("POST", "/assistants", json={"name": "other"})
    for path, key in (("/assistants", "assistants"), (f"/files/{versioned.local.name}", "files")):
        body = versioned.call("GET", path, params={"limit": "1"}).json()
        assert len(body[key]) == (1 if versioned.version in NEW else 2)
        assert ("pagination" in body) == (versioned.version in NEW)


def test_the_region_is_shown_from_2026_04_on(versioned: Api) -> None:
    created = versioned.call("POST", "/assistants", json={"name": "mine", "region": "eu"})
    listed = versioned.call("GET", "/assistants").json()["assistants"]
    assert ("region" in created.json()) == ("region" in listed[0]) == (versioned.version in NEW)


@pytest.mark.parametrize("region", ["", {}, 0, "US"])
def test_a_region_that_is_there_must_be_one(api: Api, region: object) -> None:
    response = api.call("POST", "/assistants", json={"name": "mine", "region": region})
    assert response.status_code == 400


def test_every_version_refuses_an_environment(versioned: Api) -> None:
    response = versioned.call("POST", "/assistants", json={"name": "mine", "environment": "prod"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


def test_every_version_chats_and_finds_context(versioned: Api) -> None:
    _upload(versioned)
    question = "How high is a red pine?"
    chat = versioned.chat(question, context_options={"top_k": 3, "snippet_size": 512}).json()
    assert ("context_snippet_count" in chat) == (versioned.version in NEW)
    assert chat["citations"][0]["references"][0]["file"]["signed_url"]
    assert "25 meters" in versioned.ask(question)
    assert versioned.context(query=question, top_k=1, snippet_size=512, multimodal=False).status_code == 200


def test_the_methods_of_a_path_are_named(api: Api) -> None:
    response = api.call("OPTIONS", f"/assistants/{api.local.name}")
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"DELETE", "GET", "HEAD", "PATCH"}


def test_a_method_that_a_version_does_not_have_is_not_named(versioned: Api) -> None:
    """PUT of a file came with 2026-04; schemathesis found it listed for older versions."""
    response = versioned.call("OPTIONS", f"/files/{versioned.local.name}/x")
    assert response.status_code == 405
    assert ("PUT" in response.headers["allow"].split(", ")) == (versioned.version in NEW)


@pytest.mark.parametrize(
    ("version", "user_agent", "statuses"),
    [
        ("2025-01", "python-client-7.3.0 (urllib3:2.8.0)", [200, 404]),
        ("2025-01", "curl/8.5.0", [404, 404]),
        ("2025-10", "python-client-8.1.2", [200, 404]),
        ("2025-10", "python-client-9.1.0", [404, 404]),
        ("2025-10", "python-client-10.2.0", [404, 404]),
        ("2025-10", "curl/8.5.0", [404, 404]),
    ],
)
def test_the_plugins_alone_find_what_they_deleted_once_more(
    api: Api, version: str, user_agent: str, statuses: list[int]
) -> None:
    """They poll what they have just deleted; a 404 ends the polling, but raises if it comes at once."""
    api.version = version
    headers = {"User-Agent": user_agent}
    file_path = f"/files/{api.local.name}/{_upload(api)}"
    for path, leaving in ((file_path, "Deleting"), (f"/assistants/{api.local.name}", "Terminating")):
        assert api.call("DELETE", path, headers=headers).status_code == 200
        looks = [api.call("GET", path, headers=headers) for _ in range(2)]
        assert [look.status_code for look in looks] == statuses
        assert statuses[0] == 404 or looks[0].json()["status"] == leaving


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Processing waits for this event, and nobody waits long for processing."""
    released = threading.Event()
    process = Ingest.process

    def wait_and_process(self: Ingest, file: StoredFile) -> None:
        assert released.wait(20)
        process(self, file)

    monkeypatch.setattr(Ingest, "process", wait_and_process)
    monkeypatch.setattr(endpoints_files, "PROCESSING_WAIT_SECONDS", 0.05)
    yield released
    released.set()


def test_an_upload_that_takes_long_is_processing_and_then_completed(
    api: Api, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = api.upload("pine.md", FACT).json()
    assert (operation["status"], operation["percent_complete"], "completed_on" in operation) == ("Processing", 0, False)
    file_path = f"/files/{api.local.name}/{operation['file_id']}"
    assert api.call("GET", file_path).json()["status"] == "Processing"
    api.version = "2025-10"
    file = api.call("GET", file_path).json()
    assert (file["status"], file["percent_done"]) == ("Processing", 0.0)
    assert api.completions("How high?").status_code == 400
    held.set()
    monkeypatch.setattr(endpoints_files, "PROCESSING_WAIT_SECONDS", 2.0)
    api.version = "2026-04"
    done = api.call("GET", f"/operations/{api.local.name}/{operation['id']}").json()
    assert (done["status"], done["percent_complete"]) == ("Completed", 100)
    assert done["ingestion_units"] >= 1
    assert api.call("GET", file_path).json()["status"] == "Available"


def test_a_first_poll_waits_for_processing_to_end(
    api: Api, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints_files, "PROCESSING_WAIT_SECONDS", 2.0)
    threading.Timer(0.2, held.set).start()
    assert api.upload("pine.md", FACT).json()["status"] == "Completed"


def test_deleting_a_file_in_processing_fails_its_operation(api: Api, held: threading.Event) -> None:
    operation = api.upload("pine.md", FACT).json()
    assert api.call("DELETE", f"/files/{api.local.name}/{operation['file_id']}").status_code == 202
    ended = api.call("GET", f"/operations/{api.local.name}/{operation['id']}").json()
    assert (ended["status"], ended["error_message"]) == ("Failed", "The file was deleted.")
