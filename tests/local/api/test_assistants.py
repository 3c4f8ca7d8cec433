"""The control plane."""

from __future__ import annotations

import re

import pytest

from pinecone_assistant_local import LocalAssistant

from ..conftest import Api

OLD, NEW = "2025-01", "2026-04"


def _create(api: Api, **body: object) -> dict[str, object]:
    response = api.call("POST", "/assistants", json=body)
    assert response.status_code == 200, response.text
    created: dict[str, object] = response.json()
    return created


def test_create_is_initializing_and_describe_is_ready_with_a_host(api: Api) -> None:
    created = _create(api, name="mine", instructions="Be kind.", metadata={"team": {"nested": True}})
    assert created["status"] == "Initializing"
    assert "host" not in created
    found = api.call("GET", "/assistants/mine").json()
    assert (found["status"], found["host"]) == ("Ready", api.local.host)
    assert (found["instructions"], found["metadata"]) == ("Be kind.", {"team": {"nested": True}})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", found["created_at"])


def test_metadata_left_out_is_null_and_an_empty_one_stays(api: Api) -> None:
    assert _create(api, name="one")["metadata"] is None
    assert _create(api, name="two", metadata={})["metadata"] == {}


def test_the_region_is_in_the_answer_of_newer_versions_only(api: Api) -> None:
    assert _create(api, name="new", region="eu")["region"] == "eu"
    api.version = OLD
    assert "region" not in _create(api, name="old", region="eu")


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "ä", "a" * 64, None, 5, "a\n"])
def test_a_bad_name_is_400(api: Api, name: object) -> None:
    response = api.call("POST", "/assistants", json={"name": name})
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("Invalid assistant name")


def test_a_name_may_have_capitals_and_keeps_them(api: Api) -> None:
    """The live tests of the TypeScript SDK create such assistants."""
    _create(api, name="Test-ABC")
    assert api.call("GET", "/assistants/Test-ABC").json()["name"] == "Test-ABC"
    assert api.call("GET", "/assistants/test-abc").status_code == 404
    with LocalAssistant(name="My-Docs") as local:
        assert local.name == "My-Docs"


@pytest.mark.parametrize(("version", "limit"), [("2025-01", 45), ("2025-04", 45), ("2025-10", 63), (NEW, 63)])
def test_the_longest_name_depends_on_the_version(api: Api, version: str, limit: int) -> None:
    api.version = version
    assert api.call("POST", "/assistants", json={"name": "a" * (limit + 1)}).status_code == 400
    assert api.call("POST", "/assistants", json={"name": "a" * limit}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"region": "mars"},
        {"region": 5},
        {"environment": "prod"},
        {"instructions": 5},
        {"instructions": "x" * 17_000},
        {"metadata": []},
        {"metadata": {"a": "x" * 17_000}},
    ],
)
def test_a_bad_option_is_400(api: Api, body: dict[str, object]) -> None:
    response = api.call("POST", "/assistants", json={"name": "mine", **body})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


def test_the_region_error_is_the_services(api: Api) -> None:
    response = api.call("POST", "/assistants", json={"name": "mine", "region": "mars"})
    assert response.json()["error"]["message"] == "Invalid region: Valid options are us, eu"


def test_a_name_in_use_is_409(api: Api) -> None:
    response = api.call("POST", "/assistants", json={"name": api.local.name})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "ALREADY_EXISTS")


def test_patch_replaces_and_never_merges(api: Api) -> None:
    _create(api, name="mine", instructions="Be kind.", metadata={"a": 1, "b": 2})
    changed = api.call("PATCH", "/assistants/mine", json={"metadata": {"b": 3}}).json()
    assert (changed["metadata"], changed["instructions"]) == ({"b": 3}, "Be kind.")
    assert changed["host"] == api.local.host
    emptied = api.call("PATCH", "/assistants/mine", json={"instructions": "", "metadata": {}}).json()
    assert (emptied["instructions"], emptied["metadata"]) == ("", {})


def test_null_in_a_patch_changes_nothing(api: Api) -> None:
    _create(api, name="mine", instructions="Be kind.", metadata={"a": 1})
    changed = api.call("PATCH", "/assistants/mine", json={"instructions": None, "metadata": {"b": 2}}).json()
    assert (changed["instructions"], changed["metadata"]) == ("Be kind.", {"b": 2})
    assert api.call("PATCH", "/assistants/mine", json={"instructions": None, "metadata": None}).status_code == 400


def test_patch_without_a_change_is_400(api: Api) -> None:
    response = api.call("PATCH", f"/assistants/{api.local.name}", json={})
    assert (response.status_code, response.json()["error"]["message"]) == (400, "No updates provided")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_assistant_is_404(api: Api, method: str) -> None:
    response = api.call(method, "/assistants/nobody", json={"instructions": "x"} if method == "PATCH" else None)
    assert (response.status_code, response.json()["error"]["message"]) == (404, 'Assistant "nobody" not found.')


def test_a_deleted_assistant_takes_its_files_with_it(api: Api) -> None:
    api.upload("pine.md", "The red pine can grow up to 25 meters high.")
    assert api.call("DELETE", f"/assistants/{api.local.name}").status_code == 200
    assert api.completions("How high?").status_code == 404
    _create(api, name=api.local.name)
    assert api.call("GET", f"/files/{api.local.name}").json() == {"files": []}


def test_assistants_do_not_see_each_others_files(api: Api) -> None:
    api.upload("pine.md", "The red pine can grow up to 25 meters high.")
    _create(api, name="other")
    body = {"messages": [{"role": "user", "content": "How high is a red pine?"}]}
    assert api.call("POST", "/chat/other/chat/completions", json=body).status_code == 400


def test_the_list_comes_in_pages(api: Api) -> None:
    for number in range(4):
        _create(api, name=f"a{number}")
    names, token = [], ""
    while True:
        query = {"limit": "2", **({"pagination_token": token} if token else {})}
        page = api.call("GET", "/assistants", params=query).json()
        names.append([one["name"] for one in page["assistants"]])
        token = page.get("pagination", {}).get("next", "")
        if not token:
            break
    assert names == [["a0", "a1"], ["a2", "a3"], [api.local.name]]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"pagination_token": "%%%"}])
def test_a_bad_page_is_400(api: Api, query: dict[str, str]) -> None:
    assert api.call("GET", "/assistants", params=query).status_code == 400


def test_older_versions_list_everything_at_once(api: Api) -> None:
    api.version = OLD
    _create(api, name="mine")
    body = api.call("GET", "/assistants", params={"limit": "1"}).json()
    assert [one["name"] for one in body["assistants"]] == [api.local.name, "mine"]
    assert set(body) == {"assistants"}
