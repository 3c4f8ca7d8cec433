"""Run one cell of a fault matrix, and find the connections, tasks and descriptors that it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import socket
import ssl
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest import mock

import psutil
import trustme

from pinecone_assistant_client import client_base
from pinecone_assistant_client.retries import Retries

from ..client.support.raw_server import HOLD, RESET, Pause, RawServer, Step
from .bodies import Body
from .matrix import AMPLE_SECONDS, CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS, Row

KEY = "pcsk_faults_0123456789"
_T = TypeVar("_T")


@dataclass
class Outcome:
    """Actual outcome of a cell."""

    result: str = "answer"
    error: BaseException | None = None
    text: str = ""
    requests: int = 0
    connections: int = 0
    seconds: float = 0.0
    retry_waits: list[float] = field(default_factory=list)
    may_have_been_processed: bool = False
    shows_the_key: bool = False
    is_of_the_framework: bool = False
    left: list[str] = field(default_factory=list)
    """Complaints, warnings and leaks; empty if there are none."""

    @property
    def tries(self) -> int:
        """Attempts to connect."""
        return len(self.retry_waits) + 1


@contextlib.contextmanager
def watched(outcome: Outcome) -> Iterator[None]:
    """Record every warning, complaint and descriptor that the block leaves behind."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.name}: {record.getMessage()}")

    def complain(unraisable: Any) -> None:
        said.append(f"unraisable: {unraisable.exc_value!r}")

    listener = Listener(logging.WARNING)
    asyncio_log = logging.getLogger("asyncio")
    asyncio_log.addHandler(listener)
    hook, sys.unraisablehook = sys.unraisablehook, complain
    before = psutil.Process().num_fds()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
            gc.collect()
        said += [f"{warning.category.__name__}: {warning.message}" for warning in warned]
    finally:
        sys.unraisablehook = hook
        asyncio_log.removeHandler(listener)
    end = time.monotonic() + 2
    while psutil.Process().num_fds() > before and time.monotonic() < end:
        time.sleep(0.005)
    after = psutil.Process().num_fds()
    if after > before:
        said.append(f"{after - before} descriptors")
    outcome.left += said


@contextlib.contextmanager
def no_waiting(outcome: Outcome) -> Iterator[None]:
    """Let retries not sleep; their seconds, at the upper end of the jitter, are recorded."""

    async def sleep(seconds: float) -> None:
        outcome.retry_waits.append(seconds)

    fast = functools.partial(Retries, sleep=outcome.retry_waits.append, async_sleep=sleep, jitter=lambda: 1.0)
    with mock.patch.object(client_base, "Retries", fast):
        yield


def run_async(outcome: Outcome, work: Callable[[], Awaitable[_T]]) -> _T:
    """Run like `asyncio.run`, and record the tasks and complaints left in the loop."""

    async def main() -> _T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: outcome.left.append(f"loop: {context['message']}"))
        try:
            return await work()
        finally:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            outcome.left += [f"task: {task!r}" for task in tasks]

    return asyncio.run(main())


@functools.cache
def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def _unknown_name(host: Any, *args: Any, **kwargs: Any) -> Any:
    if host == "assistant.example":
        raise socket.gaierror(-2, "Name or service not known")
    return _getaddrinfo(host, *args, **kwargs)


_getaddrinfo = socket.getaddrinfo


@contextlib.contextmanager
def faulty_server(row: Row, body: Body) -> Iterator[tuple[RawServer, dict[str, Any]]]:
    """A server with the row's fault, and the options of a client that meets it."""
    early: list[Step] = []
    if row.setup == "reset early":
        early = [Pause(0.05), RESET]
    elif row.setup == "silent handshake":
        early = [HOLD]
    tls = _tls() if row.setup == "unknown authority" else None
    with RawServer(tls=tls, on_connect=early) as server:
        answers = row.script(body)
        server.script(*answers[:-1])
        server.otherwise = answers[-1]
        host = server.url
        patch: Any = contextlib.nullcontext()
        if row.setup == "refused":
            server.stop()
        elif row.setup == "no name":
            host = "http://assistant.example"
            patch = mock.patch.object(socket, "getaddrinfo", _unknown_name)
        elif row.setup == "silent handshake":
            host = host.replace("http://", "https://")
        connect = CONNECT_SECONDS if row.wait == "connect" else AMPLE_SECONDS
        read = READ_SECONDS if row.wait == "read" else AMPLE_SECONDS
        with patch:
            total = TOTAL_SECONDS if row.wait == "total" else None
            options = {"assistant_name": "docs", "api_key": KEY, "host": host, "timeout": (connect, read)}
            yield server, {**options, "total_timeout": total}
        if not server.sees_no_connections(2):
            raise AssertionError("a connection was left open")


def bound_of(row: Row, tries: int) -> float:
    """Return the seconds within which a cell has to end, even on a busy machine."""
    if row.wait == "connect":
        return tries * CONNECT_SECONDS + 2.0
    if row.wait == "read":
        return tries * READ_SECONDS + 2.0
    return 3.0


__all__ = ["KEY", "Outcome", "bound_of", "faulty_server", "no_waiting", "run_async", "watched"]
