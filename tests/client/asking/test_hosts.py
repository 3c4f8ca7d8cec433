"""Hosts: how one may be written, which are refused, and where the key never goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.hosts import checked_looked_up_host
from pinecone_assistant_client.settings import is_loopback, normalise_host

from ..support.connection_settings import good, said


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("https://prod-1-data.ke.pinecone.io", "https://prod-1-data.ke.pinecone.io"),
        ("prod-1-data.ke.pinecone.io", "https://prod-1-data.ke.pinecone.io"),
        ("https://a.example/", "https://a.example"),
        ("https://a.example//", "https://a.example"),
        ("https://a.example/assistant", "https://a.example"),
        ("https://a.example/assistant/", "https://a.example"),
        ("https://a.example/assistant/chat/docs", "https://a.example"),
        ("https://a.example/gateway", "https://a.example/gateway"),
        ("https://a.example/gateway/assistant/", "https://a.example/gateway"),
        ("https://a.example/assistants", "https://a.example/assistants"),
        ("https://a.example:8443", "https://a.example:8443"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790"),
        ("localhost:8790", "https://localhost:8790"),
        ("HTTPS://A.Example", "https://a.example"),
        ("http://[::1]:8790/", "http://[::1]:8790"),
    ],
)
def test_a_host_may_be_written_in_many_ways(host: str, url: str) -> None:
    assert normalise_host(host) == url
    assert normalise_host(url) == url
    assert good(host=host).base_url == url


def test_a_host_that_is_not_given_is_asked_for() -> None:
    assert good(host=None).base_url is None
    assert good(controller_host="http://127.0.0.1:1/assistant").controller_url == "http://127.0.0.1:1"
    assert "PINECONE_CONTROLLER_HOST" in said(lambda: good(controller_host="ftp://x").controller_url)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "https://",
        "https:///x",
        "ftp://a.example",
        "file:///etc/passwd",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://a.example:port",
        "https://a.example:99999",
        "https://a.example/../x",
        "https://[::1",
        "https://a b.example",
        " https://a.example",
        "https://a.example\n",
        "https://ä.example",
        "https://a.example\x00",
        "https://a.example\\.b.example",
        "https://a%2eexample",
        "https://a.example,b.example",
        7,
        None,
    ],
)
def test_a_host_that_is_no_url_is_refused_and_the_option_named(host: Any) -> None:
    assert said(normalise_host, host).startswith("host ")
    assert said(normalise_host, host, option="that option").startswith("that option ")


@pytest.mark.parametrize(
    "host", ["https://user:SECRET@a.example", "https://SECRET@a.example", "SECRET:SECRET@a.example"]
)
def test_a_host_with_a_password_is_refused_and_the_password_not_shown(host: str) -> None:
    message = said(normalise_host, host)
    assert message.startswith("host has a user name or password in it: pass the key with api_key= only")
    assert "SECRET" not in message


@given(st.text(max_size=30))
def test_any_host_is_a_base_url_or_refused(host: str) -> None:
    try:
        url = normalise_host(host)
    except InvalidRequestError:
        return
    assert url.startswith(("https://", "http://"))
    assert not url.endswith("/")
    assert normalise_host(url) == url


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("", False),
        (None, False),
    ],
)
def test_this_machine_is_known_by_its_names(name: str | None, expected: bool) -> None:
    assert is_loopback(name) is expected


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("prod-1-data.ke.pinecone.io", "https://prod-1-data.ke.pinecone.io"),
        ("https://prod-eu-data.ke.pinecone.io/", "https://prod-eu-data.ke.pinecone.io"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790"),
        ("http://localhost:8790", "http://localhost:8790"),
        ("http://[::1]:8790", "http://[::1]:8790"),
    ],
)
def test_a_looked_up_host_is_https_or_this_machine(host: str, url: str) -> None:
    assert checked_looked_up_host(host, "https://api.pinecone.io") == url


@pytest.mark.parametrize(
    "host", ["http://prod-1-data.ke.pinecone.io", "http://127.0.0.1.example.com", "http://10.0.0.1"]
)
def test_the_key_goes_to_no_looked_up_host_outside_https(host: str) -> None:
    assert said(checked_looked_up_host, host, "https://api.pinecone.io") == (
        f"https://api.pinecone.io named the host {host}, which is not https, so the key was not sent there: "
        "pass host= if that is meant"
    )


@pytest.mark.parametrize("host", ["", "ftp://x", "https://u:p@x", "a b"])
def test_a_looked_up_host_that_is_no_url_says_who_named_it(host: str) -> None:
    assert said(checked_looked_up_host, host, "https://api.pinecone.io").startswith(
        "the host that the control plane named"
    )
