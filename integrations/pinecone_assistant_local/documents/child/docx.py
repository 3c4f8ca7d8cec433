"""What a DOCX document holds, read with the standard library. Runs in the child process only: see `extraction_child`."""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from functools import partial
from typing import TypeVar
from xml.etree import ElementTree

from ...errors import DocumentError
from .docx_body import Body, local_name, local_names

MAX_PART_BYTES = 128 * 1024**2
MAX_ENTRIES = 20_000
_READ_BYTES = 64 * 1024
_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
_HEADING_NAME = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MAX_STYLE_DEPTH = 20
_Target = TypeVar("_Target", bound="_NoDoctype")


def extract_docx(content: bytes) -> dict[str, object]:
    """The JSON of a `DocxContent`."""
    if content.startswith(_COMPOUND_FILE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise DocumentError("The document is encrypted: remove its password and upload it again.")
        raise DocumentError("The file is in an older format of Word: save it as .docx and upload it again.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if len(archive.infolist()) > MAX_ENTRIES:
                raise DocumentError(f"The DOCX file has more than {MAX_ENTRIES} parts.")
            main = _main_part(archive)
            folder = posixpath.dirname(main)
            body = _Document(_levels(archive, f"{folder}/styles.xml" if folder else "styles.xml"))
            return {"paragraphs": _parse(archive, main, body).paragraphs}
    except DocumentError:
        raise
    except zipfile.BadZipFile as error:
        raise DocumentError("The file is not a DOCX document, or it is damaged.") from error
    except (zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # What zipfile was seen to raise for archives with bytes changed at random.
        raise DocumentError(f"The DOCX file is damaged: {error or type(error).__name__}.") from error


class _NoDoctype:
    """A target of the XML parser that refuses document types: no DOCX has one, and entity bombs need one."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Nothing to do."""

    def end(self, tag: str) -> None:
        """Nothing to do."""

    def data(self, text: str) -> None:
        """Nothing to do."""

    def doctype(self, _name: str, _public_id: str | None, _system: str | None) -> None:
        """Called before anything that stands in the document type is read."""
        raise DocumentError("The DOCX file has a document type declaration, which no Word document has.")

    def close(self) -> None:
        """Nothing to do."""


class _Document(Body, _NoDoctype):
    """The document itself."""


class _Relations(_NoDoctype):
    """The part that is the document."""

    def __init__(self) -> None:
        self.main: str | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if local_name(tag) == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            self.main = attributes.get("Target")


class _Styles(_NoDoctype):
    """The level of each style that is a heading's, under the style's identifier."""

    def __init__(self) -> None:
        self.own: dict[str, int] = {}
        self.based_on: dict[str, str] = {}
        self._style = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name, values = local_name(tag), local_names(attributes)
        value = values.get("val", "")
        if name == "style":
            self._style = values.get("styleId", "")
        elif name == "name":
            heading = _HEADING_NAME.fullmatch(value)
            if heading:
                self.own[self._style] = int(heading[1]) + 1
            elif value.lower() == "title":
                self.own[self._style] = 1
        elif name == "basedOn":
            self.based_on[self._style] = value
        elif name == "outlineLvl" and value.isdecimal() and int(value) < 9:  # 9 is body text
            self.own.setdefault(self._style, int(value) + 2)

    def levels(self) -> dict[str, int]:
        """With what the styles inherit."""
        found = dict(self.own)
        for style in self.based_on:
            ancestor = style
            for _ in range(_MAX_STYLE_DEPTH):
                if ancestor in self.own:
                    found[style] = self.own[ancestor]
                    break
                ancestor = self.based_on.get(ancestor, "")
        return found


def _main_part(archive: zipfile.ZipFile) -> str:
    if "_rels/.rels" not in archive.namelist():
        raise DocumentError("The file is a ZIP archive, but no DOCX document.")
    main = _parse(archive, "_rels/.rels", _Relations()).main
    if main is None:
        raise DocumentError("The file is an Office file without a document: only .docx is read.")
    name = posixpath.normpath(main.lstrip("/"))
    if name not in archive.namelist():
        raise DocumentError("The DOCX file is damaged: the document in it is missing.")
    return name


def _levels(archive: zipfile.ZipFile, name: str) -> dict[str, int]:
    return _parse(archive, name, _Styles()).levels() if name in archive.namelist() else {}


def _parse(archive: zipfile.ZipFile, name: str, target: _Target) -> _Target:
    """Feeds a part to the target as it is unpacked; unlike iterparse, no tree is kept and a doctype is seen in time."""
    part = archive.getinfo(name)
    if part.flag_bits & 1:
        raise DocumentError("The document is encrypted: remove its password and upload it again.")
    parser = ElementTree.XMLParser(target=target)  # noqa: S314  (the target refuses what makes XML dangerous)
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
