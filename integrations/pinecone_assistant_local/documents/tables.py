"""Rows of tables to sentences that are understood alone: each cell with its column's name, or a key with its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..text.passages import Block
from ..text.sentences import split_sentences
from .fields import is_field_name

# The name of a column is repeated with each of its cells: without limits a file could grow a thousandfold. Longer names are
# not cut; the row of names is then a text of its own.
MAX_NAME_CHARACTERS = 100
MAX_NAMES_CHARACTERS = 2_000
# A longer row is quoted cell by cell.
MAX_ROW_CHARACTERS = 400
_CLOSING_MARKS = ":?!\uff1a\uff1f\uff01"  # a key that ends in one needs no colon


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        cells: The texts of its cells, one for each column.
        page: Its page, where the format has pages.
        is_title: Whether it is one text across all columns.
    """

    cells: Sequence[str]
    page: int | None = None
    is_title: bool = False


def table_blocks(names: Sequence[str], rows: Sequence[Row]) -> Iterator[Block]:
    """Yield the rows of a table.

    Args:
        names: The names of the columns; none in a table without a header, whose rows of two cells are keys with values.
        rows: The other rows.
    """
    names = [one_line(name) for name in names]
    usable = [name if len(name) <= MAX_NAME_CHARACTERS else "" for name in names]
    if sum(map(len, usable)) > MAX_NAMES_CHARACTERS:
        usable = []
    used: set[str] = set()
    blocks: list[Block] = []
    for row in rows:
        cells = [cell.strip() for cell in row.cells]
        if any(usable) and not row.is_title:
            named = [_named(usable, index, cell) for index, cell in enumerate(cells) if cell]
            used.update(name for name, cell in zip(usable, cells, strict=False) if cell)
            blocks += _row_blocks(named, "; ", row.page)
        else:
            is_pair = len(cells) == 2 and not row.is_title and (len(rows) > 1 or is_field_name(cells[0]))
            separator = _pair_separator(cells) if is_pair else " | "
            blocks += _row_blocks([cell for cell in cells if cell], separator, row.page)
    if any(name not in used for name in names if name):
        yield from _row_blocks([name for name in names if name], " | ", rows[0].page if rows else None)
    yield from blocks


def one_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def _named(names: Sequence[str], index: int, cell: str) -> str:
    name = names[index] if index < len(names) else ""
    return f"{name.rstrip(':')}: {cell}" if name else cell


def _pair_separator(cells: Sequence[str]) -> str:
    return " " if cells[0][-1:] in _CLOSING_MARKS else ": "


def _row_blocks(pieces: Sequence[str], separator: str, page: int | None) -> Iterator[Block]:
    text = separator.join(map(one_line, pieces))
    if 0 < len(text) <= MAX_ROW_CHARACTERS:
        yield Block(text, (text,), page=page)
    elif text:
        lines = (line for piece in pieces for line in piece.split("\n"))
        yield Block(text, tuple(sentence for line in lines for sentence in split_sentences(line)), page=page)
