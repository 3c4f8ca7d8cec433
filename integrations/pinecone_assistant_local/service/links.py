"""Signed links to file contents: anyone who has a link may read the file until the link expires."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

LIFETIME_SECONDS = 3600
PATH = "/assistant/signed"


class Links:
    """Signed links, made and checked.

    The link to a file changes only once an hour, so that the same question gets the same text; it is valid for one to
    two hours.

    Args:
        clock_seconds: Seconds since the epoch; a parameter for tests.
    """

    def __init__(self, clock_seconds: Callable[[], float] = time.time) -> None:
        self._clock = clock_seconds
        self._started = int(clock_seconds())
        self._secret = secrets.token_bytes(32)

    def sign(self, base_url: str, assistant: str, file_id: str) -> str:
        """A link under `base_url` (scheme and host)."""
        hours = (int(self._clock()) - self._started) // LIFETIME_SECONDS
        expires = self._started + (hours + 2) * LIFETIME_SECONDS
        path = f"{PATH}/{quote(assistant, safe='')}/{quote(file_id, safe='')}"
        query = urlencode({"expires": expires, "signature": self._signature(assistant, file_id, str(expires))})
        return f"{base_url}{path}?{query}"

    def is_valid(self, assistant: str, file_id: str, expires: str, signature: str) -> bool:
        """Return whether the signature of a link is valid and has not expired."""
        expected = self._signature(assistant, file_id, expires)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            return False
        return int(expires) > self._clock()

    def _signature(self, assistant: str, file_id: str, expires: str) -> str:
        message = "\n".join((assistant, file_id, expires)).encode("utf-8", "replace")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
