"""Soak: mixed load over a faulty server for many minutes: `python -m tests.faults.soak --minutes 30`.

Sync, async and streamed calls, through the client and both adapters, ask a local assistant in another process, whose
faults change at random with a seed. Every outcome is a whole answer (compared with the answer before the first fault), a
beginning of it that was left on purpose, or a typed error; anything else fails the run, and so do leaked descriptors,
memory that keeps growing, and what Python tells only the log, such as an unclosed session.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import http.client
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil
from llama_index.core.llms import ChatMessage

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant import PineconeAssistantRetriever as LangChainRetriever
from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import (
    AssistantClient,
    AssistantError,
    AsyncAssistantClient,
    ChatCompletionChunk,
    strip_reference_list,
)

ROOT = Path(__file__).parent.parent.parent
PLOT = ROOT / "docs" / "soak.svg"
API_KEY = "soak-key"
TIMEOUT = (5.0, 4.0)
SAMPLE_SECONDS = 3.0
QUESTIONS = (
    "What is the maximum height of a red pine?",
    "How deep is Lake Baikal?",
    "How long does a queen bee live?",
    "How far away is the Moon?",
)
FAULTS: tuple[dict[str, object], ...] = (
    {"status": 429, "retry_after": 0.2},
    {"status": 429},
    {"status": 500},
    {"status": 503, "body": "<html>upstream is away</html>"},
    {"status": 401},
    {"html": True},
    {"reset": True},
    {"reset": True, "cut_after_events": 2},
    {"cut_after_events": 0},
    {"cut_after_events": 3},
    {"error_after_events": 2},
    {"malformed_after_events": 2},
    {"omit_finish": True},
    {"omit_usage": True},
    {"wrapped": True},
    {"stall_after_events": 2},
    {"stall": True},
    {"delay_seconds": 0.5},
    {"token_delay_seconds": 0.05, "heartbeats": 2},
)


@dataclasses.dataclass(frozen=True)
class Ask:
    """One kind of call: what it is named after, whose text it brings, and how to make it.

    `run` puts the texts into the list as they come and returns True if it left the answer early on purpose.
    """

    name: str
    answers: str
    run: Callable[[str, list[str]], bool]


@dataclasses.dataclass(frozen=True)
class AsyncAsk:
    """As `Ask`, async."""

    name: str
    answers: str
    run: Callable[[str, list[str]], Awaitable[bool]]


@dataclasses.dataclass(frozen=True)
class Sample:
    """What this process held at a moment."""

    seconds: float
    mebibytes: float
    descriptors: int
    threads: int
    server_mebibytes: float


class Record:
    """What happened, counted from all threads."""

    def __init__(self, expected: dict[tuple[str, str], str]) -> None:
        self._lock = threading.Lock()
        self._expected = expected
        self.outcomes: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.failures: list[str] = []

    def count(self, name: str, outcome: str) -> None:
        with self._lock:
            self.calls[name] += 1
            self.outcomes[outcome] += 1

    def fail(self, what: str) -> None:
        with self._lock:
            self.failures.append(what)

    def judge(
        self, ask: Ask | AsyncAsk, question: str, texts: list[str], error: Exception | None, *, left: bool
    ) -> None:
        """Count one call; what is neither a whole answer, nor a typed error after a beginning of it, is a failure."""
        text = "".join(texts)
        wanted = self._expected[ask.answers, question]
        # What follows the text is the reference list, whose signed links differ each time.
        begins = wanted.startswith(text.rstrip()) or text.startswith(wanted)
        if error is None and not left:
            self.count(ask.name, "whole answer")
            if strip_reference_list(text).rstrip() != wanted:
                self.fail(f"{ask.name}: no error, but this is not the whole answer: {text[-300:]!r}")
        elif error is None or isinstance(error, (AssistantError, TimeoutError, asyncio.TimeoutError)):
            name = "left early" if error is None else type(error).__name__
            if error is not None and not isinstance(error, AssistantError):
                name = "cancelled"
                if ask.name != CANCELLED:
                    self.fail(f"{ask.name}: TimeoutError that nobody asked for")
            self.count(ask.name, name)
            if not begins:
                self.fail(f"{ask.name}: {name} after a text that is no beginning of the answer: {text[-300:]!r}")
        else:
            self.count(ask.name, f"UNTYPED {type(error).__name__}")
            self.fail(f"{ask.name}: {''.join(traceback.format_exception(error))}")


CANCELLED = "async client, cancelled by wait_for"


def sync_asks(options: dict[str, Any]) -> Iterator[Ask]:
    """Every sync way to ask, over models that live as long as the run."""
    client = AssistantClient(**options, timeout=TIMEOUT)
    model = ChatPineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    lc_retriever = LangChainRetriever(**options, timeout=TIMEOUT)
    llm = PineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    retriever = PineconeAssistantRetriever(llm)
    query = PineconeAssistantQueryEngine(llm)
    streamed_query = PineconeAssistantQueryEngine(llm, streaming=True)
    chat = PineconeAssistantChatEngine(llm)

    def message(question: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": question}]

    def take(chunks: Iterator[ChatCompletionChunk], texts: list[str], most: int = sys.maxsize) -> bool:
        for number, chunk in enumerate(chunks, 1):
            texts.append(chunk.content)
            if number >= most:
                return True
        return False

    def short_lived(question: str, texts: list[str]) -> bool:
        with AssistantClient(**options, timeout=TIMEOUT, source_tag=f"s{random.randrange(8)}") as own:
            return take(own.stream_chat(message(question)), texts)

    def broken_off(question: str, texts: list[str]) -> bool:
        chunks = client.stream_chat_completion(message(question))
        try:
            return take(chunks, texts, most=3)
        finally:
            chunks.close()

    def dropped(question: str, texts: list[str]) -> bool:
        return take(client.stream_chat(message(question)), texts, most=3)

    def batch(question: str, texts: list[str]) -> bool:
        answers = model.batch([question, question])
        if answers[0].text != answers[1].text:
            texts.append("the two answers of one batch differ: ")
        texts.append(answers[0].text)
        return False

    def said(texts: list[str], more: Iterator[str] | Sequence[str]) -> bool:
        # One by one: what came before an error must be known.
        for text in more:
            texts.append(text)  # noqa: PERF402 - see above
        return False

    yield Ask("client", "openai", lambda q, t: said(t, [client.chat_completion(message(q)).content]))
    yield Ask("client, streamed", "openai", lambda q, t: take(client.stream_chat_completion(message(q)), t))
    yield Ask("client, standard", "standard", lambda q, t: said(t, [client.chat(message(q)).content]))
    yield Ask("client, standard, streamed", "standard", lambda q, t: take(client.stream_chat(message(q)), t))
    yield Ask("client, context", "context", lambda q, t: said(t, [s.content for s in client.context(q).snippets]))
    yield Ask("client, short-lived", "standard", short_lived)
    yield Ask("client, stream closed early", "openai", broken_off)
    yield Ask("client, stream dropped early", "standard", dropped)
    yield Ask("LangChain invoke", "openai", lambda q, t: said(t, [model.invoke(q).text]))
    yield Ask("LangChain stream", "openai", lambda q, t: said(t, (c.text for c in model.stream(q))))
    yield Ask("LangChain batch", "openai", batch)
    yield Ask("LangChain retriever", "context", lambda q, t: said(t, [d.page_content for d in lc_retriever.invoke(q)]))
    yield Ask("LlamaIndex chat", "openai", lambda q, t: said(t, [str(llm.chat([ChatMessage(q)]).message.content)]))
    yield Ask(
        "LlamaIndex stream_chat",
        "openai",
        lambda q, t: said(t, (r.delta or "" for r in llm.stream_chat([ChatMessage(q)]))),
    )
    yield Ask("LlamaIndex complete", "openai", lambda q, t: said(t, [llm.complete(q).text]))
    yield Ask("LlamaIndex retriever", "context", lambda q, t: said(t, [n.text for n in retriever.retrieve(q)]))
    yield Ask("LlamaIndex query engine", "standard", lambda q, t: said(t, [str(query.query(q))]))
    yield Ask(
        "LlamaIndex query engine, streamed",
        "standard",
        lambda q, t: said(t, streamed_query.query(q).response_gen),  # type: ignore[union-attr, arg-type]  # it streams
    )
    yield Ask("LlamaIndex chat engine", "standard", lambda q, t: said(t, [str(chat.chat(q, []))]))
    yield Ask(
        "LlamaIndex chat engine, streamed", "standard", lambda q, t: said(t, chat.stream_chat(q, []).response_gen)
    )


def async_asks(options: dict[str, Any]) -> Iterator[AsyncAsk]:  # noqa: PLR0915 - one statement more for each way
    """Every async way to ask; call it in the running loop."""
    client = AsyncAssistantClient(**options, timeout=TIMEOUT)
    model = ChatPineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    lc_retriever = LangChainRetriever(**options, timeout=TIMEOUT)
    llm = PineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    retriever = PineconeAssistantRetriever(llm)
    query = PineconeAssistantQueryEngine(llm)
    chat = PineconeAssistantChatEngine(llm)

    def message(question: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": question}]

    async def take(chunks: AsyncIterator[ChatCompletionChunk], texts: list[str]) -> bool:
        async for chunk in chunks:
            texts.append(chunk.content)  # noqa: PERF401 - what came before an error must be known
        return False

    async def plain(question: str, texts: list[str]) -> bool:
        texts.append((await client.chat_completion(message(question))).content)
        return False

    async def standard(question: str, texts: list[str]) -> bool:
        texts.append((await client.chat(message(question))).content)
        return False

    async def context(question: str, texts: list[str]) -> bool:
        texts.extend(snippet.content for snippet in (await client.context(question)).snippets)
        return False

    async def broken_off(question: str, texts: list[str]) -> bool:
        async with aclosing(client.stream_chat(message(question))) as chunks:
            async for chunk in chunks:
                texts.append(chunk.content)
                if len(texts) >= 3:
                    return True
        return False

    async def cancelled(question: str, texts: list[str]) -> bool:
        await asyncio.wait_for(
            take(client.stream_chat_completion(message(question)), texts), random.choice([0.01, 0.03])
        )
        return False

    async def short_lived(question: str, texts: list[str]) -> bool:
        async with AsyncAssistantClient(**options, timeout=TIMEOUT, source_tag=f"a{random.randrange(8)}") as own:
            return await take(own.stream_chat_completion(message(question)), texts)

    async def lc_invoke(question: str, texts: list[str]) -> bool:
        texts.append((await model.ainvoke(question)).text)
        return False

    async def lc_stream(question: str, texts: list[str]) -> bool:
        async for chunk in model.astream(question):
            texts.append(chunk.text)  # noqa: PERF401 - as above
        return False

    async def lc_retrieve(question: str, texts: list[str]) -> bool:
        texts.extend(document.page_content for document in await lc_retriever.ainvoke(question))
        return False

    async def li_chat(question: str, texts: list[str]) -> bool:
        texts.append(str((await llm.achat([ChatMessage(question)])).message.content))
        return False

    async def li_stream(question: str, texts: list[str]) -> bool:
        async for response in await llm.astream_chat([ChatMessage(question)]):
            texts.append(response.delta or "")  # noqa: PERF401 - as above
        return False

    async def li_complete(question: str, texts: list[str]) -> bool:
        async for response in await llm.astream_complete(question):
            texts.append(response.delta or "")  # noqa: PERF401 - as above
        return False

    async def li_retrieve(question: str, texts: list[str]) -> bool:
        texts.extend(node.text for node in await retriever.aretrieve(question))
        return False

    async def li_query(question: str, texts: list[str]) -> bool:
        texts.append(str(await query.aquery(question)))
        return False

    async def li_engine(question: str, texts: list[str]) -> bool:
        response = await chat.astream_chat(question, [])
        async for text in response.async_response_gen():
            texts.append(text)  # noqa: PERF401 - as above
        return False

    yield AsyncAsk("async client", "openai", plain)
    yield AsyncAsk("async client, streamed", "openai", lambda q, t: take(client.stream_chat_completion(message(q)), t))
    yield AsyncAsk("async client, standard", "standard", standard)
    yield AsyncAsk("async client, standard, streamed", "standard", lambda q, t: take(client.stream_chat(message(q)), t))
    yield AsyncAsk("async client, context", "context", context)
    yield AsyncAsk("async client, stream closed early", "standard", broken_off)
    yield AsyncAsk(CANCELLED, "openai", cancelled)
    yield AsyncAsk("async client, short-lived", "openai", short_lived)
    yield AsyncAsk("LangChain ainvoke", "openai", lc_invoke)
    yield AsyncAsk("LangChain astream", "openai", lc_stream)
    yield AsyncAsk("LangChain retriever, async", "context", lc_retrieve)
    yield AsyncAsk("LlamaIndex achat", "openai", li_chat)
    yield AsyncAsk("LlamaIndex astream_chat", "openai", li_stream)
    yield AsyncAsk("LlamaIndex astream_complete", "openai", li_complete)
    yield AsyncAsk("LlamaIndex retriever, async", "context", li_retrieve)
    yield AsyncAsk("LlamaIndex query engine, async", "standard", li_query)
    yield AsyncAsk("LlamaIndex chat engine, astream_chat", "standard", li_engine)


def expected_answers(options: dict[str, Any]) -> dict[tuple[str, str], str]:
    """What each question's whole answer is, asked before the first fault."""
    expected = {}
    with AssistantClient(**options) as client:
        for question in QUESTIONS:
            messages = [{"role": "user", "content": question}]
            answers = {
                "openai": client.chat_completion(messages).content,
                "standard": client.chat(messages).content,
                "context": "".join(snippet.content for snippet in client.context(question).snippets),
            }
            for kind, text in answers.items():
                expected[kind, question] = strip_reference_list(text).rstrip()
    return expected


