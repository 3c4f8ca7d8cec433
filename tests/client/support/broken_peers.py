"""Peers that read a whole request over TLS and then break TLS itself, and sessions of the caller that talk to any peer."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import aiohttp
import requests

from .asking import Asking
from .raw_server import WAIT_SECONDS, _read_request

SessionKind = Literal["own", "injected"]

CORRUPT_RECORD = b"\x17\x03\x03\x00\x20" + bytes(range(32))
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure, and not encrypted
PLAIN_TEXT = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class TLSPeer:
    """Reads each request to its end over TLS, then writes bytes below TLS and closes.

    Args:
        tls: The server's certificate.
        after: What is written once a request was read; b"" is an orderly end without a word of TLS.
    """

    def __init__(self, tls: ssl.SSLContext, after: bytes) -> None:
        self._tls = tls
        self._after = after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.requests = 0
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self._run(self._accept)

    def __enter__(self) -> TLSPeer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def _run(self, work: Any, *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(WAIT_SECONDS)
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        tls = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(OSError), tls, socket.socket(fileno=os.dup(tls.fileno())) as below:
            below.settimeout(WAIT_SECONDS)
            try:
                tls.do_handshake()
            except ssl.SSLError:  # its alert is sent; a close with bytes unread would take it back by a reset
                below.shutdown(socket.SHUT_WR)
                while below.recv(65536):
                    pass
                return
            if _read_request(tls, bytearray(), 1) is None:
                return
            self.requests += 1
            below.sendall(self._after)
            below.shutdown(socket.SHUT_WR)
            while below.recv(65536):  # the client closes first, so that nothing is lost to a reset
                pass


class _Recording(aiohttp.TCPConnector):
    """A connector of the caller's whose transports are closed at the end: over TLS, Python 3.10 leaves them open."""

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

        async def make() -> Any:
            return aiohttp.ClientSession(connector=_Recording(ssl=tls), proxy=proxy)

        made: Any = asking.run(make)
        try:
            yield {"async_http_session": made}
        finally:
            transports = made.connector.transports
            asking.run(made.close)
            for transport in transports:
                transport.abort()
