"""JSON to blocks: one sentence per value, and the fields that identify an object stay with everything in it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ..text.passages import Block

_IDENTITY_FIELDS = ("name", "title", "id", "key", "label", "code", "slug")
_MAX_IDENTITY_CHARACTERS = 120
# The path stands with every passage below it: without a limit a long key could make a file grow a thousandfold.
_MAX_PATH_CHARACTERS = 300


def parse_json(text: str) -> Iterator[Block]:
    """The values of a JSON text as sentences such as `Red pine: maximum height m: 25`.

    Raises:
        ValueError: It is not valid JSON.
    """
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"The file is not valid JSON: {error}.") from error
    yield from _to_blocks(value, "", "")


def _to_blocks(value: object, path: str, identity: str) -> Iterator[Block]:
    if isinstance(value, dict):
        identity = _identity_of(value) or identity
        scalars = {key: item for key, item in value.items() if not isinstance(item, dict | list)}
        if scalars:
            sentences = tuple(
                _sentence(key, item, identity) for key, item in scalars.items() if item is not None and item != ""
            )
            if sentences:
                heading = " > ".join(part for part in (path, identity) if part)
                yield Block("\n".join(f"{key}: {_text_of(item)}" for key, item in scalars.items()), sentences, heading)
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _to_blocks(item, _below(path, key), identity)
    elif isinstance(value, list):
        plain = [item for item in value if not isinstance(item, dict | list) and item is not None]
        if plain:
            name = path.rpartition(" > ")[2] or "values"
            line = ", ".join(_text_of(item) for item in plain)
            heading = " > ".join(part for part in (path, identity) if part)
            yield Block(f"{name}: {line}", (_sentence(name, line, identity),), heading)
        for item in value:
            if isinstance(item, dict | list):
                yield from _to_blocks(item, path, identity)
    elif value is not None:
        yield Block(_text_of(value), (_text_of(value),), path)


def _below(path: str, key: str) -> str:
    below = f"{path} > {key}" if path else key
    return below[-_MAX_PATH_CHARACTERS:]


def _identity_of(value: dict[str, object]) -> str:
    by_name = {key.lower(): item for key, item in value.items()}
    for field in _IDENTITY_FIELDS:
        item = by_name.get(field)
        if (
            isinstance(item, str | int)
            and not isinstance(item, bool)
            and 0 < len(str(item)) <= _MAX_IDENTITY_CHARACTERS
        ):
            return str(item)
    return ""


def _sentence(key: str, item: object, identity: str) -> str:
    words = " ".join(key.replace("_", " ").replace("-", " ").split()) or "value"
    text = _text_of(item)
    prefix = f"{identity}: " if identity and text != identity else ""
    return f"{prefix}{words}: {text}"


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())
