"""Answers of the fault matrix's server: one answer in every shape, and the ways to break it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..client.support.bodies import chat_answer, chat_event, completion, event, part, usage_part
from ..client.support.raw_server import CLOSE, RESET, Answer, Framing, Step, chunk, head
from ..client.support.raw_server import reply as reply_with

Interface = Literal["openai", "standard", "context"]

TEXTS = ("A red pine ", "grows up to ", "25 meters.")
ONE = TEXTS[0]
TWO = TEXTS[0] + TEXTS[1]
ALL = "".join(TEXTS)
_USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
_CITATION = {"position": 22, "references": [{"file": {"id": "f", "name": "red_pine.pdf"}, "pages": [1]}]}
_MORE = 1000
"""Number of bytes that Content-Length promises but that never come."""


@dataclass(frozen=True)
class Body:
    """An answer of one interface, whole or streamed, in one framing."""

    interface: Interface
    streams: bool
    framing: Framing = "chunked"

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return "text/event-stream" if self.streams else "application/json"

    def texts(self, *texts: str) -> list[bytes]:
        """The events up to the last of these texts."""
        if self.interface == "openai":
            return [part(), *(part(text) for text in texts)]
        start = chat_event("message_start", role="assistant")
        return [start, *(chat_event("content_chunk", delta={"content": text}) for text in texts)]

    @property
    def ending(self) -> list[bytes]:
        """The events after the text."""
        if self.interface == "openai":
            return [part(finish="stop"), usage_part()]
        return [
            chat_event("citation", citation=_CITATION),
            chat_event("message_end", finish_reason="stop", usage=_USAGE),
        ]

    @property
    def pieces(self) -> list[bytes]:
        """The whole body."""
        if self.streams:
            return [*self.texts(*TEXTS), *self.ending]
        if self.interface == "context":
            snippet = {"type": "text", "content": ALL, "score": 0.9}
            reference = {"type": "pdf", "file": {"id": "f", "name": "red_pine.pdf"}, "pages": [1]}
            return [json.dumps({"snippets": [snippet | {"reference": reference}], "usage": _USAGE, "id": "c"}).encode()]
        return [json.dumps(completion(ALL) if self.interface == "openai" else chat_answer(ALL)).encode()]

    @property
    def some(self) -> list[bytes]:
        """The body up to between two events; half of a whole answer."""
        if self.streams:
            return self.texts(*TEXTS[:2])
        return [self.pieces[0][: len(self.pieces[0]) // 2]]

    @property
    def some_and_a_half(self) -> list[bytes]:
        """The body up to the middle of an event, inside of JSON."""
        return [*self.some, self.texts(TEXTS[2])[-1][:-20]] if self.streams else self.some

    @property
    def unfinished(self) -> list[bytes]:
        """All of the text, and no finish_reason."""
        if self.streams:
            return self.texts(*TEXTS)
        answer = json.loads(self.pieces[0])
        if self.interface == "openai":
            answer["choices"][0]["finish_reason"] = None
        else:
            answer["finish_reason"] = None
        return [json.dumps(answer).encode()]

    def answer(
        self, pieces: Sequence[Step], *, packed: Literal["", "gzip", "cut"] = "", content_type: str | None = None
    ) -> Answer:
        """A well-framed answer of these pieces. `packed="cut"` is gzip that stops at a flush."""
        headers = {"Content-Type": content_type or self.content_type}
        if packed:
            pieces = _gzip(pieces, ends=packed == "gzip")
            headers["Content-Encoding"] = "gzip"
        if self.framing == "length":
            size = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
            return [head(200, headers | {"Content-Length": str(size)}), *pieces]
        if self.framing == "close":
            return [head(200, headers | {"Connection": "close"}), *pieces, CLOSE]
        return [head(200, headers | {"Transfer-Encoding": "chunked"}), *_chunks(pieces), b"0\r\n\r\n"]

    def broken(self, pieces: Sequence[Step], ending: Step = CLOSE) -> Answer:
        """An answer that stops after these pieces, before its framing's end: closed, reset or silent."""
        headers = {"Content-Type": self.content_type}
        if self.framing == "length":
            size = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
            return [head(200, headers | {"Content-Length": str(size + _MORE)}), *pieces, ending]
        if self.framing == "close":
            return [head(200, headers | {"Connection": "close"}), *pieces, ending]
        return [head(200, headers | {"Transfer-Encoding": "chunked"}), *_chunks(pieces), ending]

    @property
    def whole(self) -> Answer:
        """The answer as it should be."""
        return self.answer(self.pieces)

    @property
    def error_event(self) -> bytes:
        """An error of the service inside a 200."""
        error = {"error": {"code": "UNAVAILABLE", "message": "the model went away"}}
        return event(error) if self.streams else json.dumps(error).encode()


def _chunks(pieces: Sequence[Step]) -> list[Step]:
    return [chunk(piece) if isinstance(piece, bytes) and piece else piece for piece in pieces]


def _gzip(pieces: Sequence[Step], *, ends: bool) -> list[Step]:
    packer = zlib.compressobj(wbits=31)
    packed: list[Step] = [
        packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if isinstance(piece, bytes) else piece
        for piece in pieces
    ]
    return [*packed, packer.flush()] if ends else packed


def failure(status: int, **headers: str) -> Answer:
    """An error of the service with a status."""
    error = {"error": {"code": "SCRIPTED", "message": f"a scripted {status}"}, "status": status}
    return reply_with(error, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


__all__ = ["ALL", "CLOSE", "ONE", "RESET", "TEXTS", "TWO", "Body", "Interface", "failure", "reply_with"]
