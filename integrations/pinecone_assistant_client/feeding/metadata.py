"""Metadata of files: checking it, comparing it with the service's copy, and rules that assign it by path."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from ..errors import InvalidRequestError
from ..filters import check_number
from ..wire.protocol import plain

MAX_METADATA_BYTES = 16_384
_SCALARS = frozenset((str, bool, int, float))
Metadata = dict[str, Any]


def checked_metadata(metadata: Mapping[str, Any] | None, path: str = "metadata") -> Metadata | None:
    """A copy of the metadata of a file, checked as the service would.

    Args:
        metadata: A flat mapping of strings, numbers, booleans and lists of strings; None stays None.
        path: Where it came from, for messages.

    Raises:
        InvalidRequestError: Something is wrong; the message names the path, such as `metadata.author: null is not a value`.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        raise InvalidRequestError(f'{path} is a {type(metadata).__name__}: pass a dict such as {{"genre": "comedy"}}')
    checked: Metadata = {}
    for key, value in metadata.items():
        if not isinstance(key, str) or not key:
            raise InvalidRequestError(f"{path}: names are texts that are not empty, got {key!r}")
        _check_text(key, path)
        if key.startswith("$"):
            raise InvalidRequestError(f"{path}.{key}: a name must not begin with $, because filters could not name it")
        checked[key] = _checked_value(value, f"{path}.{key}")
    size = len(encoded_metadata(checked))
    if size > MAX_METADATA_BYTES:
        raise InvalidRequestError(
            f"{path} is {size:,} bytes of JSON, and a file may have {MAX_METADATA_BYTES:,}: leave something out"
        )
    return checked


def encoded_metadata(metadata: Mapping[str, Any]) -> bytes:
    """The metadata as JSON, as it is sent."""
    return msgspec.json.encode(metadata, enc_hook=plain)


def same_json(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: 1 is 1.0, True is not 1, and the order of a list counts."""
    if type(one) is type(other) and type(one) in _SCALARS:
        return bool(one == other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def differences(expected: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[str]:
    """Return the names with values that differ, sorted; an empty list if the metadata arrived unchanged."""
    found = found or {}
    missing = object()
    return sorted(
        key
        for key in expected.keys() | found.keys()
        if key not in expected or not same_json(expected[key], found.get(key, missing))
    )


def _checked_value(value: Any, path: str) -> Any:
    if value is None:
        raise InvalidRequestError(f"{path}: null is not a value of metadata: leave the name out")
    if isinstance(value, str):
        _check_text(value, path)
        return str.__str__(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        check_number(value, path)
        if isinstance(value, int) and abs(value) > 2**53:
            raise InvalidRequestError(
                f"{path}: {value} is beyond 2**53, where the service rounds integers: use a string"
            )
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if not isinstance(item, str):
                raise InvalidRequestError(f"{path}[{index}]: a list holds strings, got {type(item).__name__}")
            _check_text(item, f"{path}[{index}]")
        return [str.__str__(item) for item in value]
    if isinstance(value, Mapping):
        raise InvalidRequestError(
            f"{path}: metadata is flat, so a value is not an object: use names such as author_name"
        )
    raise InvalidRequestError(
        f"{path}: a value is a string, a number, a boolean or a list of strings, got {type(value).__name__}"
    )


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(f"{path}: {text!r} has a lone surrogate: it is not valid text") from error


class MetadataRules:
    """Metadata of files by their paths: `{"guides/*.md": {"topic": "guide"}, "faq.md": {"topic": "faq"}}`.

    A key is a path or a glob. In a glob `*` matches any characters, including `/`, and a leading `**/` also matches files
    outside any folder. If several rules match a file, the later ones win, key by key.

    Args:
        rules: The rules.
        origin: Where they came from, for messages.

    Raises:
        InvalidRequestError: The rules have another form, or metadata that the service would refuse.
    """

    def __init__(self, rules: Mapping[str, Mapping[str, Any]], origin: str = "metadata") -> None:
        if not isinstance(rules, Mapping) or not all(
            isinstance(pattern, str) and isinstance(found, Mapping) for pattern, found in rules.items()
        ):
            raise InvalidRequestError(
                f'{origin} must have the form {{"guides/*.md": {{"topic": "guide"}}}}: a path or glob, and its metadata'
            )
        self.origin = origin
        self._rules = {
            pattern: checked_metadata(found, f"{origin}, {pattern!r}") or {} for pattern, found in rules.items()
        }

    @classmethod
    def read(cls, path: str | Path) -> MetadataRules:
        """Read the rules from a JSON file.

        Raises:
            InvalidRequestError: It cannot be read, or is not JSON of that form.
        """
        try:
            rules = msgspec.json.decode(Path(path).read_bytes())
        except OSError as error:
            raise InvalidRequestError(
                f"{str(path)!r} cannot be read ({error}): it is to have the files' metadata"
            ) from error
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise InvalidRequestError(
                f"{str(path)!r} is not JSON ({error}): it is to have the files' metadata"
            ) from error
        return cls(rules, str(path))

    def of(self, path: str) -> Metadata | None:
        """The metadata of a file by its posix path below the source, or None.

        Raises:
            InvalidRequestError: The rules together assign it more metadata than a file may have.
        """
        merged: Metadata = {}
        for pattern, found in self._rules.items():
            if _matches(path, pattern):
                merged.update(found)
        return checked_metadata(merged, f"{self.origin}, for {path!r}") if merged else None

    def unmatched(self, paths: Collection[str]) -> list[str]:
        """The patterns that match none of these paths."""
        return [pattern for pattern in self._rules if not any(_matches(path, pattern) for path in paths)]


def _matches(path: str, pattern: str) -> bool:
    return (
        path == pattern
        or fnmatchcase(path, pattern)
        or (pattern.startswith("**/") and fnmatchcase(path, pattern.removeprefix("**/")))
    )
