"""Files that are broken, locked, empty or made to do harm: each ends in ProcessingFailed with a helpful reason."""

from __future__ import annotations

import io
import random
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pinecone_assistant_client import FileProcessingError
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.documents.children import Children, Interrupted, Limits
from pinecone_assistant_local.documents.reading import read_document
from pinecone_assistant_local.errors import DocumentError
from pinecone_assistant_local.store.files import NewFile
from pinecone_assistant_local.text.passages import to_passages

from ..conftest import Api
from .made_files import RELATIONS, W, archive, assemble, docx, endless_pdf, paragraph, pdf
from .reading import blocks_of

FACT = "A red pine grows up to 25 meters."
WHOLE_PDF = pdf([FACT])
WHOLE_DOCX = docx(paragraph(FACT))
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")


def _encrypted_pdf() -> bytes:
    """The standard security handler with a user password that is not empty."""
    entry = b"<" + b"5a" * 32 + b">"
    encrypt = b"<</Filter/Standard/V 2/R 3/Length 128/P -4/O %s/U %s>>" % (entry, entry)
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>", encrypt]
    return assemble(objects, b"/Encrypt 3 0 R/ID[<00><00>]")


def _encrypted_entry() -> bytes:
    """A ZIP archive whose entries say that they are encrypted."""
    content = bytearray(WHOLE_DOCX)
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = content.find(header)
        while position >= 0:
            content[position + offset] |= 1
            position = content.find(header, position + 4)
    return bytes(content)


