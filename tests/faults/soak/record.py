"""Record of a soak run: a judgement of every call, and the complaints that Python only logs."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pinecone_assistant_client import AssistantError, strip_reference_list

from .asks import CANCELLED, Ask, AsyncAsk


class Record:
    """Outcomes and failures, counted from all threads."""

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
        """Count one call. It fails unless it is a whole answer, or a typed error after the beginning of one."""
        text = "".join(texts)
        wanted = self._expected[ask.answers, question]
        # The reference list after the text has signed links, which differ each time.
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
                    self.fail(f"{ask.name}: unexpected TimeoutError")
            self.count(ask.name, name)
            if not begins:
                self.fail(f"{ask.name}: {name} after a text that the answer does not begin with: {text[-300:]!r}")
        else:
            self.count(ask.name, f"UNTYPED {type(error).__name__}")
            self.fail(f"{ask.name}: {''.join(traceback.format_exception(error))}")


@contextmanager
def unraised_told(record: Record) -> Iterator[None]:
    """Count complaints that Python only logs (unclosed resources, tasks with an unseen error) as failures too."""

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
