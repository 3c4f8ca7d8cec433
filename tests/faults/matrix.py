"""The fault matrix of the clients: a row for each fault, with the expected outcome of every cell.

The tests assert these rows, and the table of docs/reliability.md is printed from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from ..client.support.raw_server import HOLD, Answer, Framing, Pause, Step, chunk, head
from .bodies import ALL, CLOSE, ONE, RESET, TEXTS, TWO, Body, failure, reply_with

READ_SECONDS = 0.3
CONNECT_SECONDS = 0.3
TOTAL_SECONDS = 0.6
AMPLE_SECONDS = 5.0
FRAMINGS: tuple[Framing, ...] = ("chunked", "length", "close")

Setup = Literal["", "refused", "no name", "reset early", "unknown authority", "silent handshake", "kept alive"]


@dataclass(frozen=True)
class Expect:
    """Expected outcome of a cell.

    Attributes:
        result: "answer", or the name of the exception's class.
        requests: Requests that reached the server.
        text: The text that a stream delivered before its end.
        tries: Attempts to connect, if not all of them reached the server as a request.
    """

    result: str = "answer"
    requests: int = 1
    text: str = ""
    tries: int | None = None

    def shown(self, *, streams: bool) -> str:
        """For the table."""
        shown = "answer" if self.result == "answer" else f"`{self.result}`"
        if streams and self.result != "answer" and self.text:
            shown += f' after "{self.text.strip()}"'
        return shown


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        name: The fault.
        script: The server's answers, one a request; the last one is repeated.
        plain: The cell of a whole answer.
        streamed: The cell of a streamed answer.
        wait: The timeout that ends the longest wait for bytes, if one does.
        retry_waits: Seconds before each retry, where they are known exactly.
    """

    name: str
    script: Callable[[Body], list[Answer]]
    plain: Expect
    streamed: Expect
    framings: tuple[Framing, ...] = ("chunked",)
    wait: Literal["", "connect", "read", "total"] = ""
    setup: Setup = ""
    retry_waits: tuple[float, ...] | None = None


def _both(name: str, script: Callable[[Body], list[Answer]], expect: Expect, **options: object) -> Row:
    return Row(name, script, expect, _whole_if_answer(expect), **options)  # type: ignore[arg-type] # the options of Row


def _whole_if_answer(expect: Expect) -> Expect:
    return Expect(expect.result, expect.requests, ALL, expect.tries) if expect.result == "answer" else expect


def _nothing(_body: Body) -> list[Answer]:
    return [[CLOSE]]


def always(answer: Answer) -> Callable[[Body], list[Answer]]:
    """The same answer to every request."""
    return lambda _body: [answer]


def once(answer: Answer) -> Callable[[Body], list[Answer]]:
    """This answer first, then the whole answer."""
    return lambda body: [answer, body.whole]


ANSWER = Expect()
STREAMED = Expect(text=ALL)


def _cut(result: str, text: str = "") -> Expect:
    return Expect(result, 1, text)


_CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "PermissionDeniedError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "BadRequestError",
    412: "BadRequestError",
    413: "BadRequestError",
    422: "BadRequestError",
}

BEFORE_THE_REQUEST = [
    _both("refused", _nothing, Expect("APIConnectionError", 0, tries=3), setup="refused"),
    _both("name does not resolve", _nothing, Expect("APIConnectionError", 0, tries=3), setup="no name"),
    _both(
        "certificate of an unknown authority",
        _nothing,
        Expect("APIConnectionError", 0, tries=3),
        setup="unknown authority",
    ),
    _both(
        "server silent in the TLS handshake",
        _nothing,
        Expect("APITimeoutError", 0, tries=3),
        setup="silent handshake",
        wait="connect",
    ),
    _both("reset before the request was read", _nothing, Expect("APIConnectionError", 0, tries=1), setup="reset early"),
]

