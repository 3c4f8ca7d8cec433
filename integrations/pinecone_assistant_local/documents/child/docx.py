"""The text of a DOCX document, read with the standard library. Runs in the child process only."""

from __future__ import annotations

import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from functools import partial
from typing import TypeVar
from xml.etree import ElementTree

from ...errors import DocumentError
from .docx_body import Body, Part, paragraphs_in
from .docx_styles import Styles, StylesReader, local_name

MAX_PART_BYTES = 128 * 1024**2
MAX_ENTRIES = 20_000
_READ_BYTES = 64 * 1024
_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
MAX_RUNNING_PARTS = 300
_Target = TypeVar("_Target", bound="_NoDoctype")


def extract_docx(content: bytes) -> dict[str, object]:
    """Return the JSON of a `DocxContent`."""
    if content.startswith(_COMPOUND_FILE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise DocumentError("The document is encrypted: remove its password and upload it again.")
        raise DocumentError("The file is in an older format of Word: save it as .docx and upload it again.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if len(archive.infolist()) > MAX_ENTRIES:
                raise DocumentError(f"The DOCX file has more than {MAX_ENTRIES} parts.")
            return _read(archive)
    except DocumentError:
        raise
    except zipfile.BadZipFile as error:
        raise DocumentError("The file is not a DOCX document, or it is damaged.") from error
    except (zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # The errors that zipfile raised for archives with randomly changed bytes.
        raise DocumentError(f"The DOCX file is damaged: {error or type(error).__name__}.") from error


class _NoDoctype:
    """A target of the XML parser that refuses document types: no DOCX has one, and entity bombs need one."""

    def doctype(self, _name: str, _public_id: str | None, _system: str | None) -> None:
        """Refuse the file; this is called before anything in the document type is read."""
        raise DocumentError("The DOCX file has a document type declaration, which no Word document has.")


class _Body(Body, _NoDoctype):
    """A part with text."""


class _Styles(StylesReader, _NoDoctype):
    """The part with the styles."""


class _Relations(_NoDoctype):
    """The relations of a part: the kind and target of each, under its identifier."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Read the beginning of an element."""
        if local_name(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))

    def target(self, kind: str) -> str | None:
        """Return the target of the first relation of a kind."""
        return next((target for found, target in self.found.values() if found == kind), None)


def _read(archive: zipfile.ZipFile) -> dict[str, object]:
    """Return the text of the document with its notes, then that of its headers and footers."""
    main = _main_part(archive)
    folder, file = posixpath.split(main)
    relations = _relations(archive, posixpath.join(folder, "_rels", f"{file}.rels"))

    def name_of(target: str | None) -> str | None:
        """Return the name of the part that the document refers to, if there is one."""
        name = posixpath.normpath(posixpath.join(folder, target)).lstrip("/") if target else ""
        return name if name in names else None

    names = frozenset(archive.namelist())
    styles_part = name_of(relations.target("styles") or "styles.xml")
    styles = _parse(archive, styles_part, _Styles()).styles() if styles_part else Styles()

    def notes_of(kind: str) -> dict[str, list[Part]]:
        part = name_of(relations.target(kind))
        return _parse(archive, part, _Body(styles)).notes if part else {}

    body = _parse(archive, main, _Body(styles, notes_of("footnotes")))
    body.stamp()
    pages = body.pages.numbers()
    endnotes = notes_of("endnotes") if body.endnotes else {}
    parts = body.parts
    for identifier in body.endnotes:
        parts += _on_page(endnotes.pop(identifier, []), pages[-1])
    running: list[Part] = []
    read: set[str] = set()
    for stretch, identifier in body.running[:MAX_RUNNING_PARTS]:
        part = name_of(relations.found.get(identifier, ("", ""))[1])
        if part and part not in read:
            read.add(part)
            # A header in a heading style is not a heading of the document.
            running += _on_page(_parse(archive, part, _Body(Styles())).parts, pages[stretch])
    return {"parts": parts, "running": running}


def _on_page(parts: list[Part], page: int) -> list[Part]:
    for paragraph in paragraphs_in(parts):
        paragraph["page"] = page
    return parts


def _relations(archive: zipfile.ZipFile, name: str) -> _Relations:
    return _parse(archive, name, _Relations()) if name in archive.namelist() else _Relations()


def _main_part(archive: zipfile.ZipFile) -> str:
    if "_rels/.rels" not in archive.namelist():
        raise DocumentError("The file is a ZIP archive, but not a DOCX document.")
    main = _relations(archive, "_rels/.rels").target("officeDocument")
    if main is None:
        raise DocumentError("The file is an Office file without a document: only .docx is read.")
    name = posixpath.normpath(main.lstrip("/"))
    if name not in archive.namelist():
        raise DocumentError("The DOCX file is damaged: the document in it is missing.")
    return name


def _parse(archive: zipfile.ZipFile, name: str, target: _Target) -> _Target:
    """Feed a part to the target while it is unpacked. Unlike iterparse, this keeps no tree and sees a doctype in time."""
    part = archive.getinfo(name)
    if part.flag_bits & 1:
        raise DocumentError("The document is encrypted: remove its password and upload it again.")
    parser = ElementTree.XMLParser(target=target)  # noqa: S314  (the target refuses document types, which make XML dangerous)
    size = 0
    try:
        with archive.open(part) as file:
            for data in iter(partial(file.read, _READ_BYTES), b""):
                size += len(data)
                if size > MAX_PART_BYTES:
                    raise DocumentError(f"The DOCX file unpacks to more than {MAX_PART_BYTES} bytes.")
                parser.feed(data)
        parser.close()
    except ElementTree.ParseError as error:
        raise DocumentError(f"The DOCX file is damaged: {name} is not valid XML ({error}).") from error
    return target
