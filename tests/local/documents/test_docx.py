"""DOCX documents: text with its pages, headings and tables."""

from __future__ import annotations

import pytest

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.text.passages import to_passages

from ..conftest import Api
from .made_files import STRICT, W, archive, docx, paragraph, row, section, table
from .reading import docx_blocks_of

PAGE_BREAK = '<w:br w:type="page"/>'
RENDERED = "<w:lastRenderedPageBreak/>"
# As in German Word: the identifiers are translated, the names are not.
STYLES = (
    '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="berschrift2"><w:name w:val="Heading 2"/></w:style>'
    '<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>'
    '<w:style w:styleId="Mine"><w:name w:val="My own"/><w:basedOn w:val="berschrift2"/></w:style>'
    '<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>'
)


def _quoted(content: bytes) -> list[tuple[int | None, str, str]]:
    blocks = docx_blocks_of(content)
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


def test_a_heading_over_an_empty_table_is_text() -> None:
    body = paragraph("Pines", style="berschrift1") + table([["", ""], ["", ""]])
    assert _quoted(docx(body, styles=STYLES)) == [(1, "", "Pines")]


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
    ("second", "third", "pages"),
    [
        ("", "", (1, 2, 3)),
        ("nextPage", "continuous", (1, 2, 2)),
        ("continuous", "nextPage", (1, 1, 2)),
        ("continuous", "continuous", (1, 1, 1)),
        ("nextColumn", "", (1, 1, 2)),
        ("oddPage", "", (1, 3, 4)),
        ("evenPage", "oddPage", (1, 2, 3)),
        ("evenPage", "evenPage", (1, 2, 4)),
        ("oddPage", "continuous", (1, 3, 3)),
    ],
)
def test_a_section_begins_as_its_own_properties_say_which_come_at_its_end(
    second: str, third: str, pages: tuple[int, int, int]
) -> None:
    """The type of the first section is the beginning of the document, which is always page 1."""
    body = (
        paragraph("One.", properties=section("continuous"))
        + paragraph("Two.", properties=section(second))
        + paragraph("Three.")
        + section(third)
    )
    assert _pages(body) == list(zip(pages, ["One.", "Two.", "Three."], strict=True))


@pytest.mark.parametrize(("kind", "page"), [("nextPage", 2), ("continuous", 2), ("oddPage", 3)])
def test_words_note_of_a_page_at_the_beginning_of_a_section_is_not_another_page(kind: str, page: int) -> None:
    """In a continuous section, Word's mark means that the page was full."""
    body = paragraph("One.", properties=section()) + paragraph("Two.", before=RENDERED) + section(kind)
    assert _pages(body) == [(1, "One."), (page, "Two.")]


def test_a_section_that_numbers_its_pages_anew_begins_on_the_right_side() -> None:
    """Page 1 is odd: after a page that shows 1 another page is left empty."""
    body = paragraph("One.", properties=section()) + paragraph("Two.") + section("oddPage", start=1)
    assert _pages(body) == [(1, "One."), (3, "Two.")]


def test_a_style_can_begin_a_page() -> None:
    styles = (
        '<w:style w:styleId="Chapter"><w:name w:val="Chapter"/><w:pPr><w:pageBreakBefore/></w:pPr></w:style>'
        '<w:style w:styleId="Part"><w:name w:val="Part"/><w:basedOn w:val="Chapter"/></w:style>'
    )
    body = paragraph("One.", style="Part") + paragraph("Two.", style="Part") + paragraph("Two, too.")
    body += paragraph("Three.", style="Chapter", before=RENDERED)
    found = [(page, sentence) for page, _, sentence in _quoted(docx(body, styles=styles))]
    assert found == [(1, "One."), (2, "Two."), (2, "Two, too."), (3, "Three.")]


def test_two_explicit_breaks_leave_an_empty_page() -> None:
    assert _pages(paragraph("One.") + paragraph("Three.", before=PAGE_BREAK * 2)) == [(1, "One."), (3, "Three.")]


