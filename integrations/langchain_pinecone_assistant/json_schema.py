"""The part of JSON Schema that describes answers, checked here because the service enforces none. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def violation(value: Any, schema: Any, *, root: Mapping[str, Any] | None = None, path: str = "$") -> str | None:
    """What is wrong with a decoded JSON value, such as `$.year is a string, not a integer`; None if it fits.

    Knows type, enum, const, required, properties, additionalProperties, items, allOf, anyOf, local `$ref`, and oneOf as if it
    were anyOf; other keywords (formats, bounds, patterns) are not checked, nor is what stands beside a `$ref`.

    Args:
        value: The value.
        schema: Its schema, or True or False.
        root: The schema that `$ref` points into; None is `schema` itself.
        path: Where the value stands, for the sentence.
    """
    if not isinstance(schema, Mapping):
        return f"{path} is not allowed" if schema is False else None
    root = schema if root is None else root
    if "$ref" in schema:
        return violation(value, _resolve(schema["$ref"], root), root=root, path=path)
    for part in schema.get("allOf", ()):
        wrong = violation(value, part, root=root, path=path)
        if wrong:
            return wrong
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found = [violation(value, part, root=root, path=path) for part in schema[word]]
            if found and all(found):
                return found[0] if len(found) == 1 else f"{path} fits none of {word}: {'; '.join(filter(None, found))}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{path} is {value!r}, not one of {schema['enum']!r}"
    if "const" in schema and value != schema["const"]:
        return f"{path} is {value!r}, not {schema['const']!r}"
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(_is_a(value, kind) for kind in kinds):
            return f"{path} is {_name(value)}, not {' or '.join(kinds)}"
    if isinstance(value, dict):
        return _in_object(value, schema, root, path)
    if isinstance(value, list) and "items" in schema:
        inside = (violation(one, schema["items"], root=root, path=f"{path}[{i}]") for i, one in enumerate(value))
        return next(filter(None, inside), None)
    return None


def _in_object(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> str | None:
    for name in schema.get("required", ()):
        if name not in value:
            return f"{path}.{name} is missing"
    properties = schema.get("properties", {})
    for name, one in value.items():
        rule = properties.get(name, schema.get("additionalProperties", True))
        wrong = violation(one, rule, root=root, path=f"{path}.{name}")
        if wrong:
            return wrong
    return None


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))


def _name(value: Any) -> str:
    return next((kind for kind in ("boolean", "integer", *_TYPES) if _is_a(value, kind)), type(value).__name__)


def _resolve(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(found, Mapping):
            return True
        found = found.get(part.replace("~1", "/").replace("~0", "~"), True)
    return found
