"""A small HTTP proxy on 127.0.0.1: it forwards, tunnels (CONNECT), and records the requests."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time

from .accepting import Accepting
from .raw_server import WAIT_SECONDS


class ProxyServer(Accepting):
    """Every name leads to the upstream port on 127.0.0.1.

    Args:
        upstream_port: Where everything goes.
        refusal: Answer this instead of forwarding; b"" says nothing.
    """

    def __init__(self, upstream_port: int, *, refusal: bytes | None = None) -> None:
        self._upstream_port = upstream_port
        self._refusal = refusal
        self.heads: list[str] = []
        super().__init__()
        self.url = f"http://{self.address}"

    @property
    def targets(self) -> list[str]:
        """Method and target of each request line, `CONNECT assistant.example:443`."""
        return [head.split(" HTTP/")[0] for head in self.heads]

    def sees_a_head(self, seconds: float = 5.0) -> bool:
        """Whether somebody asked for something, now or within the time."""
        end = time.monotonic() + seconds
        while not self.heads and time.monotonic() < end:
            time.sleep(0.005)
        return bool(self.heads)

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                received = client.recv(65536)
                if not received:
                    return
                data += received
            head, _, rest = data.partition(b"\r\n\r\n")
            self.heads.append(head.decode("latin-1"))
            if self._refusal is not None:
                client.sendall(self._refusal)
                if not self._refusal:
                    self._stopping.wait(WAIT_SECONDS)
                return
            with socket.create_connection(("127.0.0.1", self._upstream_port), timeout=WAIT_SECONDS) as upstream:
                if head.startswith(b"CONNECT "):
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    upstream.sendall(rest)
                else:
                    method, target, others = head.split(b" ", 2)
                    path = b"/" + target.split(b"/", 3)[3]
                    upstream.sendall(method + b" " + path + b" " + others + b"\r\n\r\n" + rest)
                self._pump(client, upstream)

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(one, selectors.EVENT_READ, other)
            selector.register(other, selectors.EVENT_READ, one)
            while not self._stopping.is_set():
                for key, _ in selector.select(0.05):
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    try:
                        data = source.recv(65536)
                    except ConnectionResetError:  # hand it on
                        key.data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        return
                    if data:
                        key.data.sendall(data)
                        continue
                    selector.unregister(source)
                    if not selector.get_map():
                        return
                    key.data.shutdown(socket.SHUT_WR)
