"""`make bench`: measure, print the tables, and write docs/benchmarks.md with its plots.

Every measurement runs in a fresh process against a stub server in another; the subjects of a suite take turns, so that a
slow moment of the machine affects all of them; figures are medians. Nothing is asserted: tests must not depend on speed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress

from tests.benchmarks.report import write_report

ROOT = Path(__file__).parent.parent.parent
OURS = ("ChatPineconeAssistant", "PineconeAssistant")
PEERS = ("ChatOpenAI", "OpenAILike", "official SDK")
FLOORS = ("LangChain floor", "LlamaIndex floor")
PARTS = ("HTTP alone", *FLOORS)
"""What a call of ours cannot go below: it is one of the frameworks over one of the HTTP libraries."""

THINKING = ("--think-ms", "100")
"""As a real service does. With a server that answers at once few requests are open at a time, and a pool costs nothing."""


@dataclass(frozen=True)
class Suite:
    """One table: its subjects, its measurement and its server."""

    title: str
    kind: str
    count: int
    subjects: Sequence[str]
    server: Sequence[str] = ()


@dataclass
class Results:
    """suite title -> subject -> figure -> the values of all rounds."""

    values: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)

    def add(self, suite: str, subject: str, figures: dict[str, float]) -> None:
        """Keep one measurement."""
        for name, value in figures.items():
            self.values.setdefault(suite, {}).setdefault(subject, {}).setdefault(name, []).append(value)

    def median(self, suite: str, subject: str, figure: str) -> float:
        """The median of one figure."""
        return statistics.median(self.values[suite][subject][figure])


SUITES = (
    Suite("call", "calls", 200, (*OURS, *PEERS, *PARTS)),
    Suite("token, one event a chunk", "streams", 2000, (*OURS, *PEERS, *FLOORS), ("--tokens", "2000")),
    Suite("token, 32 events a chunk", "streams", 2000, (*OURS, *PEERS), ("--tokens", "2000", "--per-chunk", "32")),
    Suite("token, close-delimited", "streams", 2000, (*OURS, *PEERS), ("--tokens", "2000", "--framing", "close")),
    Suite("200 calls at once", "concurrent_calls", 200, (*OURS, *PEERS, *PARTS), THINKING),
    Suite("1,000 calls at once", "concurrent_calls", 1000, (*OURS, "ChatOpenAI", "OpenAILike", *PARTS), THINKING),
    Suite(
        "200 streams at once",
        "concurrent_streams",
        200,
        (*OURS, *PEERS, *FLOORS),
        ("--tokens", "100", "--delay-ms", "10"),
    ),
    Suite(
        "delay of a token, chunked",
        "delay",
        0,
        ("raw socket", *OURS),
        ("--tokens", "200", "--delay-ms", "2", "--stamped"),
    ),
    Suite(
        "delay of a token, close-delimited",
        "delay",
        0,
        ("raw socket", *OURS),
        ("--tokens", "200", "--delay-ms", "2", "--stamped", "--framing", "close"),
    ),
    Suite(
        "delay of a token, gzip",
        "delay",
        0,
        ("raw socket", *OURS),
        ("--tokens", "200", "--delay-ms", "2", "--stamped", "--framing", "gzip"),
    ),
    Suite("memory of 2,000 tokens", "memory", 2000, (*OURS, *FLOORS), ("--tokens", "2000")),
    Suite("memory of 20,000 tokens", "memory", 20000, (*OURS, *FLOORS), ("--tokens", "20000")),
)
IMPORTS = {
    "langchain_core BaseChatModel": "from langchain_core.language_models import BaseChatModel",
    "ChatPineconeAssistant": "from langchain_pinecone_assistant import ChatPineconeAssistant",
    "ChatOpenAI": "from langchain_openai import ChatOpenAI",
    "llama_index LLM": "from llama_index.core.llms.llm import LLM",
    "PineconeAssistant": "from llama_index.llms.pinecone_assistant import PineconeAssistant",
    "OpenAILike": "from llama_index.llms.openai_like import OpenAILike",
}
IMPORT_SUITE = "cold import"


@contextmanager
def stub_server(options: Sequence[str]) -> Iterator[str]:
    """The stub in a process of its own; its base URL."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stub_server", *options], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()


class Measuring:
    """The processes of the subjects: each imports its subject once and forks for every measurement."""

    def __init__(self, subjects: Iterable[str]) -> None:
        self._processes = {
            subject: subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.measure", subject],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for subject in dict.fromkeys(subjects)
        }

    def measure(self, subject: str, kind: str, host: str, count: int) -> dict[str, float]:
        """Run one measurement in a fresh process; its errors appear on the terminal."""
        process = self._processes[subject]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{kind} {host} {count}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{subject}, {kind}: no figures")
        figures: dict[str, float] = json.loads(line)
        return figures

    def close(self) -> None:
        """End the processes."""
        for process in self._processes.values():
            process.communicate()


def import_seconds(statement: str, bytecode: str) -> dict[str, float]:
    """CPU seconds of an import in a fresh process, without the interpreter's own start.

    `bytecode` is a folder that keeps the compiled modules, as an installation does. Without it, modules installed with
    `--editable` would be compiled in each process where PYTHONDONTWRITEBYTECODE is set, and those of the peers would not.
    """
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, env=environment
    )
    return {"cpu": float(done.stdout)}


def main() -> None:
    """Run all suites, or only those with the given text in their title."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="suites whose title contains this")
    options = parser.parse_args()
    suites = [suite for suite in SUITES if options.only in suite.title]
    measuring = Measuring(subject for suite in suites for subject in suite.subjects)
    results = Results()
    started = time.monotonic()
    with Progress() as progress:
        total = sum(len(suite.subjects) for suite in suites) + (len(IMPORTS) if options.only in IMPORT_SUITE else 0)
        task = progress.add_task("measuring", total=options.rounds * total)
        for suite in suites:
            with stub_server(suite.server) as host:
                for _ in range(options.rounds):
                    for subject in suite.subjects:
                        progress.update(task, description=f"{suite.title}: {subject}", advance=1)
                        results.add(suite.title, subject, measuring.measure(subject, suite.kind, host, suite.count))
        measuring.close()
        if options.only in IMPORT_SUITE:
            with TemporaryDirectory() as bytecode:
                for statement in IMPORTS.values():
                    import_seconds(statement, bytecode)  # compiles
                for _ in range(options.rounds):
                    for subject, statement in IMPORTS.items():
                        progress.update(task, description=f"{IMPORT_SUITE}: {subject}", advance=1)
                        results.add(IMPORT_SUITE, subject, import_seconds(statement, bytecode))
    write_report(results, is_whole=not options.only, rounds=options.rounds, seconds=time.monotonic() - started)


if __name__ == "__main__":
    main()
