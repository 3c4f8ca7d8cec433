"""Answers as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pinecone_assistant_local.answers import Cite, Piece, choose_sentences, source_of, DECLINE
from pinecone_assistant_local.json_schemas import Schema
from pinecone_assistant_local.retrieval import Hit
from pinecone_assistant_local.words import Stems

# What an instruction to answer in JSON is made of; none of it is what the question is about.
INSTRUCTION_WORDS = frozenset(
    """
    answer json schema format formatted output respond response return object instance conform conforms conforming match
    matches matching valid following follow field fields property properties key keys value values type types markdown code
    fence fences block text string strict strictly according required include extra additional data structure structured
    well example parse parsed must generate write
    """.split()
)


def compose_json(stems: Stems, schema: Schema | None, hits: Sequence[Hit], around: Sequence[Hit]) -> list[Piece]:
    chosen = choose_sentences(hits)
    answer = " ".join(sentence.text for _, sentence in chosen) or DECLINE
    names = list(dict.fromkeys(hit.file.name for hit, _ in chosen))
    text = msgspec.json.encode({"answer": answer, "sources": names}).decode()
    return [text]
