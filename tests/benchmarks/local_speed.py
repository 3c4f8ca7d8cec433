"""`python -m tests.benchmarks.local_speed`: prints how fast the local assistant is, without limits.

The passages are made of the words of the standard library's docstrings, as often as they occur there, so that a question
meets common and rare words as in real text.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import requests

from pinecone_assistant_local import LocalAssistant

from ..local.quality.distractors import distractors

_QUESTIONS = 60
_PASSAGES_PER_FILE = 2_000
_SMALL_FILES = 1_000
_STREAMS = 200


class _Author:
    """Writes passages: sections of three sentences under a heading of their own, the same ones every time."""

    def __init__(self) -> None:
        self._random = random.Random(5)
        self._words = [word for text in distractors().values() for word in text.split() if word.isalpha()]

    def sentence(self, number: int) -> str:
        """Return a sentence of twelve words, one of which occurs nowhere else."""
        words = self._random.choices(self._words, k=11)
        return " ".join([*words[:5], f"item{number}", *words[5:]]).capitalize() + "."

    def file(self, first: int, count: int) -> str:
        """A Markdown file with so many passages."""
        return "\n\n".join(
            f"## Part {number}\n\n" + " ".join(self.sentence(number) for _ in range(3))
            for number in range(first, first + count)
        )

    def question(self, passages: int) -> str:
        """A question of common and rare words about one of the passages."""
        words = self._random.choices(self._words, k=5)
        return f"What does {' '.join(words)} mean for item{self._random.randrange(passages)}?"


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.local_speed")
    parser.add_argument("--passages", type=int, default=100_000, help="of the large collection")
    options = parser.parse_args()
    lines = [_starts(), _answers(1_000), _answers(options.passages), _small_files(), asyncio.run(_streams())]
    sys.stdout.write("| what | measured |\n|---|---|\n")
    sys.stdout.write("".join(f"| {what} | {measured} |\n" for what, measured in lines))


@contextmanager
def _on_disk() -> Iterator[LocalAssistant]:
    with tempfile.TemporaryDirectory() as folder, LocalAssistant(data_dir=Path(folder)) as local:
        yield local


def _answers(passages: int) -> tuple[str, str]:
    author = _Author()
    with _on_disk() as local:
        began = time.perf_counter()
        for first in range(0, passages, _PASSAGES_PER_FILE):
            count = min(_PASSAGES_PER_FILE, passages - first)
            local.upload_text(f"parts_{first}.md", author.file(first, count))
        uploading = time.perf_counter() - began
        url = f"{local.host}/assistant/chat/{local.name}/chat/completions"
        questions = [author.question(passages) for _ in range(_QUESTIONS)]
        milliseconds = _asked_from_outside(url, local.api_key, questions)
    p50, p95 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1]
    return (
        f"answer from {passages:,} passages on disk",
        f"p50 {p50:.1f} ms, p95 {p95:.1f} ms (upload {uploading:.1f} s)",
    )


def _asked_from_outside(url: str, key: str, questions: list[str]) -> list[float]:
    """Milliseconds of each answer, in a separate process: in this one the server would wait for the asking thread.

    The standard library asks, because it is the server that is measured: `requests` adds a millisecond of its own.
    """
    asking = """
import http.client, json, sys, time
host, path, key, questions = json.load(sys.stdin)
connection, milliseconds = http.client.HTTPConnection(host, timeout=60), []
headers = {"Api-Key": key, "Content-Type": "application/json"}
for question in questions:
    body = json.dumps({"messages": [{"role": "user", "content": question}]})
    began = time.perf_counter()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    milliseconds.append((time.perf_counter() - began) * 1000)
    assert answer.status == 200
print(json.dumps(milliseconds))
"""
    where = urlsplit(url)
    done = subprocess.run(
        [sys.executable, "-c", asking],
        input=json.dumps([where.netloc, where.path, key, questions]),
        capture_output=True,
        text=True,
        check=True,
    )
    milliseconds: list[float] = json.loads(done.stdout)
    return milliseconds


def _small_files() -> tuple[str, str]:
    with _on_disk() as local, requests.Session() as session:
        session.headers.update({"Api-Key": local.api_key, "X-Pinecone-Api-Version": "2026-04"})
        url = f"{local.host}/assistant/files/{local.name}"
        began = time.perf_counter()
        for number in range(_SMALL_FILES):
            text = f"The part with number {number} is {number % 97} millimetres long."
            session.post(url, files={"file": (f"part_{number}.txt", text)}, timeout=60).raise_for_status()
        seconds = time.perf_counter() - began
    return f"{_SMALL_FILES:,} small files over one connection, each Available at its answer", f"{seconds:.1f} s"


def _starts() -> tuple[str, str]:
    def start() -> float:
        began = time.perf_counter()
        with LocalAssistant():
            return time.perf_counter() - began

    return "start, median of 9", f"{statistics.median(start() for _ in range(9)) * 1000:.0f} ms"


async def _streams() -> tuple[str, str]:
    with LocalAssistant(token_delay_seconds=0.01) as local:
        local.reply("A red pine can grow up to 25 meters high. " * 10)
        url = f"{local.host}/assistant/chat/{local.name}/chat/completions"
        body = {"messages": [{"role": "user", "content": "How tall?"}], "stream": True}

        async def stream(session: aiohttp.ClientSession) -> tuple[float, int]:
            began = time.perf_counter()
            first, events = 0.0, 0
            async with session.post(url, json=body) as response:
                async for line in response.content:
                    first = first or time.perf_counter() - began
                    events += line.startswith(b"data:")
            return first, events

        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers={"Api-Key": local.api_key}) as session:
            _, alone = await stream(session)
            began = time.perf_counter()
            results = await asyncio.gather(*(stream(session) for _ in range(_STREAMS)))
            seconds = time.perf_counter() - began
    whole = sum(events == alone for _, events in results)
    slowest = max(first for first, _ in results)
    rate = sum(events for _, events in results) / seconds
    what = f"{_STREAMS} concurrent streams of {alone} events, 10 ms apart"
    return what, f"{whole} whole in {seconds:.1f} s ({rate:,.0f} events/s), slowest first event {slowest * 1000:.0f} ms"


if __name__ == "__main__":
    main()
