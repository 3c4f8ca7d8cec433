"""PDF and DOCX files for tests, written by hand."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from PIL import Image

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document.xml"/></Relationships>'
)


@dataclass(frozen=True)
class Line:
    """A line of a PDF page; `skip` is the space above it, in lines."""

    text: str
    size: int = 12
    bold: bool = False
    skip: float = 1.2


@dataclass(frozen=True)
class Picture:
    """An image of a PDF page: its stream, its filter, its size."""

    data: bytes
    filter: str
    width: int
    height: int
    color_space: str = "DeviceRGB"


def jpeg(width: int = 40, height: int = 30, color: str = "red") -> Picture:
    """A JPEG image."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), color).save(written, "JPEG")
    return Picture(written.getvalue(), "DCTDecode", width, height)


def raw_image(width: int = 40, height: int = 30, color: bytes = b"\x00\x80\xff") -> Picture:
    """An image of plain pixels."""
    return Picture(zlib.compress(color * (width * height)), "FlateDecode", width, height)


def pdf(
    *pages: Sequence[str | Line | Picture], media_box: str = "0 0 612 792", annotations: Sequence[str] = ()
) -> bytes:
    """A PDF with these lines and images on its pages, and the annotations, such as form fields, on each."""
    return pdf_of([_page(page) for page in pages], media_box=media_box, annotations=annotations)


def field(kind: str, value: str, box: tuple[float, float, float, float], more: str = "") -> str:
    """A form field: `Tx` with a text, `Btn` that is checked if there is a value, `Ch` with the value chosen."""
    place = f"/Subtype/Widget/T(field{box[0]:.0f}{box[1]:.0f})/Rect[{box[0]} {box[1]} {box[2]} {box[3]}]/F 4"
    if kind == "Btn":
        state = "Yes" if value else "Off"
        return f"<</FT/Btn{place}/V/{state}/AS/{state}/AP<</N<</Yes null/Off null>>>>{more}>>"
    return f"<</FT/{kind}{place}/V({value}){more}>>"


def pdf_of(
    pages: Sequence[tuple[bytes, Sequence[Picture]]],
    *,
    media_box: str = "0 0 612 792",
    annotations: Sequence[str] = (),
) -> bytes:
    """A PDF with these content streams."""
    numbers = " ".join(f"{number} 0 R" for number in range(3, 3 + len(annotations)))
    form = f"/AcroForm<</Fields[{numbers}]>>" if annotations else ""
    objects = [f"<</Type/Catalog/Pages 2 0 R{form}>>".encode(), b"", *(one.encode() for one in annotations)]
    fonts = "/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    fonts += "/F2<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>>>"
    kids = []
    for content, pictures in pages:
        names = []
        for index, picture in enumerate(pictures):
            objects.append(
                b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/%s/BitsPerComponent 8/Filter/%s"
                b"/Length %d>>stream\n%s\nendstream"
                % (picture.width, picture.height, picture.color_space.encode(), picture.filter.encode(),
                   len(picture.data), picture.data)
            )  # fmt: skip
            names.append(f"/I{index} {len(objects)} 0 R")
        objects.append(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(content), content))
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[{media_box}]/Contents {len(objects)} 0 R"
            f"/Annots[{numbers}]/Resources<<{fonts}/XObject<<{''.join(names)}>>>>>>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    return assemble(objects)


def endless_pdf(depth: int = 10, width: int = 10) -> bytes:
    """Two KB in which each drawing contains the next one ten times: 10 to the power of 10 steps, and memory for each."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>",
        b"<</Length 5>>stream\n/F Do\nendstream",
    ]
    for level in range(depth):
        content = b"/F Do " * width if level < depth - 1 else b"q Q"
        inner = b"/Resources<</XObject<</F %d 0 R>>>>" % (level + 6) if level < depth - 1 else b""
        form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]%s/Length %d>>" % (inner, len(content))
        objects.append(b"%sstream\n%s\nendstream" % (form, content))
    return assemble(objects)


def assemble(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of numbered objects, the first of them its catalogue."""
    written = b"%PDF-1.7\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    written += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    start = written.index(b"xref\n0 ")
    return written + b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)


def _page(items: Sequence[str | Line | Picture]) -> tuple[bytes, list[Picture]]:
    pictures = [item for item in items if isinstance(item, Picture)]
    commands = [f"q 100 0 0 80 {72 + 110 * index} 80 cm /I{index} Do Q" for index in range(len(pictures))]
    height = 740.0
    for item in items:
        if isinstance(item, Picture):
            continue
        line = Line(item) if isinstance(item, str) else item
        height -= line.skip * line.size
        text = line.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        commands.append(f"BT /F{2 if line.bold else 1} {line.size} Tf 72 {height:.1f} Td ({text}) Tj ET")
    return zlib.compress("\n".join(commands).encode("latin-1")), pictures


def docx(
    body: str, *, styles: str = "", namespace: str = W, prologue: str = "", parts: Mapping[str, str] | None = None
) -> bytes:
    """A DOCX document with this body; `parts` are further ones, such as {"footnotes": "<w:footnote ..."}."""
    files = {
        "_rels/.rels": RELATIONS,
        "word/document.xml": f'{prologue}<w:document xmlns:w="{namespace}" xmlns:r="r"><w:body>{body}</w:body></w:document>',
    }
    if styles:
        files["word/styles.xml"] = f'<w:styles xmlns:w="{namespace}">{styles}</w:styles>'
    if parts:
        kinds = {name: name.rstrip("0123456789") for name in parts}
        relations = "".join(
            f'<Relationship Id="{name}" Type="http://x/relationships/{kind}" Target="{name}.xml"/>'
            for name, kind in kinds.items()
        )
        files["word/_rels/document.xml.rels"] = f"<Relationships>{relations}</Relationships>"
        roots = {"header": "hdr", "footer": "ftr"}
        for name, content in parts.items():
            root = roots.get(kinds[name], kinds[name])
            files[f"word/{name}.xml"] = f'<w:{root} xmlns:w="{namespace}">{content}</w:{root}>'
    return archive(files)


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return written.getvalue()


def paragraph(text: str, *, style: str = "", before: str = "", properties: str = "", bold: bool = False) -> str:
    """The XML of a paragraph; `before` is put into its run, before the text."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    weight = "<w:rPr><w:b/></w:rPr>" if bold else ""
    run = f'<w:r>{weight}{before}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    return f"<w:p><w:pPr>{named}{properties}</w:pPr>{run}</w:p>"


def cell(text: str, properties: str = "", *, bold: bool = False) -> str:
    """The XML of a cell of a table, a paragraph for each line."""
    lines = text.split("\n")
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(paragraph(line, bold=bold) for line in lines)}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """The XML of a row of these cells, or texts."""
    made = (one if one.startswith("<w:tc>") else cell(one) for one in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(made)}</w:tr>"


def table(rows: Iterable[Sequence[str] | str]) -> str:
    """The XML of a table of texts, or of rows in XML."""
    made = (one if isinstance(one, str) else row(*one) for one in rows)
    return f"<w:tbl>{''.join(made)}</w:tbl>"


def section(kind: str = "", *, start: int | None = None, references: str = "") -> str:
    """The XML of the properties of a section: how it begins."""
    named = f'<w:type w:val="{kind}"/>' if kind else ""
    numbers = "" if start is None else f'<w:pgNumType w:start="{start}"/>'
    return f"<w:sectPr>{references}{named}{numbers}</w:sectPr>"
