"""Faults on demand over HTTP, for tests in another process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pinecone_assistant_local import LocalAssistant

from ..conftest import Api, events_of


@pytest.fixture
def api() -> Iterator[Api]:
    with LocalAssistant(serve_faults=True) as local, requests.Session() as session:
        local.reply("A red pine grows to 25 meters.")
        yield Api(local, session=session)


def _faults(api: Api, method: str, path: str = "", key: str = "local", **options: object) -> requests.Response:
    url = f"{api.local.host}/_faults{path}"
    return requests.request(method, url, headers={"Api-Key": key}, json=options or None, timeout=20)


def test_a_fault_is_set_strikes_and_counts(api: Api) -> None:
    added = _faults(api, "POST", status=429, retry_after=1, times=2)
    assert (added.status_code, added.json()) == (
        201,
        {"id": 1, "on": "chat", "status": 429, "retry_after": 1.0, "times": 2, "fired": 0},
    )
    answers = [api.completions("?!") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    listed = _faults(api, "GET").json()
    assert listed["fired"] == 2
    assert [fault["fired"] for fault in listed["faults"]] == [2]


def test_a_method_and_path_are_a_list(api: Api) -> None:
    _faults(api, "POST", on=["GET", "/assistant/files/*"], status=503)
    assert api.call("GET", f"/files/{api.local.name}").status_code == 503
    assert api.call("GET", "/assistants").status_code == 200


def test_one_fault_ends_and_the_others_stay(api: Api) -> None:
    first, second = (_faults(api, "POST", status=status).json()["id"] for status in (500, 503))
    assert _faults(api, "DELETE", f"/{first}").json()["fired"] == 0
    assert api.completions("?!").status_code == 503
    assert _faults(api, "DELETE", f"/{first}").status_code == 404
    assert [fault["id"] for fault in _faults(api, "GET").json()["faults"]] == [second]


def test_clearing_ends_all(api: Api) -> None:
    _faults(api, "POST", status=500)
    assert api.completions("?!").status_code == 500
    assert _faults(api, "DELETE").status_code == 204
    assert api.completions("?!").status_code == 200
    assert _faults(api, "GET").json() == {"faults": [], "fired": 0}


def test_streams_are_cut_and_delayed_over_http_too(api: Api) -> None:
    _faults(api, "POST", error_after_events=1, heartbeats=2, first_token_delay_seconds=0.01, token_delay_seconds=0.01)
    response = api.completions("?!", stream=True)
    assert response.content.startswith(b":\n\n:\n\n")
    assert "error" in events_of(response)[-1]


@pytest.mark.parametrize(
    "options",
    [{"statuss": 429}, {"status": "429"}, {"status": 42}, {"on": "chats"}, {"on": ["GET"]}, {"times": 0}, {"fired": 1}],
)
def test_a_fault_that_makes_no_sense_is_refused(api: Api, options: dict[str, Any]) -> None:
    response = _faults(api, "POST", **options)
    assert response.status_code == 400
    assert "Invalid fault" in response.json()["error"]["message"]
    assert _faults(api, "GET").json()["faults"] == []


def test_it_needs_the_key(api: Api) -> None:
    assert _faults(api, "POST", key="wrong", status=500).status_code == 401


def test_it_is_neither_recorded_nor_struck(api: Api) -> None:
    _faults(api, "POST", on="all", status=500)
    assert _faults(api, "GET").status_code == 200
    assert api.local.requests == []


def test_without_asking_for_it_there_is_no_such_path() -> None:
    with LocalAssistant() as local, requests.Session() as session:
        assert _faults(Api(local, session=session), "GET").status_code == 404
