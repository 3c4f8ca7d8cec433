"""Answers with an error status: the error's class and message, and the parts of the body and headers that it keeps."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ErrorResponse,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from pinecone_assistant_client.wire.error_mapping import error_from_response, parse_service_error

from ..support.error_answers import HOST, KEY, URL, answered


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


@pytest.mark.parametrize(
    "text", ["https://" * 4000, "https://a" + "b" * 50_000, "https://a?" * 5000, " " * 50_000 + "x"]
)
def test_hostile_texts_of_errors_are_read_in_no_time(text: str) -> None:
    """It took 0.2 s when this was written; a quadratic version took 15 s."""
    started = process_time()
    assert str(answered(500, text.encode()))
    assert process_time() - started < 5


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
NAMES = st.sampled_from(["error", "code", "message", "status"])


@given(st.recursive(SCALARS, lambda c: st.lists(c, max_size=3) | st.dictionaries(NAMES, c, max_size=4)))
def test_any_json_body_is_read_without_a_failure(body: Any) -> None:
    code, message = parse_service_error(body)
    assert code is None or isinstance(code, str)
    assert message is None or isinstance(message, str)
    assert isinstance(answered(400, body), BadRequestError)
