"""The text and images of a PDF, read with PDFium. Runs in the child process only."""

from __future__ import annotations

import base64
import ctypes
import io
import re
from collections.abc import Iterator
from typing import Any

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # as above

from ...errors import DocumentError
from .pdf_fields import Box, Field, Line, fields_of, with_fields

MAX_TEXT_CHARACTERS = 20_000_000
MAX_IMAGES = 500
MAX_IMAGE_BYTES = 5 * 1024**2
MAX_ALL_IMAGES_BYTES = 32 * 1024**2
MAX_DECODED_PIXELS = 40_000_000
# Smaller ones are rules, bullets and spacers.
MIN_IMAGE_PIXELS = 16

_SIMPLE_FILTERS = frozenset({"ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "FlateDecode", "RunLengthDecode", "Crypt"})
_REASONS = {
    pdfium.FPDF_ERR_PASSWORD: "The PDF is encrypted: remove its password and upload it again.",
    pdfium.FPDF_ERR_SECURITY: "The PDF is encrypted in a way that cannot be read: remove its protection.",
    pdfium.FPDF_ERR_FORMAT: "The file is not a PDF, or it is damaged.",
}
_NO_PAGES = "The PDF has no pages, or they are damaged."
_BOLD_WEIGHT = 600
_BOLD_NAMES = ("bold", "black", "heavy")
_MAX_FONT_NAME = 256
_SPACE = re.compile(r"(?<=\S) (?=\S)")
_SPACE_OR_NONE = re.compile(r"(?<=\S) (?=\S)|(?<=[0-9A-Za-z])(?=[0-9A-Za-z])")  # in vertical Japanese, none is no end
_HYPHEN = re.compile("[\ufffe\x02]")
# In heights of a line. Raised and lowered characters share more than a third of their height with their neighbours.
_HIGH, _SHARED = 1.5, 0.2
_SLANT = 0.1


def extract_pdf(content: bytes, *, images: bool) -> dict[str, object]:
    """Return the JSON of a `PdfContent`."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        reason = _REASONS.get(getattr(error, "err_code", pdfium.FPDF_ERR_FORMAT), _NO_PAGES)
        raise DocumentError(reason) from error
    if len(document) == 0:
        raise DocumentError(_NO_PAGES)
    document.init_forms()  # before the first page is loaded
    pages: list[list[list[object]]] = []
    found: list[dict[str, object]] = []
    size = image_bytes = left_out = 0
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            lines = _lines(page, fields_of(page, document.formenv))
            on_page = list(_images(page)) if images else []
        except pypdfium2.PdfiumError as error:
            raise DocumentError(f"Page {number} of the PDF is damaged.") from error
        size += sum(len(str(line[0])) for line in lines)
        if size > MAX_TEXT_CHARACTERS:
            raise DocumentError(f"The PDF holds more than {MAX_TEXT_CHARACTERS} characters of text.")
        pages.append(lines)
        for image in on_page:
            if len(found) == MAX_IMAGES:
                left_out += 1
                continue
            mime_type, data = _image_data(image, MAX_ALL_IMAGES_BYTES - image_bytes)
            image_bytes += len(data or b"")
            entry: dict[str, object] = {"page": number}
            if data is not None:
                entry |= {"mime_type": mime_type, "data": base64.b64encode(data).decode()}
            found.append(entry)
        page.close()
    return {"pages": pages, "images": found, "images_left_out": left_out}


def _lines(page: Any, fields: list[Field]) -> list[list[object]]:
    """Return the lines of a page as JSON, see `PdfLine`."""
    text_page = page.get_textpage()
    if text_page.count_chars() > MAX_TEXT_CHARACTERS:
        raise DocumentError(f"The PDF holds more than {MAX_TEXT_CHARACTERS} characters on one page.")
    lines: list[Line] = []
    for line, start in _rows(text_page):
        text = line.strip()
        if text:
            first = start + len(line) - len(line.lstrip())
            last = start + len(line.rstrip()) - 1
            begin = _box(text_page, _index(text_page, first))
            # PDFium joins two lines where a word is hyphenated: then the last character is on the lower line.
            end = _box(text_page, _index(text_page, last))
            bold = _is_bold(text_page, _index(text_page, first)) and _is_bold(text_page, _index(text_page, last))
            size = round(begin.top - begin.bottom, 1)
            lines.append(Line(text, size, begin.top, end.bottom, bold, begin.left, end.right, first))

    def left_of(line: Line, offset: int) -> float:
        return _box(text_page, _index(text_page, line.start + _units(line.text[:offset]))).left

    filled = with_fields(lines, fields, left_of)
    text_page.close()
    return [line.to_json() for line in filled]


def _rows(text_page: Any) -> Iterator[tuple[str, int]]:
    """Yield the lines of a page with their places in its text, in UTF-16 units, by which PDFium counts.

    On a page with little text, PDFium may join lines by a space of its own, or single characters without one: the cells "3"
    and "5" of a column become "35". So such lines are cut there.
    """
    start = 0
    for line in text_page.get_text_range().split("\r\n"):
        begin = cut = position = 0
        if _is_high(text_page, line, start):
            # In a line with a hyphen PDFium joined two lines on purpose; looking at each of its characters would take long.
            for place in (_SPACE if _HYPHEN.search(line) else _SPACE_OR_NONE).finditer(line):
                position += _units(line[begin : place.start()])
                begin = place.start()
                if _is_between_rows(text_page, _index(text_page, start + position), is_space=bool(place.group())):
                    row = line[cut:begin]
                    yield row, start + position - _units(row)
                    cut = begin
        yield line[cut:], start + _units(line[:cut])
        start += _units(line) + 2


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _is_high(text_page: Any, line: str, start: int) -> bool:
    """Return whether a line begins and ends at different heights."""
    if not line.strip():
        return False
    begin = _box(text_page, _index(text_page, start + _units(line) - _units(line.lstrip())))
    end = _box(text_page, _index(text_page, start + _units(line.rstrip()) - 1))
    return begin.top - end.bottom > _HIGH * (begin.top - begin.bottom)


def _is_between_rows(text_page: Any, index: int, *, is_space: bool) -> bool:
    """Return whether a line goes on further down at a space of PDFium's own, or at a character."""
    if is_space and pdfium.FPDFText_IsGenerated(text_page, index) != 1:
        return False
    around = (index - 1, index + is_space)
    if any(abs(pdfium.FPDFText_GetCharAngle(text_page, near)) > _SLANT for near in around):
        return False
    before, after = (_box(text_page, near) for near in around)
    shared = after.top - before.bottom  # of their heights; none or less if one is wholly below the other
    return shared < _SHARED * (before.top - before.bottom)


def _index(text_page: Any, position: int) -> int:
    """Return the index of the character at a position of the text, which omits some characters of the page and adds others."""
    return max(0, int(pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, position)))


def _box(text_page: Any, index: int) -> Box:
    # The font size that PDFium reports is the one before scaling, often 1: the height of the box is the real one.
    box = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(text_page, index, box):
        return Box(0.0, 0.0, 0.0, 0.0)
    return Box(float(box.left), float(box.bottom), float(box.right), float(box.top))


def _is_bold(text_page: Any, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text_page, index) >= _BOLD_WEIGHT:
        return True
    name, flags = ctypes.create_string_buffer(_MAX_FONT_NAME), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(text_page, index, name, _MAX_FONT_NAME, flags)
    return any(word in name.value.decode("utf-8", "replace").lower() for word in _BOLD_NAMES)


def _images(page: Any) -> Iterator[Any]:
    for image in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=5):
        metadata = image.get_metadata()
        if min(metadata.width, metadata.height) >= MIN_IMAGE_PIXELS:
            yield image


def _image_data(image: Any, budget: int) -> tuple[str, bytes | None]:
    """Return the media type and bytes of an image; JPEG unchanged, everything else as PNG; None if it cannot be read."""
    limit = min(budget, MAX_IMAGE_BYTES)
    try:
        *simple, last = image.get_filters() or [""]
        if last == "DCTDecode" and _SIMPLE_FILTERS.issuperset(simple):
            return "image/jpeg", _at_most(bytes(image.get_data(decode_simple=True)), limit)
        metadata = image.get_metadata()
        if metadata.width * metadata.height > MAX_DECODED_PIXELS:
            return "", None
        picture = image.get_bitmap().to_pil()
    except (pypdfium2.PdfiumError, ValueError):
        return "", None  # a damaged image: its caption stays
    written = io.BytesIO()
    picture.save(written, "PNG")
    return "image/png", _at_most(written.getvalue(), limit)


def _at_most(data: bytes, limit: int) -> bytes | None:
    return data if 0 < len(data) <= limit else None
