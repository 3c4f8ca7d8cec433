"""Sources of an answer as numbered footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pinecone_assistant_client import Citation, Reference


class Footnotes:
    """Numbers for sources, in the order in which an answer cites them; each source has one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def marks(self, citations: Iterable[Citation]) -> str:
        """Return the marks of citations, such as ` [1] [2]`."""
        numbers = (self._number(reference) for citation in citations for reference in citation.references)
        return "".join(f" [{number}]" for number in dict.fromkeys(numbers))

    def lines(self) -> Iterator[str]:
        """Yield one line for each source."""
        return (f"[{number}] {source}" for source, number in self._numbers.items())

    def _number(self, reference: Reference) -> int:
        source = reference.file_name or "(the answer does not name the file)"
        if reference.pages:
            source += f", page{'s' * (len(reference.pages) > 1)} {', '.join(map(str, reference.pages))}"
        return self._numbers.setdefault(source, len(self._numbers) + 1)
