"""One subject's measurements, each in a fresh process: `python -m tests.benchmarks.measure SUBJECT`.

It imports the subject once, which takes seconds, then forks for each line of input (`SUITE HOST N`), so that every measurement
starts from the same state; the child prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import socket
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

from tests.benchmarks import floors
from tests.benchmarks.subjects import SUBJECTS, Subject

WARM_UP = 5
NOWHERE = "http://127.0.0.1:1"


def settle() -> None:
    """Do the one full collection that the imports leave behind; otherwise it falls into one measurement and not into the next.

    Collection stays on, with the thresholds that users have.
    """
    gc.collect()


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """CPU (user + system) and wall seconds of a piece of work."""
    settle()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def calls(subject: Subject, count: int) -> dict[str, float]:
    """Plain calls one after another; seconds a call."""

    def work() -> None:
        for _ in range(count):
            subject.call()

    for _ in range(WARM_UP):
        subject.call()
    return {name: value / count for name, value in timed(work).items()}


def streams(subject: Subject, tokens: int) -> dict[str, float]:
    """Streams of `tokens` tokens one after another; seconds a token."""
    rounds = 2

    def work() -> None:
        for _ in range(rounds):
            for _text in subject.stream():
                pass

    for _text in subject.stream():
        pass
    return {name: value / rounds / tokens for name, value in timed(work).items()}


def concurrent_calls(subject: Subject, count: int) -> dict[str, float]:
    """`count` calls at once in one event loop, after one that opens the client; seconds for all of them."""

    async def run() -> dict[str, float]:
        await subject.acall()
        settle()
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(subject.acall() for _ in range(count)))
        return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}

    return asyncio.run(run())


def concurrent_streams(subject: Subject, count: int) -> dict[str, float]:
    """`count` streams at once; seconds for all of them."""

    async def drain() -> None:
        async for _text in subject.astream():
            pass

    async def run() -> dict[str, float]:
        await subject.acall()
        settle()
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(drain() for _ in range(count)))
        return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}

    return asyncio.run(run())


def delay(subject: Subject, _count: int) -> dict[str, float]:
    """Seconds from the server's write to the application, each token stamped by the server: the longest and the median."""
    for _text in subject.stream():
        pass
    settle()
    late = []
    for text in subject.stream():
        now = time.monotonic_ns()
        if text.strip().isdigit():
            late.append((now - int(text)) / 1e9)
    late.sort()
    return {"max": late[-1], "median": late[len(late) // 2]}


def raw_socket_delay(host: str) -> dict[str, float]:
    """The same over a bare socket, the lower bound for any client; gzip goes through zlib."""
    address, port = host.removeprefix("http://").split(":")
    late = []
    with socket.create_connection((address, int(port))) as connection:
        connection.sendall(b'POST / HTTP/1.1\r\ncontent-length: 15\r\n\r\n{"stream":true}')
        connection.settimeout(10)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, _, data = head.partition(b"\r\n\r\n")
        unpacker = zlib.decompressobj(wbits=31) if b"gzip" in head else None
        while data := data or connection.recv(65536):
            text = unpacker.decompress(data) if unpacker else data
            now = time.monotonic_ns()
            for part in text.split(b'"content": "')[1:]:
                stamp = part.partition(b" ")[0]
                if stamp.isdigit():
                    late.append((now - int(stamp)) / 1e9)
            if data.endswith(b"\r\n0\r\n\r\n") or data == b"0\r\n\r\n":
                break
            data = b""
    late.sort()
    return {"max": late[-1], "median": late[len(late) // 2]}


def memory(subject: Subject, _tokens: int) -> dict[str, float]:
    """Growth of the peak memory over a long stream that the application does not keep, in bytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = sum(len(text) for text in subject.stream())
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"grown": (after - before) * 1024.0, "text": float(size)}


SUITES: dict[str, Callable[[Subject, int], dict[str, float]]] = {
    "calls": calls,
    "streams": streams,
    "concurrent_calls": concurrent_calls,
    "concurrent_streams": concurrent_streams,
    "delay": delay,
    "memory": memory,
}


def measured(name: str, suite: str, host: str, count: int) -> dict[str, float]:
    """The figures of one measurement, and the peak memory of its process."""
    floors.TOKENS = 100 if suite == "concurrent_streams" else count  # 100 is what the server sends in that suite
    result = raw_socket_delay(host) if name == "raw socket" else SUITES[suite](SUBJECTS[name](host), count)
    return {**result, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0}


def main() -> None:
    """Import, then fork for each line."""
    name = sys.argv[1]
    if name != "raw socket":
        SUBJECTS[name](NOWHERE)  # imports what it needs
    while line := sys.stdin.readline():
        suite, host, count = line.split()
        child = os.fork()
        if not child:
            print(json.dumps(measured(name, suite, host, int(count))), flush=True)  # noqa: T201 - the parent reads it
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"{name}: {line.strip()} failed")


if __name__ == "__main__":
    main()
