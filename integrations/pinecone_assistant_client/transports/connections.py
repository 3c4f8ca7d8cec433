"""Connections shared by every client with equal connection settings.

Creating a client or model is cheap: if its connection settings equal those of another, it gets the open connections from
here. They stay until the last client that used them is closed, or until connections of many newer settings displace them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import requests
import requests.adapters

from ..settings import ConnectionSettings
from .base import TransportSettings
from .requests_transport import RequestsTransport

if TYPE_CHECKING:
    from .aiohttp_transport import AiohttpTransport

_MAX_SHARED = 32


class SharedConnections:
    """The sync and the async transport of one set of connection settings, each made at its first use.

    It has slots and no `__dict__`, like every class here that holds a key, a proxy's password or a library's objects, because
    crash reports print the attributes of objects.
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
        """True if it was made in this process. A forked child must not read its parent's answers from the shared sockets."""
        return self._registry is _registry

    def forget(self) -> None:
        """Drop the sync transport in a forked child. That closes only the child's copies of the sockets."""
        self._sync = None

    def _transport_settings(self) -> TransportSettings:
        settings = self._settings
        return TransportSettings(settings.proxies, settings.verify, settings.cert, settings.max_connections)

    @property
    def sync(self) -> RequestsTransport:
        """The transport over requests."""
        with self._lock:
            if self._sync is None:
                session = self._settings.http_session
                if session is not None and self._registry.of_parent is not None:
                    self._registry.forget_sockets_of_parent(session)
                self._sync = RequestsTransport(self._transport_settings(), session)
            return self._sync

    @property
    def asynchronous(self) -> AiohttpTransport:
        """The transport over aiohttp, which is imported here, at the first async use."""
        if self._async is None:
            from .aiohttp_transport import AiohttpTransport  # noqa: PLC0415 - takes 214 ms, which sync users do not need

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
    __slots__ = ("lock", "of_parent", "own_sessions", "shared")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.own_sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self.shared: OrderedDict[Any, SharedConnections] = OrderedDict()
        self.of_parent: _Registry | None = None

    def forget_sockets_of_parent(self, session: requests.Session) -> None:
        """Empty the pools of an injected session at its first use in a forked child.

        The child has copies of the parent's idle connections: if both send on one of them, each may read the other's answer.
        """
        with self.lock:
            if session in self.own_sessions:
                return
            self.own_sessions.add(session)
        for adapter in session.adapters.values():
            if isinstance(adapter, requests.adapters.HTTPAdapter):
                for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                    manager.clear()


_registry = _Registry()


def _forget_in_child() -> None:
    """Forget all connections in a forked child, which must not use its parent's sockets.

    Async transports stay referenced and open: child and parent share the kernel's list of the sockets that an event loop
    watches, so closing a transport here would make the parent's loop miss events.
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
    """Remove a user. Return True if it was the last one, so that the caller closes the connections."""
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
