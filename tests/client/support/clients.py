"""Answers of a scripted server, and clients for what sync and async do not share: `with`, loops, threads, interrupts."""

from __future__ import annotations

from typing import Any

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient

from .asking import KEY
from .bodies import completion, part
from .raw_server import HOLD, Answer, RawServer, reply, streamed

WHOLE = reply(completion())
UNFINISHED = streamed([part("one "), HOLD])


def described(host: str) -> Answer:
    """The control plane's answer: where the assistant is."""
    return reply({"name": "docs", "status": "Ready", "host": host})


def settings(server: RawServer) -> dict[str, Any]:
    return {"assistant_name": "docs", "api_key": KEY, "host": server.url, "timeout": 5.0}


def sync_client(server: RawServer, **options: Any) -> AssistantClient:
    return AssistantClient(**settings(server) | options)


def async_client(server: RawServer, **options: Any) -> AsyncAssistantClient:
    return AsyncAssistantClient(**settings(server) | options)