def test_no_page_break_before_the_first_paragraph_and_none_that_is_off() -> None:
    body = paragraph("One.", properties="<w:pageBreakBefore/>")
    body += paragraph("Also one.", properties='<w:pageBreakBefore w:val="0"/>')
    assert _pages(body) == [(1, "One."), (1, "Also one.")]


def test_a_paragraph_over_two_pages_is_split_where_the_page_ends() -> None:
    runs = f"<w:r><w:t>It begins here.</w:t></w:r><w:r>{RENDERED}<w:t>It ends there.</w:t></w:r>"
    blocks = docx_blocks_of(docx(f"<w:p>{runs}</w:p>"))
    assert [(block.page, block.text) for block in blocks] == [(1, "It begins here."), (2, "It ends there.")]
    assert [passage.page for passage in to_passages(blocks, "x.docx")] == [1, 2]


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


def test_insertions_are_read_and_a_deleted_mark_joins_two_paragraphs() -> None:
    inserted = (
        '<w:ins w:id="1"><w:r><w:t>Inserted. </w:t></w:r></w:ins><w:moveTo><w:r><w:t>Moved.</w:t></w:r></w:moveTo>'
    )
    mark = "<w:rPr><w:del/></w:rPr>"
    body = f"<w:p>{inserted}</w:p>" + paragraph("It is ", properties=mark) + paragraph("one sentence.")
    assert _pages(body + paragraph("The end", properties=mark)) == [
        (1, "Inserted."), (1, "Moved."), (1, "It is one sentence."), (1, "The end"),
    ]  # fmt: skip


def test_footnotes_follow_their_paragraph_and_endnotes_come_last() -> None:
    footnotes = (
        '<w:footnote w:id="0" w:type="separator"><w:p><w:r><w:t>no note</w:t></w:r></w:p></w:footnote>'
        f'<w:footnote w:id="2">{paragraph("The second note.")}</w:footnote>'
        f'<w:footnote w:id="1">{paragraph("The first note.")}{paragraph("It goes on.")}</w:footnote>'
        f'<w:footnote w:id="3">{paragraph("A note of a table.")}</w:footnote>'
    )
    endnotes = f'<w:endnote w:id="1">{paragraph("The endnote.")}</w:endnote>'
    reference = '<w:footnoteReference w:id="{}"/>'
    body = (
        paragraph("One.", before=reference.format(1))
        + paragraph("Two.", before='<w:endnoteReference w:id="1"/>' + reference.format(2))
        + table([row(f"<w:tc>{paragraph('Tree', before=reference.format(3))}</w:tc>", "Height"), row("oak", "20 m")])
        + paragraph("Three.", before=PAGE_BREAK)
    )
    assert [(page, text) for page, _, text in _quoted(docx(body, parts={"footnotes": footnotes, "endnotes": endnotes}))] == [
        (1, "One."), (1, "The first note."), (1, "It goes on."), (1, "Two."), (1, "The second note."),
        (1, "Tree: oak; Height: 20 m"), (1, "A note of a table."), (2, "Three."), (2, "The endnote."),
    ]  # fmt: skip


def test_headers_and_footers_are_read_once_and_stand_under_no_heading() -> None:
    first = '<w:headerReference w:type="default" r:id="header1"/><w:footerReference w:type="default" r:id="footer1"/>'
    second = '<w:headerReference w:type="default" r:id="header2"/><w:headerReference w:type="first" r:id="header1"/>'
    parts = {
        "header1": paragraph("Nordwind manual", style="berschrift1"),
        "header2": paragraph("Appendix"),
        "footer1": table([["Revision 7", "Page 1"]]),
    }
    body = paragraph("Pumps", style="berschrift1") + paragraph("One.", properties=section(references=first))
    body += paragraph("Two.") + section("nextPage", references=second)
    assert _quoted(docx(body, styles=STYLES, parts=parts)) == [
        (1, "Pumps", "One."), (2, "Pumps", "Two."), (1, "", "Nordwind manual"), (1, "", "Revision 7 | Page 1"),
        (2, "", "Appendix"),
    ]  # fmt: skip


