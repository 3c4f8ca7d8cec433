"""The fault matrix of the ways to the server: TLS, proxies, interim and unsolicited responses, with own and injected sessions.

One row is one fault, and its columns are the ways on which it can happen. The tests assert these rows, and the second table of
docs/reliability.md is printed from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ..client.support.bodies import completion, parts
from ..client.support.broken_peers import ALERT, CORRUPT_RECORD, PLAIN_TEXT
from ..client.support.raw_server import HOLD, RECEIVE, Answer, BelowTLS, OnlyOn, Step, head, reply, streamed
from .bodies import CLOSE, RESET, failure
from .matrix import Expect

Way = Literal["http", "https", "forwarded", "tunnel", "forwarded, environment", "tunnel, environment"]
COLUMNS: dict[str, tuple[Way, ...]] = {
    "http": ("http",),
    "https": ("https",),
    "forwarding proxy": ("forwarded", "forwarded, environment"),
    "CONNECT proxy": ("tunnel", "tunnel, environment"),
}
"""The columns of the table, and the ways that each of them covers."""

EVERY: tuple[Way, ...] = ("http", "https", "forwarded", "tunnel")
PROXIED: tuple[Way, ...] = ("forwarded", "tunnel", "forwarded, environment", "tunnel, environment")
TLS: tuple[Way, ...] = ("https", "tunnel")
DIRECT: tuple[Way, ...] = ("http", "https")
TUNNEL: tuple[Way, ...] = ("tunnel",)

ONE = "the answer to one tenant"
OTHER = "the answer to another"
READ_SECONDS = 0.4

Handshake = Literal["", "not TLS", "unknown authority", "demands a certificate"]


@dataclass(frozen=True)
class Asked:
    """How a cell asks, and how its answers are encoded."""

    is_streamed: bool

    def answer(self, text: str) -> Answer:
        """A whole answer with this text."""
        return streamed(parts(text)) if self.is_streamed else reply(completion(text))

    def joined(self, text: str) -> bytes:
        """The bytes of a whole answer with this text."""
        return b"".join(step for step in self.answer(text) if isinstance(step, bytes))


@dataclass(frozen=True)
class WayRow:
    """One fault on the way to the server.

    Attributes:
        name: The fault.
        ways: The ways on which it can happen.
        expect: Expected outcome of the first question. A second one over the same client gets its own answer.
        is_processed: Whether the error says that the question may have been processed.
        answers: The server's first answers, one a request; after them it answers correctly.
        on_connect: The server's steps in place of reading requests.
        is_refused: Whether nothing listens at the address that the client connects to.
        proxy: The proxy's answer in place of forwarding.
        handshake: The fault of the TLS handshake.
        idle: Bytes that the server writes on the idle connection between the two questions.
        loop_reads: Whether an event loop runs, and reads those bytes, before the second question.
        sync_injected: Expected outcome over a `requests.Session` of the caller, where it differs.
        is_lost_on_async_injected: Whether the second question over an `aiohttp.ClientSession` of the caller ends in an error.
        stalls: Whether the read timeout ends it.
    """

    name: str
    ways: tuple[Way, ...]
    expect: Expect = field(default_factory=Expect)
    is_processed: bool = False
    answers: Callable[[Asked], list[Answer]] = lambda asked: [asked.answer(ONE)]
    on_connect: Answer = ()
    is_refused: bool = False
    proxy: Answer = ()
    handshake: Handshake = ""
    idle: Callable[[Asked], bytes] | None = None
    loop_reads: bool = True
    sync_injected: Expect | None = None
    is_lost_on_async_injected: bool = False
    stalls: bool = False


_NEVER = Expect("APIConnectionError", 0, tries=3)
_ONCE = Expect("APIConnectionError", 1)


def _before(name: str, ways: tuple[Way, ...], **faults: object) -> WayRow:
    return WayRow(name, ways, _NEVER, **faults)  # type: ignore[arg-type] # the attributes of WayRow


def _after(name: str, ways: tuple[Way, ...], *steps: Step) -> WayRow:
    return WayRow(name, ways, _ONCE, True, lambda _: [steps])


BEFORE_THE_REQUEST = [
    _before("nobody listens", EVERY, is_refused=True),
    _before("closed on CONNECT", ("tunnel", "tunnel, environment"), proxy=[CLOSE]),
    _before("reset on CONNECT", TUNNEL, proxy=[RESET]),
    _before("407 to CONNECT", TUNNEL, proxy=[head(407, {"Content-Length": "0"})]),
    _before("503 to CONNECT", TUNNEL, proxy=[head(503, {"Content-Length": "0"})]),
    _before("no HTTP on CONNECT", TUNNEL, proxy=[b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE]),
    _before("closed after CONNECT", TUNNEL, proxy=[head(), CLOSE]),
    _before("closed in the TLS handshake", TLS, on_connect=[CLOSE], handshake="not TLS"),
    _before("plain text in the TLS handshake", TLS, on_connect=[RECEIVE, PLAIN_TEXT, HOLD], handshake="not TLS"),
    _before("certificate of an unknown authority", TLS, handshake="unknown authority"),
    _before("client certificate demanded over TLS 1.3", TLS, handshake="demands a certificate"),
]

AFTER_THE_REQUEST = [
    _after("closed", (*EVERY, *PROXIED[2:]), CLOSE),
    _after("reset", (*EVERY, *PROXIED[2:]), RESET),
    _after("closed inside the status line", EVERY, b"HTTP/1.1 20", CLOSE),
    WayRow(
        "no byte within the read timeout",
        EVERY,
        Expect("APITimeoutError", 1),
        is_processed=True,
        answers=lambda _: [[HOLD]],
        stalls=True,
    ),
    _after("corrupt record", TLS, BelowTLS(CORRUPT_RECORD), HOLD),
    _after("alert", TLS, BelowTLS(ALERT), HOLD),
    _after("plain text below TLS", TLS, BelowTLS(PLAIN_TEXT), HOLD),
    _after("corrupt record inside the status line", TLS, b"HTTP/1.1 200", BelowTLS(CORRUPT_RECORD), HOLD),
    WayRow("status 503 once", PROXIED, Expect(requests=2), answers=lambda asked: [failure(503), asked.answer(ONE)]),
]


def interim(status: int) -> bytes:
    """An interim response with a header."""
    return b"HTTP/1.1 %d Interim\r\nLink: </style.css>; rel=preload\r\n\r\n" % status


def _interim(name: str, ways: tuple[Way, ...], *steps: bytes, is_skipped: bool = False) -> WayRow:
    return WayRow(
        name,
        ways,
        answers=lambda asked: [[*steps, *asked.answer(ONE)]],
        sync_injected=None if is_skipped else _ONCE,
    )


def _bytewise(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


INTERIM_RESPONSES = [
    _interim("100", DIRECT, interim(100), is_skipped=True),
    *(_interim(f"{status}", DIRECT, interim(status)) for status in (102, 199)),
    _interim("103", EVERY, interim(103)),
    _interim("100, 103, 102, 103", DIRECT, b"".join(map(interim, (100, 103, 102, 103)))),
    _interim("103, in single bytes", DIRECT, *_bytewise(interim(103))),
    WayRow(
        "103, and the answer in the same packet",
        DIRECT,
        answers=lambda asked: [[interim(103) + asked.joined(ONE)]],
        sync_injected=_ONCE,
    ),
    _after("103, then closed", EVERY, interim(103), CLOSE),
]

_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
_HALF = 30


def _unsolicited(name: str, ways: tuple[Way, ...], idle: Callable[[Asked], bytes], **others: bool) -> WayRow:
    return WayRow(name, ways, idle=idle, **others)  # type: ignore[arg-type] # the attributes of WayRow


UNSOLICITED_RESPONSES = [
    _unsolicited("a 408 on the idle connection", DIRECT, lambda _: _TIMED_OUT),
    _unsolicited("a second answer on the idle connection", DIRECT, lambda asked: asked.joined("nobody's")),
    _unsolicited(
        "a second answer, while the event loop does not run",
        DIRECT,
        lambda asked: asked.joined("nobody's"),
        loop_reads=False,
    ),
    _unsolicited("an interim response on the idle connection", DIRECT, lambda _: interim(103)),
    WayRow(
        "a second answer in the packet of the first",
        EVERY,
        answers=lambda asked: [[asked.joined(ONE) + asked.joined("nobody's")]],
    ),
    WayRow(
        "a second answer, too long for the reader's buffer, in the packet of the first",
        DIRECT,
        answers=lambda asked: [[asked.joined(ONE) + asked.joined("nobody's " * 1500)]],
    ),
    WayRow(
        "half of a 408 on the idle connection, and half of it later",
        DIRECT,
        idle=lambda _: _TIMED_OUT[:_HALF],
        answers=lambda asked: [asked.answer(ONE), [OnlyOn(1, _TIMED_OUT[_HALF:]), *asked.answer(OTHER)]],
        is_lost_on_async_injected=True,
    ),
    WayRow(
        "half of a 408 in the packet of the answer, and half of it later",
        DIRECT,
        answers=lambda asked: [
            [asked.joined(ONE) + _TIMED_OUT[:_HALF]],
            [OnlyOn(1, _TIMED_OUT[_HALF:]), *asked.answer(OTHER)],
        ],
        is_lost_on_async_injected=True,
    ),
]

WAY_GROUPS = {
    "Before the request is written": BEFORE_THE_REQUEST,
    "After the request, before the answer": AFTER_THE_REQUEST,
    "Interim responses before the answer": INTERIM_RESPONSES,
    "Responses without a request": UNSOLICITED_RESPONSES,
}
WAY_ROWS = [row for rows in WAY_GROUPS.values() for row in rows]
