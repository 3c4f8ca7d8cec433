"""Filled-in form fields of a PDF page, and notes typed onto it.

A PDF keeps them apart from the text of the page. Each is inserted into the line where a reader sees it: `Name: Ann Lee`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # it ships no types

MAX_FIELDS = 2_000
MAX_CHARACTERS = 100_000
CHECKED = "[x]"
_PASSWORD = 1 << 13
_HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_BUTTONS = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_CHOICES = (pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
_NEAR = 2.0  # points


class Box(NamedTuple):
    """A place on a page, in points from its left bottom."""

    left: float
    bottom: float
    right: float
    top: float


class Field(NamedTuple):
    """A field that is filled in."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; `start` is the place of its first character in the text of the page."""

    text: str
    size: float
    top: float
    bottom: float
    bold: bool
    left: float
    right: float
    start: int = 0
    filled: bool = False

    def to_json(self) -> list[object]:
        """Return the JSON of a `PdfLine`."""
        places = [round(place, 1) for place in (self.left, self.right)]
        return [self.text, self.size, round(self.top, 1), round(self.bottom, 1), self.bold, *places, self.filled]


def fields_of(page: Any, form: Any) -> list[Field]:
    """Return the filled-in fields and notes of a page, without passwords and hidden ones."""
    found = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), MAX_FIELDS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        box = pdfium.FS_RECTF()
        if pdfium.FPDFAnnot_GetRect(annotation, box) and not pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
            text = _text_of(annotation, form).strip()
            if text:
                found.append(Field(text[:MAX_CHARACTERS], Box(box.left, box.bottom, box.right, box.top)))
        pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def with_fields(lines: list[Line], fields: list[Field], left_of: Callable[[Line, int], float]) -> list[Line]:
    """Return the lines with the fields in them; a field that is not on any line becomes a line of its own.

    Args:
        lines: The lines of a page, in reading order.
        fields: The filled-in fields.
        left_of: The left edge of a character of a line.
    """
    found = list(lines)
    on_lines: dict[int, list[Field]] = {}
    alone: list[Field] = []
    for field in fields:
        number = next((index for index, line in enumerate(lines) if _stands_on(field, line)), None)
        if number is None:
            alone.append(field)
        else:
            on_lines.setdefault(number, []).append(field)
    for number, standing in on_lines.items():
        found[number] = _filled(lines[number], sorted(standing, key=lambda field: field.box.left), left_of)
    for field in sorted(alone, key=lambda field: (-field.box.top, field.box.left)):
        at = next((index for index in range(len(found), 0, -1) if found[index - 1].bottom >= field.box.top - _NEAR), 0)
        found[at:at] = _lines_of(field, found[at - 1].size if found else 12.0)
    return found


def _stands_on(field: Field, line: Line) -> bool:
    middle = (line.top + line.bottom) / 2
    return field.box.bottom - _NEAR <= middle <= field.box.top + _NEAR


def _filled(line: Line, fields: list[Field], left_of: Callable[[Line, int], float]) -> Line:
    """Return a line with fields from left to right, each before the first word that begins to the right of its left edge."""
    starts = [index for index in range(len(line.text)) if not index or line.text[index - 1].isspace()]
    lefts = [(left_of(line, start), start) for start in starts if not line.text[start].isspace()]
    parts = []
    done = 0
    for field in fields:
        at = next((start for left, start in lefts if left >= field.box.left - _NEAR), len(line.text))
        parts += [line.text[done : max(at, done)].strip(), " ".join(field.text.split())]
        done = max(at, done)
    parts.append(line.text[done:].strip())
    return replace(line, text=" ".join(part for part in parts if part), filled=True)


def _lines_of(field: Field, size: float) -> list[Line]:
    texts = [" ".join(text.split()) for text in field.text.splitlines() if text.strip()]
    box = field.box
    tops = [min(box.top, box.top - index * size) for index in range(len(texts))]
    return [
        Line(text, size, top, top - size, bold=False, left=box.left, right=box.right, filled=True)
        for text, top in zip(texts, tops, strict=True)
    ]


def _text_of(annotation: Any, form: Any) -> str:
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium.FPDF_ANNOT_FREETEXT:
        return _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")
    if kind != pdfium.FPDF_ANNOT_WIDGET or not form:
        return ""
    field_type = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if field_type in _BUTTONS:
        return CHECKED if pdfium.FPDFAnnot_IsChecked(form, annotation) else ""
    value = _string(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
    if field_type in _CHOICES:
        return _chosen(annotation, form) or value
    if field_type != pdfium.FPDF_FORMFIELD_TEXTFIELD:
        return ""
    return "" if pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD else value


def _chosen(annotation: Any, form: Any) -> str:
    """Return the labels of the chosen options."""
    count = min(max(0, pdfium.FPDFAnnot_GetOptionCount(form, annotation)), MAX_FIELDS)
    labels = [
        _string(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, index)
        for index in range(count)
        if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, index)
    ]
    return ", ".join(label for label in labels if label)


def _string(get: Callable[..., int], *arguments: Any) -> str:
    """Return a string that PDFium writes into a buffer, UTF-16 with a zero at its end."""
    size = min(get(*arguments, None, 0), 2 * MAX_CHARACTERS)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    get(*arguments, buffer, size)
    return bytes(buffer).decode("utf-16-le", "replace").split("\0", 1)[0].replace("\r\n", "\n").replace("\r", "\n")
