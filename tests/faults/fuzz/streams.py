"""Streams, compared with the reference decoder."""

from __future__ import annotations

from collections.abc import Sequence

from pinecone_assistant_client.answers import ChatCompletionChunk
from pinecone_assistant_client.citations import extract_citations
from pinecone_assistant_client.errors import IncompleteStreamError, StreamError
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder, StreamDecoder

from ..reference_decoder import Interface, Outcome, decode, plain_citations
from .splitting import pieces_of

DECODERS: dict[Interface, type[StreamDecoder]] = {
    "openai": ChatCompletionStreamDecoder,
    "standard": ChatStreamDecoder,
}


def read(decoder: StreamDecoder, pieces: Sequence[bytes]) -> tuple[list[ChatCompletionChunk], StreamError | None]:
    """Read a body as the client does. Return the chunks and the error."""
    chunks: list[ChatCompletionChunk] = []
    try:
        for piece in pieces:
            chunks += decoder.feed(piece)
            if decoder.is_done:
                break
        for chunk in decoder.finish():
            chunks.append(chunk)  # one by one, to keep the chunks before an error
    except StreamError as error:
        return chunks, error
    return chunks, None


def outcome_of(chunks: Sequence[ChatCompletionChunk], error: StreamError | None, interface: Interface) -> Outcome:
    """Return the client's result in the form of the reference's."""
    citations = [citation for chunk in chunks for citation in chunk.citations] if interface == "standard" else []
    return Outcome(
        text="".join(chunk.content for chunk in chunks),
        citations=[(c.start, tuple(reference.file_name for reference in c.references)) for c in citations],
        finish_reasons=[chunk.finish_reason for chunk in chunks if chunk.finish_reason],
        usages=[
            (u.prompt_tokens, u.completion_tokens, u.total_tokens) for chunk in chunks if (u := chunk.usage) is not None
        ],
        error=None if error is None else "cut" if isinstance(error, IncompleteStreamError) else "bad",
    )


def check_stream(interface: Interface, body: bytes, cuts: Sequence[int]) -> None:
    """Check that the client and the reference agree, in any split."""
    wanted = decode(body, interface)
    cited, wanted.cited_text = wanted.cited_text, None
    for pieces in ([body], pieces_of(body, cuts), [body[at : at + 1] for at in range(len(body))]):
        decoder = DECODERS[interface]()
        chunks, error = read(decoder, pieces)
        found = outcome_of(chunks, error, interface)
        assert found == wanted, f"{body!r} in {len(pieces)} pieces: client {found}, reference {wanted}: {error}"
        if error is not None:
            assert error.text == wanted.text, f"{body!r}: the error has {error.text!r}, not {wanted.text!r}"
        if interface == "openai" and cited is not None:
            citations = [citation for chunk in chunks for citation in chunk.citations]
            assert citations == extract_citations(cited)
            simple = plain_citations(cited)
            if simple is not None:
                assert simple == [
                    (c.start, c.end, reference.number, reference.pages) for c in citations for reference in c.references
                ]
