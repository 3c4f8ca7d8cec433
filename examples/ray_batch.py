"""Answer many questions on a Ray cluster, each once, within your plan's limit of tokens per minute.

    python examples/ray_batch.py questions.jsonl answers/ --workers 2 --tokens-per-minute 30000

Questions come from JSONL or Parquet with the columns `id` and `question`; answers are Parquet files in a folder. Run it again
after a crash to ask the questions that have no answer yet. Needs `pip install 'ray[data]'`. PINECONE_API_KEY and
PINECONE_ASSISTANT_NAME select the assistant.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import ray
import ray.data

from langchain_pinecone_assistant import ChatPineconeAssistant
from pinecone_assistant_client import AssistantError

BUCKET = "tokens-per-minute"


@ray.remote(num_cpus=0)
class TokenBucket:
    """Budget of tokens per minute. It is one actor, so that all workers of the cluster share it."""

    def __init__(self, per_minute: float) -> None:
        self._per_second = per_minute / 60
        self._free_at = time.monotonic()

    def take(self, tokens: int) -> float:
        """Reserve tokens; returns the seconds to wait before using them."""
        now = time.monotonic()
        starts_at = max(self._free_at, now)
        self._free_at = starts_at + tokens / self._per_second
        return starts_at - now


class Ask:
    """Actor with one model, so that its connections stay open between batches.

    Args:
        tokens_per_question: Estimated cost of a question; corrected afterwards by the answer's usage.
        concurrency: Number of questions at once in this actor.
    """

    def __init__(self, tokens_per_question: int, concurrency: int) -> None:
        self._bucket = ray.get_actor(BUCKET)
        self._tokens = tokens_per_question
        self._concurrency = concurrency
        self._chat = ChatPineconeAssistant(interface="standard", strip_references=True)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Answer a batch of rows. A question that fails gets an `error` and no answer, and the next run asks it again."""
        questions: list[Any] = [str(question) for question in batch["question"]]
        time.sleep(ray.get(self._bucket.take.remote(self._tokens * len(questions))))
        answers = self._chat.batch(questions, config={"max_concurrency": self._concurrency}, return_exceptions=True)
        rows: dict[str, list[Any]] = {"answer": [], "tokens": [], "error": []}
        for question_id, answer in zip(batch["id"], answers, strict=True):
            if isinstance(answer, AssistantError):
                print(f"{question_id}: {answer}", file=sys.stderr)  # Ray shows it at the driver
                rows["answer"].append(None)
                rows["tokens"].append(0)
                rows["error"].append(f"{type(answer).__name__}: {answer}")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                rows["answer"].append(answer.text)
                rows["tokens"].append((answer.usage_metadata or {"total_tokens": 0})["total_tokens"])
                rows["error"].append(None)
        spent = sum(rows["tokens"])
        self._bucket.take.remote(spent - self._tokens * len(questions))  # return the unused tokens, or take more
        return {"id": batch["id"], "question": batch["question"], **rows}


def is_complete(path: Path) -> bool:
    """Return whether a Parquet file was written to its end, where the index of its contents is."""
    try:
        pyarrow.parquet.read_metadata(path)
    except pyarrow.ArrowInvalid:
        return False
    return True


def answered_ids(folder: Path) -> set[str]:
    """Return the ids that have an answer in the folder.

    A file that a killed run left incomplete holds nothing that can be read, and no program could read the folder. It is
    renamed to a hidden file, and its questions are asked again.
    """
    for path in list(folder.glob("**/*.parquet")):
        if not is_complete(path):
            path.rename(path.with_name(f".{path.name}.incomplete"))
    if not any(folder.glob("**/*.parquet")):
        return set()
    rows = ray.data.read_parquet(str(folder)).select_columns(["id", "answer"])
    return {str(row["id"]) for row in rows.iter_rows() if row["answer"] is not None}


def answer_all(
    questions: Path,
    folder: Path,
    *,
    workers: int = 2,
    batch_size: int = 16,
    concurrency: int = 8,
    tokens_per_minute: float = 30_000,
    tokens_per_question: int = 2_000,
) -> int:
    """Ask every question that has no answer yet; returns how many were asked.

    Each batch is written when it is done, so a crash loses only the batches in progress.
    """
    read = ray.data.read_parquet if questions.suffix == ".parquet" else ray.data.read_json
    done = answered_ids(folder)
    todo = read(str(questions)).filter(lambda row: str(row["id"]) not in done)
    count = todo.count()
    if not count:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    bucket = TokenBucket.options(name=BUCKET, get_if_exists=True).remote(tokens_per_minute)  # type: ignore[attr-defined]
    answers = todo.repartition(max(1, -(-count // batch_size))).map_batches(
        Ask,
        fn_constructor_args=(tokens_per_question, concurrency),
        batch_size=batch_size,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=0.5,
    )
    # Failed rows are not written, so that the folder has one row for each id.
    answers.filter(lambda row: row["answer"] is not None).write_parquet(str(folder), mode="append")
    ray.kill(bucket)
    return int(count)


def upload_files(paths: str | list[str], *, workers: int = 2) -> int:
    """Upload files that the cluster can read, or a folder such as `s3://bucket/docs/`; returns how many arrived.

    A file's id is a hash of its path, so a second run replaces files instead of duplicating them.
    """

    class UploadFiles:
        def __init__(self) -> None:
            from pinecone_assistant_client import AssistantClient  # noqa: PLC0415 - in the worker

            self._client = AssistantClient()

        def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
            import hashlib  # noqa: PLC0415 - in the worker

            path = str(row["path"])
            file_id = hashlib.sha256(path.encode()).hexdigest()
            file = self._client.files.upload(row["bytes"], name=path.rpartition("/")[2], file_id=file_id)
            return {"path": path, "id": file.id, "status": file.status}

    files = ray.data.read_binary_files(paths, include_paths=True)
    done = files.map(UploadFiles, compute=ray.data.ActorPoolStrategy(size=workers), num_cpus=0.5)
    return len(done.take_all())  # not count(): Ray knows the number of rows and would not run the batches


def main() -> None:
    parser = argparse.ArgumentParser(description="Answer many questions on a Ray cluster.")
    parser.add_argument("questions", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tokens-per-minute", type=float, default=30_000)
    options = parser.parse_args()
    ray.init(ignore_reinit_error=True)
    asked = answer_all(
        options.questions, options.answers, workers=options.workers, tokens_per_minute=options.tokens_per_minute
    )
    print(f"{asked} asked; {len(answered_ids(options.answers))} have an answer in {options.answers}.")


if __name__ == "__main__":
    main()
