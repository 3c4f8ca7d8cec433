"""Shape an answer's text, whole or streamed: stop sequences, the reference list and citation marks. Pure."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec.structs import replace

from .answers import ChatCompletion, ChatCompletionChunk
from .citations import MARKER, Citation, ReferenceListHoldback, parse_mark
from .errors import IncompleteStreamError, InvalidRequestError, StreamError

if TYPE_CHECKING:
    from .wire.streams import StreamDecoder


class AnswerShaper:
    """Shape the chunks of one answer. After a stop sequence no more text comes out; usage and finish_reason still do.

    Args:
        stop: Stop sequences. The text ends before the first one found. Then the finish_reason is "stop", and the citations after
            that place are dropped.
        strip_references: Drop the reference list at the end of the text.
        strip_citations: Drop the citation marks and the reference list. The citations stay; `start == end` is then the place
            in the shown text where the mark was.
    """

    def __init__(
        self, *, stop: tuple[str, ...] = (), strip_references: bool = False, strip_citations: bool = False
    ) -> None:
        self._cutter = StopCutter(stop) if stop else None
        self._holdback = ReferenceListHoldback() if strip_references or strip_citations else None
        self._stripper = MarkStripper() if strip_citations else None
        self._shown = 0  # characters that passed the cutter and the holdback, including marks
        self._waiting: tuple[Citation, ...] = ()  # citations at offsets that the stripper has not reached
        self._has_shown = False
        self._id: str | None = None
        self._model: str | None = None

    def feed(self, chunk: ChatCompletionChunk) -> ChatCompletionChunk | None:
        """Return this chunk with shaped text, or None if nothing is left of it."""
        self._id, self._model = chunk.id, chunk.model
        content = self._text(chunk.content)
        finish_reason = chunk.finish_reason
        if finish_reason is not None:
            content += self._rest()
        citations = self._placed(chunk.citations, is_end=finish_reason is not None)
        if self._cutter is not None and self._cutter.is_hit:
            finish_reason = finish_reason and "stop"
        shaped = replace(chunk, content=content, finish_reason=finish_reason, citations=citations)
        said = content or citations or finish_reason or chunk.usage or chunk.context_snippet_count is not None
        self._has_shown = self._has_shown or bool(said)
        return shaped if said else None

    def finish(self) -> ChatCompletionChunk | None:
        """Return the held-back text of an answer that ended without a finish_reason; with one, `feed` returned it.

        If nothing was shown, return one empty chunk: a stream without an error has at least one.
        """
        content = self._rest()
        citations = self._placed((), is_end=True)
        if not content and not citations and self._has_shown:
            return None
        return ChatCompletionChunk(self._id, self._model, content, citations=citations)

    def whole(self, answer: ChatCompletion) -> ChatCompletion:
        """Return a whole answer with the text and the citations that its stream would have."""
        content = self._text(answer.content)
        content += self._rest()
        citations = self._placed(answer.citations, is_end=True)
        is_cut = self._cutter is not None and self._cutter.is_hit
        finish_reason = "stop" if is_cut else answer.finish_reason
        return dataclasses.replace(answer, content=content, finish_reason=finish_reason, citations=citations)

    def text_so_far(self, text: str) -> str:
        """Return the text of a cut answer as its chunks showed it: without anything that may belong to the reference list."""
        if self._holdback is not None:
            text = ReferenceListHoldback().feed(text)
        return text if self._stripper is None else MarkStripper().feed(text)

    def _text(self, content: str) -> str:
        if self._cutter is not None:
            content = self._cutter.feed(content)
        return self._without_marks(self._holdback.feed(content) if self._holdback is not None else content)

    def _rest(self) -> str:
        rest = self._cutter.finish() if self._cutter is not None else ""
        if self._holdback is not None:
            rest = self._holdback.feed(rest) + self._holdback.finish()
            self._holdback = ReferenceListHoldback()
        rest = self._without_marks(rest)
        return rest if self._stripper is None else rest + self._stripper.finish()

    def _without_marks(self, content: str) -> str:
        self._shown += len(content)
        return content if self._stripper is None else self._stripper.feed(content)

    def _placed(self, citations: tuple[Citation, ...], *, is_end: bool) -> tuple[Citation, ...]:
        """Return the citations that can be shown now, with offsets into the shown text."""
        if self._cutter is not None and self._cutter.is_hit:
            citations = tuple(citation for citation in citations if citation.end <= self._shown)
        if self._stripper is None:
            return citations
        waiting, self._waiting = (*self._waiting, *citations), ()
        if not is_end:  # keep their order: a citation that waits holds back those after it
            known = self._stripper.known
            ready = tuple(itertools.takewhile(lambda citation: citation.end < known, waiting))
            waiting, self._waiting = ready, waiting[len(ready) :]
        place = self._stripper.place
        return tuple(dataclasses.replace(c, start=place(c.start), end=place(c.end)) for c in waiting)


def shaper_for(stop: tuple[str, ...], *, strip_references: bool, strip_citations: bool = False) -> AnswerShaper | None:
    """Return a shaper, or None in the common case that there is nothing to do."""
    if not (stop or strip_references or strip_citations):
        return None
    return AnswerShaper(stop=stop, strip_references=strip_references, strip_citations=strip_citations)


class ShapedDecoder:
    """A stream decoder with shaped chunks, used in place of the decoder that it wraps."""

    def __init__(self, decoder: StreamDecoder, shaper: AnswerShaper) -> None:
        self._decoder = decoder
        self._shaper = shaper

    @property
    def is_done(self) -> bool:
        """True once the rest of the body no longer matters."""
        return self._decoder.is_done

    @property
    def is_whole(self) -> bool:
        """True once the answer's text is complete."""
        return self._decoder.is_whole

    @property
    def text(self) -> str:
        """The answer's text so far, shaped."""
        return self._shaper.text_so_far(self._decoder.text)

    def feed(self, data: bytes) -> list[ChatCompletionChunk]:
        """The chunks that these bytes complete, shaped."""
        return [shaped for chunk in self._decoder.feed(data) if (shaped := self._shaper.feed(chunk)) is not None]

    def finish(self) -> Iterator[ChatCompletionChunk]:
        """Yield the chunks that the end of the body completes, then the held-back text. Raises as the decoder does."""
        try:
            for chunk in self._decoder.finish():
                if (shaped := self._shaper.feed(chunk)) is not None:
                    yield shaped
        except StreamError as error:
            error.text = self.text
            raise
        yield from self.rest()

    def rest(self) -> list[ChatCompletionChunk]:
        """Return the held-back text, at the end of an answer that is whole."""
        rest = self._shaper.finish()
        return [] if rest is None else [rest]

    def cut(self, reason: str) -> IncompleteStreamError:
        """The error for an answer that stops here; it carries the shaped text so far."""
        error = self._decoder.cut(reason)
        error.text = self.text
        return error


