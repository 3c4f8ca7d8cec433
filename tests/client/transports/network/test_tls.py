"""TLS: trusted certificates, errors of failed handshakes, and connections that break."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
import ssl
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import urllib3

from pinecone_assistant_client import (
    APIConnectionError,
    APITimeoutError,
    AssistantClient,
    AsyncAssistantClient,
    InvalidRequestError,
)

from ...support.asking import KEY, Asking
from ...support.bodies import PARTS, QUESTION, TEXT, completion
from ...support.raw_server import CLOSE, HOLD, RawServer, reply, streamed

pytestmark = pytest.mark.usefixtures("no_proxy_of_this_machine")

WHOLE = reply(completion())


def test_a_ca_path_is_trusted(ask: Asking, tls_server: RawServer, ca_path: Path) -> None:
    tls_server.script(WHOLE, streamed(PARTS))
    asker = ask(host=tls_server.url, verify=str(ca_path))
    assert asker.chat_completion(QUESTION).content == TEXT
    assert "".join(answer.content for answer in asker.stream_chat_completion(QUESTION)) == TEXT
    assert tls_server.connections == 1


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_ca_bundle_of_the_environment_is_trusted(
    *, ask: Asking, tls_server: RawServer, ca_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(ca_path))
    tls_server.otherwise = WHOLE
    assert ask(host=tls_server.url).chat_completion(QUESTION).content == TEXT


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_ca_bundle_of_the_environment_that_is_not_there_is_named(
    ask: Asking, tls_server: RawServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/nowhere/ca.pem")
    asker = ask(host=tls_server.url)
    with pytest.raises(InvalidRequestError, match=f"{name}='/nowhere/ca.pem': there is no such CA bundle"):
        asker.chat_completion(QUESTION)
    assert asker.waits == []
    assert tls_server.connections == 0


def test_the_bundle_of_requests_comes_before_that_of_openssl(
    *, ask: Asking, tls_server: RawServer, ca_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    tls_server.otherwise = WHOLE
    assert ask(host=tls_server.url).chat_completion(QUESTION).content == TEXT


def test_a_folder_of_authorities_is_trusted(
    *, ask: Asking, tls_server: RawServer, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(hashed_folder(authority, tmp_path)))
    tls_server.otherwise = WHOLE
    assert ask(host=tls_server.url).chat_completion(QUESTION).content == TEXT


def hashed_folder(authority: trustme.CA, folder: Path) -> Path:
    """A folder of certificates under the names that OpenSSL looks for."""
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(path)
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(path)]
    if shutil.which("openssl") is None:
        pytest.skip("the name of a certificate in a folder is made by openssl")
    name = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    path.rename(folder / f"{name}.0")
    return folder


def test_a_bundle_that_is_not_one_is_named(ask: Asking, tls_server: RawServer, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    with pytest.raises(InvalidRequestError, match=r"the CA bundle '.*ca\.pem' cannot be read"):
        ask(host=tls_server.url, verify=str(path)).chat_completion(QUESTION)


def test_an_unknown_ca_is_a_connection_error_that_says_tls(ask: Asking, tls_server: RawServer) -> None:
    asker = ask(host=tls_server.url)
    with pytest.raises(APIConnectionError, match=r"(?i)certificate verify failed") as caught:
        asker.chat_completion(QUESTION)
    assert tls_server.url in str(caught.value)
    assert "TLS" in str(caught.value)
    assert not caught.value.may_have_been_processed
    assert tls_server.requests == []
    assert len(asker.waits) == 2


def test_a_certificate_of_another_name_is_refused(ask: Asking, authority: trustme.CA, ca_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("another.example").configure_cert(context)
    with RawServer(tls=context) as other:
        with pytest.raises(APIConnectionError, match="TLS"):
            ask(host=other.url, verify=str(ca_path), max_retries=0).chat_completion(QUESTION)
        assert other.requests == []


def test_verify_false_trusts_anything(ask: Asking, tls_server: RawServer) -> None:
    tls_server.otherwise = WHOLE
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert ask(host=tls_server.url, verify=False).chat_completion(QUESTION).content == TEXT
    insecure = [w for w in said if issubclass(w.category, urllib3.exceptions.InsecureRequestWarning)]
    assert len(insecure) == (1 if ask.kind == "sync" else 0)


def test_verify_false_is_not_shared_with_a_client_that_verifies(ask: Asking, tls_server: RawServer) -> None:
    tls_server.otherwise = WHOLE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ask(host=tls_server.url, verify=False).chat_completion(QUESTION)
    with pytest.raises(APIConnectionError, match="TLS"):
        ask(host=tls_server.url, max_retries=0).chat_completion(QUESTION)
    assert len(tls_server.requests) == 1


def test_http_where_tls_was_expected_says_tls(ask: Asking) -> None:
    with RawServer(on_connect=[*reply(b"bad request", status=400), CLOSE]) as plain:
        host = plain.url.replace("http://", "https://")
        with pytest.raises(APIConnectionError, match="TLS"):
            ask(host=host, max_retries=0).chat_completion(QUESTION)


@pytest.mark.parametrize("ending", [CLOSE, HOLD], ids=["close", "stall"])
def test_a_handshake_that_fails_wrote_no_request_and_is_tried_again(ask: Asking, ending: Any) -> None:
    """A server that stalls in the handshake was once taken for one that may have processed the request."""
    with RawServer(on_connect=[ending]) as other:
        asker = ask(host=other.url.replace("http://", "https://"), timeout=(0.2, 5.0), max_retries=1)
        with pytest.raises(APIConnectionError) as caught:
            asker.chat_completion(QUESTION)
        assert isinstance(caught.value, APITimeoutError) == (ending is HOLD)
        assert not caught.value.may_have_been_processed
        assert len(asker.waits) == 1
        assert other.connections == 2


def test_a_tls_connection_cut_in_the_body_is_a_cut_answer(ask: Asking, tls_server: RawServer, ca_path: Path) -> None:
    tls_server.script(streamed([PARTS[1], CLOSE]))
    with pytest.raises(Exception, match="cut after 11 characters"):
        list(ask(host=tls_server.url, verify=str(ca_path)).stream_chat_completion(QUESTION))


async def test_a_tls_connection_that_its_server_drops_while_it_is_idle_is_closed_without_a_warning(
    tls_server: RawServer, ca_path: Path
) -> None:
    """Python 3.10 warned of an "unclosed transport", because aiohttp does not close a lost transport."""
    tls_server.otherwise = WHOLE
    async with AsyncAssistantClient(
        assistant_name="docs", api_key=KEY, host=tls_server.url, verify=str(ca_path)
    ) as client:
        for count in (1, 2):
            assert (await client.chat_completion(QUESTION)).content == TEXT
            assert tls_server.connections == count
            tls_server.drop_idle()
            assert await asyncio.to_thread(tls_server.sees_no_connections)
            await asyncio.sleep(0.05)  # the loop sees it
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                gc.collect()
            assert not said


def test_the_ca_of_an_injected_session_wins(tls_server: RawServer, ca_path: Path) -> None:
    tls_server.otherwise = WHOLE
    with requests.Session() as session:
        session.verify = str(ca_path)
        with AssistantClient(assistant_name="docs", api_key=KEY, host=tls_server.url, http_session=session) as client:
            assert client.chat_completion(QUESTION).content == TEXT


def test_the_client_certificate_of_an_injected_session_is_shown(
    authority: trustme.CA, ca_path: Path, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = authority.issue_cert("me@example.com")
    certificate = tmp_path / "me.pem"
    mine.private_key_and_cert_chain_pem.write_to_path(certificate)
    with RawServer(tls=context) as other, requests.Session() as session:
        other.otherwise = WHOLE
        session.verify, session.cert = str(ca_path), str(certificate)
        with AssistantClient(assistant_name="docs", api_key=KEY, host=other.url, http_session=session) as client:
            assert client.chat_completion(QUESTION).content == TEXT
        with contextlib.suppress(APIConnectionError):
            AssistantClient(assistant_name="docs", api_key=KEY, host=other.url, verify=str(ca_path)).context("x")
        assert len(other.requests) == 1
