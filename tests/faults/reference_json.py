"""The reference's JSON reader. Strings are decoded only when they are used, so a bad string in an unused field does no harm.

A shape is a function, a list, or the fields of an object. A field may be missing or null unless its shape says otherwise; unknown
ones are ignored. A value that does not fit its shape is read again, leniently: fields that do not fit become None, except
those in `needed`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from .reference_events import BOM


class UnreadableError(Exception):
    """The text is not JSON, or does not fit its shape."""


class MisfitError(UnreadableError):
    """The value does not fit its shape."""


@dataclasses.dataclass
class RawString:
    """A string as written in the JSON, with its quotes."""

    raw: bytes
    is_lenient: bool = False

    def read(self) -> str:
        if self.is_lenient:
            found: str = json.loads(self.raw.decode("utf-8", "surrogatepass"))
            return found
        try:
            text: str = json.loads(self.raw.decode("utf-8"))
            text.encode("utf-8")  # no lone surrogates
        except (UnicodeError, ValueError) as error:
            raise UnreadableError(str(error)) from error
        return text


NOT_JSON = object()
"""NaN or an infinity, which JSON does not have."""


class Pairs(list[tuple[str, Any]]):
    """An object as a list of pairs, because a name may come twice."""


_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {b"true": True, b"false": False, b"null": None}


class Reader:
    """A recursive reader of one JSON value."""

    def __init__(self, data: bytes, *, is_lenient: bool = False) -> None:
        self.data = data
        self.is_lenient = is_lenient
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
        if not self.is_lenient and re.search(r"[\ud800-\udfff]", json.loads(found[0].decode("utf-8", "replace"))):
            raise UnreadableError("an escaped lone surrogate is not JSON text, wherever it is")
        return RawString(found[0], self.is_lenient)

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
        for word in (b"NaN", b"Infinity", b"-Infinity"):
            if self.is_lenient and self.taken(word):
                return NOT_JSON
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
        raise MisfitError("needs a string")
    return value.read()


def whole_number(value: Any) -> int:
    """An integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisfitError("needs an integer")
    return value


def anything(value: Any) -> Any:
    """Any value with valid strings; None for null."""
    if value is NOT_JSON:
        raise MisfitError("not JSON")
    if isinstance(value, RawString):
        return value.read()
    if isinstance(value, Pairs):
        return {name: anything(part) for name, part in value}
    if isinstance(value, list):
        return [anything(part) for part in value]
    return value


@dataclasses.dataclass
class ListOf:
    """A list of items of this shape. With `is_first`, a lenient reading uses only the first item."""

    shape: Any
    is_first: bool = False

    def read(self, value: Any) -> list[Any]:
        if not isinstance(value, list) or isinstance(value, Pairs):
            raise MisfitError("needs a list")
        return [item(self.shape, part) for part in value]


def lenient(shape: Any, value: Any, *, is_needed: bool = True) -> Any:
    """A value of a shape, in which fields that do not fit are None, and objects in lists that do not fit are left out."""
    if isinstance(shape, ListOf):
        if not isinstance(value, list) or isinstance(value, Pairs):
            raise MisfitError("needs a list")
        found = []
        for part in value[:1] if shape.is_first else value:
            try:
                found.append(lenient(shape.shape, part))
            except MisfitError:  # noqa: PERF203 - each item by itself
                if is_needed or not isinstance(shape.shape, dict):
                    raise
        return found
    if callable(shape):
        return shape(value)
    if not isinstance(value, Pairs):
        raise MisfitError("needs an object")
    fields: dict[str, Any] = dict.fromkeys(shape)
    for name, part in dict(value).items():
        if name in shape and part is not None:
            try:
                fields[name] = lenient(shape[name], part, is_needed=name in shape["!"])
            except MisfitError:
                if name in shape["!"]:
                    raise
                fields[f"?{name}"] = True
    return fields


def item(shape: Any, value: Any) -> Any:
    """A value of a shape: a function, or the fields of an object."""
    if isinstance(shape, ListOf):
        return shape.read(value)
    if callable(shape):
        return shape(value)
    if not isinstance(value, Pairs):
        raise MisfitError("needs an object")
    found: dict[str, Any] = dict.fromkeys(shape)
    del found["!"]
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
    except UnreadableError:
        try:
            data.decode("utf-8", "surrogatepass")
            found = lenient(shape, Reader(data, is_lenient=True).whole())
        except (RecursionError, ValueError, OverflowError) as error:
            raise UnreadableError(str(error)) from error
    return found
