"""Proxies: from the options, from the environment, and never for this machine. Host names behind them."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pinecone_assistant_client import APIConnectionError, AssistantClient

from ...support.asking import KEY, Asking
from ...support.bodies import PARTS, QUESTION, TEXT, completion
from ...support.idle_connections import set_clock
from ...support.proxy_server import ProxyServer
from ...support.raw_server import RawServer, reply, streamed

pytestmark = pytest.mark.usefixtures("no_proxy_of_this_machine")

WHOLE = reply(completion())
NAMED = "http://assistant.example"
NAMED_TLS = "https://assistant.example"


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
    """A tunnel that was closed for its age once lost its target, and TLS was started with the proxy itself."""
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


@pytest.mark.parametrize("login", ["", "user:hunter2hunter2@"])
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_may_lack_its_scheme(
    *, ask: Asking, proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch, name: str, login: str
) -> None:
    """`HTTP_PROXY=host:port`, as curl and requests take it."""
    monkeypatch.setenv(name, login + proxy.url.removeprefix("http://"))
    asker = ask(host=NAMED)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert len(proxy.targets) == 1
    assert ("Proxy-Authorization: Basic" in proxy.heads[0]) == bool(login)


def test_a_proxy_without_its_scheme_tunnels_https(
    *, ask: Asking, tls_proxy: ProxyServer, ca_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", tls_proxy.url.removeprefix("http://"))
    assert ask(host=NAMED_TLS, verify=str(ca_path)).chat_completion(QUESTION).content == TEXT
    assert tls_proxy.targets == ["CONNECT assistant.example:443"]


def test_the_password_of_a_proxy_without_its_scheme_is_in_no_error(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProxyServer(1, refusal=b"HTTP/1.1 502 hunter2hunter2\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", "user:hunter2hunter2@" + proxy.url.removeprefix("http://"))
        with pytest.raises(APIConnectionError) as caught:
            ask(host=NAMED_TLS, max_retries=0).chat_completion(QUESTION)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


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


# Injected


def test_the_proxies_of_an_injected_session_win(server: RawServer, proxy: ProxyServer) -> None:
    with requests.Session() as session:
        session.proxies = {"http": proxy.url}
        with AssistantClient(assistant_name="docs", api_key=KEY, host=NAMED, http_session=session) as client:
            assert client.chat_completion(QUESTION).content == TEXT
    assert len(proxy.targets) == 1
