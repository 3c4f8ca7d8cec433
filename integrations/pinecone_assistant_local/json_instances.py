"""An instance of a JSON Schema, with its values taken from somewhere else.

The schema decides the shape and the limits, a `Filler` what stands in it. `if`, `not`, `patternProperties` and the like
are not looked at: they do not occur in schemas that describe an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote

from pinecone_assistant_local.errors import invalid
from pinecone_assistant_local.json_numbers import Range

# From this depth on, nothing optional is filled in any more, so that recursive schemas come to an end.
OPTIONAL_DEPTH = 5
MAX_DEPTH = 40
USUAL_ITEMS = 3

_FORMATS = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "nobody@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "hostname": "example.com",
}
_USUAL_CODES = (
    "",
    "a",
    "A",
    "abc",
    "ABC",
    "1",
    "12",
    "123",
    "1234",
    "12345",
    "AB-12",
    "ABC-123",
    "a1",
    "#000000",
    "en-US",
)
_IMPLIED_TYPES = (
    ("object", ("properties", "required", "additionalProperties")),
    ("array", ("items", "prefixItems", "minItems", "uniqueItems")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)

Node = Mapping[str, object]


class Filler(Protocol):
    """Where values come from. `name` is what the schema says about a value; `index` its place in a list."""

    def texts(self, name: str) -> Sequence[str]:
        """Texts for a value, best first."""

    def numbers(self, name: str) -> Sequence[float]:
        """Numbers for a value, best first."""

    def truth(self, name: str) -> bool:
        """Whether a statement holds."""

    def choose(self, name: str, options: Sequence[object]) -> object:
        """One of the options."""


def build_instance(schema: Node, filler: Filler) -> object:
    """A value that is valid under the schema.

    Raises:
        ServiceError: 400 if nothing finite can be.
    """
    return _Builder(schema, filler).build(schema, "", 0, 0)


class _Builder:
    def __init__(self, root: Node, filler: Filler) -> None:
        self._root = root
        self._filler = filler

    def build(self, schema: object, name: str, index: int, depth: int) -> object:
        """A value under one node of the schema."""
        if depth > MAX_DEPTH:
            raise invalid("The JSON Schema in the last message is nested without end")
        node = self._resolve(schema, depth)
        name = " ".join(str(part) for part in (name, node.get("title"), node.get("description")) if part)
        options = [node["const"]] if "const" in node else _items(node.get("enum"))
        if options:
            return self._choice(options, name, index)
        kind = _type_of(node)
        if kind == "object":
            return self._object(node, depth)
        if kind == "array":
            return self._array(node, name, depth)
        return self._scalar(kind, node, name, index)

    def _scalar(self, kind: str, node: Node, name: str, index: int) -> object:
        if kind == "string":
            return self._string(node, name, index)
        if kind in ("number", "integer"):
            return Range.of(node, is_integer=kind == "integer").pick(self._filler.numbers(name), index)
        return self._filler.truth(name) if kind == "boolean" else None

    def _resolve(self, schema: object, depth: int) -> Node:
        """The node with its references followed, its `allOf` joined and one of its alternatives chosen."""
        node: Node = schema if isinstance(schema, dict) else {}
        for _ in range(MAX_DEPTH):
            if "$ref" in node:
                node = _merge(self._target(str(node["$ref"])), _without(node, "$ref"))
            elif isinstance(node.get("allOf"), list):
                parts = _objects(node["allOf"])
                node = _without(node, "allOf")
                for part in parts:
                    node = _merge(self._resolve(part, depth), node)
            elif _objects(node.get("anyOf")) or _objects(node.get("oneOf")):
                key = "anyOf" if _objects(node.get("anyOf")) else "oneOf"
                node = _merge(self._alternative(_objects(node[key]), depth), _without(node, key))
            else:
                return node
        raise invalid("The JSON Schema in the last message refers to itself without end")

    def _alternative(self, options: Sequence[Node], depth: int) -> Node:
        """The first alternative that is not null; deep down the simplest one."""

        def cost(option: Node) -> int:
            kind = option.get("type")
            if kind == "null":
                return 0 if depth >= OPTIONAL_DEPTH else 9
            if depth < OPTIONAL_DEPTH:
                return 1
            return 3 if "$ref" in option else 2 if kind in ("object", "array") else 1

        return min(options, key=cost)

    def _target(self, reference: str) -> Node:
        if not reference.startswith("#"):
            raise invalid(f"The JSON Schema in the last message has a reference that leads outside: {reference}")
        target: object = self._root
        for step in reference[1:].split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise invalid(f"The JSON Schema in the last message has a reference that leads nowhere: {reference}")
        return target

    def _object(self, node: Node, depth: int) -> dict[str, object]:
        properties = node.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = [key for key in _items(node.get("required")) if isinstance(key, str)]
        additional = node.get("additionalProperties")
        wanted = dict.fromkeys(required)
        if depth < OPTIONAL_DEPTH:
            wanted = dict.fromkeys((*properties, *required))
        built = {
            key: self.build(properties.get(key, additional), _words(key), 0, depth + 1)
            for key in _at_most(wanted, required, node.get("maxProperties"))
        }
        least = node.get("minProperties")
        while isinstance(least, int) and len(built) < least:
            key = next((key for key in properties if key not in built), f"field{len(built) + 1}")
            built[key] = self.build(properties.get(key, additional), _words(key), 0, depth + 1)
        return built

    def _array(self, node: Node, name: str, depth: int) -> list[object]:
        prefix = _items(node.get("prefixItems"))
        items = node.get("items")
        if isinstance(items, list):  # older drafts call the prefix `items`
            prefix, items = items, node.get("additionalItems")
        least = _count(node.get("minItems"), 0)
        most = _count(node.get("maxItems"), max(USUAL_ITEMS, least, len(prefix)))
        if items is False:
            most = min(most, len(prefix))
        wanted = least if depth >= OPTIONAL_DEPTH else max(least, min(most, max(len(prefix), self._usual(name))))
        built: list[object] = []
        for index in range(wanted * 4 + 8):
            if len(built) >= wanted:
                break
            schema = prefix[len(built)] if len(built) < len(prefix) else items
            item = self.build(schema, name, index, depth + 1)
            if not node.get("uniqueItems") or not _contains(built, item):
                built.append(item)
        return built

    def _usual(self, name: str) -> int:
        return max(1, min(USUAL_ITEMS, len(self._filler.texts(name))))

    def _choice(self, options: Sequence[object], name: str, index: int) -> object:
        first = self._filler.choose(name, options)
        ordered = [first, *(option for option in options if option is not first)]
        return ordered[index % len(ordered)]

    def _string(self, node: Node, name: str, index: int) -> str:
        kind = node.get("format")
        if isinstance(kind, str) and kind in _FORMATS:
            return _FORMATS[kind]
        texts = self._filler.texts(name) or ["unknown"]
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            return _matching(pattern, texts)
        text = texts[index % len(texts)] + (f" ({index // len(texts) + 1})" if index >= len(texts) else "")
        most = node.get("maxLength")
        if isinstance(most, int) and len(text) > most:
            suffix = f" {index + 1}"[:most] if index else ""
            text = text[: most - len(suffix)].rstrip() + suffix
        return text.ljust(_count(node.get("minLength"), 0), ".")


def _type_of(node: Node) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        return next((str(one) for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return next((implied for implied, keys in _IMPLIED_TYPES if any(key in node for key in keys)), "string")


def _merge(base: Node, over: Node) -> Node:
    """Both nodes' demands; where both name one, the second's counts."""
    merged = {**base, **over}
    for key in ("properties", "$defs"):
        left, right = base.get(key), over.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            merged[key] = {**left, **right}
    if "required" in base and "required" in over:
        merged["required"] = [*_items(base["required"]), *_items(over["required"])]
    return merged


def _matching(pattern: str, texts: Iterable[str]) -> str:
    """The first text, word or usual value that the pattern finds something in."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return next(iter(texts))
    words = [word for text in texts for word in (text, *text.split())]
    for candidate in (*words, *_USUAL_CODES, *_FORMATS.values()):
        if compiled.search(candidate):
            return candidate
    return next(iter(texts))


def _at_most(wanted: dict[str, None], required: Sequence[str], most: object) -> list[str]:
    if not isinstance(most, int) or len(wanted) <= most:
        return list(wanted)
    kept = set([*required, *(key for key in wanted if key not in required)][:most])
    return [key for key in wanted if key in kept]


def _contains(built: Sequence[object], item: object) -> bool:
    """JSON equality, in which true is not 1."""
    return any(type(other) is type(item) and other == item for other in built)


def _count(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[Node]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _without(node: Node, key: str) -> Node:
    return {other: value for other, value in node.items() if other != key}


def _words(key: str) -> str:
    """`maxHeightMeters` and `max_height_meters` as words."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)).strip()
