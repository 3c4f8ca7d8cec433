"""Fuzzing for as long as you like: `python -m tests.faults.fuzz --minutes 10`; its properties also run, shortly, in `make test`.

Streams are compared with the reference decoder; the citation parser, the reference list and the filter validator have
invariants. `--minutes` is CPU time of this process.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pinecone_assistant_client.answers import ChatCompletionChunk
from pinecone_assistant_client.citations import ReferenceListHoldback, extract_citations, strip_reference_list
from pinecone_assistant_client.errors import IncompleteStreamError, InvalidRequestError, StreamError
from pinecone_assistant_client.filters import validate_filter
from pinecone_assistant_client.streams import ChatCompletionStreamDecoder, ChatStreamDecoder, StreamDecoder
from tests.faults.reference_decoder import Interface, Outcome, decode, plain_citations

DECODERS: dict[Interface, type[StreamDecoder]] = {
    "openai": ChatCompletionStreamDecoder,
    "standard": ChatStreamDecoder,
}

# Streams

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


CUTS = st.lists(st.integers(min_value=0, max_value=3000), max_size=12)


def pieces_of(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The body, split."""
    borders = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in pairwise(borders)]


def read(decoder: StreamDecoder, pieces: Sequence[bytes]) -> tuple[list[ChatCompletionChunk], StreamError | None]:
    """The chunks, as the client reads them, and the error."""
    chunks: list[ChatCompletionChunk] = []
    try:
        for piece in pieces:
            chunks += decoder.feed(piece)
            if decoder.is_done:
                break
        for chunk in decoder.finish():
            chunks.append(chunk)  # one by one: what came before an error is kept
    except StreamError as error:
        return chunks, error
    return chunks, None


def outcome_of(chunks: Sequence[ChatCompletionChunk], error: StreamError | None, interface: Interface) -> Outcome:
    """What the client gave, as the reference words it."""
    citations = [citation for chunk in chunks for citation in chunk.citations] if interface == "standard" else []
    return Outcome(
        text="".join(chunk.content for chunk in chunks),
        citations=[(c.start, tuple(reference.file_name for reference in c.references)) for c in citations],
        finish_reasons=[chunk.finish_reason for chunk in chunks if chunk.finish_reason],
        usages=[
            (u.prompt_tokens, u.completion_tokens, u.total_tokens) for chunk in chunks if (u := chunk.usage) is not None
        ],
        error=None if error is None else "cut" if isinstance(error, IncompleteStreamError) else "bad",
    )


def check_stream(interface: Interface, body: bytes, cuts: Sequence[int]) -> None:
    """The client and the reference agree, in any split."""
    wanted = decode(body, interface)
    cited, wanted.cited_text = wanted.cited_text, None
    for pieces in ([body], pieces_of(body, cuts), [body[at : at + 1] for at in range(len(body))]):
        decoder = DECODERS[interface]()
        chunks, error = read(decoder, pieces)
        found = outcome_of(chunks, error, interface)
        assert found == wanted, f"{body!r} in {len(pieces)} pieces: client {found}, reference {wanted}: {error}"
        if error is not None:
            assert error.text == wanted.text, f"{body!r}: the error has {error.text!r}, not {wanted.text!r}"
        if interface == "openai" and cited is not None:
            citations = [citation for chunk in chunks for citation in chunk.citations]
            assert citations == extract_citations(cited)
            simple = plain_citations(cited)
            if simple is not None:
                assert simple == [
                    (c.start, c.end, reference.number, reference.pages) for c in citations for reference in c.references
                ]


# Citations

