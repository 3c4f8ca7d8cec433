"""`evaluate`: an exit code for CI."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from pinecone_assistant_cli.evaluate import reaches
from pinecone_assistant_cli.rate_limits import RateLimit
from pinecone_assistant_client import RateLimitError
from pinecone_assistant_local import LocalAssistant

from .conftest import Command

RIGHT = {
    "id": 1,
    "question": "How tall?",
    "ground_truth": "It grows 25 meters tall.",
    "answer": "It grows 25 meters tall.",
}
WRONG = {"id": 2, "question": "How old?", "ground_truth": "It lives 400 years.", "answer": "Bees make honey."}
FAILED = {"id": 3, "question": "Where?", "ground_truth": "In America.", "error": {"type": "X", "message": "m"}}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_ids_are_told_apart_as_batch_does(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    """1 and "1" are two questions; the later line of one id is its answer."""
    rows = [WRONG | {"id": 1}, RIGHT | {"id": "1"}, RIGHT | {"id": 1}]
    done = command("evaluate", write(tmp_path / "a.jsonl", *rows), "--json")
    *results, last = done.objects
    assert [(row["id"], row["correctness"]) for row in results] == [(1, 1.0), ("1", 1.0)]
    assert last["summary"]["evaluated"] == 2


def test_good_answers_pass(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    done = command("evaluate", write(tmp_path / "a.jsonl", RIGHT), "--min-correctness", "0.8")
    assert done.code == 0, done.err
    assert "1 evaluated, 0 failed" in done.err


def test_a_mean_below_the_bar_is_1(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    done = command("evaluate", write(tmp_path / "a.jsonl", RIGHT, WRONG), "--min-correctness", "0.8", "--json")
    assert done.code == 1
    *rows, summary = done.objects
    assert [row["id"] for row in rows] == [1, 2]
    assert summary["summary"]["passed"] is False
    assert 0.0 < summary["summary"]["mean"]["correctness"] < 0.8


def test_a_question_without_an_answer_counts_as_nothing(
    local: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    done = command("evaluate", write(tmp_path / "a.jsonl", RIGHT, FAILED), "--min-correctness", "0.6", "--json")
    assert done.code == 1
    assert done.objects[-1]["summary"]["mean"]["correctness"] == 0.5


def test_the_last_line_of_an_id_counts(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    done = command("evaluate", write(tmp_path / "a.jsonl", FAILED, RIGHT | {"id": 3}), "--json")
    assert (done.code, done.objects[-1]["summary"]["evaluated"]) == (0, 1)


def test_without_a_bar_nothing_passes_or_fails(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    done = command("evaluate", write(tmp_path / "a.jsonl", WRONG, FAILED), "--json")
    assert (done.code, done.objects[-1]["summary"]["passed"]) == (0, None)


def test_an_evaluation_that_failed_is_1_without_a_bar(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    """It ended with 0 where the key was wrong and nothing had been evaluated."""
    answers = write(tmp_path / "a.jsonl", RIGHT)
    done = command("evaluate", answers, "--json", PINECONE_API_KEY="wrong")
    assert (done.code, done.objects[-1]["summary"]["failed"]) == (1, 1)


def test_a_mean_that_equals_the_bar_reaches_it() -> None:
    assert reaches(sum([0.7] * 3) / 3, 0.7)
    assert reaches(sum([0.1] * 10) / 10, 0.1)
    assert not reaches(0.6999, 0.7)


async def test_a_rate_limit_makes_all_wait_and_lowers_no_score() -> None:
    now = 0.0
    asked_at: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        await asyncio.sleep(0)
        now = max(now, until)

    async def evaluate() -> str:
        asked_at.append(now)
        if len(asked_at) == 1:
            raise RateLimitError("slow down", status_code=429, retry_after=600)
        return "scores"

    limit = RateLimit(clock=lambda: now, sleep=sleep)
    found = await asyncio.gather(*(limit.call(evaluate) for _ in range(2)))
    assert found == ["scores", "scores"]
    assert asked_at == [0.0, 600.0, 600.0]


def test_bad_input_is_2(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    assert command("evaluate", tmp_path / "none.jsonl").code == 2
    assert command("evaluate", write(tmp_path / "a.jsonl", {"id": 1, "question": "?", "answer": "!"})).code == 2
    assert command("evaluate", write(tmp_path / "b.jsonl", RIGHT), "--min-correctness", "2").code == 2
