"""The public values of an answer: frozen, slotted, free of any framework."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from .citations import Citation, Reference


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the service counted them (they are billed)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ChatCompletion:
    """A whole answer.

    Attributes:
        id: The service's id of the answer, or None.
        model: The model that answered, as the service names it (`"gpt-4o-2024-11-20"`), or None.
        content: The answer's text, exactly as the service wrote it.
        finish_reason: `"stop"`, `"length"`, `"content_filter"`, ...; None if the service did not say.
        usage: Tokens, or None if the service did not say.
        citations: In order of position. On the standard interface `start == end`.
        context_snippet_count: Snippets given to the model (standard interface, 2026-04 and later), or None.
    """

    id: str | None
    model: str | None
    content: str
    finish_reason: str | None = None
    usage: Usage | None = None
    citations: tuple[Citation, ...] = ()
    context_snippet_count: int | None = None


class ChatCompletionChunk(msgspec.Struct, frozen=True):
    """A piece of a streamed answer.

    A msgspec Struct, not a dataclass, because one is made for every token: it takes 0.3 us instead of 1.3 (measured).

    `content` is the new text only. `usage` and `finish_reason` each appear on one chunk. `id` is the first id of the stream,
    on every chunk. On the OpenAI-compatible interface the chunk with the finish_reason has the citations of the whole text;
    on the standard interface each citation arrives in a chunk of its own.
    """

    id: str | None
    model: str | None
    content: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    citations: tuple[Citation, ...] = ()
    context_snippet_count: int | None = None


@dataclass(frozen=True, slots=True)
class SnippetImage:
    """An image of a multimodal snippet: base64 `data`, or None if binary content was not asked for."""

    caption: str | None = None
    mime_type: str | None = None
    data: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage that the assistant found.

    Attributes:
        content: The text; of a multimodal snippet its text blocks, joined by a line break.
        score: The service's relevance, higher is better; None if it cannot be read.
        reference: The file and the pages that it is from.
        images: The images of a multimodal snippet.
    """

    content: str
    score: float | None
    reference: Reference
    images: tuple[SnippetImage, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Snippets that the assistant would read before it answers, best first."""

    snippets: tuple[Snippet, ...]
    usage: Usage | None = None
    id: str | None = None
