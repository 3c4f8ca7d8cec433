"""An instance of a JSON Schema, with its values taken from somewhere else.

The schema decides the shape and the limits; a `Filler` supplies the values. Only the keywords that pydantic and this
project's adapters write are supported; others, such as `if`, `not` and `patternProperties`, are ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..errors import invalid

# From this depth or this number of values on, nothing optional is filled in, so that recursive schemas come to an end.
OPTIONAL_DEPTH = 5
OPTIONAL_VALUES = 1_000
# A schema can ask for endless depth, or a list of a billion items.
MAX_DEPTH = 40
MAX_VALUES = 2_000
MAX_CHARACTERS = 100_000
USUAL_ITEMS = 3
_TRIES = 16

_FORMATS = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "nobody@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uuid4": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}
# Values that match many patterns, tried when no word of the passages matches.
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
_IMPLIED_TYPES = {"properties": "object", "required": "object", "items": "array", "prefixItems": "array"}

Node = Mapping[str, object]


class Filler(Protocol):
    """A source of values. `name` is the text that the schema has about a value."""

    def texts(self, name: str) -> Sequence[str]:
        """Texts for a value, best first."""

    def numbers(self, name: str) -> Sequence[float]:
        """Numbers for a value, best first."""

    def truth(self, name: str) -> bool:
        """Return whether a statement holds."""

    def choose(self, name: str, options: Sequence[object]) -> object:
        """One of the options."""


def build_instance(schema: Node, filler: Filler) -> object:
    """A value that is valid under the schema.

    Raises:
        ServiceError: 400 if the schema has no finite instance, or none of a reasonable size.
    """
    try:
        return _Builder(schema, filler).build(schema, "", 0, 0)
    except (OverflowError, RecursionError) as error:
        raise invalid("The JSON Schema in the last message has no instance of a reasonable size") from error


class _Builder:
    def __init__(self, root: Node, filler: Filler) -> None:
        self._root = root
        self._filler = filler
        self._count = 0

    def build(self, schema: object, name: str, index: int, depth: int) -> object:
        """A value under one node of the schema; `index` is its place in a list."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_VALUES:
            raise invalid("The JSON Schema in the last message has no instance of a reasonable size")
        node = self._resolve(schema, depth)
        name = " ".join(str(part) for part in (name, node.get("title"), node.get("description")) if part)
        options = [node["const"]] if "const" in node else _list(node, "enum")
        if options:
            first = self._filler.choose(name, options)
            ordered = [first, *(option for option in options if option is not first)]
            return ordered[index % len(ordered)]
        kind = _type_of(node)
        if kind == "object":
            return self._object(node, depth)
        if kind == "array":
            return self._array(node, name, depth)
        if kind in ("number", "integer"):
            return _number(node, self._filler.numbers(name), index, is_integer=kind == "integer")
        if kind == "boolean":
            return self._filler.truth(name)
        return None if kind == "null" else _string(node, self._filler.texts(name) or ["unknown"], index)

    def _resolve(self, schema: object, depth: int) -> Node:
        """The node with its references resolved, its `allOf` merged and one of its alternatives chosen."""
        node: Node = schema if isinstance(schema, dict) else {}
        for _ in range(MAX_DEPTH):
            others = _nodes(node, "anyOf") or _nodes(node, "oneOf")
            if "$ref" in node:
                node = _merge(self._target(str(node["$ref"])), _without(node, "$ref"))
            elif "allOf" in node:
                parts, node = _nodes(node, "allOf"), _without(node, "allOf")
                for part in parts:
                    node = _merge(self._resolve(part, depth), node)
            elif others:
                node = _merge(
                    _alternative(others, wants_little=self._wants_little(depth)), _without(node, "anyOf", "oneOf")
                )
            else:
                return node
        raise invalid("The JSON Schema in the last message refers to itself without end")

    def _wants_little(self, depth: int) -> bool:
        return depth >= OPTIONAL_DEPTH or self._count > OPTIONAL_VALUES

    def _target(self, reference: str) -> Node:
        if not reference.startswith("#"):
            raise invalid(f"The JSON Schema in the last message has a reference that leads outside: {reference}")
        target: object = self._root
        for step in reference.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise invalid(f"The JSON Schema in the last message has a reference that leads nowhere: {reference}")
        return target

    def _object(self, node: Node, depth: int) -> dict[str, object]:
        properties = node.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = [key for key in _list(node, "required") if isinstance(key, str)]
        optional = [] if self._wants_little(depth) else [key for key in properties if key not in required]
        missing = _integer_of(node, "minProperties", 0) - len(required) - len(optional)
        optional += [f"field{number}" for number in range(1, min(missing, MAX_VALUES) + 1)]
        most = max(0, _integer_of(node, "maxProperties", MAX_VALUES + 1) - len(required))
        keys = {*required, *optional[:most]}
        others = node.get("additionalProperties")
        return {
            key: self.build(properties.get(key, others), _words(key), 0, depth + 1)
            for key in dict.fromkeys((*properties, *required, *optional))
            if key in keys
        }

    def _array(self, node: Node, name: str, depth: int) -> list[object]:
        prefix = _list(node, "prefixItems")
        least = _integer_of(node, "minItems", 0)
        most = len(prefix) if node.get("items") is False else _integer_of(node, "maxItems", MAX_VALUES)
        usual = max(1, len(prefix), min(USUAL_ITEMS, len(self._filler.texts(name))))
        wanted = min(least if self._wants_little(depth) else max(least, usual), most, MAX_VALUES)
        built: list[object] = []
        for index in range(wanted * 4 + 8):
            if len(built) == wanted:
                break
            schema = prefix[len(built)] if len(built) < len(prefix) else node.get("items")
            item = self.build(schema, name, index, depth + 1)
            # JSON's equality, in which true is not 1.
            if not (node.get("uniqueItems") and any(type(one) is type(item) and one == item for one in built)):
                built.append(item)
        return built


