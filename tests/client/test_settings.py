"""Settings: arguments before the environment, and what is refused before any traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError
from pinecone_assistant_client.settings import (
    ConnectionSettings,
    checked_looked_up_host,
    checked_timeout,
    is_loopback,
    normalise_host,
)

from .wire import QUESTION

VARIABLES = {
    "assistant_name": "PINECONE_ASSISTANT_NAME",
    "api_key": "PINECONE_API_KEY",
    "host": "PINECONE_ASSISTANT_HOST",
    "controller_host": "PINECONE_CONTROLLER_HOST",
}
KEY = "pcsk_SECRETKEY"


def read(**changes: Any) -> ConnectionSettings:
    arguments: dict[str, Any] = dict.fromkeys((*VARIABLES, "default_headers", "proxies"))
    return ConnectionSettings.read(**arguments | changes)


def good(**changes: Any) -> ConnectionSettings:
    return read(**{"assistant_name": "docs", "api_key": KEY, "host": "https://a.example"} | changes)


def said(call: Any, *args: Any, **options: Any) -> str:
    """Why a call is refused, without the pointer to the docs."""
    with pytest.raises(InvalidRequestError) as caught:
        call(*args, **options)
    return str(caught.value).removesuffix("; see docs/errors.md#invalidrequesterror")


@pytest.mark.parametrize(("option", "variable"), VARIABLES.items())
def test_an_argument_comes_first_then_the_environment(
    option: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unset = getattr(read(), option)
    assert unset == ("https://api.pinecone.io" if option == "controller_host" else None)
    monkeypatch.setenv(variable, "from-environment")
    assert getattr(read(), option) == "from-environment"
    assert getattr(read(**{option: "argument"}), option) == "argument"
    monkeypatch.setenv(variable, "")
    assert getattr(read(), option) == unset


def test_the_environment_is_read_once_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINECONE_API_KEY", "first")
    settings = read()
    monkeypatch.setenv("PINECONE_API_KEY", "second")
    assert settings.api_key == "first"


def test_reading_checks_nothing() -> None:
    """A model can be built without a key; the first use says what is missing."""
    read()
    read(api_key="with\nbreak", host="ftp://x", default_headers={"Host": "x"})


def test_good_settings_pass_and_make_the_headers_of_every_request() -> None:
    settings = good(
        default_headers={"X-Team": "a\tb"},
        source_tag="my_tag:1",
        api_version="2025-10",
        proxies={"https": "http://p:1"},
    )
    settings.check()
    headers = settings.headers()
    assert headers["Api-Key"] == KEY
    assert headers["X-Pinecone-Api-Version"] == "2025-10"
    assert headers["X-Team"] == "a\tb"
    assert headers["User-Agent"].startswith("pinecone-assistant-integrations/")
    assert headers["User-Agent"].endswith("; source_tag=my_tag:1")
    assert "source_tag" not in good().headers()["User-Agent"]
    assert good().headers()["X-Pinecone-Api-Version"] == "2026-04"


def test_neither_the_key_nor_headers_nor_proxies_stand_in_the_repr() -> None:
    settings = good(default_headers={"X-Team": "SECRETHEADER"}, proxies={"https": "http://u:SECRETPROXY@p:1"})
    assert "SECRET" not in repr(settings)
    assert set(settings.secrets()) >= {KEY, "SECRETHEADER"}


def test_settings_can_be_compared_and_hashed_as_the_registry_of_connections_does() -> None:
    assert good() == good()
    assert len({good(), good(), good(host="https://b.example")}) == 2


@pytest.mark.parametrize("name", [None, "", " ", "\t"])
def test_a_missing_name_is_refused_with_where_to_set_it(name: str | None) -> None:
    assert said(good(assistant_name=name).check) == (
        "no assistant name: pass assistant_name= or set PINECONE_ASSISTANT_NAME"
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("assistant_name", 5),
        ("api_key", b"pcsk"),
        ("source_tag", 5),
        ("default_headers", "X-Team: a"),
        ("default_headers", [("X-Team", "a")]),
        ("proxies", "http://proxy.example"),
    ],
)
def test_an_option_of_a_wrong_type_is_refused_by_name(option: str, value: Any) -> None:
    options: dict[str, Any] = {"assistant_name": "docs", "api_key": "k", "host": "https://a.example", option: value}
    with pytest.raises(InvalidRequestError, match=f"^{option} is a {type(value).__name__}: pass "):
        AssistantClient(**options).chat_completion([{"role": "user", "content": "?"}])


@pytest.mark.parametrize(
    ("option", "wanted"), [("http_session", "requests.Session"), ("async_http_session", "aiohttp.ClientSession")]
)
@pytest.mark.parametrize("value", [object(), 5, "https://a.example", object], ids=lambda value: type(value).__name__)
async def test_a_session_of_a_wrong_type_is_refused_before_anything_is_sent(
    option: str, wanted: str, value: Any
) -> None:
    """It was an AttributeError out of the transport, and the other client did not notice it at all."""
    options: dict[str, Any] = {"assistant_name": "docs", "api_key": "k", "host": "http://127.0.0.1:1", option: value}
    refusal = f"^{option} is a {type(value).__name__}: pass a {wanted}, or leave it out"
    with pytest.raises(InvalidRequestError, match=refusal):
        AssistantClient(**options).chat_completion(QUESTION)
    with pytest.raises(InvalidRequestError, match=refusal):
        await AsyncAssistantClient(**options).chat_completion(QUESTION)


async def test_sessions_that_are_mixed_up_are_refused_by_what_they_are() -> None:
    with requests.Session() as session, pytest.raises(InvalidRequestError, match=r"^async_http_session is a Session: "):
        good(async_http_session=session).check()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(InvalidRequestError, match=r"^http_session is a ClientSession: pass a requests\.Session"):
            good(http_session=session).check()


async def test_sessions_of_the_right_types_and_of_their_subclasses_pass() -> None:
    class Session(requests.Session):
        pass

    with Session() as session:
        async with aiohttp.ClientSession() as async_session:
            good(http_session=session, async_http_session=async_session).check()


@pytest.mark.parametrize("name", [".", "..", "a\nb", "a\x00", "a\x7f"])
def test_a_name_that_no_assistant_has_is_refused(name: str) -> None:
    assert said(good(assistant_name=name).check) == f"assistant_name {name!r} cannot be the name of an assistant"


def test_a_missing_key_is_refused_with_where_to_set_it() -> None:
    assert said(good(api_key=None).check) == "no API key: pass api_key= or set PINECONE_API_KEY"


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f" {KEY}", f"{KEY}\r\nX: y", "pcsk_SECRET KEY", "pcsk_SECRETä", "SECRET\x00", " "]
)
def test_a_key_that_no_header_can_have_is_refused_and_never_shown(key: str) -> None:
    message = said(good(api_key=key).check)
    assert message.startswith(
        "the API key has white space, a line break or a character outside ASCII in it: copy it again"
    )
    assert "SECRET" not in message


@pytest.mark.parametrize("version", ["", "2026", "2026-4", "latest", "2026-04-01", "2026-04\n", 2026, None])
def test_a_version_that_is_no_year_and_month_is_refused(version: Any) -> None:
    assert said(good(api_version=version).check).startswith(f"api_version is {version!r}: pass ")


@pytest.mark.parametrize("tag", ["", "Upper", "a b", "a-b", "ä", "a\n", "a;b"])
def test_a_source_tag_with_other_characters_is_refused(tag: str) -> None:
    assert said(good(source_tag=tag).check).startswith(f"source_tag {tag!r}: use lower-case letters")


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\n", "a\r\nb", 7, None])
def test_a_header_name_that_is_none_is_refused(name: Any) -> None:
    assert said(good(default_headers={name: "x"}).check) == (
        f"default_headers has a name that no HTTP header can have: {name!r}"
    )


@pytest.mark.parametrize(
    "name",
    [
        "Api-Key",
        "API-KEY",
        "x-pinecone-api-version",
        "User-Agent",
        "Content-Type",
        "Content-Length",
        "Host",
        "Transfer-Encoding",
    ],
)
def test_a_header_of_the_clients_own_is_refused(name: str) -> None:
    assert said(good(default_headers={name: "x"}).check) == (
        f"default_headers must not set {name}: it has its own option or is computed"
    )


@pytest.mark.parametrize("value", ["SECRET\nX: y", "SECRET\r", "SECRETä", "SECRET\x00", b"SECRET", None, 7])
def test_a_header_value_that_no_header_can_have_is_refused_and_never_shown(value: Any) -> None:
    message = said(good(default_headers={"X-Team": value}).check)
    assert message == "default_headers['X-Team'] has a line break or a character outside ASCII"


@pytest.mark.parametrize("proxies", [{"https": "proxy:3128"}, {"https": ""}, {"https": None}, {7: "http://p:1"}])
def test_a_proxy_that_is_no_url_is_refused(proxies: Any) -> None:
    assert said(good(proxies=proxies).check).startswith("proxies needs URLs, such as")


def test_a_ca_bundle_has_to_exist(tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")
    assert said(good(verify=missing).check) == f"verify={missing!r}: there is no such CA bundle"
    Path(missing).write_text("x")
    good(verify=missing).check()
    good(verify=False).check()


@pytest.mark.parametrize("verify", [None, 1, ["x"]])
def test_verify_is_a_bool_or_a_path(verify: Any) -> None:
    assert said(good(verify=verify).check) == "verify is True, False or the path of a CA bundle"


# Hosts


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


# Timeouts


@pytest.mark.parametrize(
    ("timeout", "pair"),
    [
        (None, (10.0, 300.0)),
        (5, (5.0, 5.0)),
        (0.5, (0.5, 0.5)),
        ((3, 60), (3.0, 60.0)),
        ([3, 60.5], (3.0, 60.5)),
        (float("inf"), (float("inf"), float("inf"))),
    ],
)
def test_a_timeout_is_seconds_or_a_pair(timeout: Any, pair: tuple[float, float]) -> None:
    assert checked_timeout(timeout) == pair


@pytest.mark.parametrize(
    "timeout", [0, -1, "5", True, float("nan"), (1,), (1, 2, 3), (1, 0), (1, None), ("1", 2), (), {}, [True, 1]]
)
def test_a_timeout_that_is_no_time_is_refused(timeout: Any) -> None:
    assert said(checked_timeout, timeout) == (
        f"timeout is {timeout!r}: pass seconds > 0, or a pair (connect seconds, read seconds)"
    )
