"""What may be shown of a text that a peer sent: without keys, without signed links, and not all of it. Pure."""

from __future__ import annotations

import re
from typing import Any

_MAX_EXCERPT = 300
_LONG_SECRET = 12
# A URL without a query matches too: so each character is looked at once, however long the path is.
_URL = re.compile(r"(https?:[/\\]{2,4}[^\s\"'<>?]*)(\?[^\s\"'<>)]+)?", re.IGNORECASE)


def without_secrets(text: str, *secrets: str) -> str:
    """`text` with every secret, and the query of every URL (signed URLs keep their signature there), cut out.

    A short secret, such as the key "local" of a test, counts only where it stands alone: "localhost" is none.
    """
    for secret in secrets:
        if len(secret) >= _LONG_SECRET:
            text = text.replace(secret, "[secret]")
        elif secret and secret in text:
            text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "[secret]", text)
    return _URL.sub(_without_query, text)


def _without_query(url: re.Match[str]) -> str:
    return f"{url[1]}?[cut]" if url[2] else url[1]


def cleaned(value: Any, *secrets: str) -> Any:
    """A JSON value with the same cut out of all its texts, also where JSON wrote them with escapes."""
    if isinstance(value, str):
        return without_secrets(value, *secrets)
    if isinstance(value, list):
        return [cleaned(item, *secrets) for item in value]
    if isinstance(value, dict):
        return {cleaned(name, *secrets): cleaned(item, *secrets) for name, item in value.items()}
    return value


def excerpt(text: str) -> str:
    """The beginning of a text on one line, for a message."""
    line = " ".join(text[: 4 * _MAX_EXCERPT].split())
    return line if len(line) <= _MAX_EXCERPT else line[:_MAX_EXCERPT] + "..."
