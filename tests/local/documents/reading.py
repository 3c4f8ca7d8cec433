"""Functions that read a file's text, for tests."""

from __future__ import annotations

import msgspec

from pinecone_assistant_local.documents.child.docx import extract_docx
from pinecone_assistant_local.documents.child.pdf import extract_pdf
from pinecone_assistant_local.documents.contents import DocxContent, PdfContent
from pinecone_assistant_local.documents.docx_text import docx_blocks
from pinecone_assistant_local.documents.pdf_text import pdf_blocks
from pinecone_assistant_local.documents.reading import read_document
from pinecone_assistant_local.text.passages import Block, Passage, to_passages


def blocks_of(name: str, content: bytes | str) -> list[Block]:
    """The blocks of a file."""
    return read_document(name, content.encode() if isinstance(content, str) else content).blocks


def docx_blocks_of(content: bytes) -> list[Block]:
    """The blocks of a DOCX document, read in this process, which is quicker."""
    return list(docx_blocks(msgspec.convert(extract_docx(content), DocxContent)))


def pdf_blocks_of(content: bytes) -> list[Block]:
    """The blocks of a PDF, read in this process."""
    return list(pdf_blocks(msgspec.convert(extract_pdf(content, images=False), PdfContent)))


def passages_of(name: str, content: bytes | str) -> list[Passage]:
    """The passages of a file."""
    return list(to_passages(blocks_of(name, content), name))


def quoted(name: str, content: bytes | str) -> list[str]:
    """Return the text that can be quoted from a file."""
    return [sentence for block in blocks_of(name, content) for sentence in block.sentences]


def quoted_under(name: str, content: bytes | str) -> list[tuple[str, str]]:
    """Return the sentences that can be quoted from a file, each after the headings above it."""
    return [(block.heading, sentence) for block in blocks_of(name, content) for sentence in block.sentences]
