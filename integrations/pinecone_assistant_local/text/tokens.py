"""Counting tokens, roughly as a model would, and cutting a text to a number of them."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\w{1,6}|[^\w\s]")


def count_tokens(text: str) -> int:
    """Return roughly how many tokens a model would count."""
    return len(_TOKEN.findall(text))


def clip_tokens(text: str, max_tokens: int) -> str:
    """Return the beginning of a text, at most so many tokens."""
    if len(text) <= max_tokens:  # each token has a character
        return text
    for count, match in enumerate(_TOKEN.finditer(text), start=1):
        if count > max_tokens:
            return text[: match.start()].rstrip()
    return text
