"""A second decoder of streamed answers, to compare with: slow, over the whole body at once, without code of the client.

Written from the WHATWG text on event streams (https://html.spec.whatwg.org/multipage/server-sent-events.html) and from
observed streams of Pinecone. It differs from a browser on purpose: a last event without its blank line counts; the body may
also be one
JSON answer, or a web page, which is an error; bytes that are not UTF-8 are an error where they are read.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Literal

from .reference_events import BOM, events_of
from .reference_json import ListOf, MisfitError, UnreadableError, anything, json_of, text, whole_number

Interface = Literal["openai", "standard"]


@dataclasses.dataclass
class Outcome:
    """A caller's result at the end of a stream.

    Attributes:
        text: The whole text, or the text before the error.
        citations: As (position, file names) on the standard interface; empty on the other, which has markers in the text.
        finish_reasons: At most one.
        usages: (prompt, completion, total) of each event that had one.
        error: None; "cut" if the answer was not whole; "bad" if the body is an error, or not an answer.
        cited_text: OpenAI-compatible interface: the text to find the markers in.
    """

    text: str = ""
    citations: list[tuple[int, tuple[str | None, ...]]] = dataclasses.field(default_factory=list)
    finish_reasons: list[str] = dataclasses.field(default_factory=list)
    usages: list[tuple[int, int, int]] = dataclasses.field(default_factory=list)
    error: Literal["cut", "bad"] | None = None
    cited_text: str | None = None


class BadAnswerError(Exception):
    """The event is an error of the service, or not part of an answer."""


_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
USAGE = {**dict.fromkeys(_COUNTS, whole_number), "!": _COUNTS}
HIGHLIGHT = {"content": text, "!": ()}
CONTENT = {"content": text, "!": ("content",)}
COMMON = {"id": text, "model": text, "usage": USAGE, "error": anything}
CHUNK: dict[str, Any] = {
    **COMMON,
    "choices": ListOf({"delta": CONTENT, "finish_reason": text, "!": ("delta",)}, is_first=True),
    "!": ("choices",),
}
CHUNK["chat_completion"] = CHUNK
COMPLETION: dict[str, Any] = {
    **COMMON,
    "choices": ListOf({"message": CONTENT, "finish_reason": text, "!": ("message",)}, is_first=True),
    "!": ("choices",),
}
COMPLETION["chat_completion"] = COMPLETION
REFERENCE = {
    "file": {"id": text, "name": text, "signed_url": text, "!": ()},
    "pages": ListOf(whole_number),
    "highlight": HIGHLIGHT,
    "!": (),
}
CITATION = {"position": whole_number, "references": ListOf(REFERENCE), "!": ()}
STANDARD = {**COMMON, "finish_reason": text, "context_snippet_count": whole_number}
EVENT = {**STANDARD, "type": text, "delta": CONTENT, "citation": CITATION, "!": ("type",)}
CHAT = {**STANDARD, "message": CONTENT, "citations": ListOf(CITATION), "!": ("message",)}


def decode(body: bytes, interface: Interface) -> Outcome:
    """Decode the whole body of a streamed answer."""
    outcome = Outcome()
    head = body[len(BOM) :] if body.startswith(BOM) else body
    start = head.lstrip()[:1]
    if start == b"<":
        outcome.error = "bad"
    elif start in (b"{", b"["):
        whole(outcome, head, interface)
    else:
        streamed(outcome, body, interface)
    outcome.text = joined(outcome.text)
    if outcome.cited_text is not None:
        outcome.cited_text = joined(outcome.cited_text)
    return outcome


def joined(text: str) -> str:
    """Return a text with the halves of emojis joined; a lone half becomes U+FFFD."""
    pairs = re.sub(
        "([\ud800-\udbff])([\udc00-\udfff])",
        lambda pair: chr(0x10000 + ((ord(pair[1]) - 0xD800) << 10) + ord(pair[2]) - 0xDC00),
        text,
    )
    return re.sub("[\ud800-\udfff]", "\ufffd", pairs)


def shown(outcome: Outcome) -> str:
    """The text so far; a first half of an emoji waits for its second."""
    return joined(re.sub("[\ud800-\udbff]$", "", outcome.text))


def streamed(outcome: Outcome, body: bytes, interface: Interface) -> None:
    """Read the events one after the other."""
    may_end = False
    for event in events_of(body):
        if event.name not in (b"", b"message", b"error"):
            continue
        if event.data == b"[DONE]" and event.name != b"error":
            break
        if event.data.strip() == b"" and event.name != b"error":
            continue
        try:
            if event.name == b"error":
                raise BadAnswerError("an error event")
            if interface == "openai":
                may_end = openai_event(outcome, event.data, may_end=may_end)
            else:
                standard_event(outcome, event.data)
        except UnreadableError:
            may_end = False
            if event.is_ended:
                outcome.error = "bad"
                outcome.text = shown(outcome)
                return
            break  # the connection closed inside this event
        except BadAnswerError:
            outcome.error = "bad"
            outcome.text = shown(outcome)
            return
    if may_end:
        end(outcome)
    if outcome.cited_text is None:
        outcome.error = "cut"
    outcome.text = shown(outcome)


def openai_event(outcome: Outcome, data: bytes, *, may_end: bool) -> bool:
    """One event of /chat/completions. True if the answer may end after it although it has no finish reason."""
    outer = found = json_of(CHUNK, data)
    if found["error"]:
        raise BadAnswerError("an error")
    if found["chat_completion"] is not None:
        found = found["chat_completion"]
        if found["error"]:
            raise BadAnswerError("an error")
    if found["choices"] is None and found["usage"] is None and "?usage" not in found | outer:
        raise BadAnswerError("no part of an answer")
    if found["choices"]:
        choice = found["choices"][0]
        content = (choice["delta"] or {}).get("content") or ""
        outcome.text += content
        finish(outcome, choice["finish_reason"])
        may_end = "?finish_reason" in choice and shown(outcome) != "" and content == ""
    count(outcome, found["usage"])
    return may_end


def standard_event(outcome: Outcome, data: bytes) -> None:
    """One event of /chat."""
    found = json_of(EVENT, data)
    kind = found["type"]
    if found["error"] or kind == "error":
        raise BadAnswerError("an error")
    if kind is None:
        raise BadAnswerError("no type")
    if kind == "content_chunk":
        if "?delta" in found:
            raise MisfitError("the text")
        outcome.text += (found["delta"] or {}).get("content") or ""
    elif kind == "citation":
        if found["citation"] is not None:
            cite(outcome, found["citation"])
    elif kind == "message_end":
        finish(outcome, found["finish_reason"])
        if "?finish_reason" in found:
            end(outcome)
        count(outcome, found["usage"])


def whole(outcome: Outcome, body: bytes, interface: Interface) -> None:
    """A whole JSON answer; it is whole without a finish reason too."""
    try:
        found = json_of(COMPLETION if interface == "openai" else CHAT, body)
    except UnreadableError:
        outcome.error = "bad"
        return
    if not found["error"] and interface == "openai" and found["chat_completion"] is not None:
        found = found["chat_completion"]
    if found["error"] or not (found["choices"] if interface == "openai" else found["message"] is not None):
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
    """Keep the first reason; the literal string "null" is not a reason."""
    if reason and reason != "null" and not outcome.finish_reasons:
        outcome.finish_reasons.append(joined(reason))
        end(outcome)


def end(outcome: Outcome) -> None:
    """End a whole answer; a pending half of an emoji stays alone."""
    if outcome.cited_text is None:
        outcome.text = joined(outcome.text)
        outcome.cited_text = outcome.text


def count(outcome: Outcome, usage: dict[str, int | None] | None) -> None:
    """Token counts; a missing total is the sum."""
    if usage is not None:
        prompt, completion = usage["prompt_tokens"] or 0, usage["completion_tokens"] or 0
        total = usage["total_tokens"]
        outcome.usages.append((prompt, completion, prompt + completion if total is None else total))


def cite(outcome: Outcome, found: dict[str, Any]) -> None:
    """A citation of the standard interface."""
    files = [reference["file"] or {} for reference in found["references"] or []]
    names = tuple(None if file.get("name") is None else joined(file["name"]) for file in files)
    position = found["position"]
    outcome.citations.append((len(shown(outcome)) if position is None else position, names))


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
