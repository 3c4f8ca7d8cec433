"""JSON and JSON Lines to blocks: one sentence for each value, which names the object that the value belongs to.

`capital: Thimphu` alone answers nothing: capital of which country? So each sentence begins with its owner, as in `Bhutan:
capital: Thimphu`. The owner is the names of the objects around the value, or the keys that lead to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from ..text.passages import Block

_IDENTITY_FIELDS = ("name", "title", "id", "key", "label", "code", "slug")
_MAX_IDENTITY_CHARACTERS = 120
# Owners and paths are repeated with every value below them: without a limit a long key could make a file grow a thousandfold.
_MAX_OWNER_CHARACTERS = 120
_MAX_PATH_CHARACTERS = 300
_MAX_PARTS = 50
_MAX_DISTINCT_KEYS = 8
_IDENTIFIER = re.compile(r"[^\W_]+(?:_[^\W_]+)+")
_SPACES = re.compile(r"\s*")


class _Number(str):
    """A number as it is written in the file: 25.50 does not become 25.5."""

    __slots__ = ()


class _Object(tuple[tuple[str, object], ...]):
    """The pairs of an object, including repeated keys."""

    __slots__ = ()


# A block, or the steps of a value inside.
_Steps: TypeAlias = "Iterator[Block | _Steps]"


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not a value of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_refuse, strict=True
)

_CHECKER = msgspec.json.Decoder(float_hook=str)  # 1E400 is a number of JSON, though no float


def parse_json(text: str) -> Iterator[Block]:
    """Yield the values of a JSON text, or of one value after another, as sentences.

    Raises:
        ValueError: It is not valid JSON.
    """
    values = list(_decode(text))
    value = values[0] if len(values) == 1 else values
    if _has_value(value):
        yield from _walk(_value_steps(value, _Owner()))


def _decode(text: str) -> Iterator[object]:
    """Yield the values of a text: one, or those of JSON Lines."""
    position = _skip_spaces(text, 0)
    while position < len(text):
        try:
            value, end = _DECODER.raw_decode(text, position)
            # The standard library takes halves of surrogate pairs, which nobody can store.
            _CHECKER.decode(text[position:end])
        except (ValueError, msgspec.DecodeError) as error:
            line = text.count("\n", 0, position) + 1
            where = f" in line {line}" if line > 1 else ""
            raise ValueError(f"The file is not valid JSON{where}: {error}.") from error
        yield value
        position = _skip_spaces(text, end)


def _skip_spaces(text: str, position: int) -> int:
    match = _SPACES.match(text, position)
    return match.end() if match else position


class _Owner:
    """The owner of a value.

    Args:
        path: The keys that lead to it and the names of the objects on the way.
        names: The same for sentences, without the key of the list if the file is only one list.
    """

    __slots__ = ("_prefix", "names", "path")

    def __init__(self, path: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> None:
        self.path = path
        self.names = names
        self._prefix: str | None = None

    def below(self, key: str) -> _Owner:
        return _Owner((*self.path[-_MAX_PARTS:], key), (*self.names[-_MAX_PARTS:], _words_of(key)))

    def named(self, name: str) -> _Owner:
        return _Owner((*self.path[-_MAX_PARTS:], name), (*self.names[-_MAX_PARTS:], name))

    @property
    def heading(self) -> str:
        return " > ".join(_last(self.path, _MAX_PATH_CHARACTERS))

    def sentence(self, key: str, text: str) -> str:
        if self._prefix is None:
            names = _last(self.names, _MAX_OWNER_CHARACTERS)
            self._prefix = "".join([f"{name}: " for name in names if name])
        words = _words_of(key)
        return f"{self._prefix}{words}: {text}" if words else f"{self._prefix}{text}"


def _last(parts: Sequence[str], most: int) -> list[str]:
    """Return as many of the last parts as fit into the limit together."""
    first = len(parts)
    while first and len(parts[first - 1]) <= most:
        first -= 1
        most -= len(parts[first])
    return list(parts[first:]) or [part[-most:] for part in parts[-1:]]


def _walk(steps: _Steps) -> Iterator[Block]:
    """Yield the blocks of all steps. Uses a stack, because JSON may be nested deeper than Python can recurse."""
    stack = [steps]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
        elif isinstance(step, Block):
            yield step
        else:
            stack.append(step)


def _value_steps(value: object, owner: _Owner) -> _Steps:
    if isinstance(value, _Object):
        yield _object_steps(value, owner, _identity_key(value))
    elif isinstance(value, list):
        yield _list_steps(value, owner)
    else:
        yield _block([owner.sentence("", _text_of(value))], owner)


def _object_steps(value: _Object, outside: _Owner, identity_key: str | None) -> _Steps:
    """Yield the values of an object; `identity_key` is the key whose value identifies it."""
    owner = outside
    if identity_key is not None:
        name = _text_of(next(item for key, item in value if key == identity_key))
        is_known = identity_key.lower() in _IDENTITY_FIELDS
        owner = outside.named(name if is_known else f"{_words_of(identity_key)} {name}")
    sentences = [
        (outside if key == identity_key else owner).sentence(key, _text_of(item))
        for key, item in value
        if not _is_full(item)
    ]
    if sentences:
        yield _block(sentences, owner)
    full = [(key, item) for key, item in value if _is_full(item)]
    for key, item in full:
        below = owner.below(key)
        if isinstance(item, list) and len(full) == 1 and not owner.names:
            yield _list_steps(item, below, _Owner(below.path))
        else:
            yield _value_steps(item, below)


def _list_steps(items: list[object], owner: _Owner, of_items: _Owner | None = None) -> _Steps:
    plain = [_text_of(item) for item in items if not _is_full(item)]
    if plain:
        yield _block([owner.sentence("" if owner.path else "values", ", ".join(plain))], owner)
    objects = [item for item in items if isinstance(item, _Object)]
    shared = _distinct_key(objects)
    for item in items:
        if isinstance(item, _Object) and item:
            key = _identity_key(item) or shared or next((key for key, one in item if _identifies(one)), None)
            yield _object_steps(item, of_items or owner, key)
        elif isinstance(item, list) and item:
            yield _list_steps(item, owner)


def _block(sentences: Sequence[str], owner: _Owner) -> Block:
    return Block("\n".join(sentences), tuple(sentences), owner.heading)


def _identity_key(value: _Object) -> str | None:
    """Return the key whose value identifies an object, such as a name or a title."""
    by_name = {key.lower(): key for key, item in value if _identifies(item)}
    return next((by_name[field] for field in _IDENTITY_FIELDS if field in by_name), None)


def _distinct_key(objects: Sequence[_Object]) -> str | None:
    """Return the first key under which each object of a list has a value of its own."""
    if not objects:
        return None
    for key, _ in objects[0][:_MAX_DISTINCT_KEYS]:
        values = [item for one in objects for name, item in one if name == key and _identifies(item)]
        if len(values) == len(objects) == len(set(map(str, values))):
            return key
    return None


def _identifies(item: object) -> bool:
    return isinstance(item, str) and 0 < len(item) <= _MAX_IDENTITY_CHARACTERS


def _has_value(value: object) -> bool:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, _Object):
            waiting += [item for _, item in value]
        elif isinstance(value, list):
            waiting += value
        elif value not in (None, ""):
            return True
    return False


def _is_full(value: object) -> bool:
    return isinstance(value, _Object | list) and len(value) > 0


def _words_of(key: str) -> str:
    """Return a key as it is read: `release_date` as "release date"; others, such as "2024-05-01" and "-5", as they are."""
    return key.replace("_", " ") if _IDENTIFIER.fullmatch(key) else " ".join(key.split())


def _text_of(value: object) -> str:
    if value in (None, "") or isinstance(value, _Object | list):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())
