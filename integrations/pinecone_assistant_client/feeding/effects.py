"""Effects: all that a procedure may ask of the world. `driving.py` and `driving_async.py` perform them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

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
        timeout: Seconds, as in the client's constructor; left out, the client's.
        tries: How often it was sent, also after it failed.
    """

    wire: WireRequest
    is_control: bool = False
    timeout: Timeout | NotGiven = NOT_GIVEN
    tries: int = 1

    def count_retry(self, _state: object) -> None:
        """Count one more try; called before each retry."""
        self.tries += 1


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch the content behind a signed link, without the key. The result is bytes.

    Attributes:
        url: The link: a secret.
        max_bytes: More than this is an error.
        subject: The file, for messages.
    """

    url: str
    max_bytes: int
    subject: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait. There is no result."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function that may block: files are read here. The result is the function's."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """Wait for the end of an operation that one poller watches for many files. The result is the ended `Operation`."""

    operation: Operation


Effect = Send | Fetch | Sleep | Call | Settled
_T = TypeVar("_T")
Steps = Generator[Effect, Any, _T]
"""A procedure: it yields effects, is sent their results or thrown their errors, and returns its own result."""
