"""Speed and memory of `pinecone-assistant batch`, next to threads over the official SDK: rows of the table of `bulk`.

The command, the SDK's loop and the server each run in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.__main__ import ROOT, THINKING, stub_server
from tests.benchmarks.report import BulkRow

QUESTIONS = 1_000
THREADS = 16
FEW, MANY = 2_000, 20_000

_FIGURES = """
def figures(began):
    times = os.times()
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
    print(json.dumps({"wall": time.perf_counter() - began, "cpu": times.user + times.system, "peak": peak}))
"""
_OURS = """
import json, os, sys, time
from pinecone_assistant_cli.__main__ import main
began = time.perf_counter()
code = main(["batch", *sys.argv[1:]])
assert code == 0, code
figures(began)
"""
_SDK = """
import json, os, sys, time
from concurrent.futures import ThreadPoolExecutor
from pinecone import Pinecone
questions, answers, threads = sys.argv[1:]
began = time.perf_counter()
assistants = Pinecone(api_key="local", host=os.environ["PINECONE_ASSISTANT_HOST"]).assistants

def ask(row):
    found = assistants.chat(assistant_name="docs", messages=[{"role": "user", "content": row["question"]}])
    return {**row, "answer": found.message.content}

with open(questions) as file, open(answers, "w") as out, ThreadPoolExecutor(int(threads)) as pool:
    for answer in pool.map(ask, map(json.loads, file)):
        out.write(json.dumps(answer) + "\\n")
figures(began)
"""


def _run(program: str, count: int, host: str) -> dict[str, float]:
    """Answer this number of questions; CPU is that of the whole process, including its start."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    environment |= {
        "PINECONE_API_KEY": "local",
        "PINECONE_ASSISTANT_HOST": host,
        "PINECONE_CONTROLLER_HOST": host,
        "PINECONE_ASSISTANT_NAME": "docs",
    }
    with tempfile.TemporaryDirectory() as folder:
        questions, answers = Path(folder) / "questions.jsonl", Path(folder) / "answers.jsonl"
        with questions.open("w") as file:
            for number in range(count):
                file.write(json.dumps({"id": number, "question": f"How tall is tree number {number}?"}) + "\n")
        ours = ["-o", str(answers), "--concurrency", str(THREADS)]
        arguments = [str(questions), *(ours if program is _OURS else [str(answers), str(THREADS)])]
        done = subprocess.run(
            [sys.executable, "-c", _FIGURES + program, *arguments],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        with answers.open() as file:
            assert sum("answer" in json.loads(line) for line in file) == count
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def batch() -> BulkRow:
    """Questions of a server that thinks for 100 ms."""
    with stub_server(THINKING) as host:
        ours, theirs = (_run(program, QUESTIONS, host) for program in (_OURS, _SDK))
    ideal = QUESTIONS / THREADS * 0.1
    return BulkRow(
        f"batch of {QUESTIONS:,} questions, {THREADS} at once, to a service that takes 100 ms each (ideal {ideal:.2f} s); "
        f"the SDK in {THREADS} threads",
        f"{ours['wall']:.2f} s, {ours['cpu']:.2f} s of CPU",
        f"{theirs['wall']:.2f} s, {theirs['cpu']:.2f} s of CPU",
    )


def batch_memory() -> BulkRow:
    """Peak memory of the command over few and many questions."""
    with stub_server(()) as host:
        few, many = (_run(_OURS, count, host)["peak"] / 2**20 for count in (FEW, MANY))
    return BulkRow(
        f"peak memory of a batch of {MANY:,} questions, over one of {FEW:,}",
        f"{many:.1f} MiB over {few:.1f} MiB: {many - few:+.1f} MiB",
        bar="8 MiB more",
    )