class Server:
    """A local assistant in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "pinecone_assistant_local", "serve", str(ROOT / "examples" / "data")]
        command += ["--port", "0", "--faults", "--api-key", API_KEY, "--name", "soak", "--data-dir", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        host = None
        for line in self._process.stdout:
            host = re.match(r"export PINECONE_ASSISTANT_HOST='?(http://127\.0\.0\.1:\d+)", line)
            if host:
                break
        if host is None:
            raise RuntimeError("the local assistant did not start")
        self.host = host[1]
        self.memory = psutil.Process(self._process.pid)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate(timeout=30)

    def fault(self, options: dict[str, object] | None) -> None:
        """Clear the faults, and set this one if it is given. A connection of its own: the client's are what is tested."""
        connection = http.client.HTTPConnection(urlsplit(self.host).netloc, timeout=30)
        headers = {"Api-Key": API_KEY, "Content-Type": "application/json"}
        try:
            for method, body in [("DELETE", None), *([("POST", json.dumps(options))] if options else [])]:
                connection.request(method, "/_faults", body, headers)
                answer = connection.getresponse()
                if answer.status >= 300:
                    raise RuntimeError(f"the fault {options} was refused: {answer.read()!r}")
                answer.read()
        finally:
            connection.close()


@contextmanager
def unraised_told(record: Record) -> Iterator[None]:
    """What Python tells only the log (unclosed resources, tasks whose error nobody saw) is a failure too."""

    class Listener(logging.Handler):
        def emit(self, told: logging.LogRecord) -> None:
            record.fail(f"log of {told.name}: {told.getMessage()}")

    listener = Listener(logging.ERROR)
    before = sys.unraisablehook, threading.excepthook, warnings.showwarning
    sys.unraisablehook = lambda told: record.fail(f"unraisable: {told.exc_value!r} in {told.object!r}")
    threading.excepthook = lambda told: record.fail(f"a thread died: {told.exc_value!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ResourceWarning)
        warnings.showwarning = lambda message, *_, **__: record.fail(f"warning: {message}")
        logging.getLogger("asyncio").addHandler(listener)
        try:
            yield
        finally:
            gc.collect()
            logging.getLogger("asyncio").removeHandler(listener)
    sys.unraisablehook, threading.excepthook, warnings.showwarning = before


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
    """Run the load; returns what happened, what was measured, and what is left after everything was closed."""
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


def growth(values: Sequence[float]) -> tuple[float, float]:
    """The medians of the second and of the last fifth: the first fifth warms up."""
    fifth = max(1, len(values) // 5)
    return median(values[fifth : 2 * fifth] or values), median(values[-fifth:])


def check_flat(record: Record, samples: Sequence[Sample]) -> None:
    """Memory may not grow by more than a tenth after the warm-up, descriptors by more than eight."""
    before, after = growth([sample.mebibytes for sample in samples])
    if after > before * 1.1:
        record.fail(f"memory grew from {before:.1f} to {after:.1f} MiB")
    before, after = growth([sample.descriptors for sample in samples])
    if after > before + 8:
        record.fail(f"descriptors grew from {before:.0f} to {after:.0f}")


def report(record: Record, samples: Sequence[Sample], last: Sample, minutes: float, seed: int) -> str:
    """The figures as Markdown."""
    lines = [
        (
            f"{minutes:g} minutes, seed {seed}, {record.calls.total():,} calls of {len(record.calls)} kinds, "
            f"Python {sys.version.split()[0]}, {os.cpu_count()} cores."
        ),
        "",
        "| outcome | calls |",
        "|---|---:|",
        *(f"| {outcome} | {calls:,} |" for outcome, calls in record.outcomes.most_common()),
        f"| **anything else** | **{len(record.failures)}** |",
        "",
        "| | start | after the warm-up | end | peak | everything closed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows: tuple[tuple[str, Callable[[Sample], float], str], ...] = (
        ("memory (RSS, MiB)", lambda s: s.mebibytes, ".1f"),
        ("descriptors", lambda s: s.descriptors, ".0f"),
        ("threads", lambda s: s.threads, ".0f"),
    )
    for name, value, form in rows:
        values = [value(sample) for sample in samples]
        figures = (values[0], *growth(values), max(values), value(last))
        lines.append(f"| {name} | " + " | ".join(format(figure, form) for figure in figures) + " |")
    lines += ["", "After the warm-up and end: medians of the second and of the last fifth of the samples."]
    return "\n".join(lines)


def plot(samples: Sequence[Sample]) -> bool:
    """Write docs/soak.svg; False if matplotlib is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - of the bench group only
    except ModuleNotFoundError:
        return False
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "soak"
    from matplotlib import pyplot  # noqa: PLC0415 - after the backend is chosen

    figure, (upper, lower) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 4.5), layout="constrained")
    minutes = [sample.seconds / 60 for sample in samples]
    upper.plot(minutes, [sample.mebibytes for sample in samples], color="#1f5fa8")
    upper.set_ylabel("memory (RSS), MiB")
    lower.plot(minutes, [sample.descriptors for sample in samples], color="#b3541e")
    lower.set_ylabel("open descriptors")
    lower.set_xlabel("minutes under mixed load with faults")
    for axes in (upper, lower):
        axes.set_ylim(bottom=0, top=1.25 * axes.get_ylim()[1])
        axes.grid(alpha=0.3)
    figure.savefig(PLOT, metadata={"Date": None})
    return True


def main() -> int:
    """Run, print the report, and tell by the exit status whether everything was as promised."""
    parser = argparse.ArgumentParser(description="Mixed load over a faulty local assistant.")
    parser.add_argument("--minutes", type=float, default=30.0, help="at most 120")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pause", type=float, default=0.5, help="mean seconds between two calls of a worker")
    parser.add_argument("--workers", type=int, default=3, help="threads, and as many tasks")
    parser.add_argument("--no-plot", action="store_true", help="leave docs/soak.svg alone")
    arguments = parser.parse_args()
    logging.getLogger("pinecone_assistant_client").setLevel(logging.ERROR)  # retries are expected here
    minutes = min(arguments.minutes, 120.0)
    record, samples, last = soak(minutes, arguments.seed, arguments.pause, arguments.workers)
    check_flat(record, samples)
    print(report(record, samples, last, minutes, arguments.seed))  # noqa: T201 - this is a command
    for name, calls in sorted(record.calls.items()):
        print(f"  {name}: {calls}")  # noqa: T201 - same
    if not arguments.no_plot:
        print(f"plot: {PLOT}" if plot(samples) else "no plot: matplotlib is not installed")  # noqa: T201 - same
    for failure in record.failures[:20]:
        print(f"FAILED: {failure}", file=sys.stderr)  # noqa: T201 - same
    return int(bool(record.failures))


if __name__ == "__main__":
    sys.exit(main())