ANSWERS = st.lists(
    st.sampled_from(
        [
            "[1]",
            "[1, pp. 1-2]",
            "[1, p. 3; 2]",
            "[",
            "]",
            "1",
            ", pp. ",
            "(",
            ")",
            "`",
            "```",
            "\n",
            "\n\n",
            " ",
            "Pine",
            "References:",
            "**Sources**",
            "## references:\n",
            "1. a.pdf",
            "[1] b.md",
            "- [2]: c",
            "1. [d](https://e.f/g?h=i)",
            "\t",
            "\r",
            "#",
            "*",
            ":",
            "\u2028",
            "\x1c",
            "\x85",
            "\xa0",
            "\u017f",
            "İ",
            "٣",
            "²",
            "-",
            "\u2013",
            "999999",
            "& ",
        ]
    )
    | st.text(max_size=3),
    max_size=16,
).map("".join)


def check_citations(text: str) -> None:
    """Offsets are in range and in order, and what stands there is a bracket; stripping only cuts the end off."""
    end = 0
    for citation in extract_citations(text):
        assert end <= citation.start < citation.end <= len(text)
        end = citation.end
        marker = text[citation.start : citation.end]
        assert re.fullmatch(r"\[[^\[\]]+\]", marker), marker
        assert citation.references
        for reference in citation.references:
            assert reference.number is not None
            assert str(reference.number) in marker
            assert reference.pages is None or all(page >= 1 for page in reference.pages)
    stripped = strip_reference_list(text)
    assert text.startswith(stripped)


def check_holdback(text: str, cuts: Sequence[int]) -> None:
    """Stripped while it comes, in any split, is the same as stripped at the end."""
    borders = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for pieces in ([text[start:end] for start, end in pairwise(borders)], list(text)):
        holdback = ReferenceListHoldback()
        shown = "".join([holdback.feed(piece) for piece in pieces])
        assert shown + holdback.finish() == strip_reference_list(text), f"{text!r} in {pieces!r}"


HOSTILE: dict[str, str] = {
    "markers that never end": "[[[1, pp.",
    "open brackets": "[",
    "closed brackets": "[1]",
    "glued markers": "[1][",
    "numbers in a bracket": "[1, pp. 1, 2, 3, ",
    "headings": "\nReferences:",
    "headings and entries": "\nReferences:\n1. a.pdf",
    "entries": "\n1. a.pdf",
    "bracket entries": "\n\n[1] a.pdf",
    "empty lines": "\n",
    "blank ends": " \n",
    "spaces": " ",
    "backticks": "`",
    "code": "`a",
    "fences": "```\n",
    "stars": "\n*",
    "hashes": "\n# ",
    "links": "\n[1] [a](https://b.c/?d",
    "link names": "[a](",
    "link parentheses": "\n1. [a](https://b.c/(d",
    "urls": "\n[1] https://a.b?",
    "url starts": "https://",
    "dashes": "1-",
    "page words": "[1,pppppp",
}
"""What is repeated up to a megabyte."""


def seconds_of(work: Callable[[str], object], text: str) -> float:
    """CPU seconds, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work(text)
        best = min(best, time.process_time() - start)
        if best > 1:
            break
    return best


def held_back(text: str) -> None:
    """The reference list held back, in pieces of a token's size."""
    holdback = ReferenceListHoldback()
    for at in range(0, len(text), 16):
        holdback.feed(text[at : at + 16])
    holdback.finish()


