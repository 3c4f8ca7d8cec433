"""Effects that a procedure can yield. `driving.py` performs them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..client_base import SignedLink
from ..options import NOT_GIVEN, NotGiven
from ..settings import Timeout
from ..wire.protocol import WireRequest
from .values import Operation


@dataclass(slots=True, eq=False)
class Send:
    """Send a request, with the client's retries. The result is a `Reply`.

    Attributes:
        wire: The request.
        is_control: It is for the control plane.
        timeout: Seconds, as in the client's constructor; defaults to the client's own.
        total_timeout: Seconds, in the same way.
        tries: How often it was sent; still valid after it failed.
        on_retry: Called before each retry.
    """

    wire: WireRequest
    is_control: bool = False
    timeout: Timeout | NotGiven = NOT_GIVEN
    total_timeout: float | NotGiven | None = NOT_GIVEN
    tries: int = 1
    on_retry: Callable[[Any], None] | None = None

    def count_retry(self, state: Any) -> None:
        """Count one more try; called before each retry."""
        self.tries += 1
        if self.on_retry is not None:
            self.on_retry(state)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch the content behind a signed link, without the key. The result is bytes."""

    link: SignedLink


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait. The result is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function that may block: files are read here. The result is the function's."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """Wait for the end of an operation that one poller watches for many files. The result is the ended `Operation`."""

    operation: Operation


class Pipelined(Protocol):
    """Procedures that run at once: `Pipeline`."""

    def ready(self) -> list[tuple[int, Effect]]:
        """The effects to start now, each with the key to pass to `take`."""

    def take(self, key: int, result: Any, error: BaseException | None) -> None:
        """Go on with a procedure whose effect has ended."""

    def close(self) -> None:
        """Give up the procedures that have not ended."""


@dataclass(frozen=True, slots=True)
class Together:
    """Run a pipeline to its end. The result is None."""

    pipeline: Pipelined


Effect = Send | Fetch | Sleep | Call | Settled | Together
_T = TypeVar("_T")
Steps = Generator[Effect, Any, _T]
"""A procedure: it yields effects, is sent their results or thrown their errors, and returns its own result."""
