"""Promises of docs/SECURITY.md that span packages: where the key is sent, and which parts of an answer are stored."""

from __future__ import annotations

import logging
import pickle
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest
import requests
import trustme
from langchain_core.load import dumps
from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from pydantic import SecretStr

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine, PineconeAssistantQueryEngine
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantRetriever as NodeRetriever
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantError, AsyncAssistantClient
from pinecone_assistant_local import LocalAssistant

from .client.support.asking import KEY, Asking, Kind
from .client.support.bodies import CHAT_EVENTS, QUESTION, chat_answer
from .client.support.raw_server import RawServer, reply, streamed
from .langchain_adapter.conftest import Traces

SIGNED = "SECRETSIG"
"""Part of the signed link in every answer of tests/client/support/bodies.py."""
METHODS: dict[str, Callable[[Any], Any]] = {
    "whole": lambda asker: asker.chat_completion(QUESTION),
    "stream": lambda asker: list(asker.stream_chat_completion(QUESTION)),
    "standard": lambda asker: asker.chat(QUESTION),
    "standard stream": lambda asker: list(asker.stream_chat(QUESTION)),
    "context": lambda asker: asker.context("pine"),
}
ADAPTERS: dict[str, Callable[..., Any]] = {
    "chat model": lambda **words: ChatPineconeAssistant(**words).invoke("Hm?"),
    "retriever": lambda **words: PineconeAssistantRetriever(**words).invoke("Hm?"),
    "tool": lambda **words: PineconeAssistantTool(**words).invoke({"question": "Hm?"}),
    "LLM": lambda **words: PineconeAssistant(**words).complete("Hm?"),
    "query engine": lambda **words: PineconeAssistantQueryEngine(**words).query("Hm?"),
    "chat engine": lambda **words: PineconeAssistantChatEngine(**words).chat("Hm?"),
    "node retriever": lambda **words: NodeRetriever(**words).retrieve("Hm?"),
}


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Server that may receive the key."""
    with RawServer() as running:
        yield running


@pytest.fixture
def other() -> Iterator[RawServer]:
    """Server that must not receive the key."""
    with RawServer() as running:
        yield running
        assert running.connections == 0, "another host was connected to"


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, server: RawServer) -> Iterator[Asking]:
    """Ask the scripted server with either client."""
    kind: Kind = request.param
    asking = Asking(kind, server.url)
    yield asking
    asking.close()


# The key is sent to the configured host only


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", METHODS)
def test_no_method_follows_a_redirect(
    ask: Asking, server: RawServer, other: RawServer, method: str, status: int
) -> None:
    server.otherwise = reply(b"", status=status, headers={"Location": other.url})
    with pytest.raises(AssistantError, match="redirect"):
        METHODS[method](ask())
    assert len(server.requests) == 1


def test_the_look_up_of_a_host_follows_no_redirect(ask: Asking, server: RawServer, other: RawServer) -> None:
    server.otherwise = reply(b"", status=307, headers={"Location": f"{other.url}/assistant/assistants/docs"})
    with pytest.raises(AssistantError, match="redirect"):
        ask(host=None, controller_host=server.url).chat_completion(QUESTION)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_redirect_from_https_to_http_is_not_followed(tmp_path: Path, other: RawServer, kind: Kind) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with RawServer(tls=context) as server:
        server.otherwise = reply(b"", status=308, headers={"Location": other.url})
        asking = Asking(kind, server.url)
        with pytest.raises(AssistantError, match="redirect"):
            asking(verify=str(tmp_path / "ca.pem")).chat_completion(QUESTION)
        asking.close()
        assert len(server.requests) == 1


def test_an_injected_requests_session_follows_no_redirect_either(server: RawServer, other: RawServer) -> None:
    server.otherwise = reply(b"", status=307, headers={"Location": other.url})
    asking = Asking("sync", server.url)
    with requests.Session() as session, pytest.raises(AssistantError, match="redirect"):
        asking(http_session=session).chat_completion(QUESTION)
    asking.close()


async def test_an_injected_aiohttp_session_follows_no_redirect_either(server: RawServer, other: RawServer) -> None:
    server.otherwise = reply(b"", status=307, headers={"Location": other.url})
    async with aiohttp.ClientSession() as session:
        client = AsyncAssistantClient(
            assistant_name="docs", api_key=KEY, host=server.url, async_http_session=session, max_retries=0
        )
        with pytest.raises(AssistantError, match="redirect"):
            await client.chat_completion(QUESTION)
        await client.close()


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("host", ["http://assistant.example", "ftp://127.0.0.1", "http://localhost.example"])
def test_no_adapter_sends_the_key_to_a_looked_up_host_outside_https(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, adapter: str, host: str
) -> None:
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", server.url)
    server.otherwise = reply({"name": "docs", "host": host, "status": "Ready"})
    with pytest.raises(AssistantError, match="http"):
        ADAPTERS[adapter](assistant_name="docs", api_key=KEY, max_retries=0)
    assert [request.method for request in server.requests] == ["GET"]


# Names are quoted into paths


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name",
    [
        "../admin",
        "../../assistants",
        "a/b",
        "%2e%2e%2f",
        "a%2fb",
        "a?x=1#y",
        "a;b&c",
        "\u00e9\u202e\u2044",
        "@other.example",
        "\\..\\",
    ],
)
def test_a_server_sees_a_name_as_one_part_of_the_path(ask: Asking, server: RawServer, method: str, name: str) -> None:
    with pytest.raises(AssistantError):  # the server has no answer
        METHODS[method](ask(assistant_name=name))
    (request,) = server.requests
    before, part, *after = request.target.removeprefix("/assistant/").split("/")
    assert (before, unquote(part)) == ("chat", name)
    assert not set(part) & set("?#\\")
    assert after in ([], ["context"], ["chat", "completions"])


def test_a_looked_up_name_is_one_part_of_the_path(ask: Asking, server: RawServer) -> None:
    with pytest.raises(AssistantError):
        ask(host=None, controller_host=server.url, assistant_name="../x?y").chat_completion(QUESTION)
    assert [request.target for request in server.requests] == ["/assistant/assistants/..%2Fx%3Fy"]


# Values that would change a header or the path are refused before any traffic


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    "words",
    [
        {"assistant_name": ".."},
        {"assistant_name": "a\r\nX-Evil: 1"},
        {"api_key": "key\r\nX-Evil: 1"},
        {"api_key": "key\x00"},
        {"default_headers": {"X-A": "1\r\nX-Evil: 1"}},
        {"default_headers": {"X-A\r\nX-Evil": "1"}},
        {"default_headers": {"api-KEY": "other"}},
        {"default_headers": {"Host": "other.example"}},
        {"source_tag": "a\r\nX-Evil: 1"},
        {"api_version": "2026-04\r\nX-Evil: 1"},
    ],
    ids=repr,
)
def test_no_adapter_sends_an_injected_header(server: RawServer, adapter: str, words: dict[str, Any]) -> None:
    with pytest.raises(AssistantError):
        ADAPTERS[adapter](**{"assistant_name": "docs", "api_key": KEY, "host": server.url, "max_retries": 0} | words)
    assert server.connections == 0


# Signed links stay in `Reference` and in the answer's own text


class Payloads(BaseCallbackHandler):
    """Callback handler that stores everything LlamaIndex reports."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.seen: list[Any] = []

    def on_event_start(
        self, event_type: Any, payload: Any = None, event_id: str = "", parent_id: str = "", **kwargs: Any
    ) -> str:
        self.seen.append(payload)
        return event_id

    def on_event_end(self, event_type: Any, payload: Any = None, event_id: str = "", **kwargs: Any) -> None:
        self.seen.append(payload)

    def start_trace(self, trace_id: str | None = None) -> None: ...

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None: ...


