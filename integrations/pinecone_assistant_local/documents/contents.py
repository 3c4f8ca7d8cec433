"""The text and images of PDF and DOCX files, as the child process finds them."""

from __future__ import annotations

import msgspec


class PdfLine(msgspec.Struct, array_like=True, frozen=True):
    """A line as it is printed; sizes and places in points, from the left bottom of the page.

    `filled` means that it has a form field or note.
    """

    text: str
    size: float
    top: float
    bottom: float
    bold: bool
    left: float = 0.0
    right: float = 0.0
    filled: bool = False


class PdfImage(msgspec.Struct, frozen=True):
    """An image on a page; without data if it is too large or cannot be decoded."""

    page: int
    mime_type: str | None = None
    data: bytes | None = None


class PdfContent(msgspec.Struct, frozen=True):
    """A PDF: the lines of each page, its images, and the number of images beyond those listed."""

    pages: list[list[PdfLine]]
    images: list[PdfImage] = []
    images_left_out: int = 0


class DocxParagraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """A paragraph; a level above 0 is a heading's, 1 the outermost."""

    text: str
    page: int
    level: int = 0


class DocxCell(msgspec.Struct, frozen=True):
    """A cell of a table.

    Attributes:
        parts: Its paragraphs and tables.
        span: How many columns it is wide.
        is_bold: Whether all of its text is bold.
        continues: Whether it is the lower part of the cell above.
    """

    parts: list[DocxParagraph | DocxTable]
    span: int = 1
    is_bold: bool = False
    continues: bool = False


class DocxRow(msgspec.Struct, frozen=True):
    """A row of a table.

    Attributes:
        cells: Its cells.
        is_header: Whether the author made it a header, which is repeated on each page.
        before: How many columns there are before its first cell.
    """

    cells: list[DocxCell]
    is_header: bool = False
    before: int = 0


class DocxTable(msgspec.Struct, frozen=True, tag="table"):
    """A table."""

    rows: list[DocxRow]


class DocxContent(msgspec.Struct, frozen=True):
    """A DOCX document.

    Attributes:
        parts: Its text in reading order, each footnote after the paragraph that refers to it.
        running: Its headers and footers, each once.
    """

    parts: list[DocxParagraph | DocxTable]
    running: list[DocxParagraph | DocxTable] = []
