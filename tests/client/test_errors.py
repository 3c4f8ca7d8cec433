"""The error tree: which class, what the message says, what is kept, and what never is."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pinecone_assistant_client
from pinecone_assistant_client import errors
from pinecone_assistant_client.error_mapping import error_from_response, parse_retry_after, parse_service_error
from pinecone_assistant_client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    AuthenticationError,
    BadRequestError,
    ErrorResponse,
    IncompleteStreamError,
    InternalServerError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamError,
)
from pinecone_assistant_client.redaction import excerpt, without_secrets

KEY = "pcsk_SECRETKEY"
HOST = "https://prod-1-data.ke.pinecone.io"
URL = "https://storage.googleapis.com/b/pine.pdf?X-Goog-Signature=SIGNED&X-Goog-Expires=3600"
DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, AssistantError) and value.__module__ == errors.__name__
]


def make(cls: type[AssistantError], message: str = "it broke", **attributes: Any) -> AssistantError:
    needed: dict[str, Any] = {"status_code": 418} if issubclass(cls, APIStatusError) else {}
    return cls(message, **needed, **attributes)


def answered(
    status: int, body: Any = b"", *, now: float = 0.0, secrets: tuple[str, ...] = (KEY,), **headers: str
) -> APIStatusError:
    """The error for an answer; header names are written with `_`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(status, named, raw, assistant="docs", host=HOST, secrets=secrets, now=now)


# The tree


def test_every_class_has_one_root_and_the_openai_names_are_exported() -> None:
    assert len(CLASSES) == 13
    for cls in CLASSES:
        assert getattr(pinecone_assistant_client, cls.__name__) is cls


@pytest.mark.parametrize(
    ("cls", "parent"),
    [
        (InvalidRequestError, ValueError),
        (APITimeoutError, APIConnectionError),
        (BadRequestError, APIStatusError),
        (AuthenticationError, APIStatusError),
        (PermissionDeniedError, APIStatusError),
        (NotFoundError, APIStatusError),
        (RateLimitError, APIStatusError),
        (InternalServerError, APIStatusError),
        (IncompleteStreamError, StreamError),
    ],
)
def test_a_class_can_be_caught_as_its_parent(cls: type[AssistantError], parent: type[Exception]) -> None:
    with pytest.raises(parent):
        raise make(cls)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("message", ["it broke", "it broke.", "it broke. ", "it broke..."])
def test_every_message_ends_in_the_place_that_explains_it(cls: type[AssistantError], message: str) -> None:
    error = make(cls, message)
    assert str(error) == error.message == f"it broke; see docs/errors.md#{cls.__name__.lower()}"
    assert error.args == (error.message,)
    assert f"\n## {cls.__name__}\n" in DOCS.read_text()


def test_a_subclass_of_an_adapter_points_to_the_class_it_stands_for() -> None:
    class ModelRateLimitError(RateLimitError): ...

    assert str(make(ModelRateLimitError)).endswith("; see docs/errors.md#ratelimiterror")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_pickles_and_copies_with_all_its_attributes(cls: type[AssistantError], clone: Any) -> None:
    more: dict[str, Any] = {
        "code": "INTERNAL",
        "body": {"error": ["x"]},
        "request_id": "r-1",
        "response": ErrorResponse(418, {"date": "today"}, "text"),
    }
    if issubclass(cls, APIStatusError):
        more["retry_after"] = 2.5
    if issubclass(cls, APIConnectionError):
        more["may_have_been_processed"] = True
    if cls is IncompleteStreamError:
        more["text"] = "half"
    error = make(cls, **more)
    if isinstance(error, (APITimeoutError, StreamError)):
        error.text = "half"
    same = clone(error)
    assert type(same) is cls
    assert (str(same), same.args, vars(same)) == (str(error), error.args, vars(error))
    assert {name: getattr(same, name) for name in more} == more


def test_attributes_are_none_where_there_is_nothing_to_tell() -> None:
    error = AssistantError("x")
    assert (error.code, error.body, error.request_id, error.response) == (None, None, None, None)
    assert (error.is_retryable, error.may_have_been_processed) == (False, False)
    assert answered(500).retry_after is None
    assert IncompleteStreamError("x").text == ""


def test_only_what_cannot_bill_twice_is_retryable() -> None:
    assert {cls for cls in CLASSES if make(cls).is_retryable} == {
        APIConnectionError,
        APITimeoutError,
        RateLimitError,
        InternalServerError,
    }
    for cls in (APIConnectionError, APITimeoutError):
        assert not cls("x", may_have_been_processed=True).is_retryable
        assert cls("x", may_have_been_processed=True).may_have_been_processed


# An error status


