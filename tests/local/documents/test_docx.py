"""DOCX documents: text with its pages, headings and tables."""

from __future__ import annotations

import pytest

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.documents.reading import parse_document
from pinecone_assistant_local.text.passages import to_passages

from ..conftest import Api
from .made_files import STRICT, W, archive, docx, paragraph, table

PAGE_BREAK = '<w:br w:type="page"/>'
RENDERED = "<w:lastRenderedPageBreak/>"
# As Word names them in German: the identifiers are translated, the names are not.
STYLES = (
    '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="berschrift2"><w:name w:val="Heading 2"/></w:style>'
    '<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>'
    '<w:style w:styleId="Mine"><w:name w:val="My own"/><w:basedOn w:val="berschrift2"/></w:style>'
    '<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>'
)


def _quoted(content: bytes) -> list[tuple[int | None, str, str]]:
    blocks = parse_document("x.docx", content)
    return [(block.page, block.heading, sentence) for block in blocks for sentence in block.sentences]


def _pages(body: str) -> list[tuple[int | None, str]]:
    return [(page, sentence) for page, _, sentence in _quoted(docx(body))]


@pytest.mark.parametrize("namespace", [W, STRICT])
def test_headings_stay_with_what_stands_under_them(namespace: str) -> None:
    body = (
        paragraph("Trees", style="Titel")
        + paragraph("Pines", style="berschrift1")
        + paragraph("A red pine grows up to 25 meters. It is old.", style="Loop")
        + paragraph("Bark", style="Mine")
        + paragraph("It is thick.")
        + paragraph("Oaks", style="berschrift1")
        + paragraph("Acorns", properties='<w:outlineLvl w:val="1"/>')
        + paragraph("They are eaten.")
    )
    assert _quoted(docx(body, styles=STYLES, namespace=namespace)) == [
        (1, "Trees > Pines", "A red pine grows up to 25 meters."),
        (1, "Trees > Pines", "It is old."),
        (1, "Trees > Pines > Bark", "It is thick."),
        (1, "Trees > Oaks > Acorns", "They are eaten."),
    ]


def test_a_heading_with_nothing_under_it_is_text() -> None:
    body = paragraph("Pines", style="berschrift1") + paragraph("Oaks", style="berschrift1")
    assert _quoted(docx(body, styles=STYLES)) == [(1, "", "Pines"), (1, "", "Oaks")]


@pytest.mark.parametrize(
    "second",
    [
        paragraph("Two.", before=PAGE_BREAK),
        paragraph("Two.", before=RENDERED),
        paragraph("Two.", properties="<w:pageBreakBefore/>"),
        paragraph("Two.", properties="<w:pageBreakBefore/>", before=RENDERED),
        paragraph("", before=PAGE_BREAK) + paragraph("Two.", before=RENDERED),
    ],
)
def test_each_kind_of_page_break_counts_once(second: str) -> None:
    assert _pages(paragraph("One.") + second + paragraph("Still two.")) == [(1, "One."), (2, "Two."), (2, "Still two.")]


@pytest.mark.parametrize(
    ("kind", "page"), [("", 2), ('<w:type w:val="nextPage"/>', 2), ('<w:type w:val="continuous"/>', 1)]
)
def test_a_section_ends_its_page_unless_it_is_continuous(kind: str, page: int) -> None:
    body = paragraph("One.", properties=f"<w:sectPr>{kind}</w:sectPr>") + paragraph("Two.") + "<w:sectPr/>"
    assert _pages(body) == [(1, "One."), (page, "Two.")]


def test_two_explicit_breaks_leave_an_empty_page() -> None:
    assert _pages(paragraph("One.") + paragraph("Three.", before=PAGE_BREAK * 2)) == [(1, "One."), (3, "Three.")]


def test_no_page_break_before_the_first_paragraph_and_none_that_is_off() -> None:
    body = paragraph("One.", properties="<w:pageBreakBefore/>")
    body += paragraph("Also one.", properties='<w:pageBreakBefore w:val="0"/>')
    assert _pages(body) == [(1, "One."), (1, "Also one.")]


def test_a_paragraph_over_two_pages_is_split_where_the_page_ends() -> None:
    runs = f"<w:r><w:t>It begins here.</w:t></w:r><w:r>{RENDERED}<w:t>It ends there.</w:t></w:r>"
    blocks = parse_document("x.docx", docx(f"<w:p>{runs}</w:p>"))
    assert [(block.page, block.text) for block in blocks] == [(1, "It begins here."), (2, "It ends there.")]
    assert [passage.page for passage in to_passages(blocks, "x.docx")] == [1, 2]


def test_rows_of_a_table_name_their_columns() -> None:
    rows = [["Tree", "Height"], ["red pine", "25 m"], ["oak", ""]]
    assert _pages(paragraph("Heights:") + table(rows) + table([["Only one row", "here"]])) == [
        (1, "Heights:"),
        (1, "Tree: red pine; Height: 25 m"),
        (1, "Tree: oak"),
        (1, "Only one row | here"),
    ]


def test_what_is_deleted_or_there_twice_is_left_out() -> None:
    deleted = (
        "<w:del><w:r><w:delText>Old.</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>Moved.</w:t></w:r></w:moveFrom>"
    )
    drawing = (
        "<w:r><AlternateContent><Choice><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></Choice>"
        "<Fallback><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></Fallback></AlternateContent></w:r>"
    )
    assert _pages(f"<w:p>{deleted}<w:r><w:t>New.</w:t></w:r></w:p>") == [(1, "New.")]
    assert _pages(f"<w:p><w:r><w:t>Around.</w:t></w:r>{drawing}</w:p>") == [(1, "Boxed."), (1, "Around.")]


def test_tabs_breaks_and_hyphens_are_characters() -> None:
    runs = "<w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>well</w:t><w:noBreakHyphen/><w:t>known</w:t></w:r>"
    assert _pages(f"<w:p>{runs}</w:p>") == [(1, "one two well-known")]


def test_the_document_is_the_part_that_the_relations_name() -> None:
    content = archive(
        {
            "_rels/.rels": '<r><Relationship Type="http://x/officeDocument" Target="/doc/main.xml"/></r>',
            "doc/main.xml": f'<w:document xmlns:w="{W}">{paragraph("Found.")}</w:document>',
        }
    )
    assert _quoted(content) == [(1, "", "Found.")]


def test_an_answer_cites_the_page(local: LocalAssistant, api: Api) -> None:
    body = paragraph("A red pine grows up to 25 meters.") + paragraph("It lives for 400 years.", before=PAGE_BREAK)
    assert api.upload("pine.docx", docx(body)).json()["status"] == "Completed"
    assert "It lives for 400 years  [1, pp. 2]." in api.ask("How many years does a red pine live?")
    snippets = api.context(query="How many years does a red pine live?").json()["snippets"]
    found = {snippet["content"]: snippet["reference"] for snippet in snippets}["It lives for 400 years."]
    assert (found["type"], found["pages"]) == ("doc_x", [2])
