"""The common parts of endpoints: reading a request, writing JSON, pages of a list."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ..errors import assistant_not_found, invalid
from ..service.deletions import looks_again
from ..service.request_log import RecordedRequest
from ..service.service import Service
from ..store.files import StoredFile

DEFAULT_PAGE = 50
MAX_PAGE = 100
_MAX_DIGITS = 18  # the largest row number that SQLite accepts


@dataclass(frozen=True, slots=True)
class Call:
    """One request that has passed the gate.

    Attributes:
        request: Starlette's request.
        service: The parts to work with.
        version: The API version.
        base_url: Scheme and host, as the client sees them.
    """

    request: Request
    service: Service
    version: str
    base_url: str

    @classmethod
    def of(cls, request: Request) -> Call:
        """The call of a request."""
        state = request.scope["state"]
        return cls(request, request.app.state.service, state["version"], state["base_url"])

    @property
    def record(self) -> RecordedRequest:
        """This request's entry in the log."""
        record: RecordedRequest = self.request.scope["state"]["record"]
        return record

    @property
    def assistant(self) -> str:
        """The assistant's name in the path."""
        return str(self.request.path_params["assistant"])

    @property
    def looks_again(self) -> bool:
        """True if the client looks for what it has deleted once more, and must find it."""
        return looks_again(self.request.headers.get("user-agent"))

    async def existing_assistant(self) -> str:
        """The assistant's name in the path; 404 if there is no such assistant."""
        name = self.assistant
        if not await self.service.run(lambda: self.service.store.assistants.exists(name)):
            raise assistant_not_found(name)
        return name

    @property
    def body(self) -> bytes:
        """The body, if it is not a multipart one."""
        body: bytes = self.request.scope["state"].get("body", b"")
        return body

    def json(self) -> object:
        """The decoded JSON body; 400 if it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (ValueError, RecursionError) as error:
            raise invalid(f"Request body must be valid JSON: {error}") from error

    def query(self, name: str) -> str | None:
        """A query parameter."""
        return dict(parse_qsl(self.request.url.query, keep_blank_values=True)).get(name)

    def query_flag(self, name: str) -> bool:
        """A query parameter that is `true` or `false`, and false if it is missing."""
        value = self.query(name)
        if value not in (None, "true", "false", "True", "False"):
            raise invalid(f"{name} must be true or false")
        return value in ("true", "True")

    def link_to(self, file: StoredFile) -> str:
        """A signed link to a file's content."""
        return self.service.links.sign(self.base_url, file.assistant, file.id)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        limit: How many items.
        after: The last item of the part before; empty at the beginning.
    """

    limit: int
    after: str

    @classmethod
    def of(cls, call: Call) -> Page:
        """The requested page."""
        text = call.query("limit")
        limit = DEFAULT_PAGE
        if text is not None:
            if not text.isdecimal() or len(text) > _MAX_DIGITS or not 1 <= int(text) <= MAX_PAGE:
                raise invalid(f"Invalid limit: must be an integer between 1 and {MAX_PAGE}")
            limit = int(text)
        token = call.query("pagination_token")
        if not token:
            return cls(limit, "")
        try:
            return cls(limit, base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode())
        except (binascii.Error, ValueError) as error:
            raise invalid("Invalid pagination_token") from error

    @property
    def after_row(self) -> int:
        """`after` for lists in the order of their rows."""
        if not self.after:
            return 0
        if not self.after.isdecimal() or len(self.after) > _MAX_DIGITS:
            raise invalid("Invalid pagination_token")
        return int(self.after)


def next_page(last: str) -> dict[str, str]:
    """The `pagination` of a list that has more items."""
    return {"next": base64.urlsafe_b64encode(last.encode()).decode()}


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")
