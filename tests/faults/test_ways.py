"""Every cell of the fault matrix of the ways to the server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import trustme

from pinecone_assistant_client import APIConnectionError, AssistantError, hosts

from ..client.support.asking import Asking
from ..client.support.bodies import QUESTION
from ..client.support.broken_peers import SessionKind, session_options
from ..client.support.proxy_server import ProxyServer
from ..client.support.raw_server import RawServer, Set, WaitFor
from .matrix import AMPLE_SECONDS
from .running import KEY, Outcome, watched
from .ways import ONE, OTHER, READ_SECONDS, WAY_ROWS, Asked, Handshake, Way, WayRow

Kind = Literal["sync", "async"]
NAME = "assistant.example"
CELLS = [(row, way) for row in WAY_ROWS for way in row.ways]


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no records: those of retries keep errors, and these the connections of a `requests.Session`."""
    monkeypatch.setattr(logging.getLogger("pinecone_assistant_client"), "disabled", True)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def ca_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    _authority().cert_pem.write_to_path(path)
    return path


@functools.cache
def _authority() -> trustme.CA:
    return trustme.CA()


@functools.cache
def _tls(handshake: Handshake) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA() if handshake == "unknown authority" else _authority()
    authority.issue_cert("127.0.0.1", NAME).configure_cert(context)
    if handshake == "demands a certificate":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


class Cell:
    """One row on one way, asked in one manner."""

    def __init__(self, row: WayRow, way: Way, kind: Kind, session: SessionKind, *, is_streamed: bool) -> None:
        self.row = row
        self.kind: Kind = kind
        self.session: SessionKind = session
        self.asked = Asked(is_streamed)
        self.scheme = "https" if way.startswith(("https", "tunnel")) else "http"
        self.is_proxied = way.startswith(("forwarded", "tunnel"))
        self.is_by_environment = way.endswith("environment")
        self.outcome = Outcome()
        self.other = self.message = ""
        self._idle, self._idle_written = threading.Event(), threading.Event()

    @property
    def expect(self) -> Any:
        """Expected outcome of the first question."""
        if self.row.sync_injected is not None and (self.kind, self.session) == ("sync", "injected"):
            return self.row.sync_injected
        return self.row.expect

    def run(self, ca_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ask, and ask again if the fault is over then."""
        with watched(self.outcome), self._network() as (server, proxy_url):
            name = f"127.0.0.1:{server.port}"
            if self.is_proxied:  # the environment's proxy for a host is cached, so each cell has its own host
                name = NAME if self.scheme == "https" else f"assistant-{server.port}.example"
            host = f"{self.scheme}://{name}"
            proxies = None
            if self.is_by_environment:
                monkeypatch.setenv(f"{self.scheme}_proxy", proxy_url)
            elif self.is_proxied:
                proxies = {self.scheme: proxy_url}
            asking = Asking(self.kind, host, api_key=KEY, timeout=(AMPLE_SECONDS, self._read_seconds))
            tls = ca_path if self.scheme == "https" else None
            with contextlib.closing(asking):
                with session_options(asking, self.session, ca_path=tls, proxies=proxies) as own:
                    asker = asking(**own)
                    self._ask(asker)
                    self.outcome.requests, self.outcome.retry_waits = len(server.requests), list(asker.waits)
                    if self.expect.requests:
                        self._let_it_idle(asking)
                        self._ask_again(asker)
                        assert len(server.requests) == self.outcome.requests + 1
                    asker.close()
                self._let_connections_end(asking, server)
            assert server.sees_no_connections(2)

    def _ask(self, asker: Any) -> None:
        try:
            self.outcome.text = self._text(asker)
        except AssistantError as error:
            self.outcome.result = type(error).__name__
            self.outcome.may_have_been_processed = error.may_have_been_processed
            self.outcome.shows_the_key = KEY in str(error)
            self.message = str(error)
            error.__traceback__ = None

    def _ask_again(self, asker: Any) -> None:
        if not self.row.is_lost_on_async_injected or (self.kind, self.session) != ("async", "injected"):
            self.other = self._text(asker)
            return
        with pytest.raises(APIConnectionError) as caught:  # an error, never another caller's answer
            self._text(asker)
        assert caught.value.may_have_been_processed
        self.other = OTHER

    def _text(self, asker: Any) -> str:
        if self.asked.is_streamed:
            return "".join(chunk.content for chunk in asker.stream_chat_completion(QUESTION))
        return str(asker.chat_completion(QUESTION).content)

    def _let_it_idle(self, asking: Asking) -> None:
        if self.row.idle is not None:
            self._idle.set()
            assert self._idle_written.wait(AMPLE_SECONDS)
        if self.kind == "async" and self.row.loop_reads:

            async def let_the_loop_read() -> Any:
                await asyncio.sleep(0.01)

            asking.run(let_the_loop_read)

    def _let_connections_end(self, asking: Asking, server: RawServer) -> None:
        gc.collect()  # requests closes a connection when nobody, not even an exception, refers to its pool
        if self.kind == "async":  # TLS says good-bye, which an injected session does not wait for

            async def wait() -> Any:
                for _ in range(1000):
                    await asyncio.sleep(0.002)
                    if not server.has_connections:
                        break
                await asyncio.sleep(0.002)

            asking.run(wait)

    @property
    def _read_seconds(self) -> float:
        return READ_SECONDS if self.row.stalls else AMPLE_SECONDS

    @contextlib.contextmanager
    def _network(self) -> Iterator[tuple[RawServer, str]]:
        row = self.row
        tls = _tls(row.handshake) if self.scheme == "https" and row.handshake != "not TLS" else None
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(RawServer(tls=tls, on_connect=row.on_connect))
            first, *others = row.answers(self.asked)
            if row.idle is not None:
                first = [*first, WaitFor(self._idle), row.idle(self.asked), Set(self._idle_written)]
            server.script(first, *others)
            server.otherwise = self.asked.answer(OTHER)
            proxy_url = ""
            if row.is_refused:
                server.stop()
                proxy_url = f"http://127.0.0.1:{server.port}"
            elif self.is_proxied and row.proxy:
                refusing = stack.enter_context(RawServer())
                refusing.otherwise = row.proxy
                proxy_url = refusing.url
            elif self.is_proxied:
                proxy_url = stack.enter_context(ProxyServer(server.port)).url
            hosts._hosts.known.clear()
            yield server, proxy_url


@pytest.mark.parametrize("is_streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("session", ["own", "injected"])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("row", "way"), CELLS, ids=[f"{row.name}-{way}" for row, way in CELLS])
def test_the_way_to_the_server_ends_as_the_matrix_says(
    *,
    row: WayRow,
    way: Way,
    kind: Kind,
    session: SessionKind,
    is_streamed: bool,
    ca_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = Cell(row, way, kind, session, is_streamed=is_streamed)
    cell.run(ca_path, monkeypatch)
    outcome, expect = cell.outcome, cell.expect
    assert outcome.result == expect.result
    assert outcome.requests == expect.requests
    assert outcome.tries == (expect.tries or expect.requests)
    if expect.result == "answer":
        assert outcome.text == ONE
    else:
        assert outcome.may_have_been_processed == (row.is_processed or expect is row.sync_injected)
    if expect is row.sync_injected:
        assert "interim status" in cell.message
    if expect.requests:
        assert cell.other == OTHER
    assert not outcome.shows_the_key
    assert outcome.left == []
