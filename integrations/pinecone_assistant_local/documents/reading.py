"""Uploaded bytes to blocks of text, one parser per file type.

The type is decided by the extension of the file's name alone.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import DocumentError
from ..text.passages import Block
from .children import Children
from .contents import PdfImage
from .docx_text import docx_blocks
from .file_types import file_type
from .json_text import parse_json
from .markdown_text import parse_markdown
from .pdf_text import pdf_blocks
from .plain_text import parse_text


@dataclass(frozen=True, slots=True)
class Document:
    """What was found in a file.

    Attributes:
        blocks: Its text.
        images: The images of a PDF, if they were asked for.
        images_left_out: How many images were too many, too large or not readable.
    """

    blocks: list[Block]
    images: tuple[PdfImage, ...] = ()
    images_left_out: int = 0


def _decoded(parse: Callable[[str], Iterator[Block]]) -> Callable[[bytes], Iterator[Block]]:
    return lambda content: parse(_decode(content))


_PARSERS: dict[str, Callable[[bytes], Iterator[Block]]] = {
    "txt": _decoded(parse_text),
    "md": _decoded(parse_markdown),
    "json": _decoded(parse_json),
}


def parse_document(name: str, content: bytes) -> list[Block]:
    """The blocks of a document; raises as `read_document` does."""
    return read_document(name, content).blocks


def read_document(name: str, content: bytes, *, multimodal: bool = False, children: Children | None = None) -> Document:
    """A document's text and, of a multimodal PDF, its images.

    Args:
        name: Its file name, which decides about its type.
        content: Its bytes.
        multimodal: Whether images are wanted.
        children: Runs the child processes; for a caller that may want to end them.

    Raises:
        DocumentError: There is no text in it, or it is not what its name says.
        Interrupted: The children were closed.
    """
    if not content:
        raise DocumentError("The file is empty.")
    kind = file_type(name)
    if kind == "pdf":
        return _read_pdf(content, multimodal, children or Children())
    try:
        found = docx_blocks((children or Children()).read_docx(content)) if kind == "docx" else _PARSERS[kind](content)
        blocks = [block for block in found if block.sentences]
    except RecursionError as error:
        raise DocumentError("The file is nested too deeply.") from error
    except ValueError as error:
        raise DocumentError(str(error)) from error
    if not blocks:
        raise DocumentError("No text was found in the file.")
    return Document(blocks)


def _read_pdf(content: bytes, multimodal: bool, children: Children) -> Document:
    found = children.read_pdf(content, images=multimodal)
    blocks = [block for block in pdf_blocks(found) if block.sentences]
    if not blocks:
        raise DocumentError("No text was found in the PDF: if its pages are scanned images, run OCR on it first.")
    without_data = sum(image.data is None for image in found.images)
    return Document(blocks, tuple(found.images), found.images_left_out + without_data)


def _decode(content: bytes) -> str:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise DocumentError(
            f"The file is not valid {name} text ({error.reason} at byte {error.start}): save it as UTF-8."
        ) from error
    if "\0" in text:
        raise DocumentError("The file is binary, not text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
