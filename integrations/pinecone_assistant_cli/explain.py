"""`explain SLUG`: prints a section of the error pages. Uses the standard library only."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

_USAGE = """usage: pinecone-assistant explain SLUG

Explain an error. The slug is at the end of its message; the name of the class
works too.

Example: pinecone-assistant explain notfounderror
"""
_IN_THE_WHEEL = Path(__file__).parent / "pages"
_IN_A_CLONE = Path(__file__).parents[2] / "docs"
_PAGES = ("errors.md",)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


def sections() -> dict[str, str]:
    """Return the text of each section of the error pages by its slug."""
    folder = _IN_THE_WHEEL if _IN_THE_WHEEL.is_dir() else _IN_A_CLONE
    found: dict[str, str] = {}
    for page in _PAGES:
        text = (folder / page).read_text(encoding="utf-8")
        headings = list(_HEADING.finditer(text))
        ends = [heading.start() for heading in headings[1:]] + [len(text)]
        for heading, end in zip(headings, ends, strict=True):
            found[to_slug(heading[1])] = text[heading.start() : end].strip()
    return found


def to_slug(heading: str) -> str:
    """Return a heading as it appears at the end of a message: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def explain(arguments: Sequence[str]) -> int:
    """Print the section of a slug; without a slug, list them all. Returns the exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        sys.stdout.write(_USAGE)
        return 0
    if len(arguments) > 1:
        sys.stderr.write(_USAGE)
        return 2
    known = sections()
    if not arguments:
        sys.stdout.write("\n".join(known) + "\n")
        return 0
    slug = to_slug(arguments[0].rpartition("#")[2])
    if slug not in known:
        sys.stderr.write(f"there is no page on {slug!r}: use one of {', '.join(known)}\n")
        return 2
    sys.stdout.write(known[slug] + "\n")
    return 0
