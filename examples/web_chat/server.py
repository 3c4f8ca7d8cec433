"""A chat in the browser: answers stream in, and each citation opens the passage that it rests on.

`python examples/web_chat/server.py` asks a local assistant that has read `examples/data`; with `--live` it asks your own.
The page is `index.html` beside this file. The key stays here, and so do the files' signed links.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pinecone_assistant_client import AssistantError, AsyncAssistantClient, Reference

sys.path.append(str(Path(__file__).parent.parent))
from demo_assistant import connect  # it lies in the folder above

PAGE = Path(__file__).with_name("index.html")
MAX_BODY_BYTES = 1_000_000


def create_app(client: AsyncAssistantClient) -> Starlette:
    """The page at `/`, the names of the assistant's files at `/files`, and `/chat`, which streams an answer as lines of JSON.

    Args:
        client: Asks the assistant; closed with the application.
    """
    html = PAGE.read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": content_security_policy(html),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }

    async def page(_: Request) -> Response:
        return HTMLResponse(html, headers=headers)

    async def files(_: Request) -> Response:
        try:
            listed = [{"name": file.name, "metadata": file.metadata} async for file in client.files.list()]
        except AssistantError as error:
            return PlainTextResponse(str(error), status_code=502)
        return JSONResponse(listed, headers={"Cache-Control": "no-store"})

    async def chat(request: Request) -> Response:
        # A page of another site cannot send JSON here without asking first, and it would not be allowed.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return PlainTextResponse("send application/json", status_code=415)
        body = bytearray()
        async for data in request.stream():
            body += data
            if len(body) > MAX_BODY_BYTES:
                return PlainTextResponse("the conversation is too long", status_code=413)
        try:
            asked = json.loads(body)
            messages, chosen = asked["messages"], asked.get("filter")
        except (ValueError, LookupError, TypeError, AttributeError):
            return PlainTextResponse('send {"messages": [...], "filter": {...} or null}', status_code=400)
        if not isinstance(messages, list):
            return PlainTextResponse("messages must be a list", status_code=400)
        lines = answer_lines(client, messages, chosen)
        # A browser that goes away, or stops the answer, ends these lines, and with them the request to the assistant.
        return StreamingResponse(
            lines,
            media_type="application/x-ndjson",
            headers={"Cache-Control": "no-store"},
            background=BackgroundTask(lines.aclose),  # at once, not when the garbage collector comes by
        )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    # Only by these names: a site that lets its own name point to this machine gets no answer.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(
        routes=[Route("/", page), Route("/files", files), Route("/chat", chat, methods=["POST"])],
        middleware=[hosts],
        lifespan=lifespan,
    )


async def answer_lines(client: AsyncAssistantClient, messages: list[Any], chosen: Any) -> AsyncGenerator[str, None]:
    """An answer as lines of JSON.

    `{"text"}` and `{"citation": {"position", "references"}}` as they come, `position` counted in code points of the whole
    text; then `{"end": {"model"}}`, or `{"error"}`.
    """
    model = None
    try:
        async with aclosing(client.stream_chat(messages, filter=chosen, include_highlights=True)) as chunks:
            async for chunk in chunks:
                model = chunk.model or model
                if chunk.content:
                    yield line(text=chunk.content)
                for citation in chunk.citations:
                    references = [public(reference) for reference in citation.references]
                    yield line(citation={"position": citation.start, "references": references})
    except AssistantError as error:  # the status is sent, so the stream itself has to say it
        yield line(error=str(error))
    else:
        yield line(end={"model": model})


def public(reference: Reference) -> dict[str, Any]:
    """What the browser may know of a source: not its signed link."""
    return {"file_name": reference.file_name, "pages": reference.pages, "highlight": reference.highlight}


def line(**event: Any) -> str:
    return json.dumps(event) + "\n"


def content_security_policy(html: str) -> str:
    """A policy under which the page's own script and style run, nothing else, and no text can become markup."""

    def hashes(tag: str) -> str:
        contents: list[str] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {hashes('script')}",
            f"style-src {hashes('style')}",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat in the browser.")
    parser.add_argument(
        "--live", action="store_true", help="ask your own assistant (PINECONE_API_KEY is used and billed)"
    )
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args()
    with connect(live=options.live) as connection, socket.create_server(("127.0.0.1", options.port)) as listener:
        print(f"Open http://127.0.0.1:{listener.getsockname()[1]}/ (Ctrl-C ends)", flush=True)
        app = create_app(AsyncAssistantClient(**connection))
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        with suppress(KeyboardInterrupt):  # Ctrl-C, after uvicorn has ended in good order
            uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
