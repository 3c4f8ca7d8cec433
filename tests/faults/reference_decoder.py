"""A second opinion on streamed answers: slow, over the whole body at once, and sharing no code with the client.

Written from the WHATWG text on event streams (https://html.spec.whatwg.org/multipage/server-sent-events.html) and from what is
known of Pinecone's streams. On purpose unlike a browser: a last event without its blank line counts; the body may also be one
JSON answer, or a web page, which is an error; bytes that are no UTF-8 are an error where they are read.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Literal

from .reference_events import BOM, events_of
from .reference_json import UnreadableError, anything, item, json_of, list_of, text, whole_number

Interface = Literal["openai", "standard"]


@dataclasses.dataclass
class Outcome:
    """What a caller has at the end.

    Attributes:
        text: The whole text, or what came before the error.
        citations: As (position, file names) on the standard interface; empty on the other, whose markers stand in the text.
        finish_reasons: At most one.
        usages: (prompt, completion, total) of each event that had one.
        error: None; "cut" if the answer was not whole; "bad" if what came is no answer, or an error.
        cited_text: OpenAI-compatible interface: the text whose markers are the citations.
    """

    text: str = ""
    citations: list[tuple[int, tuple[str | None, ...]]] = dataclasses.field(default_factory=list)
    finish_reasons: list[str] = dataclasses.field(default_factory=list)
    usages: list[tuple[int, int, int]] = dataclasses.field(default_factory=list)
    error: Literal["cut", "bad"] | None = None
    cited_text: str | None = None


class BadAnswerError(Exception):
    """An error of the service, or no part of an answer."""


USAGE = {"prompt_tokens": whole_number, "completion_tokens": whole_number, "total_tokens": whole_number}
CONTENT = {"content": text}
CHUNK: dict[str, Any] = {
    "choices": list_of({"delta": CONTENT, "finish_reason": text}),
    "id": text,
    "model": text,
    "usage": USAGE,
    "error": anything,
}
CHUNK["chat_completion"] = CHUNK
COMPLETION: dict[str, Any] = {**CHUNK, "choices": list_of({"message": CONTENT, "finish_reason": text})}
COMPLETION["chat_completion"] = COMPLETION


def citation(value: Any) -> dict[str, Any]:
    """A citation: its position must be there."""
    reference = {
        "file": {"id": text, "name": text, "signed_url": text},
        "pages": list_of(whole_number),
        "highlight": CONTENT,
    }

    found: dict[str, Any] = item({"position": whole_number, "references": list_of(reference)}, value)
    names = [name for name, part in value if part is not None]
    if "position" not in names:
        raise UnreadableError("a citation without a position")
    if any(part is None for name, part in value if name in ("position", "references")):
        raise UnreadableError("null")
    return found


COMMON = {"id": text, "model": text, "finish_reason": text, "usage": USAGE, "context_snippet_count": whole_number}
EVENT = {**COMMON, "type": text, "delta": CONTENT, "citation": citation, "error": anything}
CHAT = {**COMMON, "message": CONTENT, "citations": list_of(citation), "error": anything}


def decode(body: bytes, interface: Interface) -> Outcome:
    """What the whole body of a streamed answer is."""
    outcome = Outcome()
    head = body[len(BOM) :] if body.startswith(BOM) else body
    start = head.lstrip()[:1]
    if start == b"<":
        outcome.error = "bad"
    elif start in (b"{", b"["):
        whole(outcome, head, interface)
    else:
        streamed(outcome, body, interface)
    return outcome


def streamed(outcome: Outcome, body: bytes, interface: Interface) -> None:
    """Read the events one after the other."""
    for event in events_of(body):
        if event.data == b"[DONE]":
            break
        if event.data.strip() == b"":
            continue
        try:
            if event.name == b"error":
                raise BadAnswerError("an error event")
            if interface == "openai":
                openai_event(outcome, event.data)
            else:
                standard_event(outcome, event.data)
        except UnreadableError:
            if event.is_ended:
                outcome.error = "bad"
                return
            break  # the connection closed inside this event
        except BadAnswerError:
            outcome.error = "bad"
            return
    if not outcome.finish_reasons:
        outcome.error = "cut"


def openai_event(outcome: Outcome, data: bytes) -> None:
    """One event of /chat/completions."""
    found = json_of(CHUNK, data)
    if found["error"] is not None:
        raise BadAnswerError("an error")
    if found["chat_completion"] is not None:
        found = found["chat_completion"]
        if found["error"] is not None:
            raise BadAnswerError("an error")
    if found["choices"] is None and found["usage"] is None:
        raise BadAnswerError("no part of an answer")
    if found["choices"]:
        choice = found["choices"][0]
        outcome.text += (choice["delta"] or {}).get("content") or ""
        finish(outcome, choice["finish_reason"])
    count(outcome, found["usage"])


def standard_event(outcome: Outcome, data: bytes) -> None:
    """One event of /chat."""
    found = json_of(EVENT, data)
    kind = found["type"]
    if found["error"] is not None or kind == "error":
        raise BadAnswerError("an error")
    if kind is None:
        raise BadAnswerError("no type")
    if kind == "content_chunk":
        outcome.text += (found["delta"] or {}).get("content") or ""
    elif kind == "citation":
        if found["citation"] is None:
            raise BadAnswerError("no citation")
        cite(outcome, found["citation"])
    elif kind == "message_end":
        finish(outcome, found["finish_reason"])
        count(outcome, found["usage"])


def whole(outcome: Outcome, body: bytes, interface: Interface) -> None:
    """A whole JSON answer; it is whole without a finish reason too."""
    try:
        found = json_of(COMPLETION if interface == "openai" else CHAT, body)
    except UnreadableError:
        outcome.error = "bad"
        return
    if found["error"] is None and interface == "openai" and found["chat_completion"] is not None:
        found = found["chat_completion"]
    if found["error"] is not None or not (found["choices"] if interface == "openai" else found["message"] is not None):
        outcome.error = "bad"
        return
    if interface == "openai":
        choice = found["choices"][0]
        outcome.text = (choice["message"] or {}).get("content") or ""
        outcome.cited_text = outcome.text
        finish(outcome, choice["finish_reason"])
    else:
        outcome.text = found["message"]["content"] or ""
        for one in found["citations"] or []:
            cite(outcome, one)
        finish(outcome, found["finish_reason"])
    count(outcome, found["usage"])


def finish(outcome: Outcome, reason: str | None) -> None:
    """The first reason counts; the literal string "null" is none."""
    if reason and reason != "null" and not outcome.finish_reasons:
        outcome.finish_reasons.append(reason)
        outcome.cited_text = outcome.text


def count(outcome: Outcome, usage: dict[str, int | None] | None) -> None:
    """Token counts; a missing total is the sum."""
    if usage is not None:
        prompt, completion = usage["prompt_tokens"] or 0, usage["completion_tokens"] or 0
        total = usage["total_tokens"]
        outcome.usages.append((prompt, completion, prompt + completion if total is None else total))


def cite(outcome: Outcome, found: dict[str, Any]) -> None:
    """A citation of the standard interface."""
    names = tuple((reference["file"] or {}).get("name") for reference in found["references"] or [])
    outcome.citations.append((found["position"], names))


_SIMPLE = re.compile(r"\[([1-9][0-9]{0,2})(?:, pp?\. ([1-9][0-9]{0,2})(?:-([1-9][0-9]{0,2}))?)?\]")
_PLAIN = re.compile(rf"(?:[a-z,. ]*[,. ](?:{_SIMPLE.pattern})+)*[a-z,. ]*")


def plain_citations(cited: str) -> list[tuple[int, int, int, tuple[int, ...] | None]] | None:
    """(start, end, number, pages) of the markers in a text of small letters and simple markers; None for other texts."""
    if not _PLAIN.fullmatch(cited):
        return None
    found = []
    for match in _SIMPLE.finditer(cited):
        first, last = match[2], match[3] or match[2]
        if first and int(last) < int(first):
            return None
        pages = tuple(range(int(first), int(last) + 1)) if first else None
        found.append((match.start(), match.end(), int(match[1]), pages))
    return found
