"""Fixtures of the client's tests: a scripted server, and one way to ask it, sync and async."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pinecone_assistant_client import hosts

from .support.asking import Asking, Kind
from .support.raw_server import RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A scripted server. Known hosts are forgotten first, because an earlier server may have had its port."""
    hosts._hosts.known.clear()
    with RawServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which of the two clients asks."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture(params=["plain", "streamed"])
def is_streamed(request: pytest.FixtureRequest) -> bool:
    """How the question is asked."""
    return bool(request.param == "streamed")


@pytest.fixture
def ask(kind: Kind, server: RawServer) -> Iterator[Asking]:
    """Asks the scripted server with either client."""
    asking = Asking(kind, server.url)
    yield asking
    asking.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts by default."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_path(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate, for `verify=`."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def tls_context(authority: trustme.CA) -> ssl.SSLContext:
    """TLS context of a server on 127.0.0.1, valid for all host names of the tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", "assistant.example").configure_cert(context)
    return context


@pytest.fixture
def tls_server(tls_context: ssl.SSLContext) -> Iterator[RawServer]:
    """A scripted server behind TLS."""
    with RawServer(tls=tls_context) as running:
        yield running


@pytest.fixture
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's own proxies and CA bundles from the environment."""
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (*proxies, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
