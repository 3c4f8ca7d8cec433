"""Settings: arguments win over the environment, and wrong ones are refused before any traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError
from pinecone_assistant_client.settings import checked_timeout

from ..support.bodies import QUESTION
from ..support.connection_settings import KEY, VARIABLES, good, read, said


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
    """A model can be built without a key; its first use raises an error that asks for one."""
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
    """It was an AttributeError from the transport in one client, and was not noticed in the other."""
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


@pytest.mark.parametrize("name", [".", "..", "a\nb", "a\x00", "a\x7f", "a\ud800"])
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


@pytest.mark.parametrize("scheme", ["HTTPS", "htps", "no_proxy", "http:"])
def test_a_proxy_that_no_request_would_use_is_refused(scheme: str) -> None:
    """The request, with its key, would silently bypass the proxy."""
    assert said(good(proxies={scheme: "http://proxy:3128"}).check).startswith(
        f"proxies has {scheme!r}, which no request"
    )


@pytest.mark.parametrize("scheme", ["http", "https", "all", "https://assistant.example", "all://assistant.example"])
def test_a_proxy_for_a_scheme_or_a_host_is_taken(scheme: str) -> None:
    good(proxies={scheme: "http://proxy:3128"}).check()


def test_a_ca_bundle_has_to_exist(tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")
    assert said(good(verify=missing).check) == f"verify={missing!r}: there is no such CA bundle"
    Path(missing).write_text("x")
    good(verify=missing).check()
    good(verify=False).check()


@pytest.mark.parametrize("verify", [None, 1, ["x"]])
def test_verify_is_a_bool_or_a_path(verify: Any) -> None:
    assert said(good(verify=verify).check) == "verify is True, False or the path of a CA bundle"


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
