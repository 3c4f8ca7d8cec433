"""The parts of a running local assistant, put together."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ..answers.answerer import Answerer, AnswerIds
from ..answers.scripted import Replies
from ..faults.fault import Faults
from ..search.questions import QuestionReader
from ..search.retrieval import Retriever
from ..store.store import Store
from ..text.words import Stems
from .deletions import Deletions
from .ingest import Ingest
from .links import Links
from .options import Options
from .request_log import RequestLog

_T = TypeVar("_T")
# SQLite and scoring hold Python's lock most of the time: more threads than this only take turns.
_WORKERS = 4
# The generate hook may wait for a model: these threads mostly wait.
_WAITERS = 64


@dataclass
class Service:
    """Everything that the endpoints work with.

    Args:
        folder: Where the database is.
        durable: Whether commits must survive a power cut.
        options: The options of the `LocalAssistant`.
    """

    folder: Path
    durable: bool
    options: Options
    replies: Replies = field(default_factory=Replies)
    faults: Faults = field(default_factory=Faults)
    links: Links = field(default_factory=Links)

    def __post_init__(self) -> None:
        self.store = Store(self.folder, durable=self.durable)
        self.stems = Stems()
        self.questions = QuestionReader(self.stems)
        self.retriever = Retriever(self.store.passages, self.stems)
        self.ingest = Ingest(self.store.files)
        self.requests = RequestLog()
        self.answer_ids = AnswerIds()
        self.answers = Answerer(
            store=self.store,
            retriever=self.retriever,
            questions=self.questions,
            stems=self.stems,
            replies=self.replies,
            generate=self.options.generate,
            wait=self.wait_for,
        )
        self.deletions = Deletions()
        # Requests with this value in a header come from the test itself: they are not recorded, and no fault affects them.
        self.author = secrets.token_hex(16)
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="local-assistant-work")
        self._waiters = ThreadPoolExecutor(_WAITERS, thread_name_prefix="local-assistant-generate")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run work that reads or writes the store off the event loop and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    async def wait_for(self, work: Callable[[], _T]) -> _T:
        """Run work that may take as long as a model off the event loop and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._waiters, work)

    def reset(self) -> None:
        """Forget everything but the options."""
        self.replies.clear()
        self.faults.clear()
        self.store.clear()
        self.requests.clear()
        self.answer_ids.clear()
        self.deletions.clear()

    def close(self) -> None:
        """Wait for running work and close the store."""
        self._workers.shutdown(cancel_futures=True)
        self._waiters.shutdown(cancel_futures=True)
        self.ingest.close()
        self.store.close()
        self.stems.close()
