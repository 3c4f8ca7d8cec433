"""Texts that come in pieces: where to cut them, for hypothesis, and the pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

CUTS = st.lists(st.integers(min_value=0, max_value=300), max_size=12)


def split(text: str, cuts: list[int]) -> list[str]:
    """The pieces of a text between these offsets; offsets past its end wrap around."""
    borders = sorted({0, len(text), *(at % (len(text) + 1) for at in cuts)})
    return [text[start:end] for start, end in pairwise(borders)]
