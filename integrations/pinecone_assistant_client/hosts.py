"""Find the data plane of an assistant: the base URL that `host=` or the control plane names.

The control plane is asked once, and its answer is remembered for every client with the same key, assistant and API version.
A cold client may be used by 50 threads or 200 tasks at once. With a lock around the lookup, each of them would ask again
after a failure, and the last one would wait for all the timeouts in turn. So callers that arrive while a lookup runs share its
result, including its failure. Threads share lookups with threads, and tasks with tasks of the same event loop, because they
wait on different kinds of events.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from .errors import APITimeoutError, AssistantError, InvalidRequestError
from .settings import ConnectionSettings, Limits, is_loopback, normalise_host
from .transports.base import running_loop
from .wire.decoding import decode_assistant_host

_MAX_HOSTS = 1024


class _Settable(Protocol):
    """An event of threads or of an event loop."""

    def set(self) -> None: ...


_Event = TypeVar("_Event", bound=_Settable)


class _Hosts:
    """The hosts that a process knows, and its lookups in progress. A forked child starts without either."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: OrderedDict[Any, str] = OrderedDict()
        self.lookups: dict[Any, _Lookup[Any]] = {}

    def forget_all(self) -> None:
        """Start empty in a forked child: the threads that were looking up, or held the lock, do not exist there."""
        self.lock = threading.Lock()
        self.known.clear()
        self.lookups.clear()

    def remember(self, key: Any, host: str | None) -> None:
        """Remember a host, or forget it with None."""
        with self.lock:
            self.known.pop(key, None)
            if host is not None:
                self.known[key] = host
                if len(self.known) > _MAX_HOSTS:
                    self.known.popitem(last=False)

    def join(self, host_key: Any, loop: object, event: Callable[[], _Event]) -> tuple[_Lookup[_Event], bool]:
        """Return the lookup in progress for this key, or a new one, and whether it is new. `loop` is None for threads."""
        key = (host_key, loop)
        with self.lock:
            running = self.lookups.get(key)
            if running is not None:
                return running, False
            lookup: _Lookup[_Event] = _Lookup(key, self, event())
            self.lookups[key] = lookup
            return lookup, True


class _Lookup(Generic[_Event]):
    """A lookup in progress, entered by the caller that asks. The others wait for `done`, then check for the host again."""

    def __init__(self, key: Any, hosts: _Hosts, done: _Event) -> None:
        self._key = key
        self._hosts = hosts
        self._error: AssistantError | None = None
        self.done = done

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, AssistantError):
            self._error = error
        with self._hosts.lock:
            self._hosts.lookups.pop(self._key, None)
        self.done.set()

    def raise_error(self) -> None:
        """Raise the error that the lookup ended with. A cancelled lookup leaves no error, and another caller asks again."""
        if self._error is not None:
            raise copy.copy(self._error) from self._error


_hosts = _Hosts()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_hosts.forget_all)


def known_host(settings: ConnectionSettings) -> str | None:
    """Return the data plane's base URL if it is known without a request, otherwise None."""
    return settings.base_url or _hosts.known.get(_key(settings))


def forget_host(settings: ConnectionSettings) -> None:
    """Forget the host that the control plane named, after a 404: a deleted and recreated assistant may have another one."""
    _hosts.remember(_key(settings), None)


def find_host(settings: ConnectionSettings, ask: Callable[[], str], limits: Limits) -> str:
    """Return the host that the control plane named earlier, or ask for it now.

    Args:
        settings: The settings to find the host for.
        ask: Asks the control plane. Of the threads that need the answer at the same time, only one calls it.
        limits: How long to wait while another thread asks.

    Raises:
        AssistantError: The error that `ask` raised, in each of these threads.
    """
    key = _key(settings)
    while (host := _hosts.known.get(key)) is None:
        lookup, is_first = _hosts.join(key, None, threading.Event)
        if is_first:
            with lookup:
                host = _hosts.known.get(key) or ask()
                _hosts.remember(key, host)
                return host
        if not lookup.done.wait(_seconds_left(limits)):
            raise _waited_too_long(settings, limits)
        lookup.raise_error()
    return host


async def find_host_async(settings: ConnectionSettings, ask: Callable[[], Awaitable[str]], limits: Limits) -> str:
    """Async version of `find_host`."""
    key = _key(settings)
    while (host := _hosts.known.get(key)) is None:
        lookup, is_first = _hosts.join(key, running_loop(), asyncio.Event)
        if is_first:
            with lookup:
                host = _hosts.known.get(key) or await ask()
                _hosts.remember(key, host)
                return host
        try:
            await asyncio.wait_for(lookup.done.wait(), _seconds_left(limits))
        except asyncio.TimeoutError:
            raise _waited_too_long(settings, limits) from None
        lookup.raise_error()
    return host


def _seconds_left(limits: Limits) -> float | None:
    return None if limits.deadline is None else max(0.0, limits.deadline - time.monotonic())


def _waited_too_long(settings: ConnectionSettings, limits: Limits) -> APITimeoutError:
    return APITimeoutError(
        f"{settings.controller_url} did not name the host within total_timeout={limits.total:g} s: raise total_timeout=, "
        "or pass host="
    )


def decode_host(settings: ConnectionSettings, body: bytes) -> str:
    """Return the base URL in the control plane's answer, after checking that the key may be sent there.

    Raises:
        StreamError: The answer has no host in it.
        InvalidRequestError: The host is neither https nor this machine, or it is not a URL.
    """
    host = decode_assistant_host(body, settings.assistant_name or "")
    return checked_looked_up_host(host, settings.controller_url)


def checked_looked_up_host(host: str, controller_url: str) -> str:
    """Return the base URL of a host that the control plane named. The key may be sent there only if it is https or this machine.

    Raises:
        InvalidRequestError: The host is neither, or it is not a URL.
    """
    url = normalise_host(host, option="the host that the control plane named,")
    if url.startswith("http://") and not is_loopback(urlsplit(url).hostname):
        raise InvalidRequestError(
            f"{controller_url} named the host {url}, which is not https, so the key was not sent there: "
            "pass host= if that is meant"
        )
    return url


def _key(settings: ConnectionSettings) -> tuple[Any, ...]:
    api_key = hashlib.sha256((settings.api_key or "").encode()).digest()
    # `verify` is a part of the key: without it, a server whose certificate was not verified may have named a host of its own.
    return settings.controller_host, settings.assistant_name, api_key, settings.api_version, settings.verify
