"""A server so light that the client is the bottleneck: ready bytes over asyncio protocols, no framework.

`python -m tests.benchmarks.stub_server --tokens 2000 --per-event-chunk 1 --framing chunked --delay-ms 0` prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import zlib

SENTENCE = "A red pine can grow up to 25 meters high in the open. "
CITED = "It needs full sun and sandy soil  [1, pp. 1]. "
_ID = "0" * 31 + "1"
_MODEL = "gpt-4o-2024-11-20"


def whole_answer() -> bytes:
    """A plain answer of a common size (about 1 kB of text)."""
    message = {"role": "assistant", "content": SENTENCE * 20 + CITED * 2}
    usage = {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 300}
    body = {
        "id": _ID,
        "choices": [{"finish_reason": "stop", "index": 0, "message": message}],
        "model": _MODEL,
        "usage": usage,
    }
    return json.dumps(body).encode()


def standard_answer() -> bytes:
    """The same answer on the standard interface, with one citation."""
    reference = {"file": {"id": "file-1", "name": "red_pine.pdf", "status": "Available"}, "pages": [1]}
    body = {
        "id": _ID,
        "message": {"role": "assistant", "content": SENTENCE * 22},
        "finish_reason": "stop",
        "model": _MODEL,
        "citations": [{"position": 52, "references": [reference]}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 300},
    }
    return json.dumps(body).encode()


def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    """One event as the service writes it. `object` and `created` are for clients that require them."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    body = {"id": _ID, "object": "chat.completion.chunk", "created": 0, "choices": [choice], "model": _MODEL}
    return b"data:" + json.dumps(body).encode() + b"\n\n"


def stream_events(tokens: int, *, stamped: bool) -> list[bytes]:
    """Role, contents, finish, usage. With stamps the contents are filled in when they are sent."""
    usage = {"prompt_tokens": 100, "completion_tokens": tokens, "total_tokens": tokens + 100}
    tail = json.dumps(
        {"id": _ID, "object": "chat.completion.chunk", "created": 0, "choices": [], "model": _MODEL, "usage": usage}
    )
    contents = [b"" if stamped else event({"content": f" word{index}"}) for index in range(tokens)]
    return [event({"role": "assistant"}), *contents, event({}, "stop"), b"data:" + tail.encode() + b"\n\n"]


class Stub(asyncio.Protocol):
    """Keep-alive HTTP/1.1, one request at a time."""

    options: argparse.Namespace
    port: int
    connections = 0
    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a client."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        type(self).connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self.buffer += data
        while True:
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(rest) < length:
                return
            body, self.buffer = rest[:length], rest[length:]
            type(self).requests += 1
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        """Describe, plain or streamed."""
        if head.startswith(b"GET /counts"):
            self.plain(json.dumps({"connections": Stub.connections, "requests": Stub.requests}).encode())
        elif head.startswith(b"GET"):
            described = {"name": "docs", "status": "Ready", "host": f"http://127.0.0.1:{self.port}", "metadata": None}
            self.plain(
                json.dumps(
                    described | {"created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"}
                ).encode()
            )
        elif b'"stream":true' in body or b'"stream": true' in body:
            task = asyncio.get_running_loop().create_task(self.stream())
            TASKS.add(task)
            task.add_done_callback(TASKS.discard)
        else:
            answer = WHOLE if b"/chat/completions " in head else STANDARD
            if self.options.think_ms:  # as a real service does: many requests are open at once
                asyncio.get_running_loop().call_later(self.options.think_ms / 1000, self.plain, answer)
            else:
                self.plain(answer)

    def plain(self, body: bytes) -> None:
        """Send a JSON body."""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)

    async def stream(self) -> None:
        """Send the events in the requested framing."""
        options = self.options
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        head += b"transfer-encoding: chunked\r\n" if options.framing == "chunked" else b""
        head += b"connection: close\r\n" if options.framing != "chunked" else b""
        head += b"content-encoding: gzip\r\n" if options.framing == "gzip" else b""
        self.transport.write(head + b"\r\n")
        packer = zlib.compressobj(wbits=31) if options.framing == "gzip" else None
        size = options.per_chunk
        for start in range(0, len(EVENTS), size):
            if self.transport.is_closing():
                return
            data = b"".join(EVENTS[start : start + size])
            if not data:
                # A stamp records when its token left, on the clock that both processes share.
                data = event({"content": f"{time.monotonic_ns()} "})
            if packer is not None:
                data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if options.framing == "chunked" else data)
            await asyncio.sleep(options.delay_ms / 1000)
        if options.framing == "chunked":
            self.transport.write(b"0\r\n\r\n")
        else:
            if packer is not None:
                self.transport.write(packer.flush())
            self.transport.close()


TASKS: set[asyncio.Task[None]] = set()
WHOLE = whole_answer()
STANDARD = standard_answer()
EVENTS: list[bytes] = []


async def serve(options: argparse.Namespace) -> None:
    """Serve until the parent ends this process."""
    EVENTS[:] = stream_events(options.tokens, stamped=options.stamped)
    Stub.options = options
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0, backlog=2048)
    Stub.port = server.sockets[0].getsockname()[1]
    print(Stub.port, flush=True)  # noqa: T201 - the parent reads it
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--per-chunk", type=int, default=1, help="events written at once")
    parser.add_argument("--framing", choices=["chunked", "close", "gzip"], default="chunked")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="between two writes")
    parser.add_argument("--think-ms", type=float, default=0.0, help="before a plain answer")
    parser.add_argument("--stamped", action="store_true", help="each token is the time at which it was written")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
