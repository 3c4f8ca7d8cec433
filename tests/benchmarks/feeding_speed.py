"""Memory and speed of uploads and syncs, next to the official SDK: rows of the table that `bulk` prints and writes.

Every server runs in a process of its own, and so does every measurement of memory.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pinecone_assistant_client import AssistantClient, AssistantFile, AsyncAssistantClient, Upload
from pinecone_assistant_client.feeding.sync_plan import Wanted, plan_sync, sync_file_id, sync_metadata
from tests.benchmarks.report import BulkRow

ROOT = Path(__file__).parent.parent.parent
LARGE_BYTES = 100 * 1024 * 1024
SMALL_FILES = 300
SYNCED_FILES = 1_000
PLANNED_FILES = 100_000
CONCURRENCY = 8

_SINK = """
import time
from tests.client.support.file_service import FileService
with FileService() as service:
    print(service.url, "docs", flush=True)
    time.sleep(3600)
"""
_LOCAL = """
import sys, time
from pinecone_assistant_local import LocalAssistant
with LocalAssistant(api_key="local") as local:
    for method in ("PUT", "POST"):
        if delay := float(sys.argv[1]):
            local.faults.add(on=(method, "/assistant/files/*"), delay_seconds=delay)
    print(local.host, local.name, flush=True)
    time.sleep(3600)
"""
_MEMORY = """
import asyncio, json, pathlib, sys
from pinecone_assistant_client import AssistantClient, AsyncAssistantClient
kind, host, path = sys.argv[1:]

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

def reset():
    pathlib.Path("/proc/self/clear_refs").write_text("5")

def measured(before):
    print(json.dumps({"before": before, "grown": peak() - before}))

async def main():
    async with AsyncAssistantClient("docs", host=host, api_key="key", timeout=120) as client:
        await client.files.upload(b"x", name="warm.pdf")
        reset()
        before = peak()
        await client.files.upload(path)
        measured(before)

if kind == "async":
    asyncio.run(main())
else:
    with AssistantClient("docs", host=host, api_key="key", timeout=120) as client:
        client.files.upload(b"x", name="warm.pdf")
        reset()
        before = peak()
        client.files.upload(path)
        measured(before)
"""


@contextmanager
def _server(program: str, *arguments: str) -> Iterator[tuple[str, str]]:
    """A server in a process of its own: its URL, and the assistant's name."""
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        host, name = process.stdout.readline().split()
        yield host, name
    finally:
        process.kill()
        process.wait()


