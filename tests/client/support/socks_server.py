"""A small SOCKS proxy on 127.0.0.1, versions 4, 4a and 5: it records the requests, and bytes that came unencrypted."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

from .accepting import Accepting
from .raw_server import WAIT_SECONDS


class SocksServer(Accepting):
    """Every name leads to the upstream port on 127.0.0.1.

    Args:
        upstream_port: Where everything goes.
        login: The name and the password that version 5 asks for.
        refusal: Answer version 5 with this code in place of connecting.
        is_silent: Say nothing.
    """

    def __init__(
        self,
        upstream_port: int,
        *,
        login: tuple[str, str] | None = None,
        refusal: int | None = None,
        is_silent: bool = False,
    ) -> None:
        self._upstream_port = upstream_port
        self._login = login
        self._refusal = refusal
        self._is_silent = is_silent
        self.targets: list[tuple[str, int]] = []
        self.logins: list[tuple[str, str]] = []
        super().__init__()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, EOFError):
            if self._is_silent:
                self._stopping.wait(WAIT_SECONDS)
                return
            version = _exactly(client, 1)[0]
            is_open = self._open5(client) if version == 5 else self._open4(client)
            if not is_open:
                return
            with socket.create_connection(("127.0.0.1", self._upstream_port), timeout=WAIT_SECONDS) as upstream:
                back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
                back.start()
                _pump(client, upstream)
                back.join(WAIT_SECONDS)

    def _open5(self, client: socket.socket) -> bool:
        methods = _exactly(client, _exactly(client, 1)[0])
        if self._login is not None:
            if 2 not in methods:
                client.sendall(b"\x05\xff")
                return False
            client.sendall(b"\x05\x02")
            _exactly(client, 1)
            name = _exactly(client, _exactly(client, 1)[0]).decode()
            password = _exactly(client, _exactly(client, 1)[0]).decode()
            self.logins.append((name, password))
            is_right = (name, password) == self._login
            client.sendall(b"\x01\x00" if is_right else b"\x01\x01")
            if not is_right:
                return False
        else:
            client.sendall(b"\x05\x00")
        _, command, _, kind = _exactly(client, 4)
        if kind == 3:
            host = _exactly(client, _exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntop(
                *((socket.AF_INET, _exactly(client, 4)) if kind == 1 else (socket.AF_INET6, _exactly(client, 16)))
            )
        self.targets.append((host, struct.unpack(">H", _exactly(client, 2))[0]))
        client.sendall(bytes([5, self._refusal or 0, 0, 1]) + b"\x7f\x00\x00\x01\x00\x00")
        return command == 1 and not self._refusal

    def _open4(self, client: socket.socket) -> bool:
        _, port, address = struct.unpack(">BH4s", _exactly(client, 7))
        _until_zero(client)
        is_named = address[:3] == b"\x00\x00\x00"
        self.targets.append((_until_zero(client) if is_named else socket.inet_ntoa(address), port))
        client.sendall(b"\x00\x5a" + bytes(6))
        return True


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        received = connection.recv(count - len(data))
        if not received:
            raise EOFError
        data += received
    return data


def _until_zero(connection: socket.socket) -> str:
    data = b""
    while (byte := _exactly(connection, 1)) != b"\x00":
        data += byte
    return data.decode()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
