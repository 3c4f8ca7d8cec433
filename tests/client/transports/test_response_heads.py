"""Heads of answers as gateways write them, large ones too, and the options of the sockets that carry them."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from pinecone_assistant_client import APIConnectionError
from pinecone_assistant_client.transports.loop_session import Connector
from pinecone_assistant_client.transports.urllib3_connections import _FreshHTTPConnection

from ..support.asking import Asking, text_of
from ..support.bodies import PARTS, QUESTION, TEXT, completion
from ..support.proxy_server import ProxyServer
from ..support.raw_server import RawServer, chunk, head, reply, streamed

MANY = {f"X-Header-{number}": "v" for number in range(300)}
HEADS: dict[str, dict[str, str]] = {
    "8 KB": {"Content-Security-Policy": "p" * 8192},
    "64 KB": {"Content-Security-Policy": "p" * 65536},
    "101 headers": {f"X-{number}": "v" for number in range(101)},
    "300 headers": MANY,
    "many and large": MANY | {"Set-Cookie": "c" * 65536},
}


@pytest.mark.parametrize("name", HEADS)
def test_large_heads_are_read_and_the_connection_is_kept(ask: Asking, server: RawServer, name: str) -> None:
    server.script(reply(completion(), headers=HEADS[name]), streamed(PARTS), reply(completion()))
    asker = ask(max_retries=0)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
    assert asker.chat_completion(QUESTION).content == TEXT
    assert server.connections == 1


@pytest.mark.parametrize("name", HEADS)
def test_a_large_head_of_a_stream_frames_its_body(ask: Asking, server: RawServer, name: str) -> None:
    before = {"Content-Type": "text/event-stream", **HEADS[name]}
    server.script(
        [head(200, before | {"Transfer-Encoding": "chunked"}), *map(chunk, PARTS), b"0\r\n\r\n"], reply(completion())
    )
    asker = ask(max_retries=0)
    assert text_of(asker.stream_chat_completion(QUESTION)) == TEXT
    assert asker.chat_completion(QUESTION).content == TEXT
    assert server.connections == 1


def test_the_headers_of_a_large_head_are_all_there(ask: Asking, server: RawServer) -> None:
    headers = MANY | {"X-Request-Id": "r-1", "Retry-After": "7", "Server": "s" * 65536}
    server.script(reply("no", status=400, headers=headers))
    with pytest.raises(Exception, match=r"\(request r-1\)") as caught:
        ask().chat_completion(QUESTION)
    assert getattr(caught.value, "retry_after", None) == 7
    assert len(getattr(caught.value, "response", None).headers["server"]) == 65536  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "headers", [{"X": "v" * 200_000}, {f"X-{number}": "v" for number in range(1100)}], ids=["one", "many"]
)
def test_heads_without_end_are_refused(ask: Asking, server: RawServer, headers: dict[str, str]) -> None:
    server.otherwise = reply(completion(), headers=headers)
    with pytest.raises(APIConnectionError) as caught:
        ask().chat_completion(QUESTION)
    assert caught.value.may_have_been_processed
    assert len(server.requests) == 1


def test_interim_responses_before_a_large_head_are_passed_over(ask: Asking, server: RawServer) -> None:
    early = head(103, {"Link": "l" * 8192}) + head(102)
    server.script([early, *reply(completion(), headers=MANY)], reply(completion("second")))
    asker = ask(max_retries=0)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert asker.chat_completion(QUESTION).content == "second"


def test_sockets_are_kept_alive_from_60_seconds_on(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call may be silent for 300 s, and gateways forget connections that are silent for less."""
    seen = sockets_of(monkeypatch)
    server.otherwise = reply(completion())
    asker = ask()
    asker.chat_completion(QUESTION)
    assert [options(one) for one in seen] == [(1, 60, 1)]


def test_sockets_to_a_proxy_are_kept_alive_too(ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = sockets_of(monkeypatch)
    server.otherwise = reply(completion())
    with ProxyServer(server.port) as proxy:
        asker = ask(host="http://assistant.example", proxies={"http": proxy.url})
        assert asker.chat_completion(QUESTION).content == TEXT
        assert [options(one) for one in seen] == [(1, 60, 1)]
        asker.close()


def sockets_of(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sockets of the connections that are opened from now on, as the connections have them."""
    seen: list[Any] = []
    connect_sync, connect_async = _FreshHTTPConnection.connect, Connector.connect

    def sync(self: Any) -> None:
        connect_sync(self)
        seen.append(self.sock)

    async def asynchronous(self: Any, *args: Any, **kwargs: Any) -> Any:
        connection = await connect_async(self, *args, **kwargs)
        seen.append(connection.transport.get_extra_info("socket"))
        return connection

    monkeypatch.setattr(_FreshHTTPConnection, "connect", sync)
    monkeypatch.setattr(Connector, "connect", asynchronous)
    return seen


def options(sock: Any) -> tuple[int, int, int]:
    """Keep-alive, its idle seconds, and that small writes leave at once."""
    return (
        int(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0),
        sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0x10)),
        int(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0),
    )
