"""Tables of a DOCX document: finds the rows that name the columns, and repeats merged cells in each of their rows.

Most authors mark no header row, and Word's default style marks every first row as one. So texts decide: `Tree | Height` over
`red pine | 25 m` names columns; `Name | Ann` over `Phone | 555` are keys with values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..text.passages import Block
from ..text.sentences import ENDS
from .contents import DocxCell, DocxParagraph, DocxRow, DocxTable
from .fields import is_field_name
from .tables import Row, one_line, table_blocks

# The text of a merged cell is repeated in each of its rows, unless it is longer than this.
MAX_REPEATED_CHARACTERS = 200
MAX_HEADER_CHARACTERS = 200
_MAX_COLUMNS = 128
_ABBREVIATED = re.compile(r"(?:[^\W\d_]+\.? ){0,2}[^\W\d_]{1,5}\.")  # "No.", "Order qty."
_PAIR_NAMES = frozenset(
    "field key item items parameter property attribute setting option term code metric value values detail details meaning"  # noqa: SIM905  (no 30 quotes)
    " description information info data answer response definition result category feature specification question type default"
    " required format unit name explanation".split()
)


@dataclass(frozen=True, slots=True)
class _GridRow:
    """A row with a text for each column; the text of a wide cell is in its first column."""

    texts: list[str]
    wide: list[str]  # the same, but a wide cell is in each of its columns: for names of columns
    is_bold: list[bool]
    is_header: bool
    is_title: bool
    goes_on: bool  # a cell of the row above reaches into it
    spans: list[tuple[int, int]]  # of wide cells: the first column, and the one after the last
    page: int | None


def docx_table_blocks(table: DocxTable) -> Iterator[Block]:
    """Yield the rows of a table, each cell with the name of its column where the table has one."""
    rows = [row for row in _grid(table.rows) if any(row.texts)]
    is_form = _is_form(rows)
    count = 0 if is_form else _header_rows(rows)
    names = [_joined(column) for column in zip(*(row.wide for row in rows[:count]), strict=True)]
    body = [
        Row(_pairs(row.texts), row.page, is_title=True) if is_form else Row(row.texts, row.page, row.is_title)
        for row in rows[count:]
    ]
    yield from table_blocks(names, body)


def is_layout(table: DocxTable) -> bool:
    """Return whether a table is a frame around its text: it has one column, or one row with several paragraphs in a cell."""
    if all(len(row.cells) <= 1 for row in table.rows):
        return True
    return len(table.rows) == 1 and any(len(cell.parts) > 2 for cell in table.rows[0].cells)


def _grid(rows: Sequence[DocxRow]) -> list[_GridRow]:
    found: list[_GridRow] = []
    above: dict[int, str] = {}
    for row in rows:
        texts, wide, bold = [""] * row.before, [""] * row.before, [False] * row.before
        spans: list[tuple[int, int]] = []
        for cell in row.cells:
            column = len(texts)
            text = cell_text(cell)
            if cell.continues and not text:
                text = above.get(column, "")
            above[column] = text if len(text) <= MAX_REPEATED_CHARACTERS else ""
            texts += [text] + [""] * (cell.span - 1)
            wide += [text] * cell.span
            bold += [cell.is_bold] * cell.span
            if cell.span > 1 and text:
                spans.append((column, column + cell.span))
        is_title = len(row.cells) == 1 and row.cells[0].span > 1
        del texts[_MAX_COLUMNS:], wide[_MAX_COLUMNS:], bold[_MAX_COLUMNS:]
        goes_on = any(cell.continues for cell in row.cells)
        found.append(_GridRow(texts, wide, bold, row.is_header, is_title, goes_on, spans, _page_of(row)))
    width = max((len(row.texts) for row in found), default=0)
    for made in found:
        missing = width - len(made.texts)
        made.texts.extend([""] * missing)
        made.wide.extend([""] * missing)
        made.is_bold.extend([False] * missing)
    return found


def _header_rows(rows: Sequence[_GridRow]) -> int:
    """Return how many of the first rows name the columns."""
    marked = next((number for number, row in enumerate(rows) if not row.is_header), len(rows))
    if 0 < marked < len(rows):
        return marked
    if len(rows) < 2 or rows[0].is_title or not _may_be_header(rows[0]):
        return 0
    count = _joined_rows(rows)
    return count if _names_columns([rows[0], *rows[count:]]) else 0


def _joined_rows(rows: Sequence[_GridRow]) -> int:
    """Return how many rows the first one makes with those below it: `Size` over `Width | Height` are two.

    A cell that reaches into the next row says so, and so does a wide one over names of columns with numbers below them.
    """
    count = 1
    while count < len(rows) - 1 and rows[count].goes_on:
        count += 1
    if count == 1 and len(rows) > 2 and _may_be_header(rows[1]) and not rows[1].spans:
        columns = [column for first, end in rows[0].spans for column in range(first, min(end, len(rows[1].texts)))]
        names = [rows[1].texts[column] for column in columns]
        votes = [_vote(rows[1].texts[column], [row.texts[column] for row in rows[2:]]) for column in columns]
        if columns and all(names) and all(vote > 0 for vote in votes):
            count = 2
    return count


def _may_be_header(row: _GridRow) -> bool:
    return all(
        len(one_line(text)) <= MAX_HEADER_CHARACTERS and (text[-1:] not in f"{ENDS}:" or _ABBREVIATED.fullmatch(text))
        for text in row.texts
        if text
    )


def _names_columns(rows: Sequence[_GridRow]) -> bool:
    """Return whether the first row names the columns, by its type face, then by the texts of the cells."""
    first, *body = rows
    columns = range(len(first.texts))
    filled = [column for column in columns if first.texts[column]]
    if all(first.is_bold[column] for column in filled) and not all(_is_all_bold(row) for row in body):
        return True
    keys = [row.texts[0] for row in rows if row.texts[0]]
    if len(columns) == 2:
        if all(text.lower() in _PAIR_NAMES for text in first.texts):
            return True
        are_keys_bold = all(row.is_bold[0] for row in rows if row.texts[0])
        are_values_bold = all(row.is_bold[1] for row in rows if row.texts[1])
        if are_keys_bold and not are_values_bold:
            return False
        if 2 * sum(is_field_name(key) or key.endswith(":") for key in keys) >= len(keys):
            return False
    votes = [_vote(first.texts[column], [row.texts[column] for row in body if row.texts[column]]) for column in columns]
    if sum(votes):
        return sum(votes) > 0
    return len(columns) > 1 and not _starts_small(first.texts, 1 if len(columns) == 2 else len(filled) // 2 + 1)


def _vote(name: str, cells: Sequence[str]) -> int:
    """Return 1 if a text differs from those below it as a name differs from data, -1 if it is like them."""
    if not name or not cells:
        return 0
    digits = sum(any(character.isdigit() for character in cell) for cell in cells)
    if 2 * digits < len(cells):
        return 0
    is_year = name.isdecimal() and len(name) == 4 and not all(len(cell) == 4 for cell in cells)
    return 1 if is_year or not any(character.isdigit() for character in name) else -1


def _is_form(rows: Sequence[_GridRow]) -> bool:
    """Return whether each row has several keys, each before its value: `Name | Ann | Phone | 555`."""
    width = len(rows[0].texts) if rows else 0
    if width < 4 or width % 2:
        return False
    keys = [text for row in rows for text in row.texts[::2] if text]
    values = [text for row in rows for text in row.texts[1::2] if text]
    are_keys = 3 * sum(is_field_name(key) or key.endswith(":") for key in keys) >= 2 * len(keys) > 0
    return are_keys and 2 * sum(map(is_field_name, values)) < max(1, len(values))


def _pairs(texts: Sequence[str]) -> list[str]:
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [f"{key.rstrip(':')}: {value}" if key and value else key or value for key, value in pairs]


def _is_all_bold(row: _GridRow) -> bool:
    return all(bold for text, bold in zip(row.texts, row.is_bold, strict=True) if text)


def _starts_small(texts: Sequence[str], least: int) -> bool:
    return sum(text[0].islower() for text in texts if text) >= least


def _joined(names: Sequence[str]) -> str:
    """Return the names of a column in several rows as one: `Size` over `Width` is `Size Width`."""
    return " ".join(dict.fromkeys(one_line(name) for name in names if name))


def cell_text(cell: DocxCell) -> str:
    """Return the text of a cell, a line for each paragraph and each row of a table in it."""
    lines = []
    for part in cell.parts:
        if isinstance(part, DocxParagraph):
            lines.append(one_line(part.text))
        else:
            rows = ([one_line(cell_text(inner)) for inner in row.cells] for row in part.rows)
            lines += [" | ".join(filter(None, texts)) for texts in rows]
    return "\n".join(filter(None, lines))


def _page_of(row: DocxRow) -> int | None:
    parts = (part for cell in row.cells for part in cell.parts)
    return next((page for part in parts if (page := _first_page(part)) is not None), None)


def _first_page(part: DocxParagraph | DocxTable) -> int | None:
    if isinstance(part, DocxParagraph):
        return part.page
    return next((page for row in part.rows if (page := _page_of(row)) is not None), None)