BEFORE_A_STATUS = [
    _both("reset after the request", always([RESET]), Expect("APIConnectionError")),
    _both("closed after the request", always([CLOSE]), Expect("APIConnectionError")),
    _both("cut inside the status line", always([b"HTTP/1.1 20", CLOSE]), Expect("APIConnectionError")),
    _both("no HTTP at all", always([b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE]), Expect("APIConnectionError")),
    _both("stall before the headers", always([HOLD]), Expect("APITimeoutError"), wait="read"),
    _both(
        "stall inside the headers",
        always([b"HTTP/1.1 200 OK\r\nContent-", HOLD]),
        Expect("APITimeoutError"),
        wait="read",
    ),
    _both("server gone between two calls", lambda body: [body.whole], Expect(requests=2, tries=1), setup="kept alive"),
]

STATUSES = [
    *(_both(f"status {status}", always(failure(status)), Expect(name)) for status, name in _CLASSES.items()),
    *(
        _both(f"status {status} once", once(failure(status)), Expect(requests=2), retry_waits=(0.5,))
        for status in (408, 429, 500, 502, 503, 504)
    ),
    *(
        _both(
            f"status {status} always",
            always(failure(status)),
            Expect("RateLimitError" if status == 429 else "InternalServerError", 3),
            retry_waits=(0.5, 1.0),
        )
        for status in (408, 429, 500, 502, 503, 504)
    ),
    _both("429 once, Retry-After: 7", once(failure(429, Retry_After="7")), Expect(requests=2), retry_waits=(7.0,)),
    _both(
        "429 once, Retry-After: a date gone by",
        once(failure(429, Retry_After=formatdate(0, usegmt=True))),
        Expect(requests=2),
        retry_waits=(0.0,),
    ),
    _both(
        "429, Retry-After: 86400", always(failure(429, Retry_After="86400")), Expect("RateLimitError"), retry_waits=()
    ),
    _both(
        "429, Retry-After: a date in 2999",
        always(failure(429, Retry_After="Tue, 01 Jan 2999 00:00:00 GMT")),
        Expect("RateLimitError"),
        retry_waits=(),
    ),
    *(
        _both(
            f"429 once, Retry-After: {value}",
            once(failure(429, Retry_After=value)),
            Expect(requests=2),
            retry_waits=wait,
        )
        for value, wait in (("soon", (0.5,)), ("-5", (0.0,)), ("NaN", (0.5,)), ("1e999", (0.5,)))
    ),
    _both(
        "503 once, its body never ends",
        once([head(503, {"Content-Length": "100"}) + b"{", HOLD]),
        Expect(requests=2),
        wait="read",
    ),
    _both(
        "502 always, a proxy's web page",
        always(reply_with("<html>Bad gateway</html>", status=502, content_type="text/html")),
        Expect("InternalServerError", 3),
    ),
    _both(
        "redirect to another host",
        always(reply_with(b"", status=307, headers={"Location": "http://127.0.0.1:1/"})),
        Expect("BadRequestError"),
    ),
]

BODIES = [
    _both(
        "web page with status 200",
        lambda b: [b.answer([b"<html>log in</html>"], content_type="text/html")],
        _cut("StreamError"),
    ),
    Row("empty body", lambda b: [b.answer([])], _cut("StreamError"), _cut("IncompleteStreamError"), FRAMINGS),
    Row("status 204", always([head(204)]), _cut("StreamError"), _cut("IncompleteStreamError")),
    _both("wrong Content-Type", lambda b: [b.answer(b.pieces, content_type="text/html")], ANSWER),
    Row("gzip", lambda b: [b.answer(b.pieces, packed="gzip")], ANSWER, STREAMED, FRAMINGS),
    Row(
        "gzip cut at a flush, after the whole answer",
        lambda b: [b.answer(b.pieces, packed="cut")],
        ANSWER,
        STREAMED,
        FRAMINGS,
    ),
    Row(
        "gzip cut at a flush",
        lambda b: [b.answer(b.some, packed="cut")],
        _cut("StreamError"),
        _cut("IncompleteStreamError", TWO),
        FRAMINGS,
    ),
    _both(
        "no gzip under a gzip header",
        lambda b: [[head(200, {"Content-Encoding": "gzip", "Connection": "close"}), b"no gzip at all", CLOSE]],
        _cut("IncompleteStreamError"),
    ),
    Row(
        "invalid UTF-8",
        lambda b: [b.answer([piece.replace(b"25 meters", b"25 \xff\xfe") for piece in b.pieces])],
        _cut("StreamError"),
        _cut("StreamError", TWO),
    ),
    Row(
        "invalid JSON",
        lambda b: [b.answer([*b.some, b'data:{"oops\n\n', *b.ending])],
        _cut("StreamError"),
        _cut("StreamError", TWO),
    ),
    Row(
        "error inside the 200",
        lambda b: [b.answer([*b.texts(*TEXTS[:2]), b.error_event, *b.ending] if b.streams else [b.error_event])],
        _cut("StreamError"),
        _cut("StreamError", TWO),
    ),
    Row("no finish_reason", lambda b: [b.answer(b.unfinished)], ANSWER, _cut("IncompleteStreamError", ALL), FRAMINGS),
]


