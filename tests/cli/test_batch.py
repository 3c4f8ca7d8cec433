"""`batch`: nothing is asked twice, nothing is lost, whatever ends a run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Command


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Twenty questions, each with an id and a key of its own."""
    path = tmp_path / "questions.jsonl"
    write(path, [{"id": n, "question": f"{QUESTION} ({n})", "topic": f"t{n}"} for n in range(20)])
    return path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(path: Path) -> list[dict[str, Any]]:
    """Read JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asked(local: LocalAssistant) -> list[str]:
    """The questions that the service received."""
    bodies: list[Any] = [request.body for request in local.requests if request.path.startswith("/assistant/chat/")]
    return [body["messages"][-1]["content"] for body in bodies]


def test_each_question_has_one_line_with_all_its_keys(pines: LocalAssistant, command: Command, questions: Path) -> None:
    answers = questions.with_name("answers.jsonl")
    done = command("batch", questions, "-o", answers)
    assert done.code == 0, done.err
    rows = read(answers)
    assert sorted(row["id"] for row in rows) == list(range(20))
    assert all(row["topic"] == f"t{row['id']}" and row["question"].endswith(f"({row['id']})") for row in rows)
    assert all("43.8 meters" in row["answer"] and row["citations"] and row["usage"]["total_tokens"] for row in rows)
    assert "20 answered, 0 failed" in done.err


def test_a_second_run_asks_nothing(pines: LocalAssistant, command: Command, questions: Path) -> None:
    answers = questions.with_name("answers.jsonl")
    command("batch", questions, "-o", answers)
    before = answers.read_bytes()
    assert command("batch", questions, "-o", answers).code == 0
    assert len(asked(pines)) == 20
    assert answers.read_bytes() == before


def test_filter_and_model_of_a_line_are_sent(pines: LocalAssistant, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    write(path, [{"id": "a", "question": QUESTION, "filter": {"resource": "encyclopedia"}, "model": "gpt-4.1"}])
    assert command("batch", path, "-o", tmp_path / "a.jsonl").code == 0
    body: Any = pines.requests[-1].body
    assert (body["filter"], body["model"]) == ({"resource": "encyclopedia"}, "gpt-4.1")


def test_killed_in_the_middle_and_run_again_each_question_is_asked_once_in_sum(
    pines: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    """At most the questions that were under way at the kill are asked again: here two."""
    path, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    write(path, [{"id": n, "question": f"{QUESTION} ({n})"} for n in range(60)])
    with subprocess.Popen(
        [sys.executable, "-m", "pinecone_assistant_cli", "batch", str(path), "-o", str(answers), "--concurrency", "2"],
        env=command.environ,
        stderr=subprocess.DEVNULL,
    ) as process:
        end = time.monotonic() + 30
        while not (answers.exists() and answers.read_bytes().count(b"\n") >= 5):
            assert time.monotonic() < end
            time.sleep(0.005)
        process.kill()
    assert command("batch", path, "-o", answers, "--concurrency", "2").code == 0
    rows = read(answers)
    assert sorted(row["id"] for row in rows) == list(range(60))
    questions = asked(pines)
    assert len(set(questions)) == 60
    assert len(questions) <= 62


def test_a_torn_last_line_is_cut_and_its_question_asked_again(
    pines: LocalAssistant, command: Command, questions: Path
) -> None:
    answers = questions.with_name("answers.jsonl")
    command("batch", questions, "-o", answers)
    whole = answers.read_bytes()
    answers.write_bytes(whole[:-25])
    assert command("batch", questions, "-o", answers).code == 0
    assert len(asked(pines)) == 21
    assert sorted(row["id"] for row in read(answers)) == list(range(20))


def test_an_error_is_a_line_and_is_asked_again_by_the_next_run(
    pines: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    path, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    write(path, [{"id": "x", "question": QUESTION, "model": "no-such-model"}, {"id": "y", "question": QUESTION}])
    done = command("batch", path, "-o", answers)
    assert done.code == 1
    rows = {row["id"]: row for row in read(answers)}
    assert "Invalid model" in rows["x"]["error"]["message"]
    assert "answer" not in rows["x"]
    assert "answer" in rows["y"]
    write(path, [{"id": "x", "question": QUESTION}, {"id": "y", "question": QUESTION}])
    assert command("batch", path, "-o", answers).code == 0
    assert {row["id"]: "answer" in row for row in read(answers)} == {"x": True, "y": True}
    assert len(asked(pines)) == 3


def test_what_may_have_been_billed_is_asked_again_only_when_told(
    pines: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    path, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    write(path, [{"id": "x", "question": QUESTION}])
    pines.faults.add(reset=True, times=1)
    done = command("batch", path, "-o", answers)
    assert done.code == 1
    assert read(answers)[0]["error"]["may_have_been_processed"] is True
    assert "--retry-unclear" in done.err
    assert command("batch", path, "-o", answers).code == 1
    assert len(asked(pines)) == 1
    assert command("batch", path, "-o", answers, "--retry-unclear").code == 0
    assert len(asked(pines)) == 2


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['{"id": 1, "question": "a"}', '{"id": 1, "question": "b"}'], "line 2 has the id of line 1"),
        (['{"question": "a"}'], 'line 1 has no "id"'),
        (['{"id": 1}'], 'line 1 has no "question"'),
        (['{"id": 1, "question": " "}'], 'line 1 has no "question"'),
        (['{"id": 1, "question": "a"}', "{"], "line 2 is not JSON"),
        (["[]"], "line 1 is not a JSON object"),
        (['{"id": 1, "question": "a", "filter": {"a": [1]}}'], "line 1: filter.a"),
        (['{"id": 1, "question": "a", "model": 4}'], '"model" is not text'),
        ([], "has no questions"),
    ],
)
def test_bad_input_is_2_before_anything_is_asked(
    pines: LocalAssistant, command: Command, tmp_path: Path, lines: list[str], said: str
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = command("batch", path, "-o", tmp_path / "a.jsonl")
    assert done.code == 2
    assert said in done.err
    assert asked(pines) == []


def test_the_questions_are_not_overwritten(command: Command, questions: Path) -> None:
    done = command("batch", questions, "-o", questions)
    assert done.code == 2
    assert "name another one" in done.err


def test_a_file_of_something_else_is_not_overwritten(command: Command, questions: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes\n", encoding="utf-8")
    done = command("batch", questions, "-o", other)
    assert (done.code, other.read_text("utf-8")) == (2, "my notes\n")


def test_one_rate_limit_holds_back_all(pines: LocalAssistant, command: Command, questions: Path) -> None:
    """While one 429 asks for a second, no other worker asks: what is asked in between was under way."""
    pines.faults.add(status=429, times=1, retry_after=1)
    answers = questions.with_name("answers.jsonl")
    done = command("batch", questions, "-o", answers, "--concurrency", "4")
    assert done.code == 0, done.err
    assert len(asked(pines)) == 21


def test_ctrl_c_lets_what_is_under_way_finish(pines: LocalAssistant, command: Command, tmp_path: Path) -> None:
    path, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    write(path, [{"id": n, "question": f"{QUESTION} ({n})"} for n in range(200)])
    with subprocess.Popen(
        [sys.executable, "-m", "pinecone_assistant_cli", "batch", str(path), "-o", str(answers), "--concurrency", "2"],
        env=command.environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        end = time.monotonic() + 30
        while not (answers.exists() and answers.read_bytes().count(b"\n") >= 5):
            assert time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert len(asked(pines)) == len(read(answers)) < 200