@pytest.mark.parametrize(
    ("status", "cls", "said"),
    [
        (400, BadRequestError, f'{HOST} refused the request to assistant "docs" (400): change what the service names'),
        (401, AuthenticationError, f"the API key was refused by {HOST} (401): check PINECONE_API_KEY or api_key="),
        (402, PermissionDeniedError, f"{HOST} asks for payment (402) before assistant \"docs\" answers: check the plan"),
        (403, PermissionDeniedError, f'this key may not use assistant "docs" on {HOST} (403): check quota'),
        (404, NotFoundError, f'assistant "docs" not found on {HOST} (404): check the name, the project\'s key or the host'),
        (408, InternalServerError, f"{HOST} failed to answer (408): try again later"),
        (409, BadRequestError, "(409): change what the service names"),
        (412, BadRequestError, "(412): change what the service names"),
        (413, BadRequestError, f"the request is too large for {HOST} (413): send fewer or shorter messages"),
        (422, BadRequestError, "(422): change what the service names"),
        (429, RateLimitError, f"too many requests to {HOST} (429): wait, send fewer at once, or raise max_retries"),
        (500, InternalServerError, f"{HOST} failed to answer (500): try again later"),
        (502, InternalServerError, "(502): try again later"),
        (503, InternalServerError, "(503): try again later"),
        (504, InternalServerError, "(504): try again later"),
        (599, InternalServerError, "(599): try again later"),
        (302, BadRequestError, "answered with a redirect (302), which is not followed"),
        (307, BadRequestError, "set host="),
        (418, BadRequestError, "(418): change what the service names"),
    ],
)  # fmt: skip
def test_each_status_has_its_class_and_a_sentence_that_says_what_to_do(
    status: int, cls: type[APIStatusError], said: str
) -> None:
    error = answered(status)
    assert type(error) is cls
    assert said in str(error)
    assert error.status_code == status
    assert str(error).endswith(f"; see docs/errors.md#{cls.__name__.lower()}")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (
            {"error": {"code": "INVALID_ARGUMENT", "message": "Must have at least 1 message"}, "status": 400},
            "INVALID_ARGUMENT",
            "The service said: INVALID_ARGUMENT: Must have at least 1 message",
        ),
        ({"error": {"code": "X", "message": "m", "details": {"a": 1}}}, "X", "The service said: X: m"),
        ({"error": {"message": "m"}}, None, "The service said: m"),
        ({"error": "Invalid API key"}, None, "The service said: Invalid API key"),
        ({"message": "Invalid API key"}, None, "The service said: Invalid API key"),
        ({"code": 16, "message": "Invalid API key", "details": []}, "16", "The service said: 16: Invalid API key"),
        ({"error": None, "message": "m"}, None, "The service said: m"),
        (b"upstream connect error", None, "The service said: upstream connect error"),
        (b" two \n lines ", None, "The service said: two lines"),
        (b'{"error": {"code": "X", "mess', None, 'The service said: {"error": {"code": "X", "mess'),
        (b"\xef\xbb\xbf" + b'{"message": "m"}', None, "The service said: m"),
    ],
)
def test_every_known_body_gives_its_code_and_message(body: Any, code: str | None, said: str) -> None:
    error = answered(400, body)
    assert error.code == code
    assert f"{said}; see docs/errors.md#badrequesterror" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"null",
        b"{}",
        b"[]",
        b"17",
        {"error": None},
        {"error": {}},
        {"error": []},
        {"code": None, "message": 7},
    ],
)
def test_a_body_that_says_nothing_leaves_the_sentence_of_the_status(body: Any) -> None:
    error = answered(503, body)
    assert error.code is None
    assert f"{HOST} failed to answer (503): try again later" in str(error)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><h1>Bad gateway</h1>", b" \n<html>", b"\xef\xbb\xbf<html>"])
def test_the_page_of_a_proxy_gives_its_own_sentence(page: bytes) -> None:
    error = answered(502, page, content_type="text/html")
    assert "A web page came back, not the service's own error: look for a proxy or a wrong host on the way" in str(
        error
    )
    assert "<" not in str(error)
    assert error.response is not None
    assert "<" in error.response.text


def test_a_long_answer_is_cut_in_the_message_and_kept_in_the_response() -> None:
    error = answered(400, {"message": "m" * 5000})
    assert len(str(error)) < 600
    assert error.body == {"message": "m" * 5000}


def test_bytes_that_are_no_text_are_kept_readable() -> None:
    error = answered(500, b"\xff\xfe oops")
    assert error.body == "\ufffd\ufffd oops"
    assert "oops" in str(error)


def test_an_error_carries_status_code_body_request_id_and_response() -> None:
    body = {"error": {"code": "NOT_FOUND", "message": 'Assistant "docs" not found.'}, "status": 404}
    error = answered(404, body, x_pinecone_request_id="p-1", x_request_id="x-1", content_type="application/json")
    assert (error.status_code, error.code, error.body, error.request_id) == (404, "NOT_FOUND", body, "p-1")
    assert "(request p-1)" in str(error)
    assert error.response is not None
    assert error.response.status_code == 404
    assert error.response.json() == body
    assert error.response.headers["content-type"] == "application/json"


def test_the_plain_request_id_counts_where_there_is_no_other() -> None:
    assert answered(500, x_request_id="x-1").request_id == "x-1"
    assert answered(500).request_id is None


