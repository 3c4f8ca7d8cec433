"""Context: the snippets that a query finds, without an answer."""

from __future__ import annotations

from pinecone_assistant_client import Usage

from ..support.asking import Asking
from ..support.bodies import FILE
from ..support.raw_server import RawServer, reply


def test_context_gives_snippets_with_text_images_and_references(ask: Asking, server: RawServer) -> None:
    image = {"type": "base64", "mime_type": "image/png", "data": "iVBO"}
    body = {
        "id": "ctx",
        "snippets": [
            {
                "type": "text",
                "content": "25 meters",
                "score": 0.9,
                "reference": {"type": "pdf", "file": FILE, "pages": [1, 2]},
            },
            {
                "type": "multimodal",
                "content": [
                    {"type": "text", "text": "A"},
                    {"type": "image", "caption": "a tree", "image": image},
                    {"type": "text", "text": "B"},
                ],
                "score": 0.5,
                "reference": {"type": "pdf", "file": {"name": "b.pdf"}},
            },
            {"type": "multimodal", "content": [{"type": "image", "caption": "bare", "image": None}], "score": 0.1},
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7},
    }
    server.script(reply(body))
    context = ask().context("pine", top_k=3, snippet_size=512, multimodal=True, include_binary_content=False)
    first, second, third = context.snippets
    assert (first.content, first.score, first.reference.pages) == ("25 meters", 0.9, (1, 2))
    assert (second.content, second.images[0].caption, second.images[0].data) == ("A\nB", "a tree", "iVBO")
    assert (third.content, third.images[0].mime_type) == ("", None)
    assert context.usage == Usage(7, 0, 7)
    assert "iVBO" not in repr(context)
    assert "SECRETSIG" not in repr(context)
    assert server.requests[0].target == "/assistant/chat/docs/context"
    assert server.requests[0].json() == {
        "query": "pine",
        "top_k": 3,
        "snippet_size": 512,
        "multimodal": True,
        "include_binary_content": False,
    }
