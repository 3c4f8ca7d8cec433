"""Streamed answers of both interfaces as bytes, and functions that read them with the decoders, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from pinecone_assistant_client.answers import ChatCompletionChunk
from pinecone_assistant_client.errors import StreamError
from pinecone_assistant_client.shaping import AnswerDecoder
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder, StreamDecoder

from .asking import text_of

ID = "0123456789abcdef0123456789abcdef"
MODEL = "gpt-4o-2024-11-20"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
FILE = {"id": "f-1", "name": "pine.pdf", "signed_url": "https://storage.example/pine.pdf?X-Goog-Signature=SIGNED"}
CITATION = {"position": 22, "references": [{"file": FILE, "pages": [1, 2], "highlight": {"content": "25 m"}}]}


Decoder = type[StreamDecoder]


def event(value: Any, *, name: str = "") -> bytes:
    """An event as the service writes it: `data:` without a space."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data:{text}\n\n".encode()


def part(content: Any = None, finish: Any = None, *, role: Any = "assistant", **changes: Any) -> bytes:
    choice = {"index": 0, "delta": {"role": role, "content": content}, "finish_reason": finish}
    return event({"id": ID, "model": MODEL, "choices": [choice]} | changes)


def standard(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, "id": ID, "model": MODEL, **fields})


OPENAI = [
    part(),
    part("A red pine grows to ", role=None),
    part("25 m", role=""),
    part("ä.  [1", role=None),
    part(", pp. 1-2]", role=None),
    part(None, "stop", role=None),
    event({"id": ID, "model": MODEL, "choices": [], "usage": USAGE}),
]
OPENAI_TEXT = "A red pine grows to 25 mä.  [1, pp. 1-2]"
STANDARD = [
    standard("message_start", role="assistant", context_snippet_count=3),
    b":\n\n",
    standard("content_chunk", delta={"content": "A red pine grows "}),
    standard("content_chunk", delta={"content": "25 mä."}),
    standard("citation", citation=CITATION),
    standard("message_end", finish_reason="stop", usage=USAGE),
]
STANDARD_TEXT = "A red pine grows 25 mä."


def read(
    decoder: AnswerDecoder, pieces: Iterable[bytes], into: list[ChatCompletionChunk] | None = None
) -> list[ChatCompletionChunk]:
    """The chunks, read as the client reads them: until the decoder is done."""
    chunks = [] if into is None else into
    for piece in pieces:
        chunks += decoder.feed(piece)
        if decoder.is_done:
            break
    chunks.extend(decoder.finish())
    return chunks


def read_openai(*pieces: bytes) -> list[ChatCompletionChunk]:
    return read(ChatCompletionStreamDecoder(), pieces)


def read_standard(*pieces: bytes) -> list[ChatCompletionChunk]:
    return read(ChatStreamDecoder(), pieces)


def summary(chunks: Sequence[ChatCompletionChunk]) -> tuple[Any, ...]:
    """The result that a caller assembles from an answer's chunks."""
    return (
        text_of(chunks),
        [citation for chunk in chunks for citation in chunk.citations],
        [chunk.usage for chunk in chunks if chunk.usage],
        [chunk.finish_reason for chunk in chunks if chunk.finish_reason],
        {chunk.id for chunk in chunks},
    )


def failure_of(decoder: StreamDecoder, *pieces: bytes) -> tuple[StreamError, str]:
    """The error of a stream, and the text of the chunks that came before it."""
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(StreamError) as caught:
        read(decoder, pieces, chunks)
    return caught.value, text_of(chunks)


BOTH = pytest.mark.parametrize(
    ("decoder", "events", "text"),
    [(ChatCompletionStreamDecoder, OPENAI, OPENAI_TEXT), (ChatStreamDecoder, STANDARD, STANDARD_TEXT)],
    ids=["openai", "standard"],
)
