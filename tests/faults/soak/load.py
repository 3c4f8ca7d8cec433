"""The load: threads and tasks that ask at random while the faults change."""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, strip_reference_list

from .asks import TIMEOUT, Ask, message
from .async_asks import async_asks
from .record import Record, unraised_told
from .report import Sample
from .server import API_KEY, FAULTS, Server
from .sync_asks import sync_asks

SAMPLE_SECONDS = 3.0
QUESTIONS = (
    "What is the maximum height of a red pine?",
    "How deep is Lake Baikal?",
    "How long does a queen bee live?",
    "How far away is the Moon?",
)


def expected_answers(options: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the whole answer to each question, asked before the first fault."""
    expected = {}
    with AssistantClient(**options) as client:
        for question in QUESTIONS:
            messages = message(question)
            answers = {
                "openai": client.chat_completion(messages).content,
                "standard": client.chat(messages).content,
                "context": "".join(snippet.content for snippet in client.context(question).snippets),
            }
            for kind, text in answers.items():
                expected[kind, question] = strip_reference_list(text).rstrip()
    return expected


def run_sync(asks: Sequence[Ask], record: Record, rng: random.Random, until: float, pause: float) -> None:
    """One thread's load."""
    while time.monotonic() < until:
        ask, question, texts = rng.choice(asks), rng.choice(QUESTIONS), list[str]()
        left, error = False, None
        try:
            left = ask.run(question, texts)
        except Exception as raised:  # noqa: BLE001 - judged below
            error = raised
        record.judge(ask, question, texts, error, left=left)
        time.sleep(rng.uniform(0, 2 * pause))


async def run_async(
    options: dict[str, Any], record: Record, seed: int, until: float, *, pause: float, tasks: int
) -> None:
    """The load of one event loop."""

    async def load(rng: random.Random) -> None:
        while time.monotonic() < until:
            ask, question, texts = rng.choice(asks), rng.choice(QUESTIONS), list[str]()
            left, error = False, None
            try:
                left = await ask.run(question, texts)
            except Exception as raised:  # noqa: BLE001 - judged below
                error = raised
            record.judge(ask, question, texts, error, left=left)
            await asyncio.sleep(rng.uniform(0, 2 * pause))

    asks = list(async_asks(options))
    await asyncio.gather(*(load(random.Random(seed + number)) for number in range(tasks)))
    async with AsyncAssistantClient(**options, timeout=TIMEOUT):
        pass  # the last user of the shared connections closes them
    gc.collect()
    await asyncio.sleep(0.5)


def soak(minutes: float, seed: int, pause: float, workers: int) -> tuple[Record, list[Sample], Sample]:
    """Run the load. Return the record, the samples, and a last sample after everything was closed."""
    me = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            options = {"assistant_name": "soak", "api_key": API_KEY, "host": server.host}
            record = Record(expected_answers(options))
            samples: list[Sample] = []
            start = time.monotonic()
            until = start + 60 * minutes

            def sample() -> Sample:
                return Sample(
                    time.monotonic() - start,
                    me.memory_info().rss / 2**20,
                    me.num_fds(),
                    me.num_threads(),
                    server.memory.memory_info().rss / 2**20,
                )

            with unraised_told(record):
                asks = list(sync_asks(options))
                rng = random.Random(seed)
                threads = [
                    threading.Thread(
                        target=run_sync, args=(asks, record, random.Random(seed + 100 + number), until, pause)
                    )
                    for number in range(workers)
                ]
                threads.append(
                    threading.Thread(
                        target=lambda: asyncio.run(run_async(options, record, seed, until, pause=pause, tasks=workers))
                    )
                )
                for thread in threads:
                    thread.start()
                next_sample = start
                while time.monotonic() < until:
                    fault = rng.choice(FAULTS) if rng.random() < 0.7 else None
                    on = rng.choice(["chat", "chat", "context"])
                    server.fault({**fault, "on": on, "times": rng.randint(1, 4)} if fault else None)
                    if time.monotonic() >= next_sample:
                        samples.append(sample())
                        next_sample += SAMPLE_SECONDS
                    time.sleep(rng.uniform(0.5, 1.5))
                server.fault(None)
                for thread in threads:
                    thread.join(120)
                    if thread.is_alive():
                        record.fail("a worker still hangs two minutes after the end")
                del asks
                gc.collect()
                return record, samples, sample()
        finally:
            server.close()
