"""A small HTTP proxy on 127.0.0.1: it forwards, it tunnels (CONNECT), and it writes down who asked for what."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time

from .raw_server import WAIT_SECONDS


class ProxyServer:
    """Every name leads to the upstream port on 127.0.0.1.

    Args:
        upstream_port: Where everything goes.
        refusal: Answer this instead of forwarding; b"" says nothing.
    """

    def __init__(self, upstream_port: int, *, refusal: bytes | None = None) -> None:
        self._upstream_port = upstream_port
        self._refusal = refusal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.heads: list[str] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        accepting = threading.Thread(target=self._accept, daemon=True)
        self._threads.append(accepting)
        accepting.start()

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

    def __enter__(self) -> ProxyServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(WAIT_SECONDS)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

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
