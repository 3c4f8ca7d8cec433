"""Pinecone's OpenAPI descriptions as something that responses can be checked with."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

# Next to the project during development; the project never needs it.
FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "wire" / "openapi"
VERSIONS = ("2025-01", "2025-04", "2025-10", "2026-04")

# Null on the wire (the SDKs' documentation shows it), though some descriptions do not say so.
_KNOWN_NULLS = (
    ("HighlightModel",),
    ("ChoiceChunkModel", "finish_reason"),
    ("ChoiceChunkModel", "delta", "role"),
    ("ChoiceChunkModel", "delta", "content"),
)

_METHODS = ("get", "post", "put", "patch", "delete")
_FORMATS = FormatChecker(["uuid"])


@_FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value))


@dataclass(frozen=True)
class Operation:
    """One operation: a method and a path template such as `/files/{assistant_name}`."""

    method: str
    template: str
    responses: dict[str, Any]
    components: dict[str, Any]

    def matches(self, method: str, path: str) -> bool:
        """Return whether a request belongs to this operation."""
        pattern = re.sub(r"\{\w+\}", "[^/]+", self.template)
        return method == self.method and re.fullmatch(pattern, path) is not None

    def success_statuses(self) -> set[int]:
        """The documented statuses that are not errors."""
        return {int(status) for status in self.responses if status.startswith("2")}

    def check(self, status: int, content_type: str, body: bytes) -> None:
        """Raise if a response does not match its description; an undocumented error must be an ErrorResponse."""
        described = self.responses.get(str(status))
        if described is None:
            assert status >= 400, f"{self.method} {self.template}: {status} is not described"
            self._validate({"$ref": "#/components/schemas/ErrorResponse"}, json.loads(body))
            return
        content = described.get("content")
        if content is None:
            if status < 400:
                assert body == b"", f"{self.method} {self.template}: {status} has a body"
            return
        media_type = content_type.partition(";")[0]
        if media_type == "text/event-stream":
            schema = content.get(media_type, {}).get("schema", {})
            for event in body.decode().split("\n\n"):
                if event.startswith("data:"):
                    self._validate(schema, json.loads(event[len("data:") :]))
        else:
            self._validate(content[media_type]["schema"], json.loads(body))

    def _validate(self, schema: dict[str, Any], value: object) -> None:
        whole = {**_to_json_schema(schema), "components": self.components}
        Draft202012Validator(whole, format_checker=_FORMATS).validate(value)


def read_operations(version: str) -> list[Operation]:
    """Every operation of an API version."""
    yaml: Any = importlib.import_module("yaml")
    operations = []
    for part in ("control", "data", "evaluation"):
        document = yaml.safe_load((FOLDER / f"assistant_{part}_{version}.oas.yaml").read_text())
        add_known_nulls(document)
        components = {"schemas": _to_json_schema(document["components"]["schemas"])}
        for template, methods in document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    responses = methods[method]["responses"]
                    operations.append(Operation(method.upper(), template, responses, components))
    return operations


def add_known_nulls(schema: Any, name: str = "") -> None:
    """Marks the known nulls, in schemas that are components and in those that are written out where they are used."""
    if isinstance(schema, list):
        for item in schema:
            add_known_nulls(item)
    if not isinstance(schema, dict):
        return
    own_name = schema.get("x-component-name", name)
    for known, *fields in _KNOWN_NULLS:
        if own_name == known and "type" in schema:
            found = schema
            for field in fields:
                found = found.get("properties", {}).get(field, {})
            found["nullable"] = True
    for key, value in schema.items():
        add_known_nulls(value, key)


def _to_json_schema(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: nullable, x-enum, and one-of by discriminator instead of by trial."""
    if isinstance(schema, list):
        return [_to_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {"discriminator", "example", "nullable", "x-enum", "oneOf"}
    plain = {key: _to_json_schema(value) for key, value in schema.items() if key not in dropped}
    if "x-enum" in schema:
        plain["enum"] = list(schema["x-enum"])
    if schema.get("nullable") is True:
        plain["type"] = [plain["type"], "null"]
        if "enum" in plain:
            plain["enum"] = [*plain["enum"], None]
    if "oneOf" in schema:
        name, mapping = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
        plain["required"] = [name]
        plain["properties"] = {name: {"enum": list(mapping)}}
        plain["allOf"] = [
            {"if": {"properties": {name: {"const": value}}}, "then": {"$ref": reference}}
            for value, reference in mapping.items()
        ]
    return plain
