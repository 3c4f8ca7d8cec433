"""Connections shared by every client with equal connection settings.

Clients and models are cheap views: a variant that changes no connection setting finds the warm connections here. What is
shared stays until the last view that used it is closed, or until many newer settings push it out.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ..settings import ConnectionSettings
from .base import TransportSettings
from .requests_transport import RequestsTransport

if TYPE_CHECKING:
    from .aiohttp_transport import AiohttpTransport

_MAX_SHARED = 32


class SharedConnections:
    """The sync and the async transport of one set of connection settings, each made at its first use.

    Like everything here that holds a key, a proxy's password or a library's objects, it has slots and no `__dict__`: what prints
    the attributes of objects, as crash reports do, stops here.
    """

    __slots__ = ("_async", "_lock", "_registry", "_settings", "_sync", "users")

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._sync: RequestsTransport | None = None
        self._async: AiohttpTransport | None = None
        self._lock = threading.Lock()
        self._registry = _registry
        self.users: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def is_of_this_process(self) -> bool:
        """False in a forked child, which must not read its parent's answers from its parent's sockets."""
        return self._registry is _registry

    def forget(self) -> None:
        """In a forked child: drop the sync transport, which closes the child's copies of the sockets only."""
        self._sync = None

    def _transport_settings(self) -> TransportSettings:
        settings = self._settings
        return TransportSettings(settings.proxies, settings.verify, settings.cert, settings.max_connections)

    @property
    def sync(self) -> RequestsTransport:
        """The transport over requests."""
        with self._lock:
            if self._sync is None:
                self._sync = RequestsTransport(self._transport_settings(), self._settings.http_session)
            return self._sync

    @property
    def asynchronous(self) -> AiohttpTransport:
        """The transport over aiohttp, which is imported here, at the first async use."""
        if self._async is None:
            from .aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - 214 ms that sync users need not wait

            with self._lock:
                if self._async is None:
                    self._async = AiohttpTransport(self._transport_settings(), self._settings.async_http_session)
        return self._async

    def close(self) -> None:
        """Close sync connections, and have event loops close theirs."""
        if self._sync is not None:
            self._sync.close()
        if self._async is not None:
            self._async.close_soon()

    async def aclose(self) -> None:
        """Close all connections; those of the running event loop are closed when this returns."""
        if self._async is not None:
            await self._async.close()
        self.close()


class _Registry:
    __slots__ = ("lock", "of_parent", "shared")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shared: OrderedDict[Any, SharedConnections] = OrderedDict()
        self.of_parent: _Registry | None = None


_registry = _Registry()


def _forget_in_child() -> None:
    """After a fork the child must not use its parent's sockets.

    What is async stays referenced and untouched: child and parent share the kernel's list of what an event loop watches,
    so closing a transport here would deafen the parent.
    """
    global _registry
    parent, _registry = _registry, _Registry()
    _registry.of_parent = parent
    for shared in parent.shared.values():
        shared.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


def connections_for(settings: ConnectionSettings, user: object) -> SharedConnections:
    """The shared connections of these settings; `user` keeps them until it is released or collected."""
    key = (
        *(settings.proxies, settings.verify, settings.cert, settings.max_connections),
        *(id(settings.http_session), id(settings.async_http_session)),
    )
    registry = _registry
    with registry.lock:
        shared = registry.shared.get(key)
        if shared is None:
            shared = registry.shared[key] = SharedConnections(settings)
            if len(registry.shared) > _MAX_SHARED:
                for old_key, old in registry.shared.items():
                    if old is not shared and not old.users:
                        del registry.shared[old_key]
                        old.close()
                        break
        registry.shared.move_to_end(key)
        shared.users.add(user)
        return shared


def release(shared: SharedConnections, user: object) -> bool:
    """Take a user away; True if it was the last, so that the connections are to be closed."""
    registry = _registry
    if not shared.is_of_this_process:
        return False
    with registry.lock:
        shared.users.discard(user)
        if shared.users:
            return False
        for key, value in list(registry.shared.items()):
            if value is shared:
                del registry.shared[key]
        return True
