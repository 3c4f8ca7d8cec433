"""Convert citations and snippets to LlamaIndex's nodes, and to a list for a tool's text. Pure; leaves out signed links."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from llama_index.core.schema import ImageNode, NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from llama_index.llms.pinecone_assistant import AssistantChatResponse
from pinecone_assistant_client import Citation, Reference, Snippet

_NOT_FOR_MODELS = ("file_id", "number", "pages", "doc_id", "doc_sha256", "sync_owner", "sync_path", "sync_sha256")


def to_snippet_nodes(snippets: Iterable[Snippet], min_score: float | None = None) -> list[NodeWithScore]:
    """Return snippets as nodes with the service's scores, each followed by its images, if they were requested."""
    nodes: list[NodeWithScore] = []
    for snippet in snippets:
        if min_score is not None and snippet.score is not None and snippet.score < min_score:
            continue
        captions = [image.caption for image in snippet.images if image.caption]
        node = _to_node(snippet.content, snippet.reference, {"image_captions": captions} if captions else {})
        nodes.append(NodeWithScore(node=node, score=snippet.score))
        nodes += [
            NodeWithScore(
                node=ImageNode(
                    id_=f"{node.node_id}-image-{number}",
                    text=image.caption or "",
                    image=image.data,
                    image_mimetype=image.mime_type,
                    metadata=dict(node.metadata),
                    relationships=dict(node.relationships),
                ),
                score=snippet.score,
            )
            for number, image in enumerate(snippet.images, start=1)
            if image.data
        ]
    return nodes


def to_source_nodes(citations: Iterable[Citation]) -> list[NodeWithScore]:
    """Return one node per cited place, in the order of citation; its text is the highlight, if the answer has one."""
    nodes: dict[str, NodeWithScore] = {}
    for citation in citations:
        for reference in citation.references:
            number = {} if reference.number is None else {"number": reference.number}
            node = _to_node(reference.highlight or "", reference, number)
            nodes.setdefault(node.node_id, NodeWithScore(node=node))
    return list(nodes.values())


def to_metadata(response: AssistantChatResponse) -> dict[str, Any]:
    """Return an engine's metadata of an answer, `{"usage", "model", "citations", "finish_reason"}`, as plain JSON."""
    raw = response.raw or {}
    return {
        "usage": raw.get("usage"),
        "model": raw.get("model"),
        "citations": response.additional_kwargs.get("citations", []),
        "finish_reason": raw.get("finish_reason"),
    }


def empty_metadata() -> dict[str, Any]:
    """Return the metadata of an answer before anything of it has arrived."""
    return {"usage": None, "model": None, "citations": [], "finish_reason": None}


def to_sources_text(nodes: Iterable[NodeWithScore]) -> str:
    """Return `Sources:` and one line per source, `[1] red_pine.md, pages 3, 4`; an empty text if there are none."""
    lines = dict.fromkeys(map(to_source_line, nodes))
    return "Sources:\n" + "\n".join(lines) if lines else ""


def to_source_line(found: NodeWithScore) -> str:
    """Return the source of a node on one line."""
    metadata = found.node.metadata
    number, pages = metadata.get("number"), metadata.get("pages")
    name = metadata.get("file_name") or metadata.get("file_id") or "(the answer does not name the file)"
    return (
        f"{'-' if number is None else f'[{number}]'} {name}{', pages ' + ', '.join(map(str, pages)) if pages else ''}"
    )


def _to_node(text: str, reference: Reference, more: dict[str, Any]) -> TextNode:
    pages = None if reference.pages is None else list(reference.pages)
    known = {
        "file_name": reference.file_name,
        "file_id": reference.file_id,
        "pages": pages,
        "page_label": ", ".join(map(str, pages)) if pages else None,  # the key of LlamaIndex's own readers
        "created_at": reference.created_at,
        **more,
    }
    # Includes the file's own metadata, so that postprocessors find its date and other keys.
    metadata = {
        **copy.deepcopy(reference.metadata or {}),
        **{n: value for n, value in known.items() if value is not None},
    }
    # LlamaIndex drops nodes with equal ids, so the id covers everything in which two sources can differ.
    identity = json.dumps([reference.file_id or reference.file_name or reference.number, pages, text])
    file_id = reference.file_id
    return TextNode(
        id_=hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        text=text,
        metadata=metadata,
        excluded_llm_metadata_keys=[name for name in _NOT_FOR_MODELS if name in metadata],
        excluded_embed_metadata_keys=[name for name in _NOT_FOR_MODELS if name in metadata],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=file_id)} if file_id else {},
    )
