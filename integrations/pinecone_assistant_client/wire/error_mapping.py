"""Turn the status, headers and body of a refused request into one error that says what to do. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from ..errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ErrorResponse,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from ..redaction import cleaned, excerpt, printable, without_secrets
from .mending import parsed

_LISTED_HEADERS = frozenset(
    {"content-type", "content-length", "date", "retry-after", "server", "x-pinecone-request-id", "x-request-id"}
)


def parse_error_body(body: bytes, *secrets: str) -> tuple[Any, str]:
    """Return an error's body as a JSON value (or as text if it is not JSON), and its text; both without secrets."""
    raw = body.decode("utf-8", "replace").removeprefix("\ufeff")
    text = without_secrets(raw, *secrets)
    if raw.lstrip()[:1] not in ("{", "["):
        return text, text
    try:
        found = parsed(raw.encode())
        content = cleaned(found, *secrets)
        return content, text if content == found else msgspec.json.encode(content).decode()
    except (ValueError, RecursionError):
        return text, text


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Return the seconds that a Retry-After header (seconds or an HTTP date) asks to wait, or None if it is not usable.

    Args:
        value: The header, or None.
        now: The current time in seconds since the epoch, to which a date is compared.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            # An HTTP date without a zone is in UTC; a naive datetime would be taken for this machine's zone.
            seconds = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def parse_service_error(body: Any) -> tuple[str | None, str | None]:
    """Return the service's (code, message) from any body it is known to send; None for a missing one.

    Shapes: `{"error": {"code", "message"}, "status"}`, `{"error": "text"}`, `{"message": "..."}`, or plain text.
    """
    if isinstance(body, str):
        return None, body.strip() or None
    if not isinstance(body, dict):
        return None, None
    error = body.get("error", body)
    if isinstance(error, str):
        return None, error
    if not isinstance(error, dict):
        error = body
    code, message = error.get("code"), error.get("message")
    return (
        str(code) if isinstance(code, (str, int)) else None,
        message if isinstance(message, str) else None,
    )


_CLASSES: dict[int, type[APIStatusError]] = {
    401: AuthenticationError,
    402: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: InternalServerError,
    429: RateLimitError,
}


def _explain(status: int, *, assistant: str, host: str, subject: str | None) -> str:
    """Return the meaning of a status, with advice on what to do."""
    if status == 401:
        return f"the API key was refused by {host} (401): check PINECONE_API_KEY or api_key="
    if status == 402:
        return f'{host} asks for payment (402) before assistant "{assistant}" answers: check the plan and billing'
    if status == 403:
        return f'this key may not use assistant "{assistant}" on {host} (403): check quota and the key\'s rights'
    if status == 404 and subject is not None:
        return f"{subject} not found on {host} (404): check the id, the assistant's name, the project's key or the host"
    if status == 404:
        return f'assistant "{assistant}" not found on {host} (404): check the name, the project\'s key or the host'
    if status == 413:
        return f"the request is too large for {host} (413): send fewer or shorter messages"
    if status == 429:
        return f"too many requests to {host} (429): wait, send fewer at once, or raise max_retries"
    if status == 408 or status >= 500:
        return f"{host} failed to answer ({status}): try again later"
    if 300 <= status < 400:
        return f"{host} answered with a redirect ({status}), which is not followed because the key is only for {host}: set host="
    return f'{host} refused the request to assistant "{assistant}" ({status}): change what the service names'


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    assistant: str,
    host: str,
    subject: str | None = None,
    secrets: tuple[str, ...] = (),
    now: float = 0.0,
) -> APIStatusError:
    """The error for an answer with a status outside 2xx.

    Args:
        status: The HTTP status.
        headers: The answer's headers, names in lower case.
        body: The answer's body, or its beginning.
        assistant: The assistant that was asked, for the message.
        host: The host that was asked, for the message.
        subject: The thing that a 404 is about; None is the assistant.
        secrets: Strings to cut out of everything kept.
        now: Seconds since the epoch, for a Retry-After date.
    """
    content, text = parse_error_body(body, *secrets)
    is_page = text.lstrip()[:1] == "<"
    code, said = (None, None) if is_page else parse_service_error(content)
    message = _explain(status, assistant=assistant, host=host, subject=subject)
    if is_page:
        message += ". A web page came back, not the service's own error: look for a proxy or a wrong host on the way"
    elif said:
        message += f". The service said: {f'{code}: ' if code else ''}{excerpt(said)}"
    request_id = headers.get("x-pinecone-request-id") or headers.get("x-request-id")
    if request_id:
        request_id = without_secrets(request_id, *secrets)
        message += f" (request {request_id})"
    cls = _CLASSES.get(status) or (InternalServerError if status >= 500 else BadRequestError)
    return cls(
        message,
        status_code=status,
        code=code,
        body=content,
        request_id=request_id,
        retry_after=parse_retry_after(headers.get("retry-after"), now=now),
        response=ErrorResponse(
            status_code=status,
            headers={k: printable(without_secrets(v, *secrets)) for k, v in headers.items() if k in _LISTED_HEADERS},
            text=text,
        ),
    )


def error_of_link(status: int, headers: Mapping[str, str], host: str, subject: str, *, now: float) -> APIStatusError:
    """The error for a signed link that was not answered with 200. Nothing of the answer is kept: it may repeat the link.

    Args:
        status: The HTTP status.
        headers: The answer's headers, names in lower case.
        host: The host of the link.
        subject: The file, for the message.
        now: Seconds since the epoch, for a Retry-After date.
    """
    if status == 429:
        cls: type[APIStatusError] = RateLimitError
    else:
        cls = InternalServerError if status == 408 or status >= 500 else BadRequestError
    what = "answered with a redirect, which is not followed" if 300 <= status < 400 else "did not hand it out"
    return cls(
        f"the content of {subject} cannot be read: {host} {what} ({status}). Its link is made anew for each read: try again",
        status_code=status,
        retry_after=parse_retry_after(headers.get("retry-after"), now=now),
        response=ErrorResponse(status_code=status, headers={}, text=""),
    )
