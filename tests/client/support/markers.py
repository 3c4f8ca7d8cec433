"""The citations of a text, as short values that tests can compare."""

from __future__ import annotations

from pinecone_assistant_client import extract_citations

Pages = tuple[int, ...] | None


def found(text: str) -> list[tuple[str, list[tuple[int | None, Pages]]]]:
    """Each marker as written in the text, with its numbers and pages."""
    return [
        (
            text[citation.start : citation.end],
            [(reference.number, reference.pages) for reference in citation.references],
        )
        for citation in extract_citations(text)
    ]


def cited(text: str) -> list[str]:
    return [marker for marker, _ in found(text)]
