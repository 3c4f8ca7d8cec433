"""CRC-32C (Castagnoli), the hash that the service shows of a file. Only an upload without a clear end needs it."""

from __future__ import annotations

from collections.abc import Iterable

_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901 - the remainder of this byte
        table.append(value)
    return tuple(table)


_TABLE = _table()


def crc32c(pieces: Iterable[bytes]) -> int:
    """The CRC-32C of a content that comes in pieces."""
    table = _TABLE
    state = 0xFFFFFFFF
    for piece in pieces:
        for byte in piece:
            state = state >> 8 ^ table[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF
