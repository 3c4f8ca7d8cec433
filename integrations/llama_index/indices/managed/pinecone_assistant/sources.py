"""Citations and snippets as LlamaIndex's nodes, and as a list for a tool's text. Pure; no signed link gets in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from llama_index.llms.pinecone_assistant import AssistantChatResponse
from pinecone_assistant_client import Citation, Reference, Snippet


def to_snippet_node(snippet: Snippet) -> NodeWithScore:
    """A snippet with its score as the service gave it."""
    captions = [image.caption for image in snippet.images if image.caption]
    node = _to_node(snippet.content, snippet.reference, {"image_captions": captions} if captions else {})
    return NodeWithScore(node=node, score=snippet.score)


def to_source_nodes(citations: Iterable[Citation]) -> list[NodeWithScore]:
    """One node per cited place, in the order of citation; its text is the highlight, where the answer has one."""
    nodes: dict[str, NodeWithScore] = {}
    for citation in citations:
        for reference in citation.references:
            number = {} if reference.number is None else {"number": reference.number}
            node = _to_node(reference.highlight or "", reference, number)
            nodes.setdefault(node.node_id, NodeWithScore(node=node))
    return list(nodes.values())


def to_metadata(response: AssistantChatResponse) -> dict[str, Any]:
    """What the engines put beside an answer: `{"usage", "model", "citations", "finish_reason"}`, plain JSON."""
    raw = response.raw or {}
    return {
        "usage": raw.get("usage"),
        "model": raw.get("model"),
        "citations": response.additional_kwargs.get("citations", []),
        "finish_reason": raw.get("finish_reason"),
    }


def empty_metadata() -> dict[str, Any]:
    """The metadata of an answer of which nothing is known yet."""
    return {"usage": None, "model": None, "citations": [], "finish_reason": None}


def to_sources_text(nodes: Iterable[NodeWithScore]) -> str:
    """`Sources:` and one line per source, `[1] red_pine.md, pages 3, 4`; empty where there is none."""
    lines = dict.fromkeys(map(to_source_line, nodes))
    return "Sources:\n" + "\n".join(lines) if lines else ""


def to_source_line(found: NodeWithScore) -> str:
    """The source of a node on one line."""
    metadata = found.node.metadata
    number, pages = metadata.get("number"), metadata.get("pages")
    name = metadata.get("file_name") or metadata.get("file_id") or "(the answer does not name the file)"
    return (
        f"{'-' if number is None else f'[{number}]'} {name}{', pages ' + ', '.join(map(str, pages)) if pages else ''}"
    )


def _to_node(text: str, reference: Reference, more: dict[str, Any]) -> TextNode:
    pages = None if reference.pages is None else list(reference.pages)
    known = {"file_name": reference.file_name, "file_id": reference.file_id, "pages": pages, **more}
    metadata = {name: value for name, value in known.items() if value is not None}
    # LlamaIndex drops nodes whose ids are equal, so the id tells apart what a user would.
    identity = json.dumps([reference.file_id or reference.file_name or reference.number, pages, text])
    file_id = reference.file_id
    return TextNode(
        id_=hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        text=text,
        metadata=metadata,
        excluded_llm_metadata_keys=["file_id", "number"],
        excluded_embed_metadata_keys=["file_id", "number"],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=file_id)} if file_id else {},
    )
