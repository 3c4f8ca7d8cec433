"""The rules for metadata on files and assistants."""

from __future__ import annotations

import msgspec

from ..errors import invalid
from .filters import typed_value

MAX_BYTES = 16_384

Metadata = dict[str, object]


def validate_file_metadata(value: object) -> Metadata | None:
    """The metadata of a file: a flat object of strings, numbers, booleans and lists of strings, at most 16 KB."""
    if value is None:
        return None
    metadata = validate_assistant_metadata(value)
    for key, item in metadata.items():
        if key.startswith("$"):
            raise invalid(f"Metadata key {key!r} must not start with '$'")
        if isinstance(item, list):
            if not all(isinstance(element, str) for element in item):
                raise invalid(f"Metadata value of {key!r} must be a list of strings")
        elif typed_value(item) is None:
            raise invalid(f"Metadata value of {key!r} must be a string, number, boolean or list of strings")
    return metadata


def validate_assistant_metadata(value: object) -> Metadata:
    """The metadata of an assistant: any JSON object of at most 16 KB."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise invalid("Metadata must be a JSON object")
    try:
        size_bytes = len(msgspec.json.encode(value))
    except (TypeError, RecursionError, UnicodeEncodeError) as error:
        raise invalid(f"Metadata must be plain JSON: {error}") from error
    if size_bytes > MAX_BYTES:
        raise invalid(f"Metadata exceeds maximum length of {MAX_BYTES} bytes")
    return value


def decode_metadata(text: str | bytes, where: str) -> object:
    """The JSON value of a metadata or filter text that came in the query or in a form field."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"{where} must be valid JSON: {error}") from error
