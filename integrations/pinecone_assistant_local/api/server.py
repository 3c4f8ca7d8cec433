"""uvicorn in a thread: ready when `start` returns, with nothing left running when `stop` returns."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = "127.0.0.1"
_BACKLOG = 2048
# Idle connections stay open longer than any client keeps them, so that it is never the server that drops a warm one.
_KEEP_ALIVE_SECONDS = 120
_START_SECONDS = 30.0


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a port; 0 takes a free one."""
    # The protocol is named because asyncio turns Nagle's algorithm off only for sockets created as TCP; with the algorithm
    # on, every answer waits 40 ms for a delayed acknowledgement.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OverflowError as error:
        listener.close()
        raise ValueError(f"port must be between 0 and 65535, not {port}") from error
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


class ThreadServer:
    """A server of an application on a listening socket, which it owns from now on.

    Args:
        app: The ASGI application.
        listener: The socket.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        config = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            backlog=_BACKLOG,
        )
        self._server = _Server(config)
        # A daemon: a test that forgets to close must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="local-assistant", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread and wait until the server accepts requests."""
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            raise RuntimeError("the local assistant did not start in time")
        if self._failure is not None:
            self._thread.join()
            raise RuntimeError("the local assistant could not start") from self._failure

    def stop(self) -> None:
        """Close every connection, end the thread and wait for it."""
        self._server.ask_to_stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._listener]))
        except BaseException as error:  # noqa: BLE001  (start() raises it in the caller's thread)
            self._failure = error
        finally:
            self._listener.close()
            self._server.ready.set()


class _Connection(H11Protocol):
    """A connection that shows its transport to the application, for faults that cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """uvicorn's server without its polling: it starts and stops at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def ask_to_stop(self) -> None:
        """End the main loop, from any thread."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    async def main_loop(self) -> None:
        """Wait to be stopped."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.ready.set()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close idle connections and abort busy ones; every request ends as if its client had left."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
            transport = connection.transport
            if transport is not None:
                transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks))
        # An aborted connection is gone after one turn of the loop; no event reports it.
        while self.server_state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)


IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


def parse_address(text: str) -> IPAddress:
    """The IP address to listen on.

    Raises:
        ValueError: It is not an IP address.
    """
    try:
        return ipaddress.ip_address("127.0.0.1" if text == "localhost" else text.strip("[]"))
    except ValueError as error:
        raise ValueError(f"not an IP address to listen on, such as 127.0.0.1 or 0.0.0.0: {text!r}") from error


def parse_host(text: str) -> str:
    """A name that clients may send in the Host header, in the form that is compared: lower case, without a port.

    Raises:
        ValueError: It has a port or a wildcard, or is not a host name.
    """
    if _NAME.fullmatch(text):
        return text.lower()
    try:
        return _bracketed(ipaddress.ip_address(text.strip("[]")))
    except ValueError as error:
        raise ValueError(f"not a host name without a port, such as assistant.internal: {text!r}") from error


def own_hosts(address: IPAddress) -> tuple[str, ...]:
    """The Host headers of clients that call the address itself; none for "all addresses"."""
    return () if address.is_unspecified else (_bracketed(address),)


def url_host(address: IPAddress) -> str:
    """The host of a URL by which this machine reaches the server."""
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return _bracketed(address)


def _bracketed(address: IPAddress) -> str:
    return str(address) if address.version == 4 else f"[{address}]"
