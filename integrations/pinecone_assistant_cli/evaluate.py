"""`evaluate`: compares answers with the right ones, with an exit code for CI."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from pinecone_assistant_client import AssistantError, AsyncAssistantClient

from . import connection
from .batch import read_lines, to_key
from .progress import bar
from .rate_limits import RateLimit
from .terminal import fail, print_json, print_records, say, to_line
from .wording import to_words

_METRICS = ("correctness", "completeness", "alignment")
_NO_ANSWER = "no answer"
_ROUNDING = 1e-9
"""The mean of three times 0.7 is 0.6999999999999998, and reaches a bar of 0.7."""


def evaluate(
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help='JSONL, as `batch` writes it, with "ground_truth".')
    ],
    min_correctness: Annotated[
        Optional[float],
        typer.Option(min=0.0, max=1.0, help="Exit with 1 if the mean is lower.", show_default="no bar"),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Answers at once.")] = 8,
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """Compare answers with ground truths. A question without an answer counts as 0.

    \b
    Example:
      pinecone-assistant evaluate answers.jsonl --min-correctness 0.8
    """
    if not answers.is_file():
        raise fail(f"{answers} {'is not a regular file' if answers.exists() else 'does not exist'}", 2)
    rows = list(_latest(answers))
    judged = [row for row in rows if row.get("ground_truth") is not None]
    if not judged:
        raise fail(f'{answers} has no line with a "ground_truth" to compare with', 2)
    for row in judged:
        if not all(isinstance(row.get(name), str) and row[name].strip() for name in ("question", "ground_truth")):
            raise fail(f'{answers}: the line with id {row.get("id")!r} needs "question" and "ground_truth" as text', 2)
    results = asyncio.run(_evaluate_all(connection.async_client(assistant), judged, concurrency))
    print_records(("id", *_METRICS, "error"), results, as_json=as_json)
    means = {name: math.fsum(result[name] or 0.0 for result in results) / len(results) for name in _METRICS}
    failed = sum(result["error"] is not None for result in results)
    is_passed = None if min_correctness is None else reaches(means["correctness"], min_correctness)
    summary = {"mean": means, "evaluated": len(results), "failed": failed, "passed": is_passed}
    if as_json:
        print_json({"summary": summary})
    without = len(rows) - len(judged)
    say(
        f"{len(results)} evaluated, {failed} failed, {without} without a ground truth. "
        + ", ".join(f"{name} {value:.2f}" for name, value in means.items())
        + ("." if is_passed is not False else f": the mean correctness is below {min_correctness:g}.")
    )
    # With a bar, a row that failed counts 0 and the mean decides. Without one, an evaluation that failed is a failure.
    is_done = all(result["error"] in (None, _NO_ANSWER) for result in results)
    if not (is_done if is_passed is None else is_passed):
        raise typer.Exit(1)


def reaches(mean: float, bar: float) -> bool:
    """Return whether a mean reaches a bar, apart from the last digits of floating-point numbers."""
    return mean >= bar - _ROUNDING


def _latest(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the last line of each id, because `batch` may have retried it; every line without an id counts."""
    rows: dict[object, dict[str, Any]] = {}
    for number, row in read_lines(path):
        key = row.get("id")
        rows[("line", number) if key is None else ("id", to_key(key))] = row
    yield from rows.values()


async def _evaluate_all(
    client: AsyncAssistantClient, rows: list[dict[str, Any]], concurrency: int
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = [{} for _ in rows]
    waiting = iter(range(len(rows)))
    limit = RateLimit()
    with bar("") as progress:
        task = progress.add_task("Evaluating", total=len(rows))

        async def work() -> None:
            for index in waiting:
                results[index] = await _evaluate(client, limit, rows[index])
                progress.advance(task)

        async with client:
            await asyncio.gather(*(work() for _ in range(concurrency)))
    return results


async def _evaluate(client: AsyncAssistantClient, limit: RateLimit, row: dict[str, Any]) -> dict[str, Any]:
    answer = row.get("answer")
    result: dict[str, Any] = {"id": row.get("id"), **dict.fromkeys(_METRICS), "error": None}
    if not isinstance(answer, str) or not answer.strip():
        return {**result, "error": _NO_ANSWER}
    try:
        found = await limit.call(lambda: client.evaluate(row["question"], answer, row["ground_truth"]))
    except AssistantError as error:
        return {**result, "error": to_line(to_words(error))}
    return {**result, **{name: getattr(found, name) for name in _METRICS}}
