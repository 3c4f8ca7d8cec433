"""PDF files: text with its pages and headings, and what citations make of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.documents.child import __main__ as extraction_child
from pinecone_assistant_local.documents.contents import PdfContent, PdfLine
from pinecone_assistant_local.documents.pdf_text import pdf_blocks
from pinecone_assistant_local.text.passages import to_passages

from ..conftest import Api
from .made_files import Line, pdf
from .reading import blocks_of

GUIDE = pdf(
    [
        Line("Trees of the north", size=22, bold=True),
        Line("Red pine", size=16, bold=True, skip=2),
        "A red pine can grow up to 25 meters high, and up to 75",
        "centimeters in diameter.",
        Line("Its bark is thick.", skip=3),
    ],
    [
        "It lives for up to 400 years.",
        Line("White spruce", size=16, bold=True, skip=2),
        "A white spruce reaches 40 meters.",
        Line("Animals", size=22, bold=True, skip=2),
        "A blue whale is 30 meters long.",
    ],
)


def _quoted(content: bytes) -> list[tuple[int | None, str, str]]:
    blocks = blocks_of("x.pdf", content)
    return [(block.page, block.heading, sentence) for block in blocks for sentence in block.sentences]


def test_sentences_have_their_page_and_the_headings_above_them() -> None:
    assert _quoted(GUIDE) == [
        (1, "Trees of the north > Red pine", "A red pine can grow up to 25 meters high, and up to 75 centimeters in diameter."),
        (1, "Trees of the north > Red pine", "Its bark is thick."),
        (2, "Trees of the north > Red pine", "It lives for up to 400 years."),
        (2, "Trees of the north > White spruce", "A white spruce reaches 40 meters."),
        (2, "Animals", "A blue whale is 30 meters long."),
    ]  # fmt: skip


def test_passages_never_cross_a_page() -> None:
    pages = [[f"Fact {number} stands on page {page}." for number in range(8)] for page in range(1, 6)]
    passages = list(to_passages(blocks_of("x.pdf", pdf(*pages)), "x.pdf"))
    assert {passage.page for passage in passages} == {1, 2, 3, 4, 5}
    assert all(f"page {passage.page}" in sentence for passage in passages for sentence in passage.sentences)


def test_lines_of_a_paragraph_are_joined_and_words_cut_at_their_end_are_whole() -> None:
    content = pdf(["The tallest tree that was ever mea-", "sured was over 115 meters high. It is", "called Hyperion."])
    assert [sentence for _, _, sentence in _quoted(content)] == [
        "The tallest tree that was ever measured was over 115 meters high.",
        "It is called Hyperion.",
    ]


def test_list_items_are_blocks_of_their_own() -> None:
    content = pdf(["These are known:", "- the red pine", "- the white spruce", "1. the oak"])
    assert [sentence for _, _, sentence in _quoted(content)] == [
        "These are known:", "the red pine", "the white spruce", "the oak",
    ]  # fmt: skip


def test_headings_with_nothing_under_them_are_text() -> None:
    """The pages of a slide show are all headings."""
    content = pdf(
        [Line("Our pines", size=30), Line("Strong and tall", size=30, skip=4)], ["So it is said in this long text."]
    )
    assert [sentence for _, _, sentence in _quoted(content)] == ["Our pines", "So it is said in this long text."]
    assert _quoted(content)[1][1] == "Strong and tall"


def test_page_numbers_and_running_titles_are_left_out() -> None:
    words = enumerate(("first", "second", "third"), start=1)
    pages = [["Annual report", f"The {word} part is about pines.", f"{page}"] for page, word in words]
    assert [sentence for _, _, sentence in _quoted(pdf(*pages))] == [
        "The first part is about pines.", "The second part is about pines.", "The third part is about pines.",
    ]  # fmt: skip


def test_a_page_keeps_a_line_that_is_all_it_has() -> None:
    lines = [[PdfLine("Fact 1", 12, 700, 688, False)], [PdfLine("Fact 2", 12, 700, 688, False)]] * 2
    assert [block.text for block in pdf_blocks(PdfContent(lines))] == ["Fact 1", "Fact 2", "Fact 1", "Fact 2"]


def test_an_answer_cites_the_page(local: LocalAssistant, api: Api, tmp_path: Path) -> None:
    path = tmp_path / "guide.pdf"
    path.write_bytes(GUIDE)
    local.upload(path)
    assert "A white spruce reaches 40 meters  [1, pp. 2]." in api.ask("How many meters does a white spruce reach?")
    body = api.chat("How many meters long is a blue whale?", include_highlights=True).json()
    (reference,) = body["citations"][0]["references"]
    assert reference["pages"] == [2]
    assert reference["highlight"]["content"] == "A blue whale is 30 meters long."
    snippets = api.context(query="How many years does a red pine live?").json()["snippets"]
    (found,) = (snippet for snippet in snippets if "400 years" in snippet["content"])
    assert (found["type"], found["reference"]["type"], found["reference"]["pages"]) == ("text", "pdf", [2])


def test_the_child_finds_its_libraries_where_the_parent_found_them(tmp_path: Path) -> None:
    """What is in PYTHONPATH only, as after `pip install --target`, is not seen by `python -I`."""
    (tmp_path / "x.pdf").write_bytes(pdf(["It was found."]))
    program = (
        "from pathlib import Path; from pinecone_assistant_local.documents.reading import read_document;"
        "print(read_document('x.pdf', Path('x.pdf').read_bytes()).blocks[0].text)"
    )
    package = str(Path(extraction_child.__file__).parents[3])
    site = next(path for path in sys.path if (Path(path) / "pypdfium2").is_dir())
    # The interpreter that the virtual environment was made from has none of its packages.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, site])}
    done = subprocess.run(
        [interpreter, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("It was found.\n", "")


def test_the_child_does_not_know_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINECONE_API_KEY", "a-secret")
    seen: list[dict[str, str]] = []
    start = subprocess.Popen

    def spy(*arguments: object, **options: dict[str, str]) -> object:
        seen.append(options["env"])
        return start(*arguments, **options)  # type: ignore[call-overload]  # passed on as they came

    monkeypatch.setattr(subprocess, "Popen", spy)
    blocks_of("x.pdf", GUIDE)
    assert len(seen) == 1
    assert "a-secret" not in seen[0].values()
