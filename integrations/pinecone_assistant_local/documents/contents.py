"""What the child process finds in a PDF or DOCX file, as values."""

from __future__ import annotations

import msgspec


class PdfLine(msgspec.Struct, array_like=True, frozen=True):
    """A line as it is printed; sizes and heights in points, from the bottom of the page."""

    text: str
    size: float
    top: float
    bottom: float
    bold: bool


class PdfImage(msgspec.Struct, frozen=True):
    """An image on a page; without data if it is too large or cannot be decoded."""

    page: int
    mime_type: str | None = None
    data: bytes | None = None


class PdfContent(msgspec.Struct, frozen=True):
    """A PDF: the lines of each page, its images, and how many of them were not even counted."""

    pages: list[list[PdfLine]]
    images: list[PdfImage] = []
    images_left_out: int = 0


class DocxParagraph(msgspec.Struct, frozen=True):
    """A paragraph or a table row; a level above 0 is a heading's, 1 the outermost."""

    text: str
    page: int
    level: int = 0
    cells: list[str] | None = None
    first_row: bool = False


class DocxContent(msgspec.Struct, frozen=True):
    """A DOCX document in reading order."""

    paragraphs: list[DocxParagraph]