def check_linear(name: str, work: Callable[[str], object], size: int) -> float:
    """Twice the text takes no more than about twice the work; returns the seconds of the longer one."""
    unit = HOSTILE[name]
    texts = [unit * (length // len(unit)) for length in (size // 2, size)]
    half, whole = (seconds_of(work, text) for text in texts)
    # Below 50 ms a measurement says nothing; quadratic work of this size would take minutes.
    assert whole < max(0.05, 3.0 * half), (
        f"{name}: {half:.3f} s for {size // 2:,} characters, {whole:.3f} s for {size:,}"
    )
    return whole


# Filters

TEXTS = st.text(max_size=3) | st.sampled_from(["\ud800", "a\udfff"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KEYS = (
    st.sampled_from(
        [
            "genre",
            "year",
            "",
            "$and",
            "$or",
            "$not",
            "$eq",
            "$ne",
            "$gt",
            "$gte",
            "$lt",
            "$lte",
            "$in",
            "$nin",
            "$exists",
            "$regex",
            "$",
            "a.b",
            "ä",
        ]
    )
    | TEXTS
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
FILTERS = st.dictionaries(KEYS, VALUES, max_size=3) | VALUES


def check_filter(value: Any) -> bool:
    """Accepted and JSON, or InvalidRequestError that names the path; returns whether it was accepted."""
    try:
        validate_filter(value)
    except InvalidRequestError as error:
        if not str(error).startswith("filter"):
            raise AssertionError("the error does not begin with the path") from error
        return False
    if value is not None:
        assert json.loads(json.dumps(value, allow_nan=False)) == value
        json.dumps(value, ensure_ascii=False).encode()
        msgspec.json.encode(value)
    return True


# The long run


def fuzz(minutes: float, first_seed: int) -> tuple[dict[str, int], float, list[str]]:
    """Run the properties in turn for so many minutes of CPU; returns examples of each, CPU seconds, and what failed.

    SIGTERM ends it at the next property.
    """
    counts: dict[str, int] = {}
    failures: list[str] = []
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    begin = time.process_time()

    def counted(name: str, check: Callable[..., object], *strategies: st.SearchStrategy[Any]) -> Callable[[int], None]:
        def run(number: int) -> None:
            @seed(number)
            @settings(
                max_examples=500,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            )
            @given(st.tuples(*strategies))
            def examples(values: tuple[Any, ...]) -> None:
                counts[name] = counts.get(name, 0) + 1
                check(*values)

            try:
                examples()
            except Exception:  # noqa: BLE001 - told at the end
                failures.append(f"{name}, seed {number}: {traceback.format_exc()[-3000:]}")

        return run

    def stream_check(interface: Interface) -> Callable[[bytes, list[int]], None]:
        return lambda body, cuts: check_stream(interface, body, cuts)

    properties = [
        counted("streams, openai", stream_check("openai"), bodies("openai"), CUTS),
        counted("streams, standard", stream_check("standard"), bodies("standard"), CUTS),
        counted("citations", check_citations, ANSWERS),
        counted("reference list held back", check_holdback, ANSWERS, CUTS),
        counted("filters", check_filter, FILTERS),
    ]
    number = first_seed
    while time.process_time() - begin < 60 * minutes and len(failures) < 5:
        for run in properties:
            number += 1
            if not stopped:
                run(number)
        if stopped:
            break
    return counts, time.process_time() - begin, failures


def main() -> int:
    """Fuzz, then print the figures; the exit status tells whether anything was found."""
    parser = argparse.ArgumentParser(description="Fuzz the client's pure parts.")
    parser.add_argument("--minutes", type=float, default=10.0, help="of CPU; at most 120")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--megabytes", type=float, default=1.0, help="size of the hostile texts")
    arguments = parser.parse_args()
    counts, seconds, failures = fuzz(min(arguments.minutes, 120.0), arguments.seed)
    for name, count in counts.items():
        print(f"{name}: {count:,} examples")  # noqa: T201 - this is a command
    print(f"{seconds / 60:.1f} CPU minutes")  # noqa: T201 - same
    size = int(arguments.megabytes * 1_000_000)
    works: dict[str, Callable[[str], object]] = {
        "extract_citations": extract_citations,
        "strip_reference_list": strip_reference_list,
        "held back": held_back,
    }
    for work_name, work in works.items():
        slowest = (0.0, "")
        for name in HOSTILE:
            try:
                slowest = max(slowest, (check_linear(name, work, size), name))
            except AssertionError as error:  # noqa: PERF203 - a few dozen rounds
                failures.append(f"{work_name}: {error}")
        print(f"{work_name}: {size:,} hostile characters, slowest {slowest[0]:.2f} s ({slowest[1]})")  # noqa: T201 - same
    for failure in failures:
        print(f"FOUND: {failure}", file=sys.stderr)  # noqa: T201 - same
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