def _zip_bomb() -> bytes:
    """140 MB of one character in 140 KB."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("_rels/.rels", RELATIONS)
        with zipped.open("word/document.xml", "w") as part:
            part.write(f'<w:document xmlns:w="{W}">'.encode())
            for _ in range(140):
                part.write(b" " * 1024**2)
    return written.getvalue()


def _corrupt_part() -> bytes:
    content = WHOLE_DOCX
    start = content.index(b"word/document.xml") + len("word/document.xml")
    return content[:start] + b"\xff" * 20 + content[start + 20 :]


BROKEN = {
    "empty.pdf": (b"", "empty"),
    "text.pdf": (b"This is no PDF.", "not a PDF, or it is damaged"),
    "head.pdf": (b"%PDF-1.7\n", "not a PDF, or it is damaged"),
    "half.pdf": (WHOLE_PDF[:200], "damaged"),
    "pages.pdf": (
        assemble([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]),
        "no pages, or they are damaged",
    ),
    "loop.pdf": (assemble([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 9>>"]), "damaged"),
    "locked.pdf": (_encrypted_pdf(), "encrypted: remove its password"),
    "scan.pdf": (pdf([]), "run OCR"),
    "huge page.pdf": (pdf([], media_box="0 0 1e30 1e30"), "run OCR"),
    "renamed.pdf": (WHOLE_DOCX, "not a PDF"),
    "empty.docx": (b"", "empty"),
    "text.docx": (b"This is no document.", "not a DOCX document, or it is damaged"),
    "half.docx": (WHOLE_DOCX[: len(WHOLE_DOCX) // 2], "damaged"),
    "zip.docx": (archive({"readme.txt": "hello"}), "a ZIP archive, but not a DOCX document"),
    "sheet.docx": (archive({"_rels/.rels": "<r/>"}), "only .docx is read"),
    "missing.docx": (archive({"_rels/.rels": RELATIONS}), "the document in it is missing"),
    "old.docx": (COMPOUND_FILE + bytes(512), "older format of Word"),
    "locked.docx": (COMPOUND_FILE + "EncryptedPackage".encode("utf-16-le"), "encrypted: remove its password"),
    "entry.docx": (_encrypted_entry(), "encrypted: remove its password"),
    "corrupt.docx": (_corrupt_part(), "damaged"),
    "xml.docx": (archive({"_rels/.rels": RELATIONS, "word/document.xml": "<a><b></a>"}), "not valid XML"),
    "blank.docx": (docx(""), "No text"),
    "laughs.docx": (docx(paragraph(FACT), prologue=LAUGHS + "]>"), "document type declaration"),
    "utf-16.docx": (
        archive({"_rels/.rels": RELATIONS, "word/document.xml": f"{LAUGHS}]><x>&i;</x>".encode("utf-16")}),
        "document type declaration",
    ),
    "external.docx": (docx("", prologue='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "document type declaration"),
    "path.docx": (
        archive({"_rels/.rels": RELATIONS.replace("word/", "../../../etc/")}),
        "the document in it is missing",
    ),
    "renamed.docx": (WHOLE_PDF, "not a DOCX document"),
    "empty.txt": (b"", "empty"),
    "binary.txt": (b"PK\x03\x04\x00\x00", "binary, not text"),
    "greek.txt": ("Όλοι οι άνθρωποι".encode("cp1253"), "not valid UTF-8 text .* nor does it look like UTF-16 or"),  # noqa: RUF001  (Greek)
    "odd.txt": (b"\xff\xfea\x00b", "not valid UTF-16 text"),
    "spaces.md": (b" \n\t\n", "No text"),
    "half.json": (b'{"name": "red pine", ', "not valid JSON"),
    "deep.json": (b"[" * 200_000, "nested too deeply"),
    "surrogate.json": (b'"\\ud800"', "not valid JSON"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_fails_with_a_reason(name: str) -> None:
    content, reason = BROKEN[name]
    with pytest.raises(DocumentError, match=reason):
        blocks_of(name, content)


def test_a_zip_bomb_is_given_up_while_it_is_unpacked() -> None:
    with pytest.raises(DocumentError, match="unpacks to more than"):
        blocks_of("bomb.docx", _zip_bomb())


def test_a_broken_upload_ends_in_processing_failed_with_the_reason(local: LocalAssistant, api: Api) -> None:
    operation = api.upload("locked.pdf", BROKEN["locked.pdf"][0]).json()
    assert operation["status"] == "Failed"
    assert "remove its password" in operation["error_message"]
    api.version = "2025-10"
    file = api.upload("text.docx", b"no document").json()
    assert (file["status"], file["error_message"]) == (
        "ProcessingFailed",
        "The file is not a DOCX document, or it is damaged.",
    )
    with pytest.raises(FileProcessingError, match=r"local\.json.*The file is nested too deeply"):
        local.upload_text("local.json", "[" * 200_000)


def _read(content: bytes, name: str = "x.pdf", **limits: float) -> None:
    read_document(name, content, children=Children(Limits(**limits)))  # type: ignore[arg-type]  # Limits has whole numbers, too


@pytest.fixture(scope="module")
def endless() -> bytes:
    return endless_pdf()


def test_a_child_that_takes_too_long_is_ended(endless: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(DocumentError, match="longer than a file may take"):
        _read(endless, wall_seconds=0.3)
    assert time.monotonic() - began < 5


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="no CPU limits here")
def test_a_child_that_uses_too_much_cpu_is_ended(endless: bytes) -> None:
    with pytest.raises(DocumentError, match="longer than a file may take"):
        _read(endless, cpu_seconds=1)


@pytest.mark.skipif(not Path("/proc").exists(), reason="no limits of memory here")
def test_a_child_that_needs_too_much_memory_is_ended(endless: bytes) -> None:
    with pytest.raises(DocumentError, match="more memory than a file may take"):
        _read(endless, memory_bytes=200 * 1024**2)


def test_a_child_that_writes_too_much_is_ended() -> None:
    content = docx(paragraph("word " * 100_000))
    with pytest.raises(DocumentError, match="more text and images than a file may"):
        _read(content, "x.docx", output_bytes=1000)


def test_closing_ends_a_child_and_says_that_it_was_no_fault_of_the_file(endless: bytes) -> None:
    children = Children()
    timer = threading.Timer(0.3, children.close)
    timer.start()
    with pytest.raises(Interrupted):
        read_document("x.pdf", endless, children=children)
    timer.join()
    with pytest.raises(Interrupted):
        read_document("x.pdf", WHOLE_PDF, children=children)


def test_a_slow_file_does_not_hold_up_the_others_and_is_redone_after_a_restart(tmp_path: Path, endless: bytes) -> None:
    with LocalAssistant(data_dir=tmp_path) as local:
        service = local.service
        slow, _ = service.store.files.add(local.name, NewFile("slow.pdf", endless))
        service.ingest.submit(slow)
        local.upload_text("pine.md", FACT)
        assert service.store.files.unfinished() == [slow]
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with LocalAssistant(data_dir=tmp_path) as local:
        assert local.service.store.files.unfinished() == [slow]
        assert local.service.ingest.pending(slow) is not None


def _mutations(content: bytes, count: int) -> Iterator[bytes]:
    chooser = random.Random(7)
    for _ in range(count):
        broken = bytearray(content)
        for _ in range(chooser.randint(1, 20)):
            broken[chooser.randrange(len(broken))] = chooser.randrange(256)
        yield bytes(broken)


def _reason(name: str, content: bytes, children: Children) -> str:
    """Return why a file cannot be read; empty if it can."""
    try:
        read_document(name, content, children=children)
    except DocumentError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("name", "content"), [("x.pdf", WHOLE_PDF), ("x.docx", WHOLE_DOCX)])
def test_bytes_changed_at_random_never_break_more_than_the_file(name: str, content: bytes) -> None:
    """Either there is text or a reason; a crash of the child's Python would say `its parser failed`."""
    children = Children()
    for broken in _mutations(content, 10):
        reason = _reason(name, broken, children)
        assert "its parser failed" not in reason, broken


