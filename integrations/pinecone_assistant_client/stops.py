"""Stop sequences, enforced on the client because the service knows none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .errors import InvalidRequestError


def checked_stop(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    """The stop sequences as a tuple; none for None. Raises InvalidRequestError for what is no text or empty."""
    if stop is None:
        return ()
    if isinstance(stop, (bytes, Mapping)) or not isinstance(stop, Iterable):
        raise InvalidRequestError(
            f"stop is {stop!r}: a stop sequence is text that is not empty; pass one or a list of them"
        )
    sequences = (stop,) if isinstance(stop, str) else tuple(stop)
    for index, sequence in enumerate(sequences):
        if not isinstance(sequence, str) or not sequence:
            raise InvalidRequestError(f"stop[{index}] is {sequence!r}: a stop sequence is text that is not empty")
    return sequences


class StopCutter:
    """Cut a text that comes in pieces before the first stop sequence, also across the pieces' borders.

    Args:
        sequences: The stop sequences; the hit that ends first counts, as where a model stops writing at it. (The one
            that begins first would depend on the pieces: "bc" is whole before "abcd" is.)
    """

    def __init__(self, sequences: tuple[str, ...]) -> None:
        self._sequences = sequences
        self._longest = max(map(len, sequences), default=0)
        self._held = ""
        self.is_hit = False
        """True once a stop sequence was seen: no more text comes out."""

    def feed(self, piece: str) -> str:
        """The part of the text so far that is certainly before any stop sequence."""
        if self.is_hit:
            return ""
        text = self._held + piece
        hits = [(at + len(sequence), at) for sequence in self._sequences if (at := text.find(sequence)) >= 0]
        if hits:
            self.is_hit = True
            self._held = ""
            return text[: min(hits)[1]]
        keep = next(
            (
                size
                for size in range(min(self._longest - 1, len(text)), 0, -1)
                if any(sequence.startswith(text[-size:]) for sequence in self._sequences)
            ),
            0,
        )
        shown = len(text) - keep
        self._held = text[shown:]
        return text[:shown]

    def finish(self) -> str:
        """What was held back in case it began a stop sequence."""
        held, self._held = self._held, ""
        return held
