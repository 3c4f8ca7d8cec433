"""The assistant that a procedure works on, and what its client allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..client_base import BaseClient
from ..errors import InvalidRequestError
from .requests import OPERATIONS_VERSION, has_operations
from .waiting import Patience, checked_wait_timeout


@dataclass(frozen=True, slots=True)
class Target:
    """An assistant as one client sees it.

    Attributes:
        assistant: Its name.
        api_version: The client's API version.
        guard_filter: The client's guard, which lists are narrowed by.
        jitter: The client's source of randomness, from 0 to 1.
    """

    assistant: str
    api_version: str
    guard_filter: Mapping[str, Any] | None
    jitter: Callable[[], float]

    @classmethod
    def of(cls, client: BaseClient) -> Target:
        """The target of a client, whose settings are checked here, before any traffic."""
        client._start()
        return cls(
            client._settings.assistant_name or "",
            client._settings.api_version,
            client._options.guard_filter,
            client._retries.jitter,
        )

    @property
    def has_operations(self) -> bool:
        """Whether the API version has PUT and operations."""
        return has_operations(self.api_version)

    def need_operations(self, what: str) -> None:
        """Raise InvalidRequestError where the API version has no operations, so that `what` cannot be."""
        if not self.has_operations:
            raise InvalidRequestError(
                f"{what} needs api_version {OPERATIONS_VERSION} or later, and this client has {self.api_version}"
            )

    def refuse_guard(self, what: str) -> None:
        """Raise InvalidRequestError on a guarded client: the service cannot narrow `what` by a filter."""
        if self.guard_filter is not None:
            raise InvalidRequestError(
                f"{what} is refused on a client with guard_filter, because the service cannot hold the guard there: use a "
                "client without one, in code that may see every file of the assistant"
            )

    def patience(self, timeout: float | None = None) -> Patience:
        """The waits of one procedure. Raises InvalidRequestError if `timeout` is not a number of seconds."""
        return Patience(checked_wait_timeout(timeout), jitter=self.jitter)
