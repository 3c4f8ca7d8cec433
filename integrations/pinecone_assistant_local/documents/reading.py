"""Uploaded bytes to blocks of text, one parser per file type.

The type is decided by the extension of the file's name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import DocumentError
from ..text.passages import Block
from .children import Children
from .contents import PdfImage
from .decoding import decode_text
from .docx_text import docx_blocks
from .file_types import file_type
from .json_text import parse_json
from .markdown_text import parse_markdown
from .pdf_text import pdf_blocks
from .plain_text import parse_text


@dataclass(frozen=True, slots=True)
class Document:
    """The text and images of a file.

    Attributes:
        blocks: Its text.
        images: The images of a PDF, if they were requested.
        images_left_out: How many images were left out: beyond the limit, too large or not readable.
    """

    blocks: list[Block]
    images: tuple[PdfImage, ...] = ()
    images_left_out: int = 0


_PARSERS: dict[str, Callable[[str], Iterator[Block]]] = {"txt": parse_text, "md": parse_markdown, "json": parse_json}


def read_document(name: str, content: bytes, *, multimodal: bool = False, children: Children | None = None) -> Document:
    """Return a document's text and, of a multimodal PDF, its images.

    Args:
        name: Its file name, which decides its type.
        content: Its bytes.
        multimodal: Whether images are wanted.
        children: Runs the child processes; for a caller that may want to end them.

    Raises:
        DocumentError: It has no text, or its content does not match the type in its name.
        Interrupted: The children were closed.
    """
    if not content:
        raise DocumentError("The file is empty.")
    kind = file_type(name)
    if kind == "pdf":
        return _read_pdf(content, multimodal, children or Children())
    try:
        if kind == "docx":
            found = docx_blocks((children or Children()).read_docx(content))
        else:
            found = _PARSERS[kind](decode_text(content))
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
