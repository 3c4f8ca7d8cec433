"""An assistant as an MCP server: streamable HTTP with one tool, `get_context`."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ..answers.pieces import snippet_text
from ..answers.requests import ContextRequest, read_context_request
from ..errors import ServiceError
from .bodies import file_json, snippet_json
from .call import Call
from .versions import SUPPORTED

TOOL = "get_context"
DESCRIPTION = (
    "Search the assistant's files. Returns the passages that fit a question best, each with its file and pages."
)
INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "The question, or what to look for."},
        "top_k": {
            "type": "integer",
            "minimum": 1,
            "maximum": 64,
            "description": "How many passages at most; 16 if not given.",
        },
    },
    "required": ["query"],
}


async def serve_mcp(request: Request) -> McpExchange:
    """POST /mcp/assistants/{assistant}: one message of a client, answered without a session."""
    call = Call.of(request)
    await call.existing_assistant()
    return McpExchange(call)


class McpExchange:
    """An ASGI response written by the official package `mcp`.

    It has no sessions: each message gets its own server and transport, which end with it. So nothing needs to be
    started before the first message, and nothing is left after the last.

    Args:
        call: The request; its body has been read.
    """

    def __init__(self, call: Call) -> None:
        try:
            from mcp.server.lowlevel import Server  # noqa: PLC0415  (an extra of its own)
            from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415  (as above)
            from mcp.types import TextContent, Tool  # noqa: PLC0415  (as above)
        except ImportError as error:
            raise ServiceError(
                501,
                "UNIMPLEMENTED",
                "MCP needs the package mcp, which comes with the extra 'mcp': pip install '.[local,mcp]'",
            ) from error
        self._body = call.body
        server: Any = Server(f"pinecone-assistant-{call.assistant}")

        @server.list_tools()  # type: ignore[untyped-decorator]  # mcp's decorators are not typed
        async def list_tools() -> list[Tool]:
            return [Tool(name=TOOL, description=DESCRIPTION, inputSchema=INPUT)]

        @server.call_tool()  # type: ignore[untyped-decorator]  # as above
        async def call_tool(name: str, arguments: dict[str, Any]) -> list[TextContent]:
            if name != TOOL:
                raise ValueError(f"There is no tool {name!r}: this assistant has {TOOL}")
            asked = read_context_request({"query": arguments["query"], "top_k": arguments.get("top_k")})
            return [TextContent(type="text", text=text) for text in await _snippets(call, asked)]

        self._manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the response."""
        body: bytes | None = self._body

        async def replayed() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message: Message = {"type": "http.request", "body": body, "more_body": False}
            body = None
            return message

        async with self._manager.run():
            await self._manager.handle_request(scope, replayed, send)


async def _snippets(call: Call, asked: ContextRequest) -> list[str]:
    """The snippets as JSON, without signed links, which a model cannot use."""
    hits = await call.service.run(lambda: call.service.answers.context(call.assistant, asked))
    return [
        msgspec.json.encode(
            snippet_json(hit, snippet_text(hit, asked.options.snippet_size), file_json(hit.file, SUPPORTED[-1]))
        ).decode()
        for hit in hits
    ]


ROUTES = [Route("/mcp/assistants/{assistant}", serve_mcp, methods=["POST"])]