def _cuts(name: str, script: Callable[[Body], list[Answer]], text: str) -> list[Row]:
    """One row, and one for a body that ends when the connection closes: there a cut whole answer is incomplete JSON."""
    cut = _cut("IncompleteStreamError", text)
    return [
        Row(name, script, _cut("IncompleteStreamError"), cut, ("chunked", "length")),
        Row(f"{name}, close-delimited", script, _cut("StreamError"), cut, ("close",)),
    ]


def _stall(name: str, script: Callable[[Body], list[Answer]], text: str) -> Row:
    return Row(name, script, _cut("APITimeoutError"), _cut("APITimeoutError", text), FRAMINGS, "read")


BREAKS = [
    *_cuts("closed after the headers", lambda b: [b.broken([], CLOSE)], ""),
    *_cuts("closed between two events", lambda b: [b.broken(b.some, CLOSE)], TWO),
    *_cuts("closed inside an event", lambda b: [b.broken(b.some_and_a_half, CLOSE)], TWO),
    Row(
        "reset between two events",
        lambda b: [b.broken([*b.some, Pause(0.1)], RESET)],
        _cut("IncompleteStreamError"),
        _cut("IncompleteStreamError", TWO),
        ("chunked", "length"),
    ),
    Row(
        "a chunk without a valid size",
        lambda b: [[*b.broken([*b.some, Pause(0.1)], b"zz\r\n"), CLOSE]],
        _cut("IncompleteStreamError"),
        _cut("IncompleteStreamError", TWO),
    ),
    Row(
        "closed after the last event, before the framing's end",
        lambda b: [b.broken([*b.pieces, Pause(0.05)], CLOSE)],
        _cut("IncompleteStreamError"),
        STREAMED,
        ("chunked", "length"),
    ),
    _stall("stall before the first event", lambda b: [b.broken([], HOLD)], ""),
    _stall("stall between two events", lambda b: [b.broken(b.some, HOLD)], TWO),
    _stall("stall inside an event", lambda b: [b.broken(b.some_and_a_half, HOLD)], TWO),
    Row(
        "slow drip below the read timeout",
        lambda b: [b.answer([step for piece in b.pieces for step in (Pause(0.06), piece)])],
        ANSWER,
        STREAMED,
        FRAMINGS,
        "read",
    ),
]


def _dripped(data: bytes) -> list[Step]:
    """Bytes that come one by one, each well within the read timeout, and then silence."""
    return [*(step for byte in data[:30] for step in (bytes([byte]), Pause(0.05))), HOLD]


DRIPS = [
    _both(
        "a byte now and then, inside the headers",
        always([b"HTTP/1.1 200 OK\r\nX-Padding: ", *_dripped(b"x" * 30)]),
        Expect("APITimeoutError"),
        wait="total",
    ),
    Row(
        "a byte now and then, inside an event",
        lambda b: [[*b.broken(b.some)[:-1], *_dripped(chunk(b.texts("x" * 40)[-1]))]],
        _cut("APITimeoutError"),
        _cut("APITimeoutError", TWO),
        wait="total",
    ),
]

GROUPS = {
    "Before the request is written": BEFORE_THE_REQUEST,
    "After the request, before a status": BEFORE_A_STATUS,
    "Error statuses": STATUSES,
    "Bodies of a 200 that are not an answer": BODIES,
    "Bodies that break": BREAKS,
    "Longer than `total_timeout`": DRIPS,
}
ROWS = [row for rows in GROUPS.values() for row in rows]
__all__ = ["ALL", "GROUPS", "HOLD", "ONE", "ROWS", "TWO", "Expect", "Row", "always", "failure", "once", "reply_with"]
