"""Uploaded bytes to blocks of text, one parser per file type.

The type is decided by the extension of the file's name alone.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pinecone_assistant_local.docx_text import docx_blocks
from pinecone_assistant_local.errors import DocumentError, invalid
from pinecone_assistant_local.extraction import Children, PdfImage
from pinecone_assistant_local.json_text import parse_json
from pinecone_assistant_local.markdown_text import parse_markdown
from pinecone_assistant_local.passages import Block
from pinecone_assistant_local.pdf_text import pdf_blocks
from pinecone_assistant_local.plain_text import parse_text

MEGABYTE = 1024 * 1024


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
# These formats are packed and complex: they are read in a child process.
_CHILD_TYPES = ("pdf", "docx")
_TYPES = (*_PARSERS, *_CHILD_TYPES)
_SIZE_LIMITS = {"pdf": 100 * MEGABYTE}
_REFERENCE_TYPES = {"txt": "text", "md": "markdown", "json": "json", "pdf": "pdf", "docx": "doc_x"}
_CONTENT_TYPES = {
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
PAGED_TYPES = frozenset({"pdf", "doc_x"})
MAX_FILE_BYTES = max([10 * MEGABYTE, *_SIZE_LIMITS.values()])


def file_type(name: str) -> str:
    """The type of a file by its name, such as "md".

    Raises:
        ServiceError: 400 for a name without a known extension.
    """
    _, dot, extension = name.rpartition(".")
    extension = extension.lower() if dot else ""
    if extension not in _TYPES:
        accepted = ", ".join(f".{known}" for known in _TYPES)
        raise invalid(f"Unsupported file type of {name!r}: the file name must end in one of {accepted}")
    return extension


def is_known_type(name: str) -> bool:
    """Whether a file of that name can be uploaded."""
    _, dot, extension = name.rpartition(".")
    return bool(dot) and extension.lower() in _TYPES


def size_limit(name: str) -> int:
    """The largest content of a file of that name, in bytes."""
    return _SIZE_LIMITS.get(file_type(name), 10 * MEGABYTE)


def reference_type(name: str) -> str:
    """What a reference to the file is called in context snippets: text, markdown, json, pdf or doc_x."""
    return _REFERENCE_TYPES[name.rpartition(".")[2].lower()]


def has_pages(name: str) -> bool:
    """Whether citations of the file name its pages."""
    return _REFERENCE_TYPES.get(name.rpartition(".")[2].lower()) in PAGED_TYPES


def content_type(name: str) -> str:
    """The media type of a file by its name."""
    return _CONTENT_TYPES[file_type(name)]


def is_read_by_child(name: str) -> bool:
    """Whether files of that name are read in a child process."""
    return file_type(name) in _CHILD_TYPES


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
