"""Properties of the citation parser and of the stripping of the reference list that hold for any text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import strategies as st

from pinecone_assistant_client.citations import ReferenceListHoldback, extract_citations, strip_reference_list

from .splitting import pieces_of

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
    """Check that offsets are in range and in order and enclose a bracket, and that stripping cuts only the end off."""
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
    """Check that stripping a text while it arrives, in any split, equals stripping it at the end."""
    for pieces in (pieces_of(text, cuts), list(text)):
        holdback = ReferenceListHoldback()
        shown = "".join([holdback.feed(piece) for piece in pieces])
        assert shown + holdback.finish() == strip_reference_list(text), f"{text!r} in {pieces!r}"
