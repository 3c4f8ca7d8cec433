"""The events of a streamed answer on each interface."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from pinecone_assistant_local.answering import Answer
from pinecone_assistant_local.answers import Cite, Source
from pinecone_assistant_local.rendering import InlineRenderer, PlacedCitation
from pinecone_assistant_local.streams import Chunker
from pinecone_assistant_local.wire import Json, citation_json, count_tokens, usage_json

FilesOf = Callable[[tuple[Source, ...]], dict[str, Json]]


async def completion_events(answer: Answer, renderer: InlineRenderer) -> AsyncGenerator[Json, None]:
    """What `/chat/completions` streams: the role, the text, the finish reason, the usage."""
    chunker = Chunker()
    parts: list[str] = []

    def chunk(delta: Json, finish_reason: str | None = None) -> Json:
        choice = {"finish_reason": finish_reason, "index": 0, "delta": delta}
        return {"id": answer.id, "choices": [choice], "model": answer.model}

    yield chunk({"role": "assistant"})
    async for piece in answer.stream_pieces():
        text = renderer.text_of(piece)
        parts.append(text)
        for content in chunker.cut(text):
            yield chunk({"content": content})
    ending = renderer.ending()
    parts.append(ending)
    for content in chunker.cut(ending):
        yield chunk({"content": content})
    yield chunk({"role": None, "content": None}, "stop")
    usage = usage_json(answer.prompt_tokens, count_tokens("".join(parts)))
    yield {"id": answer.id, "choices": [], "model": answer.model, "usage": usage}


async def message_events(
    answer: Answer, files_of: FilesOf, *, highlights: bool, context_snippet_count: int | None
) -> AsyncGenerator[Json, None]:
    """What `/chat` streams: the start, the text with each citation where it belongs, the end.

    Args:
        answer: The answer.
        files_of: The JSON of the files that sources stand in, by identifier.
        highlights: Whether references carry the words that they rest on.
        context_snippet_count: For the start; None leaves it out.
    """
    chunker = Chunker()
    common: Json = {"id": answer.id, "model": answer.model}
    start: Json = {"type": "message_start", **common, "role": "assistant"}
    if context_snippet_count is not None:
        start["context_snippet_count"] = context_snippet_count
    yield start
    parts: list[str] = []
    length = 0
    async for piece in answer.stream_pieces():
        if isinstance(piece, Cite):
            citation = citation_json(
                PlacedCitation(length, piece.sources), files_of(piece.sources), highlights=highlights
            )
            yield {"type": "citation", **common, "citation": citation}
            continue
        parts.append(piece)
        length += len(piece)
        for content in chunker.cut(piece):
            yield {"type": "content_chunk", **common, "delta": {"content": content}}
    usage = usage_json(answer.prompt_tokens, count_tokens("".join(parts)))
    yield {"type": "message_end", **common, "finish_reason": "stop", "usage": usage}
