"""The ASGI application: routes, and how errors reach the wire."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..errors import ServiceError, StoreError
from ..service.service import Service
from .assistants import ROUTES as ASSISTANT_ROUTES
from .call import json_response
from .chat import ROUTES as CHAT_ROUTES
from .evaluation import ROUTES as EVALUATION_ROUTES
from .faults import ROUTES as FAULT_ROUTES
from .files import ROUTES as FILE_ROUTES
from .gate import HEALTH_PATH, MCP_PATH, Gate
from .mcp import ROUTES as MCP_ROUTES
from .versions import has_operations

_logger = logging.getLogger("pinecone_assistant_local")


def create_app(service: Service, is_ready: Callable[[], bool]) -> ASGIApp:
    """The whole API over one service; `/healthz` answers 503 until `is_ready`."""
    routes: list[BaseRoute] = [
        Route(HEALTH_PATH, _health),
        *ASSISTANT_ROUTES,
        *FILE_ROUTES,
        *CHAT_ROUTES,
        *EVALUATION_ROUTES,
        *MCP_ROUTES,
        *(FAULT_ROUTES if service.options.serve_faults else ()),
    ]
    endpoints = Starlette(
        routes=routes,
        exception_handlers={
            ServiceError: _on_service_error,
            StoreError: _on_store_error,
            HTTPException: _on_http_error,
            Exception: _on_bug,
        },
    )
    # A redirect for an extra slash would make the client send its key and body a second time.
    endpoints.router.redirect_slashes = False
    endpoints.state.service = service
    endpoints.state.is_ready = is_ready
    return Gate(endpoints, service)


async def _health(request: Request) -> Response:
    return (
        json_response({"status": "ok"}) if request.app.state.is_ready() else json_response({"status": "starting"}, 503)
    )


async def _on_service_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101  (Starlette's handlers are typed by their base class)
    return json_response(error.to_body(), error.status, error.headers)


async def _on_store_error(_request: Request, error: Exception) -> Response:
    """Answer that the store failed, such as on a full disk. Only the log, not the client, learns where the store is."""
    _logger.error("%s", error)
    found = ServiceError(500, "INTERNAL", "The store cannot be used: the log of the server says why.")
    return json_response(found.to_body(), found.status)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answer requests that the router refuses: an unknown path or method."""
    assert isinstance(error, HTTPException)  # noqa: S101  (as above)
    if error.status_code == 405:
        message = f"{request.method} is not supported for {request.url.path}"
        headers = {"allow": ", ".join(sorted(_methods_of(request)))}
        found = ServiceError(405, "UNIMPLEMENTED", message, headers=headers)
    else:
        hint = f" The MCP endpoint of an assistant is {MCP_PATH}assistants/<name>." if "mcp" in request.url.path else ""
        found = ServiceError(error.status_code, "NOT_FOUND", f"Path {request.url.path} not found.{hint}")
    return json_response(found.to_body(), found.status, found.headers)


def _methods_of(request: Request) -> set[str]:
    """The methods of a path in this API version; the router itself names only the methods of the first matching route."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = [route for route in routes if route.path_regex.match(request.url.path)]
    methods = {method for route in found for method in route.methods or ()}
    version = request.scope["state"].get("version")  # signed links and the health check have none
    return methods if version is None or has_operations(version) else methods - {"PUT"}


async def _on_bug(_request: Request, _error: Exception) -> Response:
    """Starlette raises the error again after this answer, and the server logs it."""
    return Response(
        msgspec.json.encode(ServiceError(500, "UNKNOWN", "Internal server error").to_body()),
        500,
        media_type="application/json",
    )
