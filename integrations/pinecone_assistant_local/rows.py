"""What every table of the store shares: the clock, identifiers, metadata columns."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable

import msgspec

from pinecone_assistant_local.metadata import Metadata

ClockNs = Callable[[], int]

_NAMESPACE = uuid.UUID("8f5cf0d3-6f4b-5c7e-9d53-1f0a4b9c2e77")


def encode_metadata(metadata: object) -> str | None:
    """Metadata as the text that a row keeps: null stays null, `{}` stays `{}`."""
    return None if metadata is None else msgspec.json.encode(metadata).decode()


def decode_metadata(text: str | None) -> Metadata | None:
    """The metadata of a row."""
    return None if text is None else msgspec.json.decode(text, type=dict[str, object])


def next_id(connection: sqlite3.Connection, assistant: str, what: str) -> str:
    """An identifier that equal histories of an assistant repeat, and one history never does."""
    row = connection.execute(
        "INSERT INTO sequences VALUES (?, 1) ON CONFLICT (assistant) DO UPDATE SET last = last + 1 RETURNING last",
        (assistant,),
    ).fetchone()
    return str(uuid.uuid5(_NAMESPACE, f"{assistant}/{row['last']}/{what}"))
