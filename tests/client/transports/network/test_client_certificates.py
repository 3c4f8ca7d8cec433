"""Mutual TLS: `cert=` is a PEM file with certificate and key, or a pair of files."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from pinecone_assistant_client import APIConnectionError, InvalidRequestError

from ...support.asking import Asking, text_of
from ...support.bodies import PARTS, QUESTION, TEXT, completion
from ...support.connection_settings import good, said
from ...support.proxy_server import ProxyServer
from ...support.raw_server import RawServer, reply, streamed

pytestmark = pytest.mark.usefixtures("no_proxy_of_this_machine")

WHOLE = reply(completion())


@pytest.fixture
def strict_server(authority: trustme.CA) -> Iterator[RawServer]:
    """A server that demands a certificate of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "assistant.example").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with RawServer(tls=context) as running:
        running.script(WHOLE, streamed(PARTS))
        yield running


@pytest.fixture(scope="session")
def certificates(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A client's certificate, as one file and as two."""
    folder = tmp_path_factory.mktemp("client")
    issued = authority.issue_cert("client@example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return {"one file": str(folder / "both.pem"), "a pair": pair, "a list": list(pair)}


@pytest.mark.parametrize("form", ["one file", "a pair", "a list"])
def test_a_certificate_is_shown_to_a_server_that_asks_for_it(
    *, ask: Asking, strict_server: RawServer, ca_path: Path, certificates: dict[str, Any], form: str
) -> None:
    asker = ask(host=strict_server.url, verify=str(ca_path), cert=certificates[form], max_retries=0)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
    assert strict_server.connections == 1


def test_it_is_shown_through_a_tunnel(
    *, ask: Asking, strict_server: RawServer, ca_path: Path, certificates: dict[str, Any]
) -> None:
    with ProxyServer(strict_server.port) as proxy:
        asker = ask(
            host="https://assistant.example",
            verify=str(ca_path),
            cert=certificates["a pair"],
            proxies={"https": proxy.url},
            max_retries=0,
        )
        assert asker.chat_completion(QUESTION).content == TEXT
        asker.close()


def test_it_is_shown_where_the_server_is_not_verified(
    ask: Asking, strict_server: RawServer, certificates: dict[str, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asker = ask(host=strict_server.url, verify=False, cert=certificates["one file"], max_retries=0)
        assert asker.chat_completion(QUESTION).content == TEXT


def test_without_it_the_server_refuses(
    ask: Asking, strict_server: RawServer, ca_path: Path, certificates: dict[str, Any]
) -> None:
    """A client without a certificate does not find the connections of one with it."""
    asker = ask(host=strict_server.url, verify=str(ca_path), cert=certificates["one file"])
    assert asker.chat_completion(QUESTION).content == TEXT
    with pytest.raises(APIConnectionError):
        ask(host=strict_server.url, verify=str(ca_path), max_retries=0).chat_completion(QUESTION)
    assert len(strict_server.requests) == 1


@pytest.mark.parametrize("cert", [1, True, ("a",) * 3, (), ("a", 1), b"a", {"cert": "a"}])
def test_other_forms_are_refused(cert: Any) -> None:
    assert said(good(cert=cert).check).startswith("cert is the path of a PEM file")


def test_a_path_that_is_not_there_is_named() -> None:
    assert said(good(cert=("/nowhere/a.pem", __file__)).check) == "cert='/nowhere/a.pem': there is no such file"
    assert said(good(cert="/nowhere/b.pem").check) == "cert='/nowhere/b.pem': there is no such file"


def test_a_file_that_is_not_a_certificate_is_named(ask: Asking, strict_server: RawServer, ca_path: Path) -> None:
    asker = ask(host=strict_server.url, verify=str(ca_path), cert=__file__)
    with pytest.raises(InvalidRequestError, match=r"cert='.*' cannot be read"):
        asker.chat_completion(QUESTION)
    assert asker.waits == []
    assert strict_server.connections == 0


def test_a_certificate_without_its_key_is_named(
    *, ask: Asking, strict_server: RawServer, ca_path: Path, certificates: dict[str, Any]
) -> None:
    asker = ask(host=strict_server.url, verify=str(ca_path), cert=certificates["a pair"][0])
    with pytest.raises(InvalidRequestError, match=r"cert='.*cert\.pem' cannot be read"):
        asker.chat_completion(QUESTION)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(
    *, ask: Asking, strict_server: RawServer, ca_path: Path, certificates: dict[str, Any], tmp_path: Path
) -> None:
    key = load_pem_private_key(Path(certificates["a pair"][1]).read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret"))
    )
    asker = ask(host=strict_server.url, verify=str(ca_path), cert=(certificates["a pair"][0], str(locked)))
    with pytest.raises(InvalidRequestError, match="the key of cert= is encrypted"):
        asker.chat_completion(QUESTION)
