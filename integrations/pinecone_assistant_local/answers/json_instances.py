"""An instance of a JSON Schema, with its values taken from somewhere else.

The schema decides the shape and the limits, a `Filler` what stands in it. `if`, `not`, `patternProperties` and the like
are not looked at: they do not occur in schemas that describe an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol
from urllib.parse import unquote

from ..errors import invalid

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


_TRIES = 16


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be.

    Attributes:
        low: The least value, or None.
        high: The greatest value, or None.
        low_open: Whether `low` itself is excluded.
        high_open: Whether `high` itself is excluded.
        step: The number is a multiple of this, or None.
        is_integer: Whether it is written without a fraction.
    """

    low: Fraction | None
    high: Fraction | None
    low_open: bool
    high_open: bool
    step: Fraction | None
    is_integer: bool

    @classmethod
    def of(cls, node: Mapping[str, object], *, is_integer: bool) -> Range:
        """The limits that a schema sets; an exclusive limit may be a number or, in draft 4, true."""
        low, low_open = _limit(node, "minimum", "exclusiveMinimum", max)
        high, high_open = _limit(node, "maximum", "exclusiveMaximum", min)
        step = _fraction(node.get("multipleOf"))
        if is_integer:
            # A multiple of 2.5 that is an integer is a multiple of 5.
            step = Fraction(step.numerator) if step else Fraction(1)
        return cls(low, high, low_open, high_open, step or None, is_integer)

    def pick(self, candidates: Iterable[float], index: int = 0) -> float | int:
        """One of the candidates that are allowed, by its index; else something allowed."""
        allowed = [number for number in map(_fraction, candidates) if number is not None and self.allows(number)]
        number = allowed[index] if index < len(allowed) else self._something(index - len(allowed))
        return int(number) if self.is_integer or number.denominator == 1 else float(number)

    def allows(self, number: Fraction) -> bool:
        """Whether a number is within the limits."""
        if self.low is not None and (number < self.low or (self.low_open and number == self.low)):
            return False
        if self.high is not None and (number > self.high or (self.high_open and number == self.high)):
            return False
        # Validators divide floats: 0.3 is a multiple of 0.1 by arithmetic, but not for them.
        return self.step is None or (number % self.step == 0 and (float(number) / float(self.step)).is_integer())

    def _something(self, index: int) -> Fraction:
        step = self.step or Fraction(1)
        if self.low is not None:
            first = math.ceil(self.low / step) * step
            values = (first + step * (index + extra) for extra in range(_TRIES))
        elif self.high is not None:
            first = math.floor(self.high / step) * step
            values = (first - step * (index + extra) for extra in range(_TRIES))
        else:
            return step * index
        for value in values:
            if self.allows(value):
                return value
        if self.low is not None and self.high is not None and self.step is None:
            return (self.low + self.high) / 2
        return self.low if self.low is not None else Fraction(0)


def _limit(node: Mapping[str, object], closed: str, exclusive: str, tighter: object) -> tuple[Fraction | None, bool]:
    inclusive_limit = _fraction(node.get(closed))
    value = node.get(exclusive)
    if value is True:
        return inclusive_limit, inclusive_limit is not None
    exclusive_limit = _fraction(value)
    if exclusive_limit is None:
        return inclusive_limit, False
    if inclusive_limit is None or inclusive_limit == exclusive_limit:
        return exclusive_limit, True
    chosen = max(inclusive_limit, exclusive_limit) if tighter is max else min(inclusive_limit, exclusive_limit)
    return chosen, chosen == exclusive_limit


def _fraction(value: object) -> Fraction | None:
    """The exact value of a JSON number as it was written: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Fraction(str(value))
