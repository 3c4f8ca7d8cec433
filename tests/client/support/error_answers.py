"""Error answers, and the errors that the client makes of them."""

from __future__ import annotations

import json
from typing import Any

from pinecone_assistant_client.errors import APIStatusError
from pinecone_assistant_client.wire.error_mapping import error_from_response

KEY = "pcsk_SECRETKEY"
HOST = "https://prod-1-data.ke.pinecone.io"
URL = "https://storage.googleapis.com/b/pine.pdf?X-Goog-Signature=SIGNED&X-Goog-Expires=3600"


def answered(
    status: int, body: Any = b"", *, now: float = 0.0, secrets: tuple[str, ...] = (KEY,), **headers: str
) -> APIStatusError:
    """The error for an answer; header names are written with `_`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(status, named, raw, assistant="docs", host=HOST, secrets=secrets, now=now)