AnswerDecoder: TypeAlias = "StreamDecoder | ShapedDecoder"
"""Decodes the bytes of a streamed answer into the chunks to show."""

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)


def strip_code_fence(text: str) -> str:
    """Return the content of a text that is one code block, or the text itself. Some models wrap JSON in a code block."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


def json_instruction(schema: Mapping[str, Any]) -> str:
    """Return the text to append to a question so that the answer is JSON that fits a schema. The service does not enforce it."""
    return (
        "Answer with one JSON object and nothing else. It must be valid against this JSON Schema:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )


def checked_stop(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the stop sequences as a tuple, empty for None. Raises InvalidRequestError if one is empty or not text."""
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
    """Cut a text that comes in pieces: it ends before the first stop sequence, which may span several pieces.

    Args:
        sequences: The stop sequences. The match that ends first counts, because a model would stop writing there. (If the match
            that begins first counted, the result would depend on the pieces: in "abcd", "bc" is complete before "abcd" is.)
    """

    def __init__(self, sequences: tuple[str, ...]) -> None:
        self._sequences = sequences
        self._longest = max(map(len, sequences), default=0)
        self._held = ""
        self.is_hit = False
        """True once a stop sequence was seen: no more text comes out."""

    def feed(self, piece: str) -> str:
        """Return the new part of the text that is certainly before any stop sequence."""
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
        """Return the text that was held back because it could have begun a stop sequence."""
        held, self._held = self._held, ""
        return held


_STARTS = re.compile(r"[\[`]")
_MAYBE_A_MARK = re.compile(r"\[(?:[0-9][0-9pP.,;&\-\u2013\s]{0,200}\]?)?\Z")
_INLINE_CODE = re.compile(r"`[^`\n]{1,500}(?:(`)|\Z)")
_FENCE = "```"


