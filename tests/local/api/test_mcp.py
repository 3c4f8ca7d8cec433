"""The assistant's MCP endpoint, called by the official client."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

from pinecone_assistant_local import LocalAssistant

from ..conftest import Api

FACT = "A red pine grows up to 25 meters."
PAGE = Path(__file__).parents[3] / "docs" / "mcp.md"


@asynccontextmanager
async def session_of(local: LocalAssistant, key: str | None = None, path: str = "") -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {key or local.api_key}"}
    url = local.host + (path or f"/mcp/assistants/{local.name}")
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False) as http,
        streamable_http_client(url, http_client=http) as (reads, writes, _),
        ClientSession(reads, writes) as session,
    ):
        yield session


async def test_the_one_tool_finds_passages(local: LocalAssistant) -> None:
    local.upload_text("pine.md", f"# Trees\n\n{FACT}", {"topic": "trees"})
    local.upload_text("other.md", "A red pine is a tree.")
    async with session_of(local) as session:
        started = await session.initialize()
        assert local.name in started.serverInfo.name
        [tool] = (await session.list_tools()).tools
        assert (tool.name, set(tool.inputSchema["properties"])) == ("get_context", {"query", "top_k"})
        for arguments, count in (({"query": "red pine"}, 2), ({"query": "How high is a red pine?", "top_k": 1}, 1)):
            found = await session.call_tool("get_context", arguments)
            assert not found.isError
            assert len(found.content) == count
        [content] = found.content
    assert isinstance(content, TextContent)
    snippet = json.loads(content.text)
    assert snippet["content"].endswith(FACT)
    file = snippet["reference"]["file"]
    assert (file["name"], file["metadata"], file["signed_url"]) == ("pine.md", {"topic": "trees"}, None)
    assert "signature=" not in content.text


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("get_context", {"query": " "}, "Query cannot be empty"),
        ("get_context", {}, "query"),
        ("get_context", {"query": "x", "top_k": 65}, "65"),
        ("get_context", {"query": "x", "top_k": "many"}, "many"),
        ("get_all", {"query": "x"}, "this assistant has get_context"),
        ("get_context", {"query": "x"}, "no available files"),
    ],
)
async def test_a_wrong_call_is_an_error_of_the_tool_that_says_why(
    local: LocalAssistant, name: str, arguments: dict[str, Any], reason: str
) -> None:
    if "files" not in reason:
        local.upload_text("pine.md", FACT)
    async with session_of(local) as session:
        await session.initialize()
        found = await session.call_tool(name, arguments)
        assert found.isError
        [content] = found.content
        assert isinstance(content, TextContent)
        assert reason in content.text
        assert (await session.list_tools()).tools, "the session goes on"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "Basic bG9jYWw6", "local", "bearer  "])
def test_a_wrong_key_says_how_to_send_it(local: LocalAssistant, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = requests.post(f"{local.host}/mcp/assistants/{local.name}", json={}, headers=headers, timeout=20)
    assert response.status_code == 401
    assert response.json()["error"]["message"] == "Invalid API key. Send it as Authorization: Bearer <key>."
    assert "local" not in repr(local.requests[-1].headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("POST", "/mcp/assistants/nobody", 404, 'Assistant "nobody" not found.'),
        ("POST", "/mcp/assistants/", 404, "The MCP endpoint of an assistant is /mcp/assistants/<name>."),
        ("POST", "/mcp/local-assistant", 404, "The MCP endpoint of an assistant is /mcp/assistants/<name>."),
        ("POST", "/mcp", 404, "The MCP endpoint of an assistant is /mcp/assistants/<name>."),
        (
            "POST",
            "/mcp/assistants/local-assistant/sse",
            404,
            "The MCP endpoint of an assistant is /mcp/assistants/<name>.",
        ),
        (
            "POST",
            "/assistant/mcp/assistants/local-assistant",
            404,
            "endpoint of an assistant is /mcp/assistants/<name>.",
        ),
        ("POST", "/", 401, "only /mcp/assistants/<name> takes Authorization: Bearer <key>."),
        ("POST", "/assistants/local-assistant", 401, "only /mcp/assistants/<name> takes Authorization: Bearer <key>."),
        ("GET", "/mcp/assistants/local-assistant", 405, "GET is not supported"),
        ("DELETE", "/mcp/assistants/local-assistant", 405, "DELETE is not supported"),
    ],
)
def test_a_wrong_path_says_what_is_right(local: LocalAssistant, method: str, path: str, status: int, said: str) -> None:
    headers = {"Authorization": f"Bearer {local.api_key}"}
    response = requests.request(method, local.host + path, json={}, headers=headers, timeout=20)
    assert response.status_code == status
    assert said in response.json()["error"]["message"]


def test_the_path_under_assistant_names_the_right_one(api: Api) -> None:
    response = api.call("POST", f"/mcp/assistants/{api.local.name}", json={})
    assert (response.status_code, "is /mcp/assistants/<name>" in response.text) == (404, True)


def test_a_rebound_name_reaches_no_assistant(local: LocalAssistant) -> None:
    headers = {"Authorization": f"Bearer {local.api_key}", "Host": "rebound.example"}
    url = f"{local.host}/mcp/assistants/{local.name}"
    assert requests.post(url, json={}, headers=headers, timeout=20).status_code == 403


def test_without_the_extra_the_answer_names_it() -> None:
    code = """
import sys, requests
sys.modules["mcp"] = None
from pinecone_assistant_local import LocalAssistant
with LocalAssistant() as local:
    headers = {"Authorization": f"Bearer {local.api_key}"}
    response = requests.post(f"{local.host}/mcp/assistants/{local.name}", json={}, headers=headers)
    print(response.status_code, response.text)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("501 ")
    assert "extra 'mcp'" in done.stdout


BLOCKS = re.findall(r"(?<!-->\n)```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=["langchain", "llama_index"])
def test_the_page_runs_and_is_short(code: str) -> None:
    """In a process of its own: the local assistant of the page runs until its end."""
    assert len([line for line in code.splitlines() if line and not line.startswith(("import ", "from "))]) <= 10
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, cwd=PAGE.parents[1]
    )
    assert done.returncode == 0, done.stderr
    assert "43.8 meters" in done.stdout