N = 60_000
HOSTILE_TEXT = {
    "comments.md": "<!-- a" * N,
    "inline_comments.md": "a <!-- b " * N,
    "declarations.md": "a <!X b <? " * N,
    "brackets.md": "![" * (N // 8) + "](" * (N // 8),
    "backticks.md": " ".join("`" * length for length in range(1, 700)),
    "lists.md": "- a\n\n" * (N // 10),
    "quotes.md": ">" * 15 + "a\n" + "b\n" * (N // 10),
    "blank.txt": "a" + "\n" * N + "b",
    "list.txt": "- a\n" * N,
    "item.txt": "1. a\n" + "b\n" * N,
    "numbers.txt": "".join(f"{number % 1000}. a\n" for number in range(N)),
    "digits.txt": "1. " * N + "\n2. x",
    "stars.md": "*a " * N,
    "underscores.md": "_a " * N,
    "heading.md": "#" + " " * N + "a" + " " * N + "b",
    "table.md": "a|b\n" + " " * N + "x\n",
    "links.md": "[a](b " * N,
    "tags.md": "<a " * N,
    "initials.txt": "J. " * N,
    "abbreviations.txt": "e.g. " * N,
    "marks.txt": "?!" * N,
    "notes.txt": ". [1]" * N,
    "brackets.txt": ("." + ")" * 50) * (N // 50),
    "sentence.txt": "word " * N,
    "numbers.json": "[" + ",".join(["1"] * N) + "]",
}


@pytest.mark.parametrize("name", HOSTILE_TEXT)
def test_no_text_takes_quadratic_time(name: str) -> None:
    """Quadratic time would be minutes; the limit leaves room for a busy machine."""
    began = time.process_time()
    passages = list(to_passages(blocks_of(name, HOSTILE_TEXT[name].encode()), name))
    assert passages
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("heading.md", f"# {'h' * 50_000}\n\n" + "Fact.\n\n" * 5_000),
        ("column.md", f"|{'h' * 50_000}|\n|-|\n" + "|1|\n" * 5_000),
        ("key.json", f'{{"{"k" * 50_000}": [{", ".join(["{}"] * 5_000)}]}}'.replace("{}", '{"name": "a", "v": 1}')),
        ("depth.json", '{"key":' * 400 + "[" + ", ".join(['{"name": "a"}'] * 5_000) + "]" + "}" * 400),
    ],
)
def test_no_text_grows_a_thousandfold(name: str, text: str) -> None:
    """Headings above many passages are stored with each of them."""
    passages = to_passages(blocks_of(name, text.encode()), name)
    kept = sum(len(passage.body) + len(passage.heading) + len("".join(passage.sentences)) for passage in passages)
    assert kept < 40 * len(text)
