"""The text of a DOCX document from the events of an XML parser: paragraphs, table rows, and where pages break."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...errors import DocumentError

MAX_TEXT_CHARACTERS = 20_000_000
# What is not, or no longer, in the text: deletions, the origin of moves, earlier formatting, second copies of drawings.
_SKIPPED = frozenset({"del", "moveFrom", "pPrChange", "rPrChange", "sectPrChange", "tblPrChange", "Fallback"})
_TEXT_OF = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_OFF = frozenset({"0", "false", "off", "none"})
_SAME_PAGE_SECTIONS = frozenset({"continuous", "nextColumn"})


def local_name(tag: str) -> str:
    """A name without its namespace, of which there are two: transitional and strict."""
    return tag.rpartition("}")[2]


def local_names(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes by their local names."""
    return {local_name(name): value for name, value in attributes.items()}


@dataclass(slots=True)
class _Paragraph:
    page: int
    level: int = 0
    parts: list[str] = field(default_factory=list)
    ends_section: bool = False


@dataclass(slots=True)
class _Table:
    row_page: int = 1
    rows: int = 0
    cells: list[str] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)


class Body:
    """A target of the XML parser.

    Args:
        levels: The level of each style that is a heading's.

    Attributes:
        paragraphs: The JSON of `DocxParagraph` values.
    """

    def __init__(self, levels: dict[str, int]) -> None:
        self.paragraphs: list[dict[str, object]] = []
        self._levels = levels
        self._page = 1
        self._size = 0
        self._skipping = 0
        self._in_text = False
        self._in_properties = False
        self._section_type: str | None = None
        self._is_fresh = False  # after an explicit break, before any text
        self._paragraphs: list[_Paragraph] = []
        self._tables: list[_Table] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = local_name(tag)
        if self._skipping or name in _SKIPPED:
            self._skipping += 1
        elif name == "p":
            self._paragraphs.append(_Paragraph(self._page))
        elif name == "tbl":
            self._tables.append(_Table())
        elif name == "tr" and self._tables:
            self._tables[-1].cells = []
            self._tables[-1].row_page = self._page
        elif name == "tc" and self._tables:
            self._tables[-1].cell = []
        elif self._paragraphs:
            self._start_in_paragraph(self._paragraphs[-1], name, local_names(attributes))

    def end(self, tag: str) -> None:
        """An element ends."""
        name = local_name(tag)
        if self._skipping:
            self._skipping -= 1
        elif name == "p" and self._paragraphs:
            paragraph = self._paragraphs.pop()
            self._finish(paragraph)
            if paragraph.ends_section:
                self._break(explicit=True)
        elif name == "t":
            self._in_text = False
        elif name == "pPr":
            self._in_properties = False
        elif name == "sectPr" and self._in_properties and self._paragraphs:
            self._paragraphs[-1].ends_section = self._section_type not in _SAME_PAGE_SECTIONS
        elif name == "tc" and self._tables:
            self._tables[-1].cells.append(" ".join(self._tables[-1].cell))
        elif name == "tr" and self._tables:
            self._finish_row(self._tables[-1])
        elif name == "tbl" and self._tables:
            self._tables.pop()

    def data(self, text: str) -> None:
        """Characters."""
        if not self._in_text or self._skipping or not self._paragraphs:
            return
        self._size += len(text)
        if self._size > MAX_TEXT_CHARACTERS:
            raise DocumentError(f"The DOCX file holds more than {MAX_TEXT_CHARACTERS} characters of text.")
        self._paragraphs[-1].parts.append(text)
        if text.strip():
            self._is_fresh = False

    def _start_in_paragraph(self, paragraph: _Paragraph, name: str, values: dict[str, str]) -> None:
        value = values.get("val", "")
        if name == "t":
            self._in_text = True
        elif name == "lastRenderedPageBreak":
            self._break(explicit=False)
        elif name == "br" and values.get("type") == "page":
            self._break(explicit=True)
        elif name == "pPr":
            self._in_properties = True
        elif self._in_properties:
            if name == "pStyle":
                paragraph.level = self._levels.get(value, 0)
            elif name == "outlineLvl" and value.isdecimal():
                paragraph.level = int(value) + 2 if int(value) < 9 else 0
            elif name == "pageBreakBefore" and value not in _OFF and self.paragraphs:
                self._break(explicit=True)
            elif name == "sectPr":
                self._section_type = None
            elif name == "type":
                self._section_type = value
        elif name in _TEXT_OF:
            paragraph.parts.append(_TEXT_OF[name])

    def _break(self, *, explicit: bool) -> None:
        """A new page begins, unless Word only notes where the page of an explicit break began."""
        if not explicit and self._is_fresh:
            self._is_fresh = False
            return
        self._page += 1
        self._is_fresh = explicit
        if self._paragraphs and not self._tables:
            paragraph = self._paragraphs[-1]
            self._finish(paragraph)
            self._paragraphs[-1] = _Paragraph(self._page, paragraph.level, [], paragraph.ends_section)

    def _finish(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.parts).strip()
        if not text:
            return
        if self._tables:
            self._tables[-1].cell.append(text)
        else:
            self.paragraphs.append({"text": text, "page": paragraph.page, "level": paragraph.level})

    def _finish_row(self, table: _Table) -> None:
        text = " | ".join(cell for cell in table.cells if cell)
        if not text:
            return
        table.rows += 1
        if len(self._tables) > 1:
            self._tables[-2].cell.append(text)  # a table in a cell of another
        else:
            row = {"text": text, "page": table.row_page, "cells": table.cells, "first_row": table.rows == 1}
            self.paragraphs.append(row)
