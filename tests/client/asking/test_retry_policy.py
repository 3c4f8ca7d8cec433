"""The retry policy as data and pure functions: which failures are retried, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    IncompleteStreamError,
    InvalidRequestError,
    StreamError,
)
from pinecone_assistant_client.retries import RETRIED_STATUSES, RetryPolicy
from pinecone_assistant_client.wire.error_mapping import error_from_response

POLICY = RetryPolicy()


def status_error(status: int, **headers: str) -> APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(status, named, b"", assistant="docs", host="https://a.example")


def test_the_defaults_are_two_retries_that_bill_nothing_twice() -> None:
    assert (POLICY.max_retries, POLICY.retry_on_timeout) == (2, False)
    assert (POLICY.first_wait_seconds, POLICY.max_wait_seconds, POLICY.max_retry_after_seconds) == (0.5, 8.0, 60.0)


@pytest.mark.parametrize("repeatable", [True, False])
def test_only_statuses_that_pass_are_sent_again(repeatable: bool) -> None:
    retried = {status for status in range(300, 600) if POLICY.is_retried(status_error(status), repeatable=repeatable)}
    assert retried == {408, 429, 500, 502, 503, 504} == RETRIED_STATUSES


@pytest.mark.parametrize("cls", [APIConnectionError, APITimeoutError])
@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("retry_on_timeout", [True, False])
def test_what_was_not_written_is_sent_again_and_what_may_have_been_processed_only_if_asked_or_free(
    cls: type[APIConnectionError], repeatable: bool, retry_on_timeout: bool
) -> None:
    policy = RetryPolicy(retry_on_timeout=retry_on_timeout)
    assert policy.is_retried(cls("x"), repeatable=repeatable)
    unclear = cls("x", may_have_been_processed=True)
    assert policy.is_retried(unclear, repeatable=repeatable) is (repeatable or retry_on_timeout)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("x"),
        StreamError("x"),
        AssistantError("x"),
        ValueError("x"),
        TimeoutError("x"),
        ConnectionError("x"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_nothing_else_is_sent_again(error: BaseException) -> None:
    """A bad answer with status 200 was billed; an exception of another library is a bug."""
    assert not RetryPolicy(retry_on_timeout=True).is_retried(error, repeatable=True)


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_cut_answer_is_asked_for_again_only_if_that_costs_nothing(*, repeatable: bool) -> None:
    policy = RetryPolicy(retry_on_timeout=True)
    assert policy.is_retried(IncompleteStreamError("x"), repeatable=repeatable) is repeatable


@pytest.mark.parametrize(
    ("retry_after", "is_retried"),
    [
        *(("0", True), ("1", True), ("60", True), ("-5", True), ("soon", True), ("nan", True)),
        *(("60.5", False), ("3600", False), ("999999999", False)),
    ],
)
def test_a_retry_after_past_the_bound_raises_at_once(retry_after: str, is_retried: bool) -> None:
    assert POLICY.is_retried(status_error(429, retry_after=retry_after), repeatable=True) is is_retried
    assert POLICY.is_retried(status_error(503, retry_after=retry_after), repeatable=True) is is_retried


@pytest.mark.parametrize(("retry_after", "seconds"), [("0", 0.0), ("7", 7.0), ("2.5", 2.5), ("-3", 0.0), ("60", 60.0)])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_a_retry_after_is_obeyed_exactly(retry_after: str, seconds: float, jitter: float) -> None:
    assert POLICY.wait_seconds(1, status_error(429, retry_after=retry_after), jitter) == seconds


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (60, 8.0), (5000, 8.0)]
)
@pytest.mark.parametrize(
    "error", [APIConnectionError("x"), status_error(503), status_error(429, retry_after="soon"), None]
)
def test_waits_double_up_to_the_bound_and_are_random_as_a_whole(
    attempt: int, seconds: float, error: BaseException | None
) -> None:
    assert [POLICY.wait_seconds(attempt, error, jitter) for jitter in (0.0, 0.25, 1.0)] == [0.0, seconds / 4, seconds]


@given(
    st.integers(min_value=1, max_value=10_000),
    st.floats(min_value=0, max_value=1),
    st.floats(min_value=0, max_value=100),
    st.floats(min_value=0, max_value=100),
)
def test_a_wait_is_never_negative_nor_past_its_bound(attempt: int, jitter: float, first: float, bound: float) -> None:
    policy = RetryPolicy(first_wait_seconds=first, max_wait_seconds=bound)
    assert 0 <= policy.wait_seconds(attempt, None, jitter) <= bound


def test_the_policy_is_a_value() -> None:
    assert RetryPolicy(max_retries=3) == RetryPolicy(max_retries=3)
    with pytest.raises(AttributeError):
        POLICY.max_retries = 5  # type: ignore[misc] # the mistake
