"""`batch`: however a run ends, no question is asked twice and no answer is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pinecone_assistant_cli.batch import Ledger, _Run, read_lines
from pinecone_assistant_client import ChatCompletion, RateLimitError
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


def test_a_last_line_that_lacks_only_its_line_break_is_an_answer_and_not_billed_again(
    pines: LocalAssistant, command: Command, questions: Path
) -> None:
    answers = questions.with_name("answers.jsonl")
    command("batch", questions, "-o", answers)
    whole = answers.read_bytes()
    answers.write_bytes(whole[:-1])
    assert command("batch", questions, "-o", answers).code == 0
    assert len(asked(pines)) == 20
    assert answers.read_bytes() == whole


def test_a_crash_of_the_machine_may_leave_zeros_which_are_cut(
    pines: LocalAssistant, command: Command, questions: Path
) -> None:
    answers = questions.with_name("answers.jsonl")
    command("batch", questions, "-o", answers)
    whole = answers.read_bytes()
    answers.write_bytes(whole + bytes(100))
    assert command("batch", questions, "-o", answers).code == 0
    assert answers.read_bytes() == whole


@pytest.mark.parametrize("content", ["my notes", '{"name": "a package"}', "[1, 2]"])
def test_a_file_of_one_line_without_a_line_break_is_not_taken_for_a_torn_answer(
    pines: LocalAssistant, command: Command, questions: Path, content: str
) -> None:
    other = questions.with_name("other.json")
    other.write_text(content, encoding="utf-8")
    done = command("batch", questions, "-o", other)
    assert (done.code, other.read_text("utf-8")) == (2, content)
    assert "name another file" in done.err
    assert asked(pines) == []


def test_a_line_without_an_answer_is_asked(pines: LocalAssistant, command: Command, tmp_path: Path) -> None:
    """Such as a copy of the questions; it counted as done, and the run as a success."""
    path, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    rows: list[dict[str, Any]] = [{"id": 1, "question": QUESTION}, {"id": 2, "question": QUESTION}]
    write(path, rows)
    write(answers, [rows[0], rows[1] | {"answer": None, "error": None}])
    assert command("batch", path, "-o", answers).code == 0
    assert len(asked(pines)) == 2
    assert {row["id"]: row["answer"] is not None for row in read(answers)[2:]} == {1: True, 2: True}


def test_without_a_key_no_file_is_made(command: Command, questions: Path) -> None:
    del command.environ["PINECONE_API_KEY"]
    assert command("batch", questions, "-o", questions.with_name("answers.jsonl")).code == 2
    assert not questions.with_name("answers.jsonl").exists()


def test_an_output_that_cannot_be_opened_is_2_before_anything_is_asked(
    pines: LocalAssistant, command: Command, questions: Path
) -> None:
    done = command("batch", questions, "-o", questions / "answers.jsonl")
    assert done.code == 2
    assert "cannot be written" in done.err
    assert asked(pines) == []


def test_the_first_error_is_shown(pines: LocalAssistant, command: Command, questions: Path) -> None:
    """With a wrong key, every question fails for the same reason, which only the file of answers named."""
    done = command("batch", questions, "-o", questions.with_name("answers.jsonl"), PINECONE_API_KEY="wrong")
    assert done.code == 1
    assert done.err.count("the API key was refused") == 1


def test_a_long_wait_after_a_429_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    unused: Any = None
    run = _Run(unused, unused, unused, False, clock=lambda: 0.0)
    for _ in range(8):
        run._limit.hold(3600)
        run._limit.hold(1)
    assert capsys.readouterr().err.count("asks to wait 3,600 s") == 1


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
        (["[" * 100_000], "line 1 is not JSON"),
        (['{"id": 1, "question": "a", "score": NaN}'], "line 1 has a number that is not JSON"),
        (['{"id": 1, "question": "a", "score": 1e999}'], "line 1 has a number that is not JSON"),
        ([], "has no questions"),
    ],
    ids=range(12),
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


def test_a_file_that_is_not_utf_8_is_2_and_names_the_line(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b'{"id": 1, "question": "a"}\n{"id": 2, "question": "caf\xe9", "ground_truth": "x"}\n')
    for done in (command("batch", path, "-o", tmp_path / "a.jsonl"), command("evaluate", path)):
        assert done.code == 2
        assert "line 2 is not UTF-8" in done.err


def test_half_an_emoji_in_a_line_costs_that_line_only_and_is_carried_through(
    pines: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    """Legal JSON that UTF-8 cannot encode: the answer would be billed and then could not be written."""
    path, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    half = {"id": "\ud83d", "question": QUESTION, "note": "\udc00"}
    write(path, [half, {"id": 2, "question": "Half of \ud83d?"}, {"id": 3, "question": QUESTION}])
    assert command("batch", path, "-o", answers).code == 1
    rows = {row["id"]: row for row in read(answers)}
    assert (rows["\ud83d"]["note"], "answer" in rows["\ud83d"], "answer" in rows[3]) == ("\udc00", True, True)
    assert "surrogate" in rows[2]["error"]["message"]
    assert command("batch", path, "-o", answers).code == 1
    assert len(asked(pines)) == 2


@pytest.mark.parametrize("place", ["folder", "/dev/null"])
def test_answers_go_into_a_file_only(pines: LocalAssistant, command: Command, questions: Path, place: str) -> None:
    """Answers written to a device would be billed and lost."""
    (questions.parent / "folder").mkdir()
    done = command("batch", questions, "-o", questions.parent / place)
    assert done.code == 2
    assert "not a regular file" in done.err
    assert asked(pines) == []


def test_a_disk_that_is_full_ends_the_run_and_the_next_one_goes_on(
    pines: LocalAssistant, command: Command, questions: Path
) -> None:
    answers = questions.with_name("answers.jsonl")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000));"
        "from pinecone_assistant_cli.__main__ import main; sys.exit(main())"
    )
    arguments = ["batch", str(questions), "-o", str(answers), "--concurrency", "2"]
    full = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=command.environ, capture_output=True, text=True, check=False
    )
    assert full.returncode == 1
    assert "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    before = len(asked(pines))
    assert before < 20
    assert command(*arguments).code == 0
    assert sorted(row["id"] for row in read(answers)) == list(range(20))
    assert len(asked(pines)) <= 20 + 2, "lost are the answers that were under way"


def test_the_questions_are_not_overwritten(command: Command, questions: Path) -> None:
    done = command("batch", questions, "-o", questions)
    assert done.code == 2
    assert "name another one" in done.err


def test_a_file_of_something_else_is_not_overwritten(command: Command, questions: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes\n", encoding="utf-8")
    done = command("batch", questions, "-o", other)
    assert (done.code, other.read_text("utf-8")) == (2, "my notes\n")


@pytest.mark.parametrize("is_retried_by_the_client", [False, True])
async def test_one_rate_limit_holds_back_all_workers(
    questions: Path, tmp_path: Path, is_retried_by_the_client: bool
) -> None:
    """With the test's own clock: between the 429 and the end of its wait, no worker asks."""
    now = 0.0
    asked_at: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        for _ in range(50):  # others could ask meanwhile
            await asyncio.sleep(0)
        now = max(now, until)

    class Client:
        async def __aenter__(self) -> Client:
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        async def answer(self, *_: object, on_retry: Any, **__: object) -> ChatCompletion:
            asked_at.append(now)
            if len(asked_at) == 3:
                limited = RateLimitError("slow down", status_code=429, retry_after=30)
                if not is_retried_by_the_client:
                    raise limited
                outcome = SimpleNamespace(exception=lambda: limited)
                await on_retry(SimpleNamespace(outcome=outcome, upcoming_sleep=30.0))
                await sleep(30.0)
            await asyncio.sleep(0)
            return ChatCompletion(id=None, model=None, content="Yes.")

    client: Any = Client()
    with (tmp_path / "a.jsonl").open("w+b") as answers, closing(Ledger()) as ledger:
        total = ledger.read_questions(questions)
        run = _Run(client, ledger, answers, False, clock=lambda: now, sleep=sleep)
        counts = await run.ask_all(read_lines(questions), total, 4)
    assert (counts.answered, counts.failed) == (20, 0)
    early = [at for at in asked_at if at < 30]
    assert len(early) <= 4, "what was under way"
    assert len(asked_at) == 20 + (not is_retried_by_the_client)


def test_a_rate_limited_question_is_asked_again_and_no_other_one(
    pines: LocalAssistant, command: Command, questions: Path
) -> None:
    pines.faults.add(status=429, times=1, retry_after=1)
    answers = questions.with_name("answers.jsonl")
    done = command("batch", questions, "-o", answers, "--concurrency", "4")
    assert done.code == 0, done.err
    assert len(asked(pines)) == 21


def test_ctrl_c_does_not_wait_for_a_rate_limit(pines: LocalAssistant, command: Command, questions: Path) -> None:
    """The questions that it holds back are left to the next run."""
    pines.faults.add(status=429, retry_after=600)
    arguments = ["batch", str(questions), "-o", str(questions.with_name("answers.jsonl")), "--concurrency", "4"]
    with subprocess.Popen(
        [sys.executable, "-m", "pinecone_assistant_cli", *arguments],
        env=command.environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        end = time.monotonic() + 30
        while len(asked(pines)) < 4:
            assert time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "0 answered, 0 failed" in err
    pines.faults.clear()
    assert command(*arguments).code == 0
    assert len(asked(pines)) == 4 + 20


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