class MarkStripper:
    """Drop the citation marks, and the blanks before them, from a text that comes in pieces.

    A bracket is a mark by the rules of `extract_citations`: not in code, not `array[1]`, not a link. These rules look at the
    text before and after the bracket, and a piece may end anywhere in it. So the text is scanned up to the first place where
    the next piece could change the decision, and the rest is held back. Only the last characters of the scanned text are
    kept, because the rules look back at them. (One rule is not applied: that the reference list must have the number. The
    list comes last.)

    `feed` returns the text so far without marks, `finish` the rest; `place` translates offsets.
    """

    _LOOK_BACK = 32
    _MAX_BLANKS = 256

    def __init__(self) -> None:
        self._text = ""  # the kept end of the scanned text, and the held-back text
        self._base = 0  # offset of the beginning of `_text` in the service's text
        self._next = 0  # offset in `_text` of the first character that was neither shown nor dropped
        self._last_mark = -1  # offset in `_text` of the end of the last mark
        self._is_in_fence = False
        self._last = "\n"  # the last character shown
        self._joins = False  # blanks were dropped before a mark: one is put back if letters would touch
        self._shown = 0
        self._runs: list[tuple[int, int, int]] = []  # shown parts: offset in the service's text, place, length

    @property
    def known(self) -> int:
        """The offset in the service's text up to which `place` can translate offsets."""
        return self._base + self._next

    def place(self, offset: int) -> int:
        """Translate an offset in the service's text to one in the shown text, also for a character that was dropped."""
        index = bisect.bisect_right(self._runs, offset, key=lambda run: run[0]) - 1
        if index < 0:
            return 0
        start, place, length = self._runs[index]
        return place + min(offset - start, length)

    def feed(self, piece: str) -> str:
        """The part of the text so far that can be shown."""
        self._text += piece
        return self._scan(is_end=False)

    def finish(self) -> str:
        """The rest of the text."""
        return self._scan(is_end=True)

    def _scan(self, *, is_end: bool) -> str:
        text, shown = self._text, []
        position = self._next  # where the scan is; the text from self._next to here stays
        while True:
            if self._is_in_fence:
                close = text.find(_FENCE, position)
                if close < 0:
                    position = len(text) if is_end else position + len(text[position:].rstrip("`"))
                    break
                position, self._is_in_fence = close + len(_FENCE), False
            start = _STARTS.search(text, position)
            position = start.start() if start else len(text)
            if start is None or (not is_end and self._is_undecided(position)):
                if not is_end:
                    position = self._before_blanks(position)
                break
            if text.startswith(_FENCE, position):
                self._is_in_fence = True
                position += len(_FENCE)
            elif text[position] == "`":
                code = _INLINE_CODE.match(text, position)
                position = code.end() if code and code[1] else position + 1
            elif (mark := MARKER.match(text, position)) and parse_mark(text, mark, self._last_mark):
                shown.append(self._show(self._before_blanks(position)))
                self._joins = self._joins or self._next < position
                self._next = self._last_mark = position = mark.end()
            else:
                position += 1
        shown.append(self._show(position))
        self._forget()
        return "".join(shown)

    def _is_undecided(self, position: int) -> bool:
        """Return whether more text is needed to decide what the text that begins here is."""
        text = self._text
        if text[position] == "[":
            return bool(_MAYBE_A_MARK.match(text, position))
        if text.startswith(_FENCE, position):
            return False
        code = _INLINE_CODE.match(text, position)
        return text[position:] in ("`", "``") or bool(code and not code[1])

    def _before_blanks(self, position: int) -> int:
        floor = max(self._next, position - self._MAX_BLANKS)
        return floor + len(self._text[floor:position].rstrip(" \t"))

    def _show(self, end: int) -> str:
        """Return the text before `end` that was not shown yet, and record where it is shown."""
        text, start = self._text, self._next
        if self._last == "\n" and start == self._last_mark:  # a mark began the line: the blanks after it are dropped
            start = self._last_mark = start + len(text[start:end]) - len(text[start:end].lstrip(" \t"))
        self._next = end
        run = text[start:end]
        if not run:
            return ""
        space = " " if self._joins and run[0].isalnum() and self._last.isalnum() else ""
        self._joins = False
        self._shown += len(space)
        place, offset = self._shown, self._base + start
        if self._runs and self._runs[-1][0] + self._runs[-1][2] == offset:
            begin, first, length = self._runs[-1]
            self._runs[-1] = (begin, first, length + len(run))
        else:
            self._runs.append((offset, place, len(run)))
        self._shown += len(run)
        self._last = run[-1]
        return space + run

    def _forget(self) -> None:
        gone = max(0, self._next - self._LOOK_BACK)
        self._text = self._text[gone:]
        self._base += gone
        self._next -= gone
        self._last_mark -= gone