class Events(BaseEventHandler):
    """Event handler that stores everything LlamaIndex's instrumentation reports."""

    seen: list[str] = []  # noqa: RUF012 - a pydantic field

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        self.seen.append(f"{event!r} {event.model_dump_json(fallback=repr)}")


@pytest.fixture
def cited(server: RawServer) -> dict[str, Any]:
    """Options of a model that cites a file by a signed link in every answer."""
    server.otherwise = reply(chat_answer())
    words = {"assistant_name": "docs", "api_key": KEY, "host": server.url}
    return words | {"interface": "standard", "include_highlights": True}


@pytest.mark.parametrize("streams", [False, True])
async def test_langchain_traces_and_logs_have_no_signed_link_and_no_key(
    server: RawServer, cited: dict[str, Any], caplog: pytest.LogCaptureFixture, streams: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if streams:
        server.otherwise = streamed(CHAT_EVENTS)
    traces = Traces()
    chat = ChatPineconeAssistant(**cited, streaming=streams)
    tool = PineconeAssistantTool(**cited)
    answer = chat.invoke("Hm?", {"callbacks": [traces]})
    await chat.ainvoke("Hm?", {"callbacks": [traces]})
    async for event in chat.astream_events("Hm?", version="v2"):
        assert SIGNED not in repr(event)
    if not streams:
        call = {"args": {"question": "Hm?"}, "name": tool.name, "type": "tool_call", "id": "1"}
        assert SIGNED not in repr(tool.invoke(call, {"callbacks": [traces]}))
    await chat.aclose()
    assert answer.additional_kwargs["citations"]
    assert len(traces.runs) >= 2
    for text in (repr(answer), *(run.model_dump_json() for run in traces.runs), caplog.text):
        assert SIGNED not in text
        assert KEY not in text


@pytest.mark.parametrize("kind", ["LLM", "query engine", "chat engine", "tool"])
async def test_llama_index_events_nodes_and_logs_have_no_signed_link_and_no_key(
    cited: dict[str, Any], caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    payloads, events = Payloads(), Events(seen=[])
    root = instrumentation.get_dispatcher("root")  # type: ignore[attr-defined] # exported, not in __all__
    root.add_event_handler(events)
    try:
        llm = PineconeAssistant(**cited, callback_manager=CallbackManager([payloads]))
        engine = PineconeAssistantQueryEngine(llm)
        if kind == "LLM":
            given: Any = [llm.complete("Hm?"), await llm.acomplete("Hm?")]
        elif kind == "query engine":
            given = [engine.query("Hm?"), await engine.aquery("Hm?")]
            assert given[0].source_nodes[0].metadata["file_name"] == "red_pine.pdf"
        elif kind == "chat engine":
            given = [PineconeAssistantChatEngine(llm).chat("Hm?")]
        else:
            given = [engine.as_tool().call("Hm?")]
        await llm.aclose()
    finally:
        root.event_handlers.remove(events)
    assert payloads.seen
    assert events.seen
    for text in (repr(given), repr([vars(one) for one in given]), repr(payloads.seen), *events.seen, caplog.text):
        assert SIGNED not in text
        assert KEY not in text


def test_a_snippets_signed_link_is_in_no_document_and_no_node(server: RawServer) -> None:
    file = {"id": "file-1", "name": "red_pine.pdf", "signed_url": f"https://storage.example/a?sig={SIGNED}"}
    reference = {"type": "pdf", "file": file, "pages": [1]}
    snippet = {"type": "text", "content": "25 m", "score": 0.9, "reference": reference}
    server.otherwise = reply({"id": "1", "snippets": [snippet], "usage": {}})
    words: dict[str, Any] = {"assistant_name": "docs", "api_key": KEY, "host": server.url}
    (document,) = PineconeAssistantRetriever(**words).invoke("Hm?")
    (node,) = NodeRetriever(**words).retrieve("Hm?")
    assert document.metadata["file_name"] == node.metadata["file_name"] == "red_pine.pdf"
    assert SIGNED not in document.model_dump_json() + node.model_dump_json() + repr([document, node])


# The key in our own objects


@pytest.mark.parametrize(
    "kind", [ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool, PineconeAssistant]
)
@pytest.mark.parametrize("source", ["argument", "secret", "environment"])
def test_the_key_is_a_secret_wherever_it_comes_from(kind: Any, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINECONE_API_KEY", KEY if source == "environment" else "another")
    words: dict[str, dict[str, Any]] = {
        "argument": {"api_key": KEY},
        "secret": {"api_key": SecretStr(KEY)},
        "environment": {},
    }
    thing = kind(assistant_name="docs", **words[source])
    assert isinstance(thing.api_key, SecretStr)
    assert thing.api_key.get_secret_value() == KEY
    assert KEY not in repr(thing) + str(thing) + str(thing.model_dump())


@pytest.mark.parametrize("adapter", ["chat model", "LLM", "client"])
def test_a_pickle_holds_the_key_and_nothing_live(cited: dict[str, Any], adapter: str) -> None:
    """docs/SECURITY.md warns that a pickle is as secret as the key."""
    kinds: dict[str, Any] = {
        "chat model": ChatPineconeAssistant,
        "LLM": PineconeAssistant,
        "client": AsyncAssistantClient,
    }
    with requests.Session() as session:
        kept = pickle.dumps(kinds[adapter](**cited, http_session=session))
    assert KEY.encode() in kept
    assert b"requests.sessions" not in kept


def test_what_is_stored_of_an_answer_holds_no_key_and_no_link(cited: dict[str, Any]) -> None:
    """A checkpoint, a cache or a memory stores the answer's message, or the answer as JSON."""
    message = ChatPineconeAssistant(**cited).invoke("Hm?")
    response = PineconeAssistant(**cited).chat([ChatMessage("Hm?")])
    stored = [pickle.dumps(message), message.model_dump_json().encode(), dumps(message).encode()]
    stored += [pickle.dumps(response.message), response.model_dump_json().encode()]
    for kept in stored:
        assert b"25 meters" in kept
        assert SIGNED.encode() not in kept
        assert KEY.encode() not in kept


def test_a_pickle_of_a_whole_llama_index_response_holds_links(cited: dict[str, Any]) -> None:
    """docs/SECURITY.md says so: `response.citations` are the client's, and the client's `Reference` has the link."""
    response = PineconeAssistant(**cited).chat([ChatMessage("Hm?")])
    assert SIGNED.encode() in pickle.dumps(response)
    assert KEY.encode() not in pickle.dumps(response)


def test_the_local_assistant_records_no_key() -> None:
    with LocalAssistant(api_key=KEY) as local:
        local.reply("Tall.")
        ChatPineconeAssistant(assistant_name=local.name, api_key=KEY, host=local.host).invoke("Hm?")
        assert local.requests
        assert KEY not in repr(local.requests) + repr(local)
