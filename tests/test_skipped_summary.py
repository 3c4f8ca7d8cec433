"""The last lines of `make test` say why tests were skipped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.conftest import pytest_terminal_summary


def _written(*reasons: str) -> list[str]:
    written: list[str] = []
    skipped = [SimpleNamespace(longrepr=("tests/test_a.py", 1, f"Skipped: {reason}")) for reason in reasons]
    reporter: Any = SimpleNamespace(stats={"skipped": skipped} if skipped else {}, write_line=written.append)
    pytest_terminal_summary(reporter)
    return written


def test_skipped_tests_are_counted_by_reason_in_one_line() -> None:
    assert _written("no chromium", "needs Linux", "no chromium") == ["Skipped: 2 (no chromium); 1 (needs Linux)"]


def test_nothing_is_written_where_nothing_was_skipped() -> None:
    assert _written() == []
