"""Faults on demand: their effects, the requests that they affect, and how often."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from types import TracebackType
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Unpack

_CHAT = re.compile(r"POST /assistant/chat/[^/]+(/chat/completions)?")
_GROUPS = {
    "chat": _CHAT,
    "context": re.compile(r"POST /assistant/chat/[^/]+/context"),
    "files": re.compile(r"\w+ /assistant/(files|operations)(/.*)?"),
    "control": re.compile(r"\w+ /assistant/assistants(/.*)?"),
    "all": re.compile(r".*"),
}

Target = str | tuple[str, str]


class FaultOptions(TypedDict, total=False):
    """The options of `Fault`, which documents them."""

    on: Target
    times: int | None
    status: int | None
    code: str | None
    message: str | None
    retry_after: float | str | None
    headers: dict[str, str]
    body: str | bytes | None
    html: bool
    stall: bool
    reset: bool
    cut_after_body_bytes: int | None
    stall_after_body_bytes: int | None
    delay_seconds: float
    first_token_delay_seconds: float
    token_delay_seconds: float
    heartbeats: int
    cut_after_events: int | None
    stall_after_events: int | None
    error_after_events: int | None
    malformed_after_events: int | None
    error: object
    malformed: str
    omit_finish: bool
    omit_usage: bool
    wrapped: bool


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong; also a context manager that ends it.

    Attributes:
        on: "chat" (both chat endpoints), "context", "files" (and operations), "control", "all", or a (method, path)
            pair in which the path may hold `*`.
        times: How many requests it affects; None: all, until it is removed.
        status: Answer with this status instead.
        code: The error's code; chosen by the status if not given.
        message: The error's message.
        retry_after: The `Retry-After` header: seconds, or a date as text.
        headers: More headers of the error.
        body: The whole body of the error, such as a proxy's HTML, instead of JSON in the service's shape.
        html: Answer 200 with an HTML page.
        stall: Take the request and never answer.
        reset: Reset the connection: before the answer, or where `cut_after_events` or `cut_after_body_bytes` would
            close it.
        cut_after_body_bytes: Close the connection when so many bytes of the request's body have been read, or at its
            end if it is shorter; the request changes nothing.
        stall_after_body_bytes: Stop reading the request's body after so many bytes, and keep the connection.
        delay_seconds: Wait before the request is worked on.
        first_token_delay_seconds: Wait after the headers of a stream, before its first event.
        token_delay_seconds: Wait between the events of a stream.
        heartbeats: Comment lines before the first event.
        cut_after_events: Close the connection after so many events. A plain answer is cut in half; with 0 nothing of
            it is sent, although the request has been worked on.
        stall_after_events: Send nothing more after so many events, and keep the connection.
        error_after_events: Send an event with `error` after so many events and end the stream.
        malformed_after_events: Send an event that is not JSON after so many events.
        error: The `error` of the event that `error_after_events` sends.
        malformed: The data of the event that `malformed_after_events` sends.
        omit_finish: Leave out the finish reason and everything after it; the stream still ends like a complete one.
        omit_usage: Leave out the usage.
        wrapped: Wrap answers in `{"chat_completion": ...}`, as the documentation shows them.
        fired: How many requests it has affected.
        id: Its number, counted from 1 in the order of `add`.
    """

    on: Target = "chat"
    times: int | None = None
    status: int | None = None
    code: str | None = None
    message: str | None = None
    retry_after: float | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    html: bool = False
    stall: bool = False
    reset: bool = False
    cut_after_body_bytes: int | None = None
    stall_after_body_bytes: int | None = None
    delay_seconds: float = 0.0
    first_token_delay_seconds: float = 0.0
    token_delay_seconds: float = 0.0
    heartbeats: int = 0
    cut_after_events: int | None = None
    stall_after_events: int | None = None
    error_after_events: int | None = None
    malformed_after_events: int | None = None
    error: object = field(default_factory=lambda: {"code": "INTERNAL", "message": "The model failed."})
    malformed: str = '{"id": "cut off in the mid'
    omit_finish: bool = False
    omit_usage: bool = False
    wrapped: bool = False
    fired: int = field(default=0, init=False)
    id: int = field(default=0, init=False)
    _owner: Faults | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.on, str) and self.on not in _GROUPS:
            raise ValueError(f"on must be one of {', '.join(_GROUPS)} or a (method, path) pair, not {self.on!r}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, not {self.times}")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status must be between 200 and 599, not {self.status}")

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """End the fault."""
        if self._owner is not None:
            self._owner.remove(self)

    def is_meant_for(self, method: str, path: str) -> bool:
        """Return whether `on` matches a request."""
        if isinstance(self.on, str):
            return _GROUPS[self.on].fullmatch(f"{method} {path}") is not None
        return method == self.on[0].upper() and fnmatchcase(path, self.on[1])


_OPTIONS = frozenset(option.name for option in fields(Fault) if option.init)


class Faults:
    """The faults that are set; for each request, the oldest one that matches applies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[Fault] = []
        self._fired = 0
        self._added = 0

    @property
    def fired(self) -> int:
        """The number of requests that faults have affected since the last `clear()`."""
        return self._fired

    def add(self, **options: Unpack[FaultOptions]) -> Fault:
        """Set a fault; the options are the attributes of `Fault`.

        Example:
            `local.faults.add(status=429, retry_after=1, times=2)`
        """
        unknown = sorted(set(options) - _OPTIONS)
        if unknown:
            raise TypeError(f"unknown fault option {unknown[0]!r}: options are {', '.join(sorted(_OPTIONS))}")
        fault = Fault(**options)
        fault._owner = self
        with self._lock:
            self._added += 1
            fault.id = self._added
            self._active.append(fault)
        return fault

    def active(self) -> list[Fault]:
        """The faults that are set, oldest first, including those that have reached their `times`."""
        with self._lock:
            return list(self._active)

    def remove(self, fault: Fault) -> None:
        """End a fault; its count stays."""
        with self._lock:
            self._active = [other for other in self._active if other is not fault]

    def clear(self) -> None:
        """End every fault and forget the count."""
        with self._lock:
            self._active.clear()
            self._fired = 0

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that applies to this request, if any; this counts as firing it."""
        with self._lock:
            for fault in self._active:
                if (fault.times is None or fault.fired < fault.times) and fault.is_meant_for(method, path):
                    fault.fired += 1
                    self._fired += 1
                    return fault
        return None
