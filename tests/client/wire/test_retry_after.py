"""The Retry-After header: seconds or a date, and None for anything else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client.wire.error_mapping import error_from_response, parse_retry_after

from ..support.error_answers import HOST

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


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no tzset")
def test_a_date_without_a_zone_does_not_depend_on_the_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
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
