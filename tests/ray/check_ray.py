"""`examples/ray_batch.py` on a real, local Ray with two workers. Run by `make ray`."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from pinecone_assistant_local import LocalAssistant

EXAMPLE = Path(__file__).parents[2] / "examples" / "ray_batch.py"
QUESTION = "What is the maximum height of a red pine?"


def load() -> Any:
    """The example as a module that Ray's workers can import too."""
    spec = importlib.util.spec_from_file_location("ray_batch", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ray_batch"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAssistant]:
    """An assistant with one file that takes 0.2 s for an answer."""
    with LocalAssistant(name="docs") as local:
        local.upload(EXAMPLE.parent / "data" / "red_pine.md")
        os.environ.update(local.environ)
        os.environ["PYTHONPATH"] = str(EXAMPLE.parent)
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            log_to_driver=False,
            object_store_memory=100 * 1024 * 1024,
        )
        yield local
        ray.shutdown()


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Forty questions."""
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps({"id": f"q{n}", "question": f"{QUESTION} ({n})"}) + "\n" for n in range(40)))
    return path


def asked(local: LocalAssistant) -> list[str]:
    """The questions that the service received."""
    bodies: list[Any] = [request.body for request in local.requests if "/chat/" in request.path]
    return [body["messages"][-1]["content"] for body in bodies]


def test_each_question_is_answered_once_and_a_second_run_asks_nothing(
    local: LocalAssistant, questions: Path, tmp_path: Path
) -> None:
    module, answers, before = load(), tmp_path / "answers", len(asked(local))
    assert module.answer_all(questions, answers, workers=2, tokens_per_minute=10_000_000) == 40
    assert module.answered_ids(answers) == {f"q{n}" for n in range(40)}
    new = asked(local)[before:]
    assert sorted(new) == sorted(set(new))
    assert len(new) == 40
    assert module.answer_all(questions, answers, workers=2, tokens_per_minute=10_000_000) == 0
    assert len(asked(local)) - before == 40


def test_what_failed_is_asked_by_the_next_run_and_nothing_else(
    local: LocalAssistant, questions: Path, tmp_path: Path
) -> None:
    module, answers = load(), tmp_path / "answers"
    local.faults.add(on="chat", status=400, times=3)
    module.answer_all(questions, answers, workers=2, tokens_per_minute=10_000_000)
    local.faults.clear()
    missing = 40 - len(module.answered_ids(answers))
    assert missing == 3
    assert module.answer_all(questions, answers, workers=2, tokens_per_minute=10_000_000) == 3
    assert len(module.answered_ids(answers)) == 40


@pytest.mark.parametrize("kept", [0, 200])
def test_a_file_that_a_killed_run_left_incomplete_does_not_stop_the_next_run(
    local: LocalAssistant, questions: Path, tmp_path: Path, kept: int
) -> None:
    """A Parquet file ends with the index of its contents, so a file that was cut has no readable row."""
    module, answers = load(), tmp_path / "answers"
    module.answer_all(questions, answers, workers=2, batch_size=20, tokens_per_minute=10_000_000)
    torn, *_ = sorted(answers.glob("*.parquet"))
    lost = ray.data.read_parquet(str(torn)).count()
    torn.write_bytes(torn.read_bytes()[:kept])
    assert module.answer_all(questions, answers, workers=2, tokens_per_minute=10_000_000) == lost
    assert module.answered_ids(answers) == {f"q{n}" for n in range(40)}
    rows = ray.data.read_parquet(str(answers)).take_all()
    assert len(rows) == 40, "a program that reads the folder finds each answer once"


def test_the_workers_share_the_tokens_a_minute(local: LocalAssistant, questions: Path, tmp_path: Path) -> None:
    """Two batches of 20 questions at 1,000 tokens each: the second waits until the budget allows its tokens."""
    module = load()
    bucket = module.TokenBucket.options(name="a-bucket").remote(60_000)
    assert ray.get(bucket.take.remote(20_000)) == 0
    assert ray.get(bucket.take.remote(20_000)) == pytest.approx(20, abs=1)
    ray.kill(bucket)


def test_files_of_a_folder_are_uploaded_once(local: LocalAssistant) -> None:
    module = load()
    files = [str(path) for path in (EXAMPLE.parent / "data").glob("*.md")]
    for _ in range(2):
        assert module.upload_files(files) == len(files)
    names = [file.name for file in local.client().files.list()]
    assert len(names) == len(files) + 1, "the one that the fixture uploaded has an id of its own"


def measure(workers: int, local: LocalAssistant, tmp_path: Path) -> float:
    """Questions a second against a service that takes 0.2 s; for docs/scale.md."""
    module = load()
    path = tmp_path / f"measured{workers}.jsonl"
    path.write_text("".join(json.dumps({"id": f"m{n}", "question": f"{QUESTION} {n}"}) + "\n" for n in range(320)))
    with local.faults.add(on="chat", delay_seconds=0.2, times=None):
        began = time.monotonic()
        module.answer_all(path, tmp_path / f"measured{workers}", workers=workers, tokens_per_minute=1e9)
        return 320 / (time.monotonic() - began)


@pytest.mark.skipif("MEASURE" not in os.environ, reason="set MEASURE=1 to print the figures of docs/scale.md")
def test_figures(local: LocalAssistant, tmp_path: Path) -> None:
    for workers in (1, 2):
        print(f"{workers} worker(s): {measure(workers, local, tmp_path):.1f} questions a second")
