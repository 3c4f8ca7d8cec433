"""The benchmarks' page: each run writes its own tables and leaves those of the other one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import report
from tests.benchmarks.__main__ import Results
from tests.benchmarks.report import BULK_TITLE, BulkRow, write_bulk, write_report

ROWS = [BulkRow("batch of 1,000 questions", "7.1 s", "9.3 s"), BulkRow("memory", "3.1 MiB", bar="16 MiB")]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page in a folder of its own, where no plot is drawn."""
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "_plot", lambda *_: None)
    return tmp_path / "benchmarks.md"


def results(seconds: float) -> Results:
    found = Results()
    for subject in ("ChatPineconeAssistant", "ChatOpenAI"):
        found.add("200 calls at once", subject, {"cpu": seconds, "wall": 0.1})
    return found


def test_the_tables_of_both_runs_are_on_the_page_whichever_ran_last(page: Path) -> None:
    write_report(results(0.2), is_whole=True, rounds=1, seconds=1)
    write_bulk(ROWS)
    first = page.read_text()
    assert "| ChatOpenAI | 0.200 | 0.100 |" in first
    assert "| batch of 1,000 questions | 7.1 s | 9.3 s | - |\n| memory | 3.1 MiB | - | 16 MiB |\n" in first
    write_report(results(0.3), is_whole=True, rounds=1, seconds=1)
    second = page.read_text()
    assert second == first.replace("0.200", "0.300")
    write_bulk(ROWS[:1])
    third = page.read_text()
    assert third == second.replace("| memory | 3.1 MiB | - | 16 MiB |\n", "")
    assert third.count(BULK_TITLE) == 1


def test_a_run_of_some_suites_leaves_the_page(page: Path) -> None:
    write_report(results(0.2), is_whole=False, rounds=1, seconds=1)
    assert not page.exists()
