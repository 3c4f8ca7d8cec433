"""What an adapter's options do to an answer's text: stop sequences and the reference list. Pure, alike for streams."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from .answers import ChatCompletion, ChatCompletionChunk
from .citations import Citation, ReferenceListHoldback
from .errors import APITimeoutError, AssistantError, InvalidRequestError, StreamError


class AnswerShaper:
    """Shape the chunks of one answer. At a stop no more text comes out; usage and the finish still do.

    Args:
        stop: Stop sequences; the text ends before the first hit, the finish_reason is "stop", later citations are dropped.
        strip_references: Drop the reference list at the end of the text.
    """

    def __init__(self, *, stop: tuple[str, ...] = (), strip_references: bool = False) -> None:
        self._cutter = StopCutter(stop) if stop else None
        self._holdback = ReferenceListHoldback() if strip_references else None
        self._shown = 0
        self._id: str | None = None
        self._model: str | None = None

    def feed(self, chunk: ChatCompletionChunk) -> ChatCompletionChunk | None:
        """The chunk to show for this one, or None if there is nothing left in it."""
        self._id, self._model = chunk.id, chunk.model
        content = self._text(chunk.content)
        finish_reason = chunk.finish_reason
        if finish_reason is not None:
            content += self._rest()
        self._shown += len(content)
        citations = chunk.citations
        if self._cutter is not None and self._cutter.is_hit:
            citations = self._before_the_cut(citations)
            finish_reason = finish_reason and "stop"
        shaped = replace(chunk, content=content, finish_reason=finish_reason, citations=citations)
        said = content or citations or finish_reason or chunk.usage or chunk.context_snippet_count is not None
        return shaped if said else None

    def finish(self) -> ChatCompletionChunk | None:
        """What was held back of an answer that ended without a finish_reason, as a whole JSON answer may."""
        content = self._rest()
        self._shown += len(content)
        return ChatCompletionChunk(self._id, self._model, content) if content else None

    def whole(self, answer: ChatCompletion) -> ChatCompletion:
        """A whole answer, shaped as its stream would be."""
        content = self._text(answer.content)
        content += self._rest()
        self._shown = len(content)
        if self._cutter is not None and self._cutter.is_hit:
            return dataclasses.replace(
                answer, content=content, finish_reason="stop", citations=self._before_the_cut(answer.citations)
            )
        return dataclasses.replace(answer, content=content)

    def shape_error(self, error: AssistantError) -> None:
        """Leave in the text of a cut answer what its chunks have shown, and nothing that may be of the reference list."""
        if self._holdback is not None and isinstance(error, (StreamError, APITimeoutError)):
            error.text = ReferenceListHoldback().feed(error.text)

    def _text(self, content: str) -> str:
        if self._cutter is not None:
            content = self._cutter.feed(content)
        return self._holdback.feed(content) if self._holdback is not None else content

    def _rest(self) -> str:
        rest = self._cutter.finish() if self._cutter is not None else ""
        if self._holdback is not None:
            rest = self._holdback.feed(rest) + self._holdback.finish()
            self._holdback = ReferenceListHoldback()
        return rest

    def _before_the_cut(self, citations: tuple[Citation, ...]) -> tuple[Citation, ...]:
        return tuple(citation for citation in citations if citation.end <= self._shown)


def shaper_for(stop: tuple[str, ...], *, strip_references: bool) -> AnswerShaper | None:
    """A shaper, or None where there is nothing to do, which is the common case."""
    return AnswerShaper(stop=stop, strip_references=strip_references) if stop or strip_references else None


_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)


def strip_code_fence(text: str) -> str:
    """What stands in a text that is one code block; any other text as it is. Some models write one also for JSON."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


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
