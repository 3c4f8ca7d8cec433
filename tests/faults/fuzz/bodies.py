"""Bodies of streams, valid and mutated at the level of bytes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from ..reference_decoder import Interface

WORDS = st.lists(
    st.sampled_from(
        [
            "a pine ",
            "grows.",
            " ",
            "[1]",
            "[1, pp. 1]",
            "[2, pp. 3-5]",
            "[12, p. 7]",
            "[1",
            ", pp. 2]",
            "]",
            "[",
            "\n",
            "ä漢🌲",
            "\u2028",
            "\x85",
            "`",
            "References:\n1. a.md",
            "",
            '"',
            "\\",
        ]
    ),
    max_size=3,
).map("".join)
REASONS = st.sampled_from(["stop", "stop", "stop", "length", "null", None, ""])
USAGES = st.sampled_from(
    [
        {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        {"prompt_tokens": 9, "completion_tokens": 4},
        {},
        None,
    ]
)
HEAD = {"id": "0123", "model": "gpt-4o-2024-11-20"}
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        {},
        [],
        7,
        None,
        "text",
        {"error": {"code": "INTERNAL", "message": "Oops"}},
        {"error": None},
        {"error": "Oops"},
        {"type": "error"},
        {"type": "new_kind"},
        {"choices": []},
        {"choices": None},
        {"choices": [{}]},
        {"id": 7},
        {"type": "citation"},
        {"type": "message_end"},
        {"type": "content_chunk", "delta": None},
        {"usage": {}},
    ]
)
POSITIONS = st.integers(min_value=-1, max_value=400)
CITATIONS = st.builds(
    lambda position, names: {
        "position": position,
        "references": [{"file": {"name": name, "id": "f-1"}, "pages": [1, 2]} for name in names],
    },
    POSITIONS,
    st.lists(st.sampled_from(["pine.pdf", "ä.md", None]), max_size=2),
)


def _openai(content: str | None, reason: str | None, usage: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": reason}
    return {**HEAD, "choices": [choice], **({} if usage is None else {"usage": usage})}


OPENAI_EVENTS = st.one_of(
    WORDS.map(lambda text: _openai(text, None, None)),
    WORDS.map(lambda text: _openai(text, None, None)),
    st.builds(_openai, WORDS | st.none(), REASONS, USAGES),
    USAGES.map(lambda usage: {**HEAD, "choices": [], "usage": usage}),
    st.builds(lambda text, reason: {"chat_completion": _openai(text, reason, None)}, WORDS, REASONS),
    st.builds(lambda text, error: {"chat_completion": {**_openai(text, None, None), "error": error}}, WORDS, JUNK),
    JUNK,
)
STANDARD_EVENTS = st.one_of(
    st.just({**HEAD, "type": "message_start", "role": "assistant", "context_snippet_count": 2}),
    WORDS.map(lambda text: {**HEAD, "type": "content_chunk", "delta": {"content": text}}),
    WORDS.map(lambda text: {**HEAD, "type": "content_chunk", "delta": {"content": text}}),
    CITATIONS.map(lambda citation: {**HEAD, "type": "citation", "citation": citation}),
    st.builds(
        lambda reason, usage: {**HEAD, "type": "message_end", "finish_reason": reason, "usage": usage}, REASONS, USAGES
    ),
    JUNK,
)
WHOLE = {
    "openai": st.builds(
        lambda text, reason, usage: {
            **HEAD,
            "choices": [{"finish_reason": reason, "message": {"role": "assistant", "content": text}}],
            "usage": usage,
        },
        WORDS,
        REASONS,
        USAGES,
    ),
    "standard": st.builds(
        lambda text, reason, usage, citations: {
            **HEAD,
            "message": {"role": "assistant", "content": text},
            "finish_reason": reason,
            "usage": usage,
            "citations": citations,
        },
        WORDS,
        REASONS,
        USAGES,
        st.lists(CITATIONS, max_size=2),
    ),
}


def _written(value: Any, style: int, end: bytes) -> bytes:
    """An event, in one of the ways in which it may be written."""
    text = json.dumps(value, ensure_ascii=style % 2 == 0, indent=1 if style % 5 == 4 else None).encode()
    prefix = b"data: " if style % 3 == 0 else b"data:"
    lines = [prefix + line for line in text.split(b"\n")]
    if style == 7:
        lines.insert(0, b"event: error")
    elif style == 8:
        lines.append(b"event: message")
    elif style == 9:
        lines += [b": ping", b"id: 7"]
    return end.join([*lines, b"", b""])


def _body(values: Sequence[Any], styles: Sequence[int], end: bytes, head: bytes, tail: bytes) -> bytes:
    events = [_written(value, styles[number % len(styles)], end) for number, value in enumerate(values)]
    return head + b"".join(events) + tail


def _well_ended(interface: Interface) -> st.SearchStrategy[list[Any]]:
    finish = (
        {**HEAD, "type": "message_end", "finish_reason": "stop", "usage": None}
        if interface == "standard"
        else _openai(None, "stop", None)
    )
    events = STANDARD_EVENTS if interface == "standard" else OPENAI_EVENTS
    return st.lists(events, max_size=6).flatmap(lambda some: st.sampled_from([some, [*some, finish]]))


TOKENS = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data:",
        b"data: ",
        b"event: error\n",
        b":",
        b" ",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xc3",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"null",
        b"0",
        b"-1",
        b"1.5",
        b"1e9",
        b"\\u2028",
        b"\\ud800",
        b"\\ud83c",
        b"\\udf32",
        b"NaN",
        b"event: ping\n",
        b"\x00",
        b"data: [DONE]\n\n",
        b"<",
        b"\xe2\x80\xa8",
        b'"error":1,',
        b'"type":"error",',
        b'"id":7,',
        b"true",
        b"data\n",
    ]
)


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A change of a body: the bytes from `at` on, `size` long, become `new`; None writes them twice."""

    at: int
    size: int
    new: bytes | None

    def of(self, body: bytes) -> bytes:
        at = self.at % (len(body) + 1)
        old = body[at : at + self.size]
        return body[:at] + (old * 2 if self.new is None else self.new) + body[at + len(old) :]


MUTATIONS = st.builds(
    Mutation,
    st.integers(min_value=0, max_value=3000),
    st.sampled_from([0, 0, 1, 1, 2, 5, 40, 300]),
    st.none() | TOKENS | st.just(b"") | st.binary(max_size=3),
)


def _mutated(body: bytes, mutations: Sequence[Mutation], keep: int) -> bytes:
    for mutation in mutations:
        body = mutation.of(body)
    return body[: len(body) - keep] if keep else body


def bodies(interface: Interface) -> st.SearchStrategy[bytes]:
    """Streams of an interface, valid and mutated."""
    streams = st.builds(
        _body,
        _well_ended(interface),
        st.lists(st.sampled_from([0, 0, 0, 1, 1, 1, 2, 3, 4, 6, 7, 8, 9]), min_size=1, max_size=6),
        st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"]),
        st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf", b":\n\n", b"\n", b" \n", b"\xef\xbb\xbf \n"]),
        st.sampled_from([b"", b"", b"data: [DONE]\n\n", b'data:{"id', b"data:{}", b":", b"\r"]),
    )
    wholes = WHOLE[interface].map(lambda value: json.dumps(value).encode())
    return st.builds(
        _mutated,
        st.one_of(streams, streams, streams, wholes),
        st.lists(MUTATIONS, max_size=3),
        st.sampled_from([0, 0, 0, 1, 2, 3, 20, 60]),
    )
