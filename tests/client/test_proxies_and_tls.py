"""Proxies and certificates: what is configured, what the environment says, and what never leaves this machine."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import urllib3

from pinecone_assistant_client import APIConnectionError, APITimeoutError, AssistantClient, AsyncAssistantClient

from .asking import KEY, Asking
from .proxy_server import ProxyServer
from .raw_server import CLOSE, HOLD, RawServer, reply, streamed
from .test_transport import set_clock
from .wire import PARTS, QUESTION, TEXT, completion

WHOLE = reply(completion())
NAMED = "http://assistant.example"
NAMED_TLS = "https://assistant.example"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy(server: RawServer) -> Iterator[ProxyServer]:
    """A proxy to the scripted server."""
    server.otherwise = WHOLE
    with ProxyServer(server.port) as running:
        yield running


@pytest.fixture
def tls_proxy(tls_server: RawServer) -> Iterator[ProxyServer]:
    """A proxy to the scripted server behind TLS."""
    tls_server.otherwise = WHOLE
    with ProxyServer(tls_server.port) as running:
        yield running


# Proxies


def test_a_configured_proxy_forwards(ask: Asking, server: RawServer, proxy: ProxyServer) -> None:
    asker = ask(host=NAMED, proxies={"http": proxy.url})
    assert asker.chat_completion(QUESTION).content == TEXT
    assert proxy.targets == [f"POST {NAMED}/assistant/chat/docs/chat/completions"]
    assert server.requests[0].headers["host"] == "assistant.example"


def test_a_configured_proxy_tunnels_https(
    ask: Asking, tls_server: RawServer, tls_proxy: ProxyServer, ca_path: Path
) -> None:
    tls_server.script(streamed(PARTS))
    asker = ask(host=NAMED_TLS, proxies={"https": tls_proxy.url}, verify=str(ca_path))
    assert "".join(answer.content for answer in asker.stream_chat_completion(QUESTION)) == TEXT
    assert asker.chat_completion(QUESTION).content == TEXT
    assert tls_proxy.targets == ["CONNECT assistant.example:443"]
    assert KEY not in "".join(tls_proxy.heads)
    assert tls_server.connections == 1


def test_an_idle_tunnel_is_opened_anew_through_its_proxy(
    *,
    ask: Asking,
    tls_server: RawServer,
    tls_proxy: ProxyServer,
    ca_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tunnel closed for its age once forgot where it led, and TLS began with the proxy itself."""
    asker = ask(host=NAMED_TLS, proxies={"https": tls_proxy.url}, verify=str(ca_path))
    asker.chat_completion(QUESTION)
    set_clock(monkeypatch, ask.kind, 31.0)
    asker.chat_completion(QUESTION)
    assert tls_proxy.targets == ["CONNECT assistant.example:443"] * 2
    assert len(tls_server.requests) == 2


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_the_proxy_of_the_environment_is_used(
    ask: Asking, proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    assert ask(host=NAMED).chat_completion(QUESTION).content == TEXT
    assert len(proxy.targets) == 1


def test_a_proxy_of_the_environment_tunnels_https(
    *, ask: Asking, tls_proxy: ProxyServer, ca_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", tls_proxy.url)
    assert ask(host=NAMED_TLS, verify=str(ca_path)).chat_completion(QUESTION).content == TEXT
    assert tls_proxy.targets == ["CONNECT assistant.example:443"]


def test_a_proxy_of_the_environment_never_gets_what_is_for_this_machine(
    ask: Asking, server: RawServer, proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    for host in (server.url, server.url.replace("127.0.0.1", "localhost")):
        assert ask(host=host).chat_completion(QUESTION).content == TEXT
    assert proxy.targets == []


def test_no_proxy_is_obeyed(ask: Asking, proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "example.com,.example")
    refuse_names(monkeypatch)
    with pytest.raises(APIConnectionError):
        ask(host=NAMED, max_retries=0).chat_completion(QUESTION)
    assert proxy.targets == []


def test_a_password_of_the_proxy_goes_to_the_proxy_and_nowhere_else(
    ask: Asking, server: RawServer, proxy: ProxyServer
) -> None:
    url = proxy.url.replace("http://", "http://user:pass@")
    asker = ask(host=NAMED, proxies={"http": url})
    asker.chat_completion(QUESTION)
    expected = "Basic " + base64.b64encode(b"user:pass").decode()
    assert expected in proxy.heads[0]
    assert "pass" not in repr(asker.client)


@pytest.mark.parametrize("refusal", [407, 502, 503])
def test_a_proxy_that_refuses_a_tunnel_is_a_connection_error_and_tried_again(
    ask: Asking, ca_path: Path, refusal: int
) -> None:
    answer = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % refusal
    with ProxyServer(1, refusal=answer) as proxy:
        asker = ask(host=NAMED_TLS, proxies={"https": proxy.url}, verify=str(ca_path))
        with pytest.raises(APIConnectionError, match=r"assistant\.example.*" + str(refusal)) as caught:
            asker.chat_completion(QUESTION)
    assert not caught.value.may_have_been_processed
    assert len(proxy.targets) == 3


def test_a_proxy_that_is_not_there_is_a_connection_error(ask: Asking) -> None:
    with ProxyServer(1) as proxy:
        pass
    asker = ask(host=NAMED_TLS, proxies={"https": proxy.url.replace("http://", "http://user:hunter2@")})
    with pytest.raises(APIConnectionError, match=r"assistant\.example") as caught:
        asker.chat_completion(QUESTION)
    assert not caught.value.may_have_been_processed
    assert "hunter2" not in str(caught.value)
    assert len(asker.waits) == 2


def test_a_proxy_that_says_nothing_is_bounded_and_tried_again(ask: Asking) -> None:
    with ProxyServer(1, refusal=b"") as proxy:
        asker = ask(host=NAMED_TLS, proxies={"https": proxy.url}, timeout=(0.2, 5.0), max_retries=1)
        with pytest.raises(APIConnectionError, match=r"assistant\.example") as caught:
            asker.chat_completion(QUESTION)
        assert not caught.value.may_have_been_processed
        assert len(proxy.targets) == 2


def test_netrc_is_never_read(ask: Asking, server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.otherwise = WHOLE
    ask().chat_completion(QUESTION)
    assert "authorization" not in server.requests[0].headers


# Names


def refuse_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names cannot be resolved, at once and without a network."""
    real = socket.getaddrinfo

    def refuse(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).endswith(".example"):
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("host", [NAMED, NAMED_TLS, "assistant.example"])
def test_a_name_that_does_not_resolve_is_a_connection_error_and_tried_again(
    ask: Asking, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    refuse_names(monkeypatch)
    asker = ask(host=host)
    with pytest.raises(APIConnectionError, match=r"assistant\.example.*(not known|resolve)") as caught:
        asker.chat_completion(QUESTION)
    assert not caught.value.may_have_been_processed
    assert len(asker.waits) == 2


def test_a_control_plane_that_does_not_resolve_is_named(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_names(monkeypatch)
    asker = ask(host=None, controller_host="https://control.example")
    with pytest.raises(APIConnectionError, match=r"https://control\.example"):
        asker.chat_completion(QUESTION)
    assert len(asker.waits) == 2


# TLS


def test_a_ca_path_is_trusted(ask: Asking, tls_server: RawServer, ca_path: Path) -> None:
    tls_server.script(WHOLE, streamed(PARTS))
    asker = ask(host=tls_server.url, verify=str(ca_path))
    assert asker.chat_completion(QUESTION).content == TEXT
    assert "".join(answer.content for answer in asker.stream_chat_completion(QUESTION)) == TEXT
    assert tls_server.connections == 1


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_ca_bundle_of_the_environment_is_trusted(
    *, ask: Asking, tls_server: RawServer, ca_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(ca_path))
    tls_server.otherwise = WHOLE
    assert ask(host=tls_server.url).chat_completion(QUESTION).content == TEXT


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
    """Python 3.10 said "unclosed transport", because aiohttp lets go of what is lost without closing it."""
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


def test_the_proxies_of_an_injected_session_win(server: RawServer, proxy: ProxyServer) -> None:
    with requests.Session() as session:
        session.proxies = {"http": proxy.url}
        with AssistantClient(assistant_name="docs", api_key=KEY, host=NAMED, http_session=session) as client:
            assert client.chat_completion(QUESTION).content == TEXT
    assert len(proxy.targets) == 1
