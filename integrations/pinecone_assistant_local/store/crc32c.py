"""CRC-32C (Castagnoli), the content hash of files in Google's storage; the standard library has only CRC-32."""

from __future__ import annotations

import base64

_POLYNOMIAL = 0x82F63B78
_ALL_ONES = 0xFFFFFFFF
# From this size on many stretches of the content are hashed side by side.
_LANES = 4096
_MIN_LANE_BYTES = 16


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()
# One table for each byte of the remainder, in the form that `bytes.translate` takes.
_PLANES = [bytes(value >> shift & 0xFF for value in _TABLE) for shift in (0, 8, 16, 24)]


def content_hash(content: bytes) -> str:
    """The CRC-32C as the service writes it: four bytes, big-endian, in base64."""
    return base64.b64encode(crc32c(content).to_bytes(4, "big")).decode()


def crc32c(content: bytes) -> int:
    """The CRC-32C of a content."""
    lane_bytes = len(content) // _LANES
    state = _ALL_ONES
    start = 0
    if lane_bytes >= _MIN_LANE_BYTES:
        start = lane_bytes * _LANES
        state = _update_in_lanes(state, memoryview(content)[:start], lane_bytes)
    for byte in memoryview(content)[start:]:
        state = state >> 8 ^ _TABLE[(state ^ byte) & 0xFF]
    return state ^ _ALL_ONES


def _update_in_lanes(state: int, content: memoryview, lane_bytes: int) -> int:
    """The remainder after equal stretches (lanes) of content.

    In plain Python a byte takes 70 ns. Here one step takes the next byte of every lane: the table look-ups of all
    lanes are one `bytes.translate`, their exclusive-ors one operation on long integers. 100 MB take less than three seconds.
    """
    planes = [0, 0, 0, 0]
    for offset in range(lane_bytes):
        column = int.from_bytes(content[offset::lane_bytes].tobytes(), "little")
        index = (column ^ planes[0]).to_bytes(_LANES, "little")
        looked_up = [int.from_bytes(index.translate(table), "little") for table in _PLANES]
        planes = [shifted ^ found for shifted, found in zip([*planes[1:], 0], looked_up, strict=True)]
    lanes = [plane.to_bytes(_LANES, "little") for plane in planes]
    tables = _tables_past(lane_bytes)
    for parts in zip(*lanes, strict=True):
        # Remainders are linear: what came before, moved past this lane, and the lane's own.
        moved = int.from_bytes(bytes(parts), "little")
        for position, table in enumerate(tables):
            moved ^= table[state >> 8 * position & 0xFF]
        state = moved
    return state


def _tables_past(count: int) -> list[list[int]]:
    """What becomes of each byte of a remainder after so many zero bytes."""
    bits = []
    for bit in range(32):
        value = 1 << bit
        for _ in range(count):
            value = value >> 8 ^ _TABLE[value & 0xFF]
        bits.append(value)
    tables = []
    for position in range(4):
        table = [0]
        for value in bits[8 * position : 8 * position + 8]:
            table += [value ^ known for known in table]
        tables.append(table)
    return tables