def memory(kind: str, folder: Path) -> BulkRow:
    """Memory that the upload of a large file adds."""
    path = folder / "large.pdf"
    if not path.exists():
        path.write_bytes(b"%PDF-1.7 " + bytes(LARGE_BYTES - 9))
    with _server(_SINK) as (host, _):
        command = [sys.executable, "-c", _MEMORY, kind, host, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found = json.loads(done.stdout)
    return BulkRow(
        f"memory that the upload of a 100 MiB PDF adds, {kind}",
        f"{found['grown']:.1f} MiB over {found['before']:.0f}",
        bar="16 MiB",
    )


def _texts() -> list[tuple[str, bytes]]:
    return [
        (f"part_{n}.txt", f"The part with number {n} is {n % 97} millimetres long.".encode())
        for n in range(SMALL_FILES)
    ]


def _sdk(host: str) -> Any:
    from pinecone import Pinecone  # noqa: PLC0415 - of the development tools only

    return Pinecone(api_key="local", host=host).assistants


def _official(host: str, name: str) -> float:
    """The official SDK's loop: each file until it is Available, one after the other."""
    assistant = _sdk(host)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for file_name, content in _texts():
            paths.append(Path(folder) / file_name)
            paths[-1].write_bytes(content)
        began = time.perf_counter()
        for path in paths:
            assistant.upload_file(assistant_name=name, file_path=str(path))
        return time.perf_counter() - began


def _ours(host: str, name: str) -> float:
    with AssistantClient(name, host=host, api_key="local") as client:
        client.files.upload(b"warm", name="warm.txt")
        began = time.perf_counter()
        report = client.files.upload_many(
            [Upload(content, file_name) for file_name, content in _texts()], concurrency=CONCURRENCY
        )
        seconds = time.perf_counter() - began
    assert len(report.uploaded) == SMALL_FILES
    return seconds


async def _ours_async(host: str, name: str) -> float:
    async with AsyncAssistantClient(name, host=host, api_key="local") as client:
        await client.files.upload(b"warm", name="warm.txt")
        began = time.perf_counter()
        await client.files.upload_many(
            [Upload(content, file_name) for file_name, content in _texts()], concurrency=CONCURRENCY
        )
        return time.perf_counter() - began


def many(delay_seconds: float, bar: float) -> Iterator[BulkRow]:
    """`upload_many` of small files, and the official SDK's loop over them."""
    with _server(_LOCAL, str(delay_seconds)) as (host, name):
        theirs = _official(host, name)
    for kind in ("sync", "async"):
        with _server(_LOCAL, str(delay_seconds)) as (host, name):
            seconds = _ours(host, name) if kind == "sync" else asyncio.run(_ours_async(host, name))
        service = (
            f"a service that takes {delay_seconds * 1000:.0f} ms a file" if delay_seconds else "the local assistant"
        )
        yield BulkRow(
            f"upload_many of {SMALL_FILES} small files to {service}, {kind}; the SDK uploads one after the other",
            f"{seconds:.2f} s",
            f"{theirs:.2f} s: {theirs / seconds:.1f} times ours",
            f"at least {bar:g} times",
        )


def unchanged(folder: Path) -> Iterator[BulkRow]:
    """`sync` of an unchanged folder, and the SDK's list of the files, its nearest equivalent."""
    source = folder / "docs"
    for number in range(SYNCED_FILES):
        path = source / f"part{number % 10}" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"The part with number {number}. " * 50)
    with _server(_LOCAL, "0") as (host, name):
        with AssistantClient(name, host=host, api_key="local") as client:
            client.files.sync(source, concurrency=16)
            listing = time.perf_counter()
            count = sum(1 for _ in client.files.list(filter={"sync_owner": "docs"}))
            listing = time.perf_counter() - listing
            began = time.perf_counter()
            report = client.files.sync(source)
            seconds = time.perf_counter() - began

        async def run() -> float:
            async with AsyncAssistantClient(name, host=host, api_key="local") as client:
                began = time.perf_counter()
                await client.files.sync(source)
                return time.perf_counter() - began

        seconds_async = asyncio.run(run())
        theirs = time.perf_counter()
        listed = sum(1 for _ in _sdk(host).list_files(assistant_name=name, filter={"sync_owner": "docs"}))
        theirs = time.perf_counter() - theirs
    assert len(report.unchanged) == count == listed == SYNCED_FILES
    for kind, taken in (("sync", seconds), ("async", seconds_async)):
        yield BulkRow(
            f"sync of {SYNCED_FILES:,} files without a change, {kind}; the SDK only lists them",
            f"{taken:.2f} s, {taken - listing:.2f} s of it for more than the list",
            f"{theirs:.2f} s",
            "1 s for more than the list",
        )


def plan() -> BulkRow:
    """The pure plan of a large sync."""
    wanted = [Wanted(f"part{n % 100}/{n}.md", f"{n:064x}", {"n": n, "genre": "x"}) for n in range(PLANNED_FILES)]
    present = [
        AssistantFile(
            sync_file_id("docs", file.path), file.path, "Available", sync_metadata("docs", file), multimodal=False
        )
        for file in wanted[PLANNED_FILES // 10 :]
    ]
    began = time.perf_counter()
    planned = plan_sync(wanted[: -PLANNED_FILES // 10], present, "docs", delete=True)
    seconds = time.perf_counter() - began
    assert (len(planned.uploaded), len(planned.deleted)) == (PLANNED_FILES // 10, PLANNED_FILES // 10)
    return BulkRow(f"plan of a sync of {PLANNED_FILES:,} files", f"{seconds:.2f} s", bar="1 s")
