"""Make text from a peer safe to show: keys and signed links cut out, and shortened. Pure."""

from __future__ import annotations

import re
from typing import Any

_MAX_EXCERPT = 300
_LONG_SECRET = 12
_TOLD_BY_A_BEGINNING = 6
# Endings of a text that was cut: the dots, or the pointer to the docs, which replaces them in an error's message.
_AFTER_A_CUT = ("...", "; see ")
# A URL without a query matches too: so each character is looked at once, however long the path is.
_URL = re.compile(r"(https?:[/\\]{2,4}[^\s\"'<>?]*)(\?[^\s\"'<>)]+)?", re.IGNORECASE)
# A proxy's address may have a name and a password in it; libraries put it into their messages. The bounds keep it linear.
_LOGIN = re.compile(r"(?<=://)[^\s\"'<>/@]{1,512}@")

_INVENTED_STATUS = re.compile(r"(?<=<)(\w+: )400, message=|^400, message:\s+")


def without_secrets(text: str, *secrets: str) -> str:
    """Return `text` without the secrets, logins in URLs, and queries of signed URLs.

    A short secret, such as a test's key "local", is cut only where it is not part of a longer name ("localhost",
    "local.json").
    """
    for secret in secrets:
        if len(secret) >= _LONG_SECRET:
            text = _without_beginning(text.replace(secret, "[secret]"), secret)
        elif secret and secret in text:
            text = re.sub(rf"(?<![\w-])(?<!\w\.){re.escape(secret)}(?![\w-]|\.\w)", "[secret]", text)
    return _LOGIN.sub("[cut]@", _URL.sub(_without_query, text))


def _without_beginning(text: str, secret: str) -> str:
    """Cut out the beginning of a secret at a text's end: excerpts and bounds cut texts at any character."""
    start = text.find(secret[:_TOLD_BY_A_BEGINNING])
    while start >= 0:
        end = start + _TOLD_BY_A_BEGINNING
        while text[end : end + 1] == secret[end - start : end - start + 1] != "":
            end += 1
        if end == len(text) or text.startswith(_AFTER_A_CUT, end):
            text = f"{text[:start]}[secret]{text[end:]}"
        start = text.find(secret[:_TOLD_BY_A_BEGINNING], start + 1)
    return text


def _without_query(url: re.Match[str]) -> str:
    return f"{url[1]}?[cut]" if url[2] else url[1]


def cleaned(value: Any, *secrets: str) -> Any:
    """Return a JSON value with the same cut out of all its strings, also of those that JSON wrote with escapes."""
    if isinstance(value, str):
        return without_secrets(value, *secrets)
    if isinstance(value, list):
        return [cleaned(item, *secrets) for item in value]
    if isinstance(value, dict):
        return {cleaned(name, *secrets): cleaned(item, *secrets) for name, item in value.items()}
    return value


def printable(text: str) -> str:
    """Return a text with U+FFFD for characters that are not printable, and blanks for tabs and line ends.

    Otherwise text from a peer, or a file's name, could move a terminal's cursor, hide parts of a log, or add lines to it.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else " " if character.isspace() else "\ufffd" for character in text
    )


def words_of(error: BaseException) -> str:
    """Return the text of a library's error, without a status that no server sent.

    aiohttp's parser gives its errors the status 400: `<TransferEncodingError: 400, message=...>`, `400, message: ...`, and the
    ClientResponseError that it raises from one of these.
    """
    if getattr(error, "request_info", None) is not None and error.__cause__ is not None:
        error = error.__cause__
    return _INVENTED_STATUS.sub(lambda found: found[1] or "", str(error))


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line, for a message. A cut is marked, so `without_secrets` recognises it."""
    line = printable(" ".join(text[: 4 * _MAX_EXCERPT].split()))
    is_whole = len(line) <= _MAX_EXCERPT and len(text) <= 4 * _MAX_EXCERPT
    return line if is_whole else line[:_MAX_EXCERPT] + "..."
