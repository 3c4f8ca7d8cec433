"""The checks that every request passes before an endpoint sees it: host, size, key, version, the log, faults."""

from __future__ import annotations

import hmac
import itertools
import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import ServiceError, too_large
from ..faults.effects import ConnectionGone, FaultyAnswer
from ..service.links import PATH as LINKS_PATH
from ..service.request_log import RecordedRequest, safe_headers
from ..service.service import Service
from .versions import resolve_version

MAX_JSON_BYTES = 8 * 1024 * 1024
HEALTH_PATH = "/healthz"
# Marks requests of the test itself, not of the client under test: they are not recorded, and no fault affects them. Sent by
# `LocalAssistant.upload`.
FAULTS_PATH = "/_faults"
MCP_PATH = "/mcp/"
_MCP_PLACES = re.compile(r"(?P<below>/assistant)?/mcp(?:/|\Z)")
AUTHOR_HEADER = "x-local-author"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

_ROOTS = frozenset({"assistants", "files", "operations", "chat", "evaluation"})
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")


class Gate:
    """The outermost ASGI application.

    It passes to the endpoints, in the scope's `state`: `version`, `record`, `base_url` and, for JSON, `body`.

    Args:
        app: The endpoints.
        service: The parts they work with.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._hosts = LOOPBACK_HOSTS | {host.lower() for host in service.options.allowed_hosts}
        self._counter = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        identified = _with_request_id(send, f"local-{next(self._counter):08d}")
        try:
            await self._pass(scope, receive, identified)
        except ServiceError as error:
            await send_error(error, identified)
        except (ConnectionGone, ClientDisconnect):
            return

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        state = scope["state"]
        state["base_url"] = f"{scope['scheme']}://{self._checked_host(headers)}"
        path = scope["path"] = _whole_path(scope["path"])
        if path == HEALTH_PATH or path.startswith(LINKS_PATH + "/"):
            await self._app(scope, receive, send)
            return
        state["is_upload_of_author"] = AUTHOR_HEADER in headers and _is_equal(
            headers[AUTHOR_HEADER], self._service.author
        )
        is_for_author = state["is_upload_of_author"] or path == FAULTS_PATH or path.startswith(FAULTS_PATH + "/")
        record = RecordedRequest(scope["method"], path)
        if not is_for_author:
            self._service.requests.add(record)
        # From a client without a valid key, nothing more is read or kept.
        self._check_key(headers, path)
        record.version = headers.get("x-pinecone-api-version")
        record.headers = safe_headers(headers.items(), self._service.options.api_key)
        record.query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        self._service.requests.grow(record, len(scope["query_string"]) + sum(len(k) + len(v) for k, v in headers.raw))
        if not _is_multipart(headers):
            body = await _read_body(headers, receive)
            state["body"] = body
            record.body = _decoded(body)
            self._service.requests.grow(record, len(body))
        state["version"] = resolve_version(record.version)
        state["record"] = record
        fault = None if is_for_author else self._service.faults.strike(record.method, path)
        if fault is None:
            await self._app(scope, receive, send)
            return
        answer = FaultyAnswer(fault, send, receive, state["transport"], body_is_read="body" in state)
        if await answer.before():
            await self._app(scope, answer.receive, answer.send)

    def _checked_host(self, headers: Headers) -> str:
        """Return the Host header, or raise 403: a page whose name was rebound to this machine (DNS rebinding) sends another."""
        value = headers.get("host", "")
        match = _HOST.fullmatch(value)
        if match is None or match["name"].lower() not in self._hosts:
            raise ServiceError(403, "FORBIDDEN", f"Host {value!r} is not allowed.")
        return value

    def _check_key(self, headers: Headers, path: str) -> None:
        given, where = headers.get("api-key", ""), ""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        place = _MCP_PLACES.match(path)
        if place is not None:
            # Paths below /assistant have no MCP endpoint: with the right key, an MCP client gets the 404 that says so.
            given = bearer or (given if place["below"] else "")
            where = " Send it as Authorization: Bearer <key>."
        elif bearer and not given:
            where = f" Send it as Api-Key: <key>; only {MCP_PATH}assistants/<name> takes Authorization: Bearer <key>."
        if not _is_equal(given, self._service.options.api_key):
            raise ServiceError(401, "UNAUTHENTICATED", f"Invalid API key.{where}")


async def send_error(error: ServiceError, send: Send) -> None:
    """Send an error in the service's shape."""
    body = msgspec.json.encode(error.to_body())
    pairs: Iterable[tuple[str, str]] = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **({"connection": "close"} if error.status == 413 else {}),
        **{name.lower(): value for name, value in error.headers.items()},
    }.items()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _is_equal(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _whole_path(path: str) -> str:
    """The path below `/assistant`, which some clients leave out.

    Pinecone's TypeScript SDK takes PINECONE_CONTROLLER_HOST as the base with `/assistant`, its Python SDKs as the base
    without it. This server has only one host, so it accepts both forms.
    """
    return f"/assistant{path}" if path.lstrip("/").partition("/")[0] in _ROOTS and path[:2] != "//" else path


def _with_request_id(send: Send, request_id: str) -> Send:
    async def identified(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-pinecone-request-id", request_id.encode())]
        await send(message)

    return identified


def _is_multipart(headers: Headers) -> bool:
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


async def _read_body(headers: Headers, receive: Receive) -> bytes:
    """The body; reading stops as soon as it is known to be too large."""
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_JSON_BYTES:
        raise too_large(MAX_JSON_BYTES)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_JSON_BYTES:
            raise too_large(MAX_JSON_BYTES)
        if not message.get("more_body", False):
            return b"".join(parts)


def _decoded(body: bytes) -> object:
    """Return a body's JSON for the log, or None if it is not JSON, which the endpoint then refuses."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


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
        """Handle one request."""
        if scope["path"] == HEALTH_PATH:  # health checks come every few seconds in a container
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
            if not scope["state"].get("is_upload_of_author"):
                self._report(f"{scope['method']} {shown} {status} {(time.perf_counter() - began) * 1000:.0f} ms")
