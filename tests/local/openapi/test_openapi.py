"""The local assistant's responses against Pinecone's OpenAPI descriptions, where these are available."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from pinecone_assistant_local import LocalAssistant

from ..documents.made_files import docx, jpeg, paragraph, pdf
from .descriptions import FOLDER, VERSIONS, Operation, read_operations

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the OpenAPI descriptions are not at {FOLDER}")

FACT = "The red pine can grow up to 25 meters high."
ASK = {"messages": [{"role": "user", "content": "How high can a red pine grow?"}]}


@dataclass
class CheckedApi:
    """Makes calls and checks every response; remembers which documented successes it has seen."""

    local: LocalAssistant
    version: str
    session: requests.Session
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.operations = read_operations(self.version)

    def call(self, method: str, path: str, *, key: str = "local", **options: Any) -> requests.Response:
        headers = {"Api-Key": key, "X-Pinecone-Api-Version": self.version}
        url = f"{self.local.host}/assistant{path}"
        response = self.session.request(method, url, headers=headers, timeout=20, **options)
        operation = self.operation_of(method, urlsplit(path).path)
        operation.check(response.status_code, response.headers.get("content-type", ""), response.content)
        self.seen.add((operation.method, operation.template, response.status_code))
        return response

    def operation_of(self, method: str, path: str) -> Operation:
        [operation] = [operation for operation in self.operations if operation.matches(method, path)]
        return operation

    def upload(self, method: str, path: str, name: str, content: str, *, expect: int) -> Any:
        """Upload a file with metadata in the place that the version requires."""
        metadata = json.dumps({"topic": "trees", "year": 2026, "tags": ["a"], "done": True})
        where: dict[str, Any] = {"data": {"metadata": metadata}} if self.is_new else {"params": {"metadata": metadata}}
        response = self.call(method, path, files={"file": (name, content)}, **where)
        assert response.status_code == expect, response.text
        return response.json()

    @property
    def is_new(self) -> bool:
        return self.version >= "2026-04"


@pytest.fixture(params=VERSIONS)
def api(request: pytest.FixtureRequest) -> Iterator[CheckedApi]:
    with LocalAssistant() as local, requests.Session() as session:
        yield CheckedApi(local, request.param, session)


def _fill(api: CheckedApi) -> tuple[str, str]:
    """Upload a good and a broken file; return their identifiers."""
    status, id_field = (202, "file_id") if api.is_new else (200, "id")
    path = f"/files/{api.local.name}"
    good = api.upload("POST", path, "pine.md", FACT, expect=status)[id_field]
    broken = api.upload("POST", path, "broken.json", "{", expect=status)[id_field]
    return str(good), str(broken)


def test_every_documented_success_is_answered_as_described(api: CheckedApi) -> None:
    """All of an API version; an operation that is described but not called here fails the test."""
    api.call("POST", "/assistants", json={"name": "other", "instructions": "Be kind.", "metadata": {"a": {"b": 1}}})
    api.call("POST", "/assistants", json={"name": "bare"})
    api.call("PATCH", "/assistants/other", json={"instructions": "Be short.", "metadata": {}})
    for path in ("/assistants", "/assistants?limit=1", "/assistants/bare"):
        api.call("GET", path)
    api.call("DELETE", "/assistants/other")

    good, broken = _fill(api)
    files = f"/files/{api.local.name}"
    for path in (files, f"{files}?limit=1", f"{files}/{good}?include_url=true", f"{files}/{good}", f"{files}/{broken}"):
        api.call("GET", path)
    if api.is_new:
        api.upload("PUT", f"{files}/own-id", "whale.md", "Whales swim.", expect=202)
        operations = api.call("GET", f"/operations/{api.local.name}").json()["operations"]
        api.call("GET", f"/operations/{api.local.name}?limit=1&status=Completed")
        for operation in operations:
            api.call("GET", f"/operations/{api.local.name}/{operation['id']}")

    chat = f"/chat/{api.local.name}"
    for stream in (False, True):
        api.call("POST", f"{chat}/chat/completions", json={**ASK, "stream": stream, "filter": {"topic": "trees"}})
        for highlights in (False, True):
            api.call("POST", chat, json={**ASK, "stream": stream, "include_highlights": highlights})
    api.call("POST", chat, json={**ASK, "json_response": True})
    found = api.call("POST", f"{chat}/context", json={"query": "red pine", "top_k": 2})
    assert found.json()["snippets"]
    evaluation = {"question": "How high?", "answer": "25 meters.", "ground_truth_answer": "30 meters."}
    api.call("POST", "/evaluation/metrics/alignment", json=evaluation)

    for file_id in (good, broken):
        api.call("DELETE", f"{files}/{file_id}")
    described = {(one.method, one.template, status) for one in api.operations for status in one.success_statuses()}
    assert described - api.seen == set()


def test_errors_are_described_error_responses(api: CheckedApi) -> None:
    _fill(api)
    name = api.local.name
    answers = [
        api.call("GET", "/assistants", key="wrong"),
        api.call("GET", "/assistants/nobody"),
        api.call("POST", "/assistants", json={"name": "-"}),
        api.call("POST", "/assistants", json={"name": name}),
        api.call("POST", "/assistants", data=b"{"),
        api.call("PATCH", f"/assistants/{name}", json={}),
        api.call("GET", f"/files/{name}?filter=x"),
        api.call("GET", f"/files/{name}/nothing"),
        api.call("POST", f"/files/{name}", data=b"x"),
        api.call("POST", f"/chat/{name}", json={**ASK, "model": "gpt-1"}),
        api.call("POST", f"/chat/{name}/chat/completions", json={"messages": []}),
        api.call("POST", f"/chat/{name}/context", json={}),
        api.call("POST", "/chat/nobody", json=ASK),
        api.call("POST", "/evaluation/metrics/alignment", json={"question": "Why?"}),
    ]
    assert [answer.status_code for answer in answers] == [
        401,
        404,
        400,
        409,
        400,
        400,
        400,
        404,
        400,
        400,
        400,
        400,
        404,
        422,
    ]


def test_context_snippets_of_every_file_type_are_described(api: CheckedApi) -> None:
    contents = {
        "a.txt": FACT.encode(),
        "b.md": f"# Pines\n\n{FACT}".encode(),
        "c.json": json.dumps({"red pine": FACT}).encode(),
        "d.pdf": pdf([FACT]),
        "e.docx": docx(paragraph(FACT)),
    }
    for name, content in contents.items():
        api.call("POST", f"/files/{api.local.name}", files={"file": (name, content)})
    found = api.call("POST", f"/chat/{api.local.name}/context", json={"query": "red pine"}).json()
    references = {snippet["reference"]["type"]: snippet["reference"] for snippet in found["snippets"]}
    assert set(references) == {"text", "markdown", "json", "pdf", "doc_x"}
    assert references["pdf"]["pages"] == references["doc_x"]["pages"] == [1]


@pytest.mark.parametrize("with_data", [True, False])
def test_images_are_described_where_the_version_has_them(api: CheckedApi, with_data: bool) -> None:
    files = {"file": ("pine.pdf", pdf([FACT, jpeg()]))}
    api.call("POST", f"/files/{api.local.name}", params={"multimodal": "true"}, files=files)
    asked = {"query": "red pine", "multimodal": True, "include_binary_content": with_data}
    [snippet] = api.call("POST", f"/chat/{api.local.name}/context", json=asked).json()["snippets"]
    assert snippet["type"] == ("multimodal" if api.version >= "2025-10" else "text")
    if snippet["type"] == "multimodal":
        [image] = [block for block in snippet["content"] if block["type"] == "image"]
        assert ("image" in image) == with_data
