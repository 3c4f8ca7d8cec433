"""Recorders and mocks of tests, which promise that nothing leaves the process.

vcrpy replaces urllib3's connection classes, responses the `send` of requests' adapter, requests_mock that of its session, and
`unittest.mock` anything. The fast path of the sync transport has connections of its own and sends through none of these. So each
call looks whether one of them is replaced, and then goes through a plain session of requests, as users of requests do.

The async transport needs none of this: its session is aiohttp's own, and so is what recorders replace.
"""

from __future__ import annotations

import io
from typing import Any

import requests
import requests.adapters
import urllib3


def is_recorded() -> bool:
    """Whether a recorder or mock has taken the place of what a session of requests sends through (0.3 us)."""
    # What was there when this module was imported is no measure: a recorder may have been active then.
    return (
        urllib3.HTTPConnectionPool.ConnectionCls.__module__ != "urllib3.connection"
        or urllib3.HTTPSConnectionPool.ConnectionCls.__module__ != "urllib3.connection"
        or getattr(requests.adapters.HTTPAdapter.send, "__globals__", None) is not vars(requests.adapters)
        # Tracing wraps this one, too, and keeps its module; it is no reason to leave the fast path.
        or requests.Session.send.__module__ != "requests.sessions"
        or hasattr(requests.Session.send, "mock")
    )


def as_urllib3(raw: Any) -> urllib3.BaseHTTPResponse:
    """A response as urllib3 has it, out of vcrpy's, which has the whole body and none of urllib3's readers."""
    if isinstance(raw, urllib3.BaseHTTPResponse):
        return raw
    body: bytes = raw.read()
    headers = {
        name: value for name, value in raw.headers.items() if name.lower() not in ("content-length", "content-encoding")
    }
    # It records bodies unpacked and keeps the header that says they are packed, unless it is an old cassette.
    encoding = raw.headers.get("Content-Encoding", "")
    if body[:2] == b"\x1f\x8b" and "gzip" in encoding:
        headers["Content-Encoding"] = "gzip"
    return urllib3.HTTPResponse(
        io.BytesIO(body), headers=headers, status=raw.status, preload_content=False, decode_content=False
    )
