"""What an adapter's options do to an answer's text: stop sequences and the reference list. Pure, alike for streams."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from .answers import ChatCompletion, ChatCompletionChunk
from .citations import Citation, ReferenceListHoldback
from .errors import APITimeoutError, AssistantError, StreamError
from .stops import StopCutter


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
