"""A clock for idle connections, so that nobody waits until they are old."""

from __future__ import annotations

import time
import types

import aiohttp.connector
import pytest

from pinecone_assistant_client.transports import urllib3_connections


def set_clock(monkeypatch: pytest.MonkeyPatch, kind: str, seconds: float) -> None:
    """Idle connections look this many seconds older than they are."""
    real = time.monotonic
    if kind == "sync":
        clock = types.SimpleNamespace(monotonic=lambda: real() + seconds)
        monkeypatch.setattr(urllib3_connections, "time", clock)
    else:
        monkeypatch.setattr(aiohttp.connector, "monotonic", lambda: real() + seconds)
