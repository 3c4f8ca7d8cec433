"""The text of a part of a DOCX document from the events of an XML parser: paragraphs and tables in reading order.

The document, its headers and footers, and its notes are parts of one kind, and read alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...errors import DocumentError
from .docx_pages import Pages
from .docx_styles import OFF, Styles, local_name, local_names
from .docx_symbols import FormField, symbol

MAX_TEXT_CHARACTERS = 20_000_000
# Tables nested deeper than this become text of the cell around them.
MAX_TABLES = 8
MAX_COLUMNS = 64  # Word allows 63
# Elements whose text is not part of the document: deletions, sources of moves, old formatting, second copies of drawings.
_SKIPPED = frozenset(
    "del moveFrom pPrChange rPrChange sectPrChange tblPrChange tcPrChange trPrChange Fallback".split()  # noqa: SIM905  (no 8 quotes)
)
_TEXT_OF = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTES = ("footnote", "endnote")

Part = dict[str, Any]  # the JSON of a `DocxParagraph` or `DocxTable`; the page of a paragraph is at first its stretch


@dataclass(slots=True)
class _Paragraph:
    stretch: int
    parts: list[str] = field(default_factory=list)
    level: int = 0
    is_bold_style: bool = False
    is_bold_run: bool = False
    letters: int = 0
    bold_letters: int = 0
    ends_section: bool = False
    joins_next: bool = False  # its mark is deleted: the text continues in the next paragraph

    def add(self, text: str) -> None:
        self.parts.append(text)
        letters = len("".join(text.split()))
        self.letters += letters
        self.bold_letters += letters if self.is_bold_run else 0


@dataclass(slots=True)
class _Cell:
    parts: list[Part] = field(default_factory=list)
    span: int = 1
    continues: bool = False
    letters: int = 0
    bold_letters: int = 0


@dataclass(slots=True)
class _Table:
    rows: list[Part] = field(default_factory=list)
    cells: list[_Cell] = field(default_factory=list)
    is_header: bool = False
    is_deleted: bool = False
    before: int = 0


class Body:
    """A target of the XML parser.

    Args:
        styles: The styles of the document.
        notes: The texts of footnotes, by their identifiers.

    Attributes:
        parts: The JSON of the paragraphs and tables.
        endnotes: The identifiers of the endnotes that are referred to, in order.
        running: The headers and footers of each section, and the texts in diagrams and charts: the stretch, the
            identifier of the relation.
        notes: In a part with notes, their texts by their identifiers.
        pages: The pages; `stamp` replaces stretches by them.
    """

    def __init__(self, styles: Styles, notes: dict[str, list[Part]] | None = None) -> None:
        self.parts: list[Part] = []
        self.endnotes: list[str] = []
        self.running: list[tuple[int, str]] = []
        self.notes: dict[str, list[Part]] = {}
        self.pages = Pages()
        self._styles = styles
        self._footnotes = dict(notes or {})
        self._size = 0
        self._skipping = 0
        self._in_text = False
        self._in_properties = False  # of a paragraph
        self._in_run_properties = False
        self._section: dict[str, Any] | None = None
        self._note: str | None = None
        self._form_field: FormField | None = None
        self._paragraphs: list[_Paragraph] = []
        self._tables: list[_Table] = []
        self._deeper_tables = 0
        self._carried: list[str] = []  # of a paragraph whose mark is deleted
        self._waiting_notes: list[tuple[str, int]] = []  # with the stretch of the reference

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Read the beginning of an element."""
        name, values = local_name(tag), local_names(attributes)
        if name == "del":
            self._see_deleted_mark()
        if self._skipping or name in _SKIPPED:
            self._skipping += 1
        elif name == "p":
            carried, self._carried = self._carried, []
            self._paragraphs.append(_Paragraph(self.pages.stretch, carried))
        elif name in ("tbl", "tr", "tc"):
            self._start_in_table(name)
        elif name == "sectPr":
            self._section = {"kind": "nextPage", "start": None}
        elif self._section is not None:
            self._start_in_section(name, values)
        elif name in _NOTES:
            is_note = values.get("type", "normal") == "normal"
            self._note, self.parts = (values.get("id", "") if is_note else None), []
        elif self._tables and name in ("gridSpan", "vMerge", "tblHeader", "gridBefore"):
            self._describe_table(self._tables[-1], name, values.get("val", ""))
        elif self._paragraphs:
            self._start_in_paragraph(self._paragraphs[-1], name, values)

    def end(self, tag: str) -> None:
        """Read the end of an element."""
        name = local_name(tag)
        if self._skipping:
            self._skipping -= 1
        elif name == "p" and self._paragraphs:
            self._end_paragraph(self._paragraphs.pop())
        elif name == "t":
            self._in_text = False
        elif name == "r" and self._paragraphs:
            self._paragraphs[-1].is_bold_run = self._paragraphs[-1].is_bold_style
        elif name == "rPr":
            self._in_run_properties = False
        elif name == "pPr":
            self._in_properties = False
        elif name == "ffData" and self._form_field is not None:
            if self._paragraphs:
                self._paragraphs[-1].add(self._form_field.text())
            self._form_field = None
        elif name == "sectPr" and self._section is not None:
            self._end_section(self._section)
        elif name in ("tbl", "tr", "tc"):
            self._end_in_table(name)
        elif name in _NOTES and self._note is not None:
            self._flush()
            self.notes[self._note], self._note = self.parts, None
        elif name in ("body", "hdr", "ftr", "dataModel", "chartSpace"):
            self._flush()

    def data(self, text: str) -> None:
        """Read characters."""
        if not self._in_text or self._skipping or not self._paragraphs:
            return
        self._size += len(text)
        if self._size > MAX_TEXT_CHARACTERS:
            raise DocumentError(f"The DOCX file holds more than {MAX_TEXT_CHARACTERS} characters of text.")
        self._paragraphs[-1].add(text)
        if text.strip():
            self.pages.see_text()

    def stamp(self) -> None:
        """Give the paragraphs their pages, once the document has been read."""
        numbers = self.pages.numbers()
        for paragraph in paragraphs_in(self.parts):
            paragraph["page"] = numbers[paragraph["page"]]

    def _see_deleted_mark(self) -> None:
        if self._in_properties and self._in_run_properties and not self._skipping and self._paragraphs:
            self._paragraphs[-1].joins_next = True
        elif self._tables and not self._paragraphs and not self._skipping:
            self._tables[-1].is_deleted = True

    # Paragraphs.

    def _start_in_paragraph(self, paragraph: _Paragraph, name: str, values: dict[str, str]) -> None:
        value = values.get("val", "")
        if name == "t":
            self._in_text = True
        elif name == "r":
            paragraph.is_bold_run = paragraph.is_bold_style
        elif name == "rPr":
            self._in_run_properties = True
        elif name == "pPr":
            self._in_properties = True
        elif self._in_properties:
            self._describe_paragraph(paragraph, name, value)
        elif name in ("b", "rStyle") and self._in_run_properties:
            paragraph.is_bold_run = value not in OFF if name == "b" else self._styles.bold.get(value, False)
        elif name == "lastRenderedPageBreak":
            if self.pages.break_as_rendered():
                self._split()
        elif name == "br" and values.get("type") == "page":
            self.pages.break_explicitly()
            self._split()
        elif name in _TEXT_OF:
            paragraph.parts.append(_TEXT_OF[name])
        elif name == "sym":
            paragraph.add(symbol(values.get("font", ""), values.get("char", "")))
        elif name == "textpath":  # WordArt, such as a watermark
            paragraph.add(values.get("string", ""))
        elif name == "ffData":
            self._form_field = FormField()
        elif self._form_field is not None:
            self._form_field.see(name, values.get("val"))
        elif name == "relIds" and "dm" in values:  # a diagram
            self.running.append((self.pages.stretch, values["dm"]))
        elif name == "chart" and "id" in values:
            self.running.append((self.pages.stretch, values["id"]))
        elif name == "footnoteReference":
            self._waiting_notes.append((values.get("id", ""), self.pages.stretch))
        elif name == "endnoteReference":
            self.endnotes.append(values.get("id", ""))

    def _describe_paragraph(self, paragraph: _Paragraph, name: str, value: str) -> None:
        breaks = None
        if name == "pStyle":
            paragraph.level = self._styles.levels.get(value, 0)
            paragraph.is_bold_style = self._styles.bold.get(value, False)
            breaks = self._styles.page_break.get(value)
        elif name == "outlineLvl" and value.isdecimal():
            paragraph.level = int(value) + 2 if int(value) < 9 else 0
        elif name == "pageBreakBefore":
            breaks = value not in OFF
        if breaks and self.pages.break_before_paragraph():
            paragraph.stretch = self.pages.stretch

    def _split(self) -> None:
        """Cut the paragraph at the beginning of a page; in a table its text stays together."""
        paragraph = self._paragraphs[-1]
        if "".join(paragraph.parts).strip():
            if self._tables or len(self._paragraphs) > 1:
                return
            self._finish(paragraph)
            paragraph.parts = []
        paragraph.stretch = self.pages.stretch

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        self.pages.end_paragraph()
        if paragraph.joins_next and not paragraph.ends_section:
            self._carried = paragraph.parts
            return
        self._finish(paragraph)
        if paragraph.ends_section:
            self.pages.end_section()
        if not self._tables and not self._paragraphs:
            self._place_notes()

    def _finish(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.parts).strip()
        if self._tables and self._tables[-1].cells:
            cell = self._tables[-1].cells[-1]
            cell.letters += paragraph.letters
            cell.bold_letters += paragraph.bold_letters
        if text:
            self._container().append(
                {"type": "paragraph", "text": text, "page": paragraph.stretch, "level": paragraph.level}
            )

    def _flush(self) -> None:
        """Keep the text of a paragraph whose mark is deleted, if no paragraph follows."""
        if self._carried:
            carried, self._carried = self._carried, []
            self._finish(_Paragraph(self.pages.stretch, carried))
        self._place_notes()

    def _place_notes(self) -> None:
        waiting, self._waiting_notes = self._waiting_notes, []
        for identifier, stretch in waiting:
            note = self._footnotes.pop(identifier, [])
            for paragraph in paragraphs_in(note):
                paragraph["page"] = stretch
            self.parts += note

    # Sections.

    def _start_in_section(self, name: str, values: dict[str, str]) -> None:
        assert self._section is not None  # noqa: S101  (asked by the caller)
        if name == "type":
            self._section["kind"] = values.get("val", "nextPage")
        elif name == "pgNumType" and values.get("start", "").isdecimal():
            self._section["start"] = int(values["start"])
        elif name in ("headerReference", "footerReference"):
            self.running.append((self.pages.section, values.get("id", "")))

    def _end_section(self, section: dict[str, Any]) -> None:
        self.pages.describe_section(section["kind"], section["start"])
        self._section = None
        if self._in_properties and self._paragraphs:
            self._paragraphs[-1].ends_section = True

    # Tables.

    def _container(self) -> list[Part]:
        cells = self._tables[-1].cells if self._tables else []
        return cells[-1].parts if cells else self.parts

    def _start_in_table(self, name: str) -> None:
        if name == "tbl":
            if len(self._tables) == MAX_TABLES:
                self._deeper_tables += 1
            else:
                self._tables.append(_Table())
        elif self._tables and not self._deeper_tables:
            if name == "tc":
                self._tables[-1].cells.append(_Cell())
            else:
                rows = self._tables[-1].rows
                self._tables[-1] = _Table(rows)

    def _end_in_table(self, name: str) -> None:
        if self._deeper_tables:
            self._deeper_tables -= name == "tbl"
        elif not self._tables:
            return
        elif name == "tc":
            if self._carried:
                carried, self._carried = self._carried, []
                self._finish(_Paragraph(self.pages.stretch, carried))
        elif name == "tr":
            self._end_row(self._tables[-1])
        else:
            rows = self._tables.pop().rows
            if rows:
                self._container().append({"type": "table", "rows": rows})
            if not self._tables and not self._paragraphs:
                self._place_notes()

    def _describe_table(self, table: _Table, name: str, value: str) -> None:
        if name == "tblHeader":
            table.is_header = value not in OFF
        elif name == "gridBefore" and value.isdecimal():
            table.before = min(int(value), MAX_COLUMNS)
        elif table.cells and name == "gridSpan" and value.isdecimal():
            table.cells[-1].span = min(max(1, int(value)), MAX_COLUMNS)
        elif table.cells and name == "vMerge":
            table.cells[-1].continues = value != "restart"

    def _end_row(self, table: _Table) -> None:
        cells = [
            {
                "parts": cell.parts,
                "span": cell.span,
                "is_bold": 0 < cell.letters == cell.bold_letters,
                "continues": cell.continues,
            }
            for cell in table.cells
        ]
        if not table.is_deleted:
            table.rows.append({"cells": cells, "is_header": table.is_header, "before": table.before})
        table.cells = []


def paragraphs_in(parts: list[Part]) -> Iterator[Part]:
    """Yield the paragraphs of parts, also those in tables."""
    for part in parts:
        if part["type"] == "paragraph":
            yield part
        else:
            for row in part["rows"]:
                for cell in row["cells"]:
                    yield from paragraphs_in(cell["parts"])
