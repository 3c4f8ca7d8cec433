"""The reference's server-sent events: splits the whole body at once, following the WHATWG text.

https://html.spec.whatwg.org/multipage/server-sent-events.html. It differs from a browser on purpose: a last event without its
blank line
counts, and `is_ended` says so.
"""

from __future__ import annotations

import dataclasses

BOM = b"\xef\xbb\xbf"


@dataclasses.dataclass
class Event:
    """One event; `is_ended` if a blank line came after it."""

    data: bytes
    name: bytes
    is_ended: bool


def lines_of(body: bytes) -> list[bytes]:
    """The lines: each ends in a CRLF, a lone LF, a lone CR, or with the body."""
    lines: list[bytes] = []
    line = b""
    at = 0
    while at < len(body):
        byte = body[at : at + 1]
        if body[at : at + 2] == b"\r\n":
            lines.append(line)
            line, at = b"", at + 2
        elif byte in (b"\r", b"\n"):
            lines.append(line)
            line, at = b"", at + 1
        else:
            line, at = line + byte, at + 1
    if line:
        lines.append(line)
    return lines


def events_of(body: bytes) -> list[Event]:
    """The events of a body."""
    if body.startswith(BOM):
        body = body[len(BOM) :]
    events: list[Event] = []
    data, name = b"", b""
    for line in lines_of(body):
        if line == b"":  # dispatch
            if data != b"":
                events.append(Event(data[:-1], name, is_ended=True))
            data, name = b"", b""
        elif line.startswith(b":"):
            pass
        else:
            field, _, value = line.partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if field == b"data":
                data += value + b"\n"
            elif field == b"event":
                name = value
    if data != b"":
        events.append(Event(data[:-1], name, is_ended=False))
    return events
