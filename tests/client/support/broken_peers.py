"""Bytes that a peer writes below TLS to break it, and injected sessions that accept any peer."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import aiohttp
import requests

from .asking import Asking

SessionKind = Literal["own", "injected"]

CORRUPT_RECORD = b"\x17\x03\x03\x00\x20" + bytes(range(32))
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure, and not encrypted
PLAIN_TEXT = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class _Recording(aiohttp.TCPConnector):
    """A connector for injected sessions that closes its transports at the end: over TLS, Python 3.10 leaves them open."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.transports: list[Any] = []

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(*args, **kwargs)
        if connection.transport is not None:
            self.transports.append(connection.transport)
        return connection


@contextlib.contextmanager
def session_options(
    asking: Asking, session: SessionKind, *, ca_path: Path | None = None, proxies: dict[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """The options of a client for the same network: as its own, or as a session that was injected."""
    if session == "own":
        yield {"verify": str(ca_path) if ca_path else True, "proxies": proxies}
    elif asking.kind == "sync":
        with requests.Session() as injected:
            injected.verify = str(ca_path) if ca_path else True
            injected.proxies = dict(proxies or {})
            yield {"http_session": injected}
    else:
        tls: Any = ssl.create_default_context(cafile=str(ca_path)) if ca_path else True
        proxy = next(iter((proxies or {}).values()), None)
        trust_env = proxy is None  # as a requests.Session does by itself

        async def make() -> Any:
            return aiohttp.ClientSession(connector=_Recording(ssl=tls), proxy=proxy, trust_env=trust_env)

        made: Any = asking.run(make)
        try:
            yield {"async_http_session": made}
        finally:
            transports = made.connector.transports
            asking.run(made.close)
            for transport in transports:
                transport.abort()
