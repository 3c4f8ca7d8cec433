"""Strategies for splitting a body or a text into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import AnyStr

from hypothesis import strategies as st

CUTS = st.lists(st.integers(min_value=0, max_value=3000), max_size=12)


def pieces_of(body: AnyStr, cuts: Sequence[int]) -> list[AnyStr]:
    """The body, split."""
    borders = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in pairwise(borders)]
