"""Answers in JSON that a model put into a code block. Pure."""

from __future__ import annotations

import re

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)


def strip_code_fence(text: str) -> str:
    """What stands in a text that is one code block; any other text as it is. Some models write one also for JSON."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text
