"""SOCKS proxies: sync clients use them through PySocks, async clients refuse them by name before anything is sent."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pinecone_assistant_client import APIConnectionError, APITimeoutError, AssistantClient, InvalidRequestError

from ...support.asking import KEY, Asking, text_of
from ...support.bodies import PARTS, QUESTION, TEXT, completion
from ...support.clients import async_client
from ...support.raw_server import RESET, RawServer, reply, streamed
from ...support.socks_server import SocksServer

pytestmark = pytest.mark.usefixtures("no_proxy_of_this_machine")

WHOLE = reply(completion())
NAMED = "http://assistant.example"
NAMED_TLS = "https://assistant.example"
PASSWORD = "hunter2hunter2"


@pytest.fixture
def ask_sync(server: RawServer) -> Iterator[Asking]:
    asking = Asking("sync", server.url)
    yield asking
    asking.close()


@pytest.fixture
def ask_async(server: RawServer) -> Iterator[Asking]:
    asking = Asking("async", server.url)
    yield asking
    asking.close()


# Sync


@pytest.mark.parametrize(("scheme", "target"), [("socks5h", "assistant.example"), ("socks4a", "assistant.example")])
def test_names_are_left_to_the_proxy(ask_sync: Asking, server: RawServer, scheme: str, target: str) -> None:
    server.script(WHOLE, streamed(PARTS))
    with SocksServer(server.port) as proxy:
        asker = ask_sync(host=NAMED, proxies={"http": f"{scheme}://{proxy.address}"})
        assert asker.chat_completion(QUESTION).content == TEXT
        assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
        assert proxy.targets == [(target, 80)]
        asker.close()
    assert server.requests[0].target == "/assistant/chat/docs/chat/completions"
    assert server.requests[0].headers["host"] == "assistant.example"


@pytest.mark.parametrize("scheme", ["socks5", "socks4", "SOCKS5"])
def test_names_are_looked_up_here(ask_sync: Asking, server: RawServer, scheme: str) -> None:
    server.otherwise = WHOLE
    with SocksServer(server.port) as proxy:
        asker = ask_sync(host="http://127.0.0.1:1", proxies={"http": f"{scheme}://{proxy.address}"})
        assert asker.chat_completion(QUESTION).content == TEXT
        assert proxy.targets == [("127.0.0.1", 1)]
        asker.close()


def test_https_goes_through_it_in_tls(ask_sync: Asking, tls_server: RawServer, ca_path: Path) -> None:
    tls_server.script(WHOLE, streamed(PARTS))
    with SocksServer(tls_server.port) as proxy:
        asker = ask_sync(host=NAMED_TLS, proxies={"https": f"socks5h://{proxy.address}"}, verify=str(ca_path))
        assert asker.chat_completion(QUESTION).content == TEXT
        assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
        assert proxy.targets == [("assistant.example", 443)]
        asker.close()
    assert tls_server.connections == 1


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"])
def test_the_environments_is_used(
    ask_sync: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    server.otherwise = WHOLE
    with SocksServer(server.port, login=("me", PASSWORD)) as proxy:
        monkeypatch.setenv(name, f"socks5h://me:{PASSWORD}@{proxy.address}")
        asker = ask_sync(host=NAMED)
        assert asker.chat_completion(QUESTION).content == TEXT
        assert proxy.logins == [("me", PASSWORD)]
        asker.close()


def test_a_wrong_login_is_an_error_without_the_password_and_nothing_was_sent(
    ask_sync: Asking, server: RawServer
) -> None:
    with SocksServer(server.port, login=("me", "right")) as proxy:
        asker = ask_sync(host=NAMED, proxies={"http": f"socks5h://me:{PASSWORD}@{proxy.address}"}, max_retries=1)
        with pytest.raises(APIConnectionError, match=r"assistant\.example") as caught:
            asker.chat_completion(QUESTION)
        assert proxy.connections == 2
    assert PASSWORD not in f"{caught.value} {caught.value.__cause__}"
    assert not caught.value.may_have_been_processed
    assert server.requests == []


@pytest.mark.parametrize("refusal", [1, 4, 5])
def test_a_refusal_is_an_error_and_tried_again(ask_sync: Asking, server: RawServer, refusal: int) -> None:
    with SocksServer(server.port, refusal=refusal) as proxy:
        asker = ask_sync(host=NAMED, proxies={"http": f"socks5h://{proxy.address}"})
        with pytest.raises(APIConnectionError) as caught:
            asker.chat_completion(QUESTION)
        assert proxy.connections == 3
    assert not caught.value.may_have_been_processed


def test_one_that_says_nothing_is_bounded(ask_sync: Asking, server: RawServer) -> None:
    with SocksServer(server.port, is_silent=True) as proxy:
        asker = ask_sync(host=NAMED, proxies={"http": f"socks5h://{proxy.address}"}, timeout=(0.1, 5), max_retries=0)
        with pytest.raises(APITimeoutError) as caught:
            asker.chat_completion(QUESTION)
    assert not caught.value.may_have_been_processed


def test_a_reset_behind_it_after_the_request_is_not_sent_again(ask_sync: Asking, server: RawServer) -> None:
    server.otherwise = [RESET]
    with SocksServer(server.port) as proxy:
        asker = ask_sync(host=NAMED, proxies={"http": f"socks5h://{proxy.address}"})
        with pytest.raises(APIConnectionError) as caught:
            asker.chat_completion(QUESTION)
    assert caught.value.may_have_been_processed
    assert len(server.requests) == 1


def test_without_pysocks_the_extra_is_named(
    ask_sync: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "socks" else real(name, *rest))
    with pytest.raises(InvalidRequestError, match=r"pip install 'pinecone-assistant-integrations\[socks\]'"):
        ask_sync(host=NAMED, proxies={"http": "socks5h://127.0.0.1:1"}).chat_completion(QUESTION)


# Async


SETTINGS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"proxies": {"https": "URL", "http": "URL"}}, {}),
    ({"proxies": {"all": "URL"}}, {}),
    ({}, {"ALL_PROXY": "URL"}),
    ({}, {"all_proxy": "URL"}),
    ({}, {"HTTP_PROXY": "URL", "HTTPS_PROXY": "URL"}),
]


@pytest.mark.parametrize(("options", "variables"), SETTINGS)
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks4a", "SOCKS5", "socks"])
@pytest.mark.parametrize("host", [NAMED, NAMED_TLS])
def test_async_refuses_it_by_name_before_anything_is_sent(
    *,
    ask_async: Asking,
    server: RawServer,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    variables: dict[str, str],
    scheme: str,
    host: str,
) -> None:
    """Aiohttp wrote the request, with the key, in clear to the SOCKS port."""
    with SocksServer(server.port) as proxy:
        url = f"{scheme}://me:{PASSWORD}@{proxy.address}"
        for name in variables:
            monkeypatch.setenv(name, url)
        words = {name: dict.fromkeys(value, url) for name, value in options.items()}
        asker = ask_async(host=host, **words)
        with pytest.raises(InvalidRequestError) as caught:
            asker.chat_completion(QUESTION)
        assert proxy.connections == 0
    assert f"{scheme.lower()}://[cut]@{proxy.address}" in str(caught.value)
    assert "SOCKS" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert asker.waits == []


def test_async_refuses_it_for_the_lookup_of_the_host_too(ask_async: Asking, server: RawServer) -> None:
    with SocksServer(server.port) as proxy:
        asker = ask_async(host=None, controller_host=NAMED, proxies={"http": f"socks5h://{proxy.address}"})
        with pytest.raises(InvalidRequestError, match="SOCKS"):
            asker.chat_completion(QUESTION)
        assert proxy.connections == 0


@pytest.mark.parametrize("host", [NAMED, NAMED_TLS])
@pytest.mark.parametrize("way", ["session", "environment"])
async def test_async_refuses_the_socks_proxy_of_an_injected_session(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, way: str, host: str
) -> None:
    with SocksServer(server.port) as proxy:
        url = f"socks5://me:{PASSWORD}@{proxy.address}"
        options: dict[str, Any] = {"proxy": url}
        if way == "environment":
            monkeypatch.setenv("HTTP_PROXY", url)
            monkeypatch.setenv("HTTPS_PROXY", url)
            options = {"trust_env": True}
        async with aiohttp.ClientSession(**options) as session:
            client = async_client(server, host=host, async_http_session=session)
            for _ in range(2):
                with pytest.raises(
                    InvalidRequestError, match=r"\(from async_http_session\) is a SOCKS proxy"
                ) as caught:
                    await client.chat_completion(QUESTION)
                assert PASSWORD not in str(caught.value)
            await client.close()
        assert proxy.connections == 0


async def test_an_injected_session_that_ignores_the_environment_is_not_refused(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
    server.otherwise = WHOLE
    async with aiohttp.ClientSession() as session, async_client(server, async_http_session=session) as client:
        assert (await client.chat_completion(QUESTION)).content == TEXT


def test_async_uses_no_socks_proxy_of_the_environment_for_this_machine(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    server.otherwise = WHOLE

    async def ask() -> str:
        async with async_client(server) as client:
            return (await client.chat_completion(QUESTION)).content

    assert asyncio.run(ask()) == TEXT


# Other kinds


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "socks6://127.0.0.1:1", "quic://127.0.0.1:1"])
def test_a_proxy_of_an_unknown_kind_is_refused_by_name(ask: Asking, url: str) -> None:
    asker = ask(host=NAMED, proxies={"http": url})
    with pytest.raises(InvalidRequestError) as caught:
        asker.chat_completion(QUESTION)
    assert url in str(caught.value)
    assert asker.waits == []


@pytest.mark.parametrize("url", ["http://", "http://:3128", "http://[::1", "socks5://"])
def test_a_proxy_without_a_host_is_refused(ask: Asking, url: str) -> None:
    asker = ask(host=NAMED, proxies={"http": url})
    with pytest.raises(InvalidRequestError, match="not a URL with a host"):
        asker.chat_completion(QUESTION)
    assert asker.waits == []


def test_a_client_behind_a_socks_proxy_shows_no_password(server: RawServer) -> None:
    url = f"socks5h://me:{PASSWORD}@127.0.0.1:1"
    with AssistantClient("docs", api_key=KEY, host=NAMED, proxies={"http": url}, max_retries=0) as client:
        with pytest.raises(APIConnectionError) as caught:
            client.chat_completion(QUESTION)
        assert PASSWORD not in repr(client) + str(caught.value) + str(caught.value.__cause__)