def _alternative(options: Sequence[Node], *, wants_little: bool) -> Node:
    """The first alternative that is not null, or the simplest one."""

    def cost(option: Node) -> int:
        kind = option.get("type")
        if not wants_little:
            return int(kind == "null")
        return 0 if kind == "null" else 3 if "$ref" in option else 2 if kind in ("object", "array") else 1

    return min(options, key=cost)


def _number(node: Node, candidates: Sequence[float], index: int, *, is_integer: bool) -> float | int:
    """One of the candidates that the limits allow, by its index; otherwise some number that they allow."""
    least, most = _number_of(node, "minimum"), _number_of(node, "maximum")
    above, below = _number_of(node, "exclusiveMinimum"), _number_of(node, "exclusiveMaximum")
    step = abs(_number_of(node, "multipleOf") or 0) or (1 if is_integer else 0)
    low = max((limit for limit in (least, above) if limit is not None), default=None)
    high = min((limit for limit in (most, below) if limit is not None), default=None)

    def allows(number: float) -> bool:
        return (
            (low is None or (number > low if low == above else number >= low))
            and (high is None or (number < high if high == below else number <= high))
            # As validators do it, by dividing floats: 0.3 is not a multiple of 0.1.
            and (not step or (number / step).is_integer())
            and (not is_integer or float(number).is_integer())
        )

    unit = step or 1
    steps = range(index + _TRIES)
    if low is None and high is not None:
        others = [(high // unit - count) * unit for count in steps]
    else:
        others = [(count - -(low or 0) // unit) * unit for count in steps]
    if low is not None and high is not None:
        others.append((low + high) / 2)
    allowed = [number for number in (*candidates, *others) if allows(number)] or [low or high or 0]
    number = allowed[index % len(allowed)]
    return int(number) if float(number).is_integer() else number


def _string(node: Node, texts: Sequence[str], index: int) -> str:
    known = _FORMATS.get(str(node.get("format")))
    if known is not None:
        return known
    pattern = node.get("pattern")
    if isinstance(pattern, str):
        return _matching(pattern, texts)
    text = texts[index % len(texts)] + (f" ({index // len(texts) + 1})" if index >= len(texts) else "")
    most = max(0, _integer_of(node, "maxLength", len(text)))
    if len(text) > most:
        suffix = f" {index + 1}"[:most] if index else ""
        text = text[: most - len(suffix)].rstrip() + suffix
    least = _integer_of(node, "minLength", 0)
    if least > MAX_CHARACTERS:
        raise invalid("The JSON Schema in the last message has no instance of a reasonable size")
    return text.ljust(least, ".")


def _matching(pattern: str, texts: Sequence[str]) -> str:
    """The first text, word or usual value in which the pattern finds a match."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return texts[0]
    words = [word for text in texts for word in (text, *text.split())]
    return next(
        (candidate for candidate in (*words, *_USUAL_CODES, *_FORMATS.values()) if compiled.search(candidate)), texts[0]
    )


def _type_of(node: Node) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        return next((str(one) for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return next((implied for key, implied in _IMPLIED_TYPES.items() if key in node), "string")


def _merge(base: Node, over: Node) -> Node:
    """The constraints of both nodes; where both set the same one, the second node's applies."""
    merged = {**base, **over}
    left, right = base.get("properties"), over.get("properties")
    if isinstance(left, dict) and isinstance(right, dict):
        merged["properties"] = {**left, **right}
    if "required" in base and "required" in over:
        merged["required"] = [*_list(base, "required"), *_list(over, "required")]
    return merged


def _number_of(node: Node, key: str) -> float | int | None:
    value = node.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _integer_of(node: Node, key: str, default: int) -> int:
    value = _number_of(node, key)
    return default if value is None else int(value)


def _list(node: Node, key: str) -> list[object]:
    value = node.get(key)
    return value if isinstance(value, list) else []


def _nodes(node: Node, key: str) -> list[Node]:
    return [item for item in _list(node, key) if isinstance(item, dict)]


def _without(node: Node, *keys: str) -> Node:
    return {other: value for other, value in node.items() if other not in keys}


def _words(key: str) -> str:
    """`maxHeightMeters` and `max_height_meters` as words."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)).strip()
