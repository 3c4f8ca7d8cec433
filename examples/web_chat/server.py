"""A chat in the browser: answers stream in, and each citation opens its passage.

`make chat` installs Gradio into an environment of its own and asks a local assistant that has read `examples/data`;
`make chat LIVE=1` asks your own. The key stays here, and so do the files' signed links.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # set before the import, so that Gradio sends no analytics
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pinecone_assistant_client import AsyncAssistantClient

sys.path.append(str(Path(__file__).parent.parent))
from demo_assistant import QUESTION, connect
from web_chat.page import CSS, THEME, Page

STARTERS = [QUESTION, "How deep is Lake Baikal and how old is it?", "How do honey bees tell each other where food is?"]
LIVE_STARTERS = ["What are these files about?", "What are the most important points, in a list?"]
# Gradio starts from inline scripts; no attribute of a text can become one, and nothing is loaded from elsewhere.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class OwnPagesOnly:
    """Refuse requests from other sites in the user's browser, and forbid the browser to load anything from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")
        if origin is not None and origin != b"http://" + host:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"another site's page may not ask"})
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self.app(scope, receive, with_policy)


def create_app(client: AsyncAssistantClient, *, live: bool, name: str) -> FastAPI:
    """Return the application, which closes the client when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    notice = (
        f"Your assistant “{name}”: every question and every upload is **billed**."
        if live
        else f"The **local** assistant “{name}”: no key, nothing is billed, nothing leaves this machine."
    )
    page = Page(client, notice=notice, starters=LIVE_STARTERS if live else STARTERS)
    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.add_middleware(OwnPagesOnly)
    # Only by these names: a site that lets its own name point to this machine gets no answer.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page.blocks,
        path="/",
        theme=THEME,
        css_paths=CSS,
        footer_links=[],
        run_history=False,
        max_file_size="100mb",
        ssr_mode=False,
    )
    return mounted


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat in the browser.")
    parser.add_argument(
        "--live", action="store_true", help="ask your own assistant (PINECONE_API_KEY is used and billed)"
    )
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args()
    with connect(live=options.live) as connection, socket.create_server(("127.0.0.1", options.port)) as listener:
        client = AsyncAssistantClient(**connection)
        name = connection.get("assistant_name") or os.environ["PINECONE_ASSISTANT_NAME"]
        print(f"Open http://127.0.0.1:{listener.getsockname()[1]}/ (Ctrl-C ends)", flush=True)
        app = create_app(client, live=options.live, name=name)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        # Each open page holds a connection; Ctrl-C cuts them, which is not an error to report.
        logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
        with suppress(KeyboardInterrupt):  # Ctrl-C, after uvicorn has ended in good order
            server.run(sockets=[listener])


if __name__ == "__main__":
    main()
