"""A line for each request, without what may be secret: no query string, no header, no body."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pinecone_assistant_local.gate import HEALTH_PATH


class RequestLines:
    """An ASGI application around another one that reports each request when it has ended, but not the health checks.

    Args:
        app: The application.
        report: Called with lines such as `POST /assistant/chat/docs 200 12 ms`.
    """

    def __init__(self, app: ASGIApp, report: Callable[[str], None]) -> None:
        self._app = app
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["path"] == HEALTH_PATH:  # asked every few seconds in a container
            await self._app(scope, receive, send)
            return
        status = "without an answer"
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            path: str = scope["path"]
            shown = path if path.isprintable() else ascii(path)
            self._report(f"{scope['method']} {shown} {status} {(time.perf_counter() - began) * 1000:.0f} ms")
