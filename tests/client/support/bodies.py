"""Bodies as the service writes them, in short."""

from __future__ import annotations

import json
from typing import Any

QUESTION = [{"role": "user", "content": "How tall is a red pine?"}]
TEXT = "A red pine grows up to 25 meters.  [1, pp. 1]"
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ANSWER_ID = "00000000000000000000000000000001"


def event(data: Any) -> bytes:
    """An event of a stream: `data:` without a space, and a blank line."""
    return b"data:" + json.dumps(data).encode() + b"\n\n"


def completion(text: str | None = TEXT, **changes: Any) -> dict[str, Any]:
    """A whole answer of /chat/completions."""
    return {
        "id": ANSWER_ID,
        "model": "gpt-4o-2024-11-20",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": USAGE,
    } | changes


def part(content: str | None = None, *, finish: str | None = None, **changes: Any) -> bytes:
    """An event of a streamed /chat/completions answer."""
    delta: dict[str, Any] = {"role": None if finish else "assistant", "content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": ANSWER_ID, "model": "gpt-4o-2024-11-20", "choices": [choice]} | changes)


def usage_part(**changes: Any) -> bytes:
    """The event that has the usage and no choices."""
    return event({"id": ANSWER_ID, "model": "gpt-4o-2024-11-20", "choices": [], "usage": USAGE} | changes)


def parts(*texts: str) -> list[bytes]:
    """The events of a whole streamed answer."""
    return [part(), *(part(text) for text in texts), part(finish="stop"), usage_part()]


PARTS = parts("A red pine ", "grows up to ", "25 meters.  [1", ", pp. 1]")

FILE = {"id": "file-1", "name": "red_pine.pdf", "signed_url": "https://storage.example/red_pine.pdf?sig=SECRETSIG"}
CITATION = {
    "position": 33,
    "references": [{"file": FILE, "pages": [1], "highlight": {"type": "text", "content": "25 m"}}],
}


def chat_answer(text: str = "A red pine grows up to 25 meters.", **changes: Any) -> dict[str, Any]:
    """A whole answer of /chat."""
    return {
        "id": ANSWER_ID,
        "model": "gpt-4o-2024-11-20",
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "citations": [CITATION],
        "usage": USAGE,
        "context_snippet_count": 3,
    } | changes


def chat_event(kind: str, **fields: Any) -> bytes:
    """An event of a streamed /chat answer."""
    return event({"type": kind, "id": ANSWER_ID, "model": "gpt-4o-2024-11-20", **fields})


CHAT_EVENTS = [
    chat_event("message_start", role="assistant"),
    chat_event("content_chunk", delta={"content": "A red pine grows "}),
    chat_event("content_chunk", delta={"content": "up to 25 meters."}),
    chat_event("citation", citation=CITATION),
    chat_event("message_end", finish_reason="stop", usage=USAGE),
]

SERVICE_ERROR = {"error": {"code": "RESOURCE_EXHAUSTED", "message": "Tokens are used up."}}


def service_error(code: str, message: str, status: int) -> dict[str, Any]:
    """An error body in the service's newest shape."""
    return {"error": {"code": code, "message": message}, "status": status}
