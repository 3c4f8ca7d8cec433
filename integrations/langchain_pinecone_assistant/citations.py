"""Convert citations to LangChain's standard annotations, for the `content_blocks` of this provider's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.messages import content as blocks
from langchain_core.messages.block_translators import register_translator

PROVIDER = "pinecone_assistant"


def to_annotations(citations: Sequence[Mapping[str, Any]]) -> list[blocks.Citation]:
    """Return one standard annotation for each reference of each citation.

    Args:
        citations: `additional_kwargs["citations"]` of a message.

    Returns:
        `start_index` and `end_index` are character offsets into the answer's text, end exclusive; `title` is the file's
        name, `cited_text` the highlight; `extras` has number, pages and file id. Links are left out, because they are signed.
    """
    annotations: list[blocks.Citation] = []
    for citation in citations:
        for reference in citation["references"]:
            annotation: blocks.Citation = {
                "type": "citation",
                "start_index": citation["start"],
                "end_index": citation["end"],
            }
            if reference.get("file_name"):
                annotation["title"] = reference["file_name"]
            if reference.get("highlight"):
                annotation["cited_text"] = reference["highlight"]
            extras = {name: reference[name] for name in ("number", "pages", "file_id") if reference.get(name)}
            if extras:
                annotation["extras"] = extras
            annotations.append(annotation)
    return annotations


def to_content_blocks(message: AIMessage) -> list[blocks.ContentBlock]:
    """Return the message's text as one block with its citations, or content that is a list already, unchanged."""
    content = message.content
    if not isinstance(content, str):
        return [
            {"type": "text", "text": block} if isinstance(block, str) else cast("blocks.ContentBlock", block)
            for block in content
        ]
    citations = message.additional_kwargs.get("citations")
    if not content and not citations:
        return []
    block: blocks.TextContentBlock = {"type": "text", "text": content}
    if citations:
        # The framework types annotations by their `type` key; a list of citations is a list of annotations.
        block["annotations"] = cast("list[blocks.Annotation]", to_annotations(citations))
    return [block]


register_translator(PROVIDER, to_content_blocks, to_content_blocks)
