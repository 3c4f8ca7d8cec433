"""An OpenAPI description for schemathesis: with the rules that it gives in prose, so that good requests are made too."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ..documents.made_files import assemble
from .descriptions import add_known_nulls

VERSION_HEADER = "X-Pinecone-Api-Version"
FACT = "The red pine can grow up to 25 meters high."
QUESTION = "How high can a red pine grow?"

# For a property or query parameter of that name.
_VALUES: dict[str, dict[str, Any]] = {
    "assistant_name": {"pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"},
    "messages": {"minItems": 1},
    "role": {"enum": ["user", "assistant"]},
    "content": {"pattern": r"\S", "example": QUESTION},
    "query": {"pattern": r"\S", "example": QUESTION},
    "temperature": {"minimum": 0, "maximum": 2},
    "top_k": {"minimum": 1, "maximum": 64},
    "snippet_size": {"minimum": 512, "maximum": 8192},
    "limit": {"minimum": 1, "maximum": 100},
    "include_url": {"enum": ["true", "false"]},
    "multimodal": {"enum": ["true", "false"]},
}
_MESSAGE = {"role", "content"}
_EXACTLY_ONE = {"oneOf": [{"required": ["query"]}, {"required": ["messages"]}]}


def read_description(path: Path) -> Any:
    """A description as it is meant.

    `x-enum` becomes an enumeration. Fields known to be null may be null. A discriminator selects between alternatives
    with similar shapes. The schema of a stream describes the data of its events, where schemathesis expects the events
    (`test_openapi.py` checks both). Every request sends the version header: without it, the service and the local
    assistant answer as the oldest version, which has another description.
    """
    yaml: Any = importlib.import_module("yaml")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    add_known_nulls(document)
    return _rewritten(document)


def _rewritten(value: Any) -> Any:
    if isinstance(value, list):
        return [_rewritten(one) for one in value if not (isinstance(one, dict) and one.get("name") == VERSION_HEADER)]
    if not isinstance(value, dict):
        return value
    made = {key: _rewritten(one) for key, one in value.items() if key != "x-enum"}
    if "x-enum" in value:
        made["enum"] = [*value["x-enum"], *([None] if value.get("nullable") else [])]
    if "oneOf" in made and "discriminator" in made:
        made["anyOf"] = made.pop("oneOf")
    if "text/event-stream" in made:
        made["text/event-stream"] = {}
    if isinstance(made.get("properties"), dict):
        _add_prose(made)
    elif made.get("in") == "query":
        _add_values(made["name"], made["schema"])
    return made


def _add_prose(schema: dict[str, Any]) -> None:
    """Add the rules that only the description's prose states for a request object."""
    properties = schema["properties"]
    if set(properties) == _MESSAGE and not any("nullable" in one for one in properties.values()):
        schema["required"] = sorted(_MESSAGE)
        for name in _MESSAGE:
            _add_values(name, properties[name])
    if {"name", "instructions"} <= set(properties):
        _add_values("assistant_name", properties["name"])
    if properties.get("file", {}).get("format") == "binary":
        properties["file"]["example"] = _text_pdf()
    if {"query", "messages"} <= set(properties):
        schema |= _EXACTLY_ONE
    for name in set(properties) & {"messages", "query", "temperature", "top_k", "snippet_size"}:
        _add_values(name, properties[name])


def _add_values(name: str, schema: dict[str, Any]) -> None:
    for key, rule in _VALUES.get(name, {}).items():
        schema.setdefault(key, rule)


def _text_pdf() -> str:
    """A PDF in ASCII, because an example in a description is text; uploads of other types are refused by their names."""
    content = f"BT /F 12 Tf 72 720 Td ({FACT}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    return assemble(objects).decode("ascii")