def test_the_response_keeps_listed_headers_only() -> None:
    listed = {
        "content-type": "text/plain",
        "content-length": "3",
        "date": "Sat, 21 Nov 2026 10:00:00 GMT",
        "retry-after": "3",
        "server": "envoy",
        "x-pinecone-request-id": "p",
        "x-request-id": "x",
    }
    hidden = {"set-cookie": "session=1", "www-authenticate": "x", "api-key": KEY, "location": URL}
    error = error_from_response(503, listed | hidden, b"", assistant="docs", host=HOST)
    assert error.response is not None
    assert error.response.headers == listed


def test_a_response_that_is_no_json_says_so_as_a_value_error() -> None:
    with pytest.raises(ValueError, match="the body is not JSON"):
        ErrorResponse(500, {}, "<html>").json()


def test_keys_and_signed_urls_reach_nothing_that_is_kept() -> None:
    body = {"error": {"code": "X", "message": f"key {KEY} and {URL}, twice {URL}"}, "echo": [KEY, {"u": URL}]}
    error = answered(
        400, body, secrets=(KEY, "", "INJECTED"), server=f"proxy {KEY} INJECTED {URL}", x_request_id=f"r-{KEY}"
    )
    kept = str(error) + repr(error) + repr(vars(error)) + pickle.dumps(error).decode("latin-1")
    for secret in (KEY, "SIGNED", "INJECTED"):
        assert secret not in kept
    assert "https://storage.googleapis.com/b/pine.pdf?[cut]" in str(error)
    assert "[secret]" in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/x?sig=1 now", "see https://a.example/x?[cut] now"),
        ("[f](https://a.example/x?sig=1)", "[f](https://a.example/x?[cut])"),
        ('"http://a.example/?a=1&b=%20"', '"http://a.example/?[cut]"'),
        ("HTTPS://A.EXAMPLE/x?SIG=1", "HTTPS://A.EXAMPLE/x?[cut]"),
        ("https://a.example/x", "https://a.example/x"),
        ("is it? https://a.example/x is", "is it? https://a.example/x is"),
        ("no link?sig=1", "no link?sig=1"),
        ("", ""),
    ],
)
def test_the_query_of_every_link_is_cut(text: str, expected: str) -> None:
    assert without_secrets(text) == expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_key_never_survives_whatever_stands_around_it(before: str, after: str) -> None:
    assert KEY not in without_secrets(before + KEY + after, KEY)


@pytest.mark.parametrize(
    "text", ["https://" * 4000, "https://a" + "b" * 50_000, "https://a?" * 5000, " " * 50_000 + "x"]
)
def test_hostile_texts_of_errors_are_read_in_no_time(text: str) -> None:
    assert str(answered(500, text.encode()))


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
NAMES = st.sampled_from(["error", "code", "message", "status"])


@given(st.recursive(SCALARS, lambda c: st.lists(c, max_size=3) | st.dictionaries(NAMES, c, max_size=4)))
def test_any_json_body_is_read_without_a_failure(body: Any) -> None:
    code, message = parse_service_error(body)
    assert code is None or isinstance(code, str)
    assert message is None or isinstance(message, str)
    assert isinstance(answered(400, body), BadRequestError)


def test_an_excerpt_is_one_line_of_bounded_length() -> None:
    assert excerpt(" a \n\t b ") == "a b"
    assert excerpt("x" * 301) == "x" * 300 + "..."
    assert excerpt("x" * 300) == "x" * 300


# Retry-After

NOW = 1_790_000_000.0  # 21 Sep 2026, 14:13:20 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("999999999999", 999999999999.0),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1e400", None),
        ("soon", None),
        ("12 seconds", None),
        ("Mon, 21 Sep 2026 14:13:50 GMT", 30.0),
        ("Mon, 21 Sep 2026 14:13:50 -0000", 30.0),
        ("Mon, 21 Sep 2026 16:13:50 +0200", 30.0),
        ("Mon Sep 21 14:13:50 2026", 30.0),
        ("Monday, 21-Sep-26 14:13:50 GMT", 30.0),
        ("Mon, 21 Sep 2026 14:13:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Mon, 99 Sep 2026 14:13:50 GMT", None),
        ("Mon, 21 Sep 99999 14:13:50 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds
    headers = {} if value is None else {"retry-after": value}
    assert error_from_response(429, headers, b"", assistant="docs", host=HOST, now=NOW).retry_after == seconds


def test_a_date_without_a_zone_does_not_depend_on_the_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    time = pytest.importorskip("time")
    if not hasattr(time, "tzset"):
        pytest.skip("this system has no tzset")
    try:
        monkeypatch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        assert parse_retry_after("Mon, 21 Sep 2026 14:13:50 -0000", now=NOW) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text(max_size=40))
def test_any_retry_after_is_seconds_or_none(value: str) -> None:
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or 0 <= seconds < float("inf")


def test_no_error_page_heading_is_without_its_class() -> None:
    headings = re.findall(r"^## (\w+)$", DOCS.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(cls.__name__ for cls in CLASSES)
