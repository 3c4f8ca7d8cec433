"""Servers and a plain HTTP client for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from pinecone_assistant_local import LocalAssistant

from .corpus import DOCUMENTS


@dataclass
class Api:
    """A plain HTTP client of a local assistant."""

    local: LocalAssistant
    version: str | None = "2026-04"
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Api-Key": self.local.api_key}
        if self.version is not None:
            headers["X-Pinecone-Api-Version"] = self.version
        headers.update(options.pop("headers", {}))
        options.setdefault("timeout", 20)
        url = f"{self.local.host}/assistant{path}"
        return self.session.request(method, url, headers=headers, **options)

    def completions(self, question: object, **body: object) -> requests.Response:
        """POST /chat/{assistant}/chat/completions with one user message, or with the messages given."""
        return self.call("POST", f"/chat/{self.local.name}/chat/completions", json=_body(question, body))

    def chat(self, question: object, **body: object) -> requests.Response:
        """POST /chat/{assistant}."""
        return self.call("POST", f"/chat/{self.local.name}", json=_body(question, body))

    def context(self, **body: object) -> requests.Response:
        """POST /chat/{assistant}/context."""
        return self.call("POST", f"/chat/{self.local.name}/context", json=body)

    def ask(self, question: object, **body: object) -> str:
        """The text of an answer on /chat/completions."""
        response = self.completions(question, **body)
        assert response.status_code == 200, response.text
        text = response.json()["choices"][0]["message"]["content"]
        assert isinstance(text, str)
        return text

    def upload(self, name: str, content: bytes | str, *, metadata: object = None, method: str = "POST", file_id: str = "",
               query: dict[str, str] | None = None) -> requests.Response:  # fmt: skip
        """Uploads a file as a multipart body."""
        path = f"/files/{self.local.name}" + (f"/{file_id}" if file_id else "")
        data = {} if metadata is None else {"metadata": json.dumps(metadata)}
        return self.call(method, path, files={"file": (name, content)}, data=data, params=query)


def _body(question: object, body: dict[str, object]) -> dict[str, object]:
    messages = [{"role": "user", "content": question}] if isinstance(question, str) else question
    return {"messages": messages, **body}


def events_of(response: requests.Response) -> list[dict[str, Any]]:
    """Return the events of a streamed answer, and check their framing."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = response.content.decode().split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith(("data:{", ":")) for block in blocks)
    return [json.loads(block[len("data:") :]) for block in blocks if block.startswith("data:")]


def text_of(events: list[dict[str, Any]]) -> str:
    """Return the text in the events of /chat/completions."""
    choices = [choice for event in events for choice in event.get("choices", [])]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.fixture
def local() -> Iterator[LocalAssistant]:
    """An empty local assistant."""
    with LocalAssistant() as assistant:
        yield assistant


@pytest.fixture
def api(local: LocalAssistant) -> Iterator[Api]:
    """A client of the empty local assistant."""
    with requests.Session() as session:
        yield Api(local, session=session)


@pytest.fixture(scope="session")
def library() -> Iterator[Api]:
    """A client of a local assistant with the test documents in it; tests only read from it."""
    with LocalAssistant() as assistant, requests.Session() as session:
        for name, text in DOCUMENTS.items():
            topic = "nature" if name in ("red_pine.md", "blue_whale.md") else "other"
            assistant.upload_text(name, text, {"topic": topic})
        yield Api(assistant, session=session)
