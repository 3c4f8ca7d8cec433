"""The parts of a running local assistant, put together."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

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
from .request_log import RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..answers.generated import Generate

_T = TypeVar("_T")
# SQLite and scoring hold Python's lock most of the time: more threads than this only take turns.
_WORKERS = 4
# The hook of a user may wait for a model: these threads are for waiting.
_WAITERS = 64


@dataclass(frozen=True, slots=True)
class Options:
    """What a user can choose about the answers.

    Attributes:
        api_key: The one key that is accepted.
        references: Whether answers on `/chat/completions` end in a list of references.
        generate: A function that writes the answers; None: they are extracted.
        allowed_models: Model names to accept beside the documented ones.
        allowed_hosts: Host names to accept in the Host header, beside those of this machine.
        heartbeat_seconds: How long `/chat` stays silent before it sends a comment line.
        token_delay_seconds: The pause after each event of a stream.
        serve_faults: Whether faults can be set over HTTP too, at `/_faults`.
        keep_requests: How many requests are recorded.
    """

    api_key: str
    references: bool = True
    generate: Generate | None = None
    allowed_models: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    heartbeat_seconds: float = 15.0
    token_delay_seconds: float = 0.0
    serve_faults: bool = False
    keep_requests: int = 10_000


@dataclass
class Service:
    """Everything that the endpoints work with.

    Args:
        folder: Where the database is.
        durable: Whether it must survive a power cut.
        options: What the user chose.
    """

    folder: Path
    durable: bool
    options: Options
    replies: Replies = field(default_factory=Replies)
    faults: Faults = field(default_factory=Faults)
    links: Links = field(default_factory=Links)

    def __post_init__(self) -> None:
        self.stems = Stems()
        self.store = Store(self.folder, durable=self.durable)
        self.questions = QuestionReader(self.stems)
        self.retriever = Retriever(self.store.database, self.stems)
        self.ingest = Ingest(self.store.files)
        self.requests = RequestLog(self.options.keep_requests)
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
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="local-assistant-work")
        self._waiters = ThreadPoolExecutor(_WAITERS, thread_name_prefix="local-assistant-generate")

    async def run(self, work: Callable[[], _T]) -> _T:
        """The result of work that reads or writes the store, done off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    async def wait_for(self, work: Callable[[], _T]) -> _T:
        """The result of work that may take as long as a model does, done off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._waiters, work)

    def reset(self) -> None:
        """Forgets everything but the options."""
        self.replies.clear()
        self.faults.clear()
        self.store.clear()
        self.requests.clear()
        self.answer_ids.clear()
        self.deletions.clear()

    def close(self) -> None:
        """Waits for the work that has begun and closes the store."""
        self._workers.shutdown(cancel_futures=True)
        self._waiters.shutdown(cancel_futures=True)
        self.ingest.close()
        self.store.close()
        self.stems.close()
