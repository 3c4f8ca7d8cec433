"""Texts that make careless parsers slow: a text of twice the length must take about twice the time."""

from __future__ import annotations

import time
from collections.abc import Callable

from pinecone_assistant_client.citations import ReferenceListHoldback

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
"""Fragments that are repeated up to a megabyte."""


def seconds_of(work: Callable[[str], object], text: str) -> float:
    """Return the CPU seconds of the best of three runs."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work(text)
        best = min(best, time.process_time() - start)
        if best > 1:
            break
    return best


def held_back(text: str) -> None:
    """Feed a text to the holdback of the reference list, in pieces of a token's size."""
    holdback = ReferenceListHoldback()
    for at in range(0, len(text), 16):
        holdback.feed(text[at : at + 16])
    holdback.finish()


def check_linear(name: str, work: Callable[[str], object], size: int) -> float:
    """Check that twice the text takes at most about twice the time. Return the seconds for the longer text."""
    unit = HOSTILE[name]
    texts = [unit * (length // len(unit)) for length in (size // 2, size)]
    half, whole = (seconds_of(work, text) for text in texts)
    # Measurements below 50 ms are noise; quadratic work of this size would take minutes.
    assert whole < max(0.05, 3.0 * half), (
        f"{name}: {half:.3f} s for {size // 2:,} characters, {whole:.3f} s for {size:,}"
    )
    return whole
