"""The text and images of a PDF, read with PDFium. Runs in the child process only."""

from __future__ import annotations

import base64
import ctypes
import io
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
    start = 0  # in UTF-16 units, by which PDFium counts
    for line in text_page.get_text_range().split("\r\n"):
        length = len(line.encode("utf-16-le")) // 2
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
        start += length + 2

    def left_of(line: Line, offset: int) -> float:
        units = len(line.text[:offset].encode("utf-16-le")) // 2
        return _box(text_page, _index(text_page, line.start + units)).left

    filled = with_fields(lines, fields, left_of)
    text_page.close()
    return [line.to_json() for line in filled]


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
