"""Detect recorders and mocks of tests, so that requests go through them and not to the network.

vcrpy replaces urllib3's connection classes, responses the `send` of requests' adapter, requests_mock that of its session, and
`unittest.mock` anything. The fast path of the sync transport has connections of its own and uses none of these. So each call
checks whether one of them is replaced; if so, it goes through a plain session of requests.

The async transport needs no such check: it uses aiohttp's own session, which recorders replace.
"""

from __future__ import annotations

import io
from typing import Any

import requests
import requests.adapters
import urllib3


def is_recorded() -> bool:
    """Return whether a recorder or mock replaces a part that a session of requests sends through (takes 0.3 us)."""
    # Do not compare with the state at import: a recorder may have been active then.
    return (
        urllib3.HTTPConnectionPool.ConnectionCls.__module__ != "urllib3.connection"
        or urllib3.HTTPSConnectionPool.ConnectionCls.__module__ != "urllib3.connection"
        or getattr(requests.adapters.HTTPAdapter.send, "__globals__", None) is not vars(requests.adapters)
        # Tracing wraps this one too and keeps its `__module__`; it can stay on the fast path.
        or requests.Session.send.__module__ != "requests.sessions"
        or hasattr(requests.Session.send, "mock")
    )


def as_urllib3(raw: Any) -> urllib3.BaseHTTPResponse:
    """Convert a response of vcrpy, which has the whole body but none of urllib3's readers, to one of urllib3."""
    if isinstance(raw, urllib3.BaseHTTPResponse):
        return raw
    body: bytes = raw.read()
    headers = {
        name: value for name, value in raw.headers.items() if name.lower() not in ("content-length", "content-encoding")
    }
    # vcrpy records bodies decompressed but keeps their Content-Encoding header, except in old cassettes.
    encoding = raw.headers.get("Content-Encoding", "")
    if body[:2] == b"\x1f\x8b" and "gzip" in encoding:
        headers["Content-Encoding"] = "gzip"
    return urllib3.HTTPResponse(
        io.BytesIO(body), headers=headers, status=raw.status, preload_content=False, decode_content=False
    )
