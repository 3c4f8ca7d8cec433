"""The reference's JSON: strings are read when they are asked for, so what nobody reads cannot be wrong.

A shape is a function, or the fields of an object. A field may be missing or null unless its shape says otherwise; unknown ones
are ignored.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from .reference_events import BOM


class UnreadableError(Exception):
    """No JSON, or not of the shape it must have."""


@dataclasses.dataclass
class RawString:
    """A string as it stands in the JSON, with its quotes."""

    raw: bytes

    def read(self) -> str:
        try:
            text: str = json.loads(self.raw.decode("utf-8"))
            text.encode("utf-8")  # no lone surrogates
        except (UnicodeError, ValueError) as error:
            raise UnreadableError(str(error)) from error
        return text


class Pairs(list[tuple[str, Any]]):
    """An object, with names that come twice."""


_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {b"true": True, b"false": False, b"null": None}


class Reader:
    """A recursive reader of one JSON value."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def whole(self) -> Any:
        value = self.value()
        self.space()
        if self.at != len(self.data):
            raise UnreadableError("more than one value")
        return value

    def space(self) -> None:
        found = _SPACE.match(self.data, self.at)
        assert found is not None
        self.at = found.end()

    def taken(self, token: bytes) -> bool:
        self.space()
        if self.data.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def string(self) -> RawString:
        self.space()
        found = _STRING.match(self.data, self.at)
        if found is None:
            raise UnreadableError("no string")
        self.at = found.end()
        if re.search(r"[\ud800-\udfff]", json.loads(found[0].decode("utf-8", "replace"))):
            raise UnreadableError("an escaped lone surrogate is no JSON text, wherever it stands")
        return RawString(found[0])

    def value(self) -> Any:
        self.space()
        if self.taken(b"{"):
            return self.object()
        if self.taken(b"["):
            return self.array()
        if self.data[self.at : self.at + 1] == b'"':
            return self.string()
        for word, value in _WORDS.items():
            if self.taken(word):
                return value
        found = _NUMBER.match(self.data, self.at)
        if found is None:
            raise UnreadableError("no value")
        self.at = found.end()
        number = found[0].decode()
        return int(number) if re.fullmatch(r"-?[0-9]+", number) else float(number)

    def object(self) -> Pairs:
        pairs = Pairs()
        if self.taken(b"}"):
            return pairs
        while True:
            name = json.loads(self.string().raw.decode("utf-8", "replace"))
            if not self.taken(b":"):
                raise UnreadableError("no colon")
            pairs.append((name, self.value()))
            if self.taken(b"}"):
                return pairs
            if not self.taken(b","):
                raise UnreadableError("no comma")

    def array(self) -> list[Any]:
        items: list[Any] = []
        if self.taken(b"]"):
            return items
        while True:
            items.append(self.value())
            if self.taken(b"]"):
                return items
            if not self.taken(b","):
                raise UnreadableError("no comma")


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, RawString):
        raise UnreadableError("needs a string")
    return value.read()


def whole_number(value: Any) -> int:
    """An integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableError("needs an integer")
    return value


def anything(value: Any) -> Any:
    """Any value, all of whose strings are text; None for null."""
    if isinstance(value, RawString):
        return value.read()
    if isinstance(value, Pairs):
        return {name: anything(part) for name, part in value}
    if isinstance(value, list):
        return [anything(part) for part in value]
    return value


def list_of(shape: Any) -> Any:
    """A list whose items all have this shape."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list) or isinstance(value, Pairs):
            raise UnreadableError("needs a list")
        return [item(shape, part) for part in value]

    return read


def item(shape: Any, value: Any) -> Any:
    """A value of a shape: a function, or the fields of an object."""
    if callable(shape):
        return shape(value)
    if not isinstance(value, Pairs):
        raise UnreadableError("needs an object")
    found: dict[str, Any] = dict.fromkeys(shape)
    for name, part in value:
        if name in shape:
            found[name] = None if part is None else item(shape[name], part)
    return found


def json_of(shape: Any, data: bytes) -> dict[str, Any]:
    """A JSON object of a shape."""
    if data.startswith(BOM):
        data = data[len(BOM) :]
    try:
        found: dict[str, Any] = item(shape, Reader(data).whole())
    except (RecursionError, ValueError, OverflowError) as error:
        raise UnreadableError(str(error)) from error
    return found
