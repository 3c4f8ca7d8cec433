"""Finding a JSON Schema in the text of a question."""

from __future__ import annotations

import ast
import json
import re

Schema = dict[str, object]

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_KEYWORDS = frozenset({"properties", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "items", "prefixItems"})
_WRAPPERS = ("json_schema", "schema", "parameters", "input_schema")
_MAX_ATTEMPTS = 500
_MAX_LITERAL_CHARACTERS = 100_000
_FENCE = re.compile(r"```\w*\s*\Z")
_FENCE_END = re.compile(r"\A\s*```")


def split_schema(text: str) -> tuple[Schema | None, str]:
    """The last JSON Schema in a text, and the text without it.

    Instructions often show an example schema before the real one, so the last one counts. It may be in a code fence
    or in the middle of a line, have doubled braces (a template that was never filled in), or be written as a Python dict.
    """
    found: tuple[Schema, int, int] | None = None
    start = -1
    for _ in range(_MAX_ATTEMPTS):
        start = text.find("{", start + 1)
        if start < 0:
            break
        value, end = _decode_at(text, start)
        if value is None:
            continue
        schema = _unwrap(value)
        if schema is not None:
            found = schema, start, end
        start = end - 1
    if found is None:
        return None, text
    schema, start, end = found
    before, after = _FENCE.sub("", text[:start]), _FENCE_END.sub("", text[end:])
    return schema, f"{before} {after}".strip()


def is_schema(value: object) -> bool:
    """Return whether an object looks like a JSON Schema, not like data."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return True
    if isinstance(kind, list) and kind and all(isinstance(one, str) and one in _TYPES for one in kind):
        return True
    if isinstance(value.get("properties"), dict):
        return all(isinstance(one, dict | bool) for one in value["properties"].values())
    return bool(_KEYWORDS & value.keys()) and ("$defs" in value or "definitions" in value or "$schema" in value)


def _unwrap(value: Schema) -> Schema | None:
    """The schema, also if it comes in a wrapper such as `{"name": ..., "schema": {...}}`."""
    if is_schema(value) and not (value.get("type") == "object" and "properties" not in value):
        return value
    for wrapper in _WRAPPERS:
        inner = value.get(wrapper)
        if isinstance(inner, dict):
            found = _unwrap(inner)
            if found is not None:
                return found
    function = value.get("function")
    if isinstance(function, dict):
        return _unwrap(function)
    return value if is_schema(value) else None


def _decode_at(text: str, start: int) -> tuple[Schema | None, int]:
    """The object that begins here, and where it ends; None if there is none."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return _decode_loosely(text, start)
    return (value, end) if isinstance(value, dict) else (None, start)


def _decode_loosely(text: str, start: int) -> tuple[Schema | None, int]:
    end = _closing_brace(text, start)
    if end is None or end - start > _MAX_LITERAL_CHARACTERS:
        return None, start
    piece = text[start:end]
    try:
        if piece.startswith("{{") and piece.endswith("}}"):
            value = json.loads(piece.replace("{{", "{").replace("}}", "}"))
        else:
            value = ast.literal_eval(piece)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None, start
    return (value, end) if isinstance(value, dict) else (None, start)


def _closing_brace(text: str, start: int) -> int | None:
    """The end of the braces that open here, or None; braces in strings do not count."""
    depth = 0
    quote = ""
    index = start
    while index < len(text):
        character = text[index]
        if quote:
            if character == "\\":
                index += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    return None