def test_a_text_box_without_a_second_copy_is_read() -> None:
    box = "<w:pict><v:shape xmlns:v='v'><v:textbox><w:txbxContent>{}</w:txbxContent></v:textbox></v:shape></w:pict>"
    body = f"<w:p><w:r>{box.format(paragraph('Boxed.'))}</w:r><w:r><w:t>Around.</w:t></w:r></w:p>"
    assert _pages(body) == [(1, "Boxed."), (1, "Around.")]


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


def _symbol(font: str, code: str) -> str:
    return f'<w:p><w:r><w:t>a</w:t><w:sym w:font="{font}" w:char="{code}"/><w:t>b</w:t></w:r></w:p>'


@pytest.mark.parametrize(
    ("font", "code", "character"),
    [
        ("Symbol", "F061", "\u03b1"),
        ("Symbol", "F0B1", "\u00b1"),
        ("Symbol", "F034", "4"),
        ("Wingdings", "F0FC", "\u2713"),
        ("Segoe UI Symbol", "2713", "\u2713"),
        ("Calibri", "20AC", "\u20ac"),
        ("Wingdings 3", "F041", "\ufffd"),
        ("Calibri", "D800", "\ufffd"),
        ("Calibri", "FFFFFFFF", "\ufffd"),
        ("Calibri", "no", ""),
    ],
)
def test_symbols_are_characters(font: str, code: str, character: str) -> None:
    assert _pages(_symbol(font, code)) == [(1, f"a{character}b")]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ('<w:ddList><w:result w:val="1"/><w:listEntry w:val="Red"/><w:listEntry w:val="Blue"/></w:ddList>', "Blue"),
        ('<w:ddList><w:default w:val="1"/><w:listEntry w:val="Red"/><w:listEntry w:val="Blue"/></w:ddList>', "Blue"),
        ('<w:ddList><w:listEntry w:val="Red"/><w:listEntry w:val="Blue"/></w:ddList>', "Red"),
        ('<w:ddList><w:result w:val="7"/></w:ddList>', ""),
        ('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>', "\u2612"),
        ('<w:checkBox><w:default w:val="1"/><w:checked w:val="0"/></w:checkBox>', "\u2610"),
        ('<w:checkBox><w:default w:val="1"/></w:checkBox>', "\u2612"),
        ('<w:textInput><w:default w:val="not typed"/></w:textInput>', ""),
    ],
)
def test_what_older_form_fields_are_set_to_is_read(content: str, shown: str) -> None:
    begin = f'<w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="x"/>{content}</w:ffData></w:fldChar>'
    body = f'<w:p><w:r><w:t>Answer:</w:t>{begin}<w:fldChar w:fldCharType="end"/></w:r></w:p>'
    assert _pages(body) == [(1, f"Answer:{shown}")]


def test_word_art_and_the_texts_in_diagrams_and_charts_are_read() -> None:
    body = (
        paragraph("First.")
        + paragraph("Next.", before=PAGE_BREAK)
        + paragraph("Art: ", before='<w:pict><v:textpath xmlns:v="v" string="CONFIDENTIAL "/></w:pict>')
        + paragraph("End.", before='<w:drawing><d:relIds xmlns:d="d" r:dm="data"/></w:drawing>')
        + paragraph("", before='<w:drawing><c:chart xmlns:c="c" r:id="chart"/></w:drawing>')
    )
    point = '<d:pt xmlns:d="d" xmlns:a="a"><d:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></d:t></d:pt>'
    title = '<c:rich xmlns:c="c" xmlns:a="a"><a:p><a:r><a:t>Sales of 2023</a:t></a:r></a:p></c:rich>'
    parts = {"data": point.format("Plan it.") + point.format("Do it."), "chart": title}
    assert [(page, sentence) for page, _, sentence in _quoted(docx(body, parts=parts))] == [
        (1, "First."),
        (2, "Next."),
        (2, "CONFIDENTIAL Art:"),
        (2, "End."),
        (2, "Plan it."),
        (2, "Do it."),
        (2, "Sales of 2023"),
    ]
