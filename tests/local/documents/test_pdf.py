"""PDF files: text with its pages and headings, and citations of these."""

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
from .made_files import Line, field, pdf
from .reading import blocks_of, pdf_blocks_of

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
    blocks = pdf_blocks_of(content)
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


@pytest.mark.parametrize(
    "text",
    [
        "It was first published in May 2006. This edition/is new.",
        "Published for the first time in the month of May/2006. This edition is new.",
        "It costs between 20 and 30 euros, most often about/25. Ask at the desk.",
        "In the winter temperatures may fall from 5 degrees to/- 7 degrees at night.",
        "See 1) and 2) - the rest * is 3) clear.",
    ],
)
def test_what_looks_like_a_bullet_in_the_middle_of_a_text_stays(text: str) -> None:
    """A slash marks the end of a line."""
    sentences = [sentence for _, _, sentence in _quoted(pdf(text.split("/")))]
    assert " ".join(sentences) == text.replace("/", " ")


def test_lines_of_double_spaced_text_are_one_paragraph() -> None:
    text = [
        "The pump was built in the summer of 1990 by two",
        "engineers of the town, and it weighs about 25",
        "kilograms. Each of the seals is tested at 40 bar",
        "for more than twelve hours before it is shipped",
        "to a customer.",
        "A new paragraph begins on this line of the text",
        "and ends here.",
    ]
    sentences = [
        "The pump was built in the summer of 1990 by two engineers of the town, and it weighs about 25 kilograms.",
        "Each of the seals is tested at 40 bar for more than twelve hours before it is shipped to a customer.",
        "A new paragraph begins on this line of the text and ends here.",
    ]
    for skip in (1.2, 1.7, 2.4):
        found = _quoted(pdf([Line(line, skip=skip) for line in text]))
        assert [sentence for _, _, sentence in found] == sentences, skip


def test_a_name_at_the_beginning_of_a_double_spaced_line_does_not_end_the_sentence() -> None:
    lines = [
        "The old bridge of the harbour was opened by Queen",
        "Amalia in 1894, and in the year after it a second",
        "one was opened next to it by her son, the Prince",
        "Otto of the North.",
    ]
    found = _quoted(pdf([Line(line, skip=2.4) for line in lines]))
    assert [sentence for _, _, sentence in found] == [" ".join(lines)]


def test_lines_of_a_card_that_stand_far_apart_are_not_joined() -> None:
    lines = ["Ann Lee", "Head of research and development", "12 Elm Street", "Doylestown, PA 18901", "Phone: 555 0100"]
    found = _quoted(pdf([Line(line, skip=2.4) for line in lines]))
    assert [sentence for _, _, sentence in found] == lines


def test_a_hyphen_of_a_compound_stays_at_the_end_of_a_line() -> None:
    content = pdf(
        [
            "It is a well-known tree, as its bark is well-",
            "known and its cones are un-",
            "usual. It is 25-",
            "Meter high.",
        ]
    )
    assert _quoted(content)[0][2].startswith(
        "It is a well-known tree, as its bark is well-known and its cones are unusual."
    )


def test_filled_form_fields_stand_where_a_reader_sees_them() -> None:
    """Lines are 14.4 points high, the first one at 725.6."""
    lines = ["Name:", "Street:                              Town:", "Vegetarian        Vegan", "Colour:", "Remarks:"]
    annotations = [
        field("Tx", "Ann Lee", (130, 722, 300, 738)),
        field("Tx", "Oslo", (260, 708, 330, 722)),
        field("Tx", "12 Elm", (115, 708, 180, 722)),
        field("Btn", "", (132, 693, 142, 707)),
        field("Btn", "x", (185, 693, 195, 707)),
        field("Ch", "b", (130, 679, 200, 692), "/Ff 131072/Opt[[(a)(Red)][(b)(Blue)]]"),
        field("Tx", "First line.\\nSecond line.", (130, 600, 400, 678), "/Ff 4096"),
        field("Tx", "a-secret", (130, 560, 200, 574), "/Ff 8192"),
        field("Tx", "not shown", (130, 540, 200, 554), "/F 2"),
        field("Tx", "alone", (400, 500, 460, 514)),
        "<</Subtype/FreeText/Rect[72 400 300 414]/Contents(Typed onto the page.)/F 4>>",
    ]
    found = [sentence for _, _, sentence in _quoted(pdf(lines, annotations=annotations))]
    assert found == [
        "Name: Ann Lee",
        "Street: 12 Elm Town: Oslo",
        "Vegetarian Vegan [x]",
        "Colour: Blue",
        "Remarks: First line.",
        "Second line.",
        "alone",
        "Typed onto the page.",
    ]


