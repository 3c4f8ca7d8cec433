"""`--metadata meta.json`: which files of a folder get which metadata."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from pinecone_assistant_local.errors import ServiceError
from pinecone_assistant_local.metadata import Metadata, validate_file_metadata

_ANYWHERE = "**/"

Rules = Mapping[str, Metadata]


def read_rules(path: Path) -> Rules:
    """The rules of a file `{relative path or glob: {key: value}}`.

    Raises:
        ValueError: It has another form, or metadata that the service would refuse.
        OSError: It cannot be read.
    """
    try:
        rules = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, object]])
    except msgspec.DecodeError as error:
        raise ValueError(f'{path} must be JSON such as {{"guides/*.md": {{"topic": "guide"}}}}: {error}') from error
    return {pattern: _checked(f"{path}, {pattern!r}", found) for pattern, found in rules.items()}


def metadata_of(name: str, rules: Rules) -> Metadata | None:
    """The metadata of the file with this path; where several rules match, the later ones win key by key.

    Raises:
        ValueError: What the rules give it together is more than a file may have.
    """
    merged: Metadata = {}
    for pattern, found in rules.items():
        if _matches(name, pattern):
            merged.update(found)
    return _checked(name, merged) if merged else None


def unmatched(rules: Rules, names: Collection[str]) -> list[str]:
    """The patterns that match none of these paths."""
    return [pattern for pattern in rules if not any(_matches(name, pattern) for name in names)]


def _matches(name: str, pattern: str) -> bool:
    """A `*` stands for any characters, `/` too; `**/` at the beginning also for no folder at all."""
    return (
        name == pattern
        or fnmatchcase(name, pattern)
        or (pattern.startswith(_ANYWHERE) and fnmatchcase(name, pattern[len(_ANYWHERE) :]))
    )


def _checked(what: str, found: Mapping[str, object]) -> Metadata:
    try:
        return validate_file_metadata(dict(found)) or {}
    except ServiceError as error:
        raise ValueError(f"{what}: {error.message}") from error
