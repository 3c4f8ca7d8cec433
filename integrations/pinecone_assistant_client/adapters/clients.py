"""`Clients`: the sync and the async client behind one adapter object."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..async_client import AsyncAssistantClient
    from ..client import AssistantClient


class Clients:
    """The sync and the async client of one set of settings.

    The second client is made at its first use, with the settings and the connections of the first. The fields of an adapter
    may change, so before each call the adapter compares its settings with these, and makes another `Clients` if they differ.
    Copies of an adapter can share one `Clients`, because its settings never change.

    Args:
        settings: The settings that the client was made with; compared with `==`.
        client: Either client.
        is_injected: True for a client that belongs to the caller: `close` and `aclose` leave it open.
    """

    # No `__dict__`: crash reports print the attributes of objects, and the settings hold headers and proxies.
    __slots__ = ("_async", "_injected", "_sync", "settings")

    def __init__(
        self, settings: object, client: AssistantClient | AsyncAssistantClient, *, is_injected: bool = False
    ) -> None:
        from ..client import AssistantClient  # noqa: PLC0415 - 15 ms that an import of an adapter need not take

        self.settings = settings
        self._injected = client if is_injected else None
        self._sync: AssistantClient | None = None
        self._async: AsyncAssistantClient | None = None
        if isinstance(client, AssistantClient):
            self._sync = client
        else:
            self._async = client

    @property
    def sync(self) -> AssistantClient:
        """The client for sync calls."""
        if self._sync is None:
            from ..client import AssistantClient  # noqa: PLC0415 - as above

            assert self._async is not None  # noqa: S101 - one of them was passed
            self._sync = AssistantClient.like(self._async)
        return self._sync

    @property
    def asynchronous(self) -> AsyncAssistantClient:
        """The client for async calls."""
        if self._async is None:
            from ..async_client import AsyncAssistantClient  # noqa: PLC0415 - as above

            assert self._sync is not None  # noqa: S101 - one of them was passed
            self._async = AsyncAssistantClient.like(self._sync)
        return self._async

    def close(self) -> None:
        """Release the sync connections; they close if nothing else uses them. Later calls open them again."""
        if self._sync is not None and self._sync is not self._injected:
            self._sync.close()

    async def aclose(self) -> None:
        """Release all connections, also those of the running event loop."""
        self.close()
        if self._async is not None and self._async is not self._injected:
            await self._async.close()