def test_headings_with_nothing_under_them_are_text() -> None:
    """The pages of a slide show are all headings."""
    content = pdf(
        [Line("Our pines", size=30), Line("Strong and tall", size=30, skip=4)], ["So it is said in this long text."]
    )
    assert [sentence for _, _, sentence in _quoted(content)] == ["Our pines", "So it is said in this long text."]
    assert _quoted(content)[1][1] == "Strong and tall"


def test_running_titles_come_once_and_bare_page_numbers_never() -> None:
    words = enumerate(("first", "second", "third"), start=1)
    pages = [["Annual report", f"The {word} part is about pines.", f"{page}"] for page, word in words]
    assert _quoted(pdf(*pages)) == [
        (1, "", "The first part is about pines."),
        (2, "", "The second part is about pines."),
        (3, "", "The third part is about pines."),
        (1, "", "Annual report"),
    ]


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Page {page} of 4", ["Page 1 of 4"]),
        ("Report 2021, page {page}", ["Report 2021, page 1"]),
        ("Invoice 10{other}", ["Invoice 103", "Invoice 1012", "Invoice 1027", "Invoice 1048"]),
        ("10{other}", ["103", "1012", "1027", "1048"]),
        ("2023", ["2023"]),
        ("03/05/2021", ["03/05/2021"]),
        ("- {page} -", []),
        ("{page}/4", []),
        ("41{page}", []),
    ],
)
def test_running_titles_with_numbers_of_their_own_are_all_kept(title: str, kept: list[str]) -> None:
    pages = [
        [title.format(page=page, other=page * page * 3), f"The part {word} is about pines.", "It is long."]
        for page, word in enumerate("abcd", start=1)
    ]
    texts = [sentence for _, _, sentence in _quoted(pdf(*pages))]
    assert [text for text in texts if "part" not in text and "long" not in text] == kept


def test_numbers_of_pages_that_begin_anew_are_left_out() -> None:
    pages = [
        [f"The part {word} is about pines.", "It is long.", number]
        for word, number in zip("abcdef", "121234", strict=True)
    ]
    assert [sentence for _, _, sentence in _quoted(pdf(*pages)) if sentence.isdecimal()] == []


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["It held in 2020-", "2021 and later."], "It held in 2020-2021 and later."),
        (["It fell from 5 -", "3 remained."], "It fell from 5 - 3 remained."),
        (["This is evidence-", "based and self-", "made."], "This is evidence-based and self-made."),
        (["It was un-", "known and cor-", "related."], "It was unknown and correlated."),
    ],
)
def test_what_was_cut_at_a_hyphen_is_whole(lines: list[str], sentence: str) -> None:
    assert [found for _, _, found in _quoted(pdf(lines))] == [sentence]


def test_lines_of_fields_with_their_values_are_quoted_one_by_one() -> None:
    assert [found for _, _, found in _quoted(pdf(["Name: Ann Lee", "Phone: 555 0100", "City: Oslo"]))] == [
        "Name: Ann Lee",
        "Phone: 555 0100",
        "City: Oslo",
    ]


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
    """Packages that are only on PYTHONPATH, as after `pip install --target`, are invisible to `python -I`."""
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
