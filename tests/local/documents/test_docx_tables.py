"""Tables of DOCX documents: names of columns, keys with values, and merged cells."""

from __future__ import annotations

import pytest

from .made_files import cell, docx, paragraph, row, table
from .reading import docx_blocks_of


def _rows(*tables: str) -> list[str]:
    return [sentence for block in docx_blocks_of(docx("".join(tables))) for sentence in block.sentences]


HEADERS = [
    (
        [["Tree", "Height"], ["red pine", "25 m"], ["oak", ""]],
        ["Tree: red pine; Height: 25 m", "Tree: oak"],
    ),
    (
        [["Country", "Capital"], ["Bhutan", "Thimphu"], ["Chile", "Santiago"]],
        ["Country: Bhutan; Capital: Thimphu", "Country: Chile; Capital: Santiago"],
    ),
    (
        [["Field", "Value"], ["Phone", "555"], ["Email", "a@b.c"]],
        ["Field: Phone; Value: 555", "Field: Email; Value: a@b.c"],
    ),
    (
        [["Field", "Type"], ["name", "string"], ["price", "float"]],
        ["Field: name; Type: string", "Field: price; Type: float"],
    ),
    (
        [["Item", "2019", "2020"], ["Pumps", "12", "14"], ["Valves", "120", "180"]],
        ["Item: Pumps; 2019: 12; 2020: 14", "Item: Valves; 2019: 120; 2020: 180"],
    ),
    (
        [["Name", "Role", "Phone"], ["Ann Lee", "Chair", "555 0100"]],
        ["Name: Ann Lee; Role: Chair; Phone: 555 0100"],
    ),
    (
        [["City", "Pop.", "No."], ["Oslo", "700,000", "1"], ["Rome", "2.8 million", "2"]],
        ["City: Oslo; Pop.: 700,000; No.: 1", "City: Rome; Pop.: 2.8 million; No.: 2"],
    ),
    (
        [["", "Red pine", "Oak"], ["Bark", "thick", "grey"]],
        ["Bark; Red pine: thick; Oak: grey"],
    ),
]


@pytest.mark.parametrize(("rows", "sentences"), HEADERS)
def test_a_first_row_of_names_names_the_columns(rows: list[list[str]], sentences: list[str]) -> None:
    assert _rows(table(rows)) == sentences


KEYS = [
    (
        [["Name", "Ann Lee"], ["Phone", "555 0100"], ["City", "Oslo"]],
        ["Name: Ann Lee", "Phone: 555 0100", "City: Oslo"],
    ),
    ([["Invoice no.", "17-A"], ["Date of issue", "3 May 2021"]], ["Invoice no.: 17-A", "Date of issue: 3 May 2021"]),
    ([["Colour:", "red"], ["Taste:", "sweet"]], ["Colour: red", "Taste: sweet"]),
    ([["Melting point", "12 C"], ["Boiling point", "90 C"]], ["Melting point: 12 C", "Boiling point: 90 C"]),
    (
        [["Name", "Ann Lee", "Phone", "555"], ["Date", "3 May", "Place", "Oslo"]],
        ["Name: Ann Lee | Phone: 555", "Date: 3 May | Place: Oslo"],
    ),
    ([["12", "34", "56"], ["78", "90", "12"]], ["12 | 34 | 56", "78 | 90 | 12"]),
    (
        [["red pine", "tall", "evergreen"], ["oak", "broad", "slow"]],
        ["red pine | tall | evergreen", "oak | broad | slow"],
    ),
    ([["Impeller", "closed"], ["Seal", "mechanical"]], ["Impeller: closed", "Seal: mechanical"]),
    ([["Supply voltage", "230 V"], ["Flow rate", "40 l/min"]], ["Supply voltage: 230 V", "Flow rate: 40 l/min"]),
    (
        [["Valve", "A part that controls flow."], ["Seal", "A ring."]],
        ["Valve: A part that controls flow.", "Seal: A ring."],
    ),
    ([["Does it open?", "No."], ["Is it safe?", "Yes."]], ["Does it open? No.", "Is it safe? Yes."]),
    ([["Only one row", "here"]], ["Only one row | here"]),
    ([["Phone", "555"]], ["Phone: 555"]),
]


@pytest.mark.parametrize(("rows", "sentences"), KEYS)
def test_a_first_row_of_data_names_nothing(rows: list[list[str]], sentences: list[str]) -> None:
    assert _rows(table(rows)) == sentences


def test_what_the_author_marked_or_printed_bold_decides() -> None:
    header = row("Name", "Ann", properties="<w:tblHeader/>")
    assert _rows(table([header, ["Phone", "555"]])) == ["Name: Phone; Ann: 555"]
    bold_row = row(cell("1990", bold=True), cell("1991", bold=True))
    assert _rows(table([bold_row, ["12", "13"]])) == ["1990: 12; 1991: 13"]
    bold_keys = [row(cell(key, bold=True), value) for key, value in (("Bark", "thick"), ("Leaves", "needles"))]
    assert _rows(table(bold_keys)) == ["Bark: thick", "Leaves: needles"]


def test_rows_of_a_header_with_two_rows_name_a_column_together() -> None:
    first = row("Tree", cell("Size", '<w:gridSpan w:val="2"/>'), properties="<w:tblHeader/>")
    second = row(cell("", "<w:vMerge/>"), "Height", "Width", properties="<w:tblHeader/>")
    assert _rows(table([first, second, ["oak", "20 m", "1 m"]])) == ["Tree: oak; Size Height: 20 m; Size Width: 1 m"]


def test_a_cell_over_several_rows_says_the_same_in_each() -> None:
    rows = [
        row("Group", "Tree", "Height"),
        row(cell("Conifers", '<w:vMerge w:val="restart"/>'), "pine", "25 m"),
        row(cell("", "<w:vMerge/>"), "spruce", "40 m"),
        row(cell("", '<w:vMerge w:val="continue"/>'), "larch", "35 m"),
        row(cell("Broadleaves", '<w:vMerge w:val="restart"/>'), "oak", "20 m"),
        row("", "ash", "18 m"),
    ]
    assert _rows(table(rows)) == [
        "Group: Conifers; Tree: pine; Height: 25 m",
        "Group: Conifers; Tree: spruce; Height: 40 m",
        "Group: Conifers; Tree: larch; Height: 35 m",
        "Group: Broadleaves; Tree: oak; Height: 20 m",
        "Tree: ash; Height: 18 m",
    ]


def test_cells_keep_their_columns_beside_wide_and_missing_ones() -> None:
    rows = [
        row("Tree", "Height", "Width"),
        row(cell("Conifers", '<w:gridSpan w:val="3"/>')),
        row("pine", cell("25 m by 1 m", '<w:gridSpan w:val="2"/>')),
        row("30 m", "2 m", properties='<w:gridBefore w:val="1"/>'),
    ]
    assert _rows(table(rows)) == [
        "Conifers",
        "Tree: pine; Height: 25 m by 1 m",
        "Height: 30 m; Width: 2 m",
    ]


def test_a_long_name_of_a_column_is_not_cut() -> None:
    name = (
        "The largest concentration in drinking water that is allowed in a public network, in milligrams per litre, of "
        * 1
    )
    assert len(name) > 100
    assert _rows(table([["Metal", name], ["lead", "0.01"]])) == [f"Metal | {name.strip()}", "Metal: lead; 0.01"]


def test_names_of_empty_columns_are_not_lost() -> None:
    assert _rows(table([["Tree", "Remarks", "Height"], ["oak", "", "20 m"]])) == [
        "Tree | Remarks | Height",
        "Tree: oak; Height: 20 m",
    ]
    assert _rows(table([["Tree", "Remarks"], ["", ""]])) == ["Tree | Remarks"]


def test_a_frame_around_text_is_no_table() -> None:
    inner = table([["Tree", "Height"], ["oak", "20 m"]])
    frame = (
        f"<w:tbl><w:tr><w:tc>{paragraph('It is framed. It is text.')}{inner}{paragraph('After.')}</w:tc></w:tr></w:tbl>"
    )
    assert _rows(frame) == ["It is framed.", "It is text.", "Tree: oak; Height: 20 m", "After."]
    columns = row(cell("Left one.\nLeft two.\nLeft three."), cell("Right."))
    assert _rows(table([columns])) == ["Left one.", "Left two.", "Left three.", "Right."]


def test_a_long_row_is_quoted_sentence_by_sentence() -> None:
    text = "It is an evergreen tree that grows slowly in sandy soil. " * 10
    sentences = _rows(table([["Tree", "Notes"], ["pine 1", text]]))
    assert sentences[0] == "Tree: pine 1"
    assert sentences[1] == "Notes: It is an evergreen tree that grows slowly in sandy soil."
    assert len(sentences) == 11


def test_a_deleted_row_is_left_out_and_deep_tables_are_text() -> None:
    rows = [row("Tree", "Height"), row("ash", "18 m", properties="<w:del/>"), row("oak", "20 m")]
    assert _rows(table(rows)) == ["Tree: oak; Height: 20 m"]
    nested = paragraph("deep")
    for _ in range(40):
        nested = f"<w:tbl><w:tr><w:tc>{nested}</w:tc></w:tr></w:tbl>"
    assert _rows(nested) == ["deep"]


_DOWN, _ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
_TWO = '<w:gridSpan w:val="2"/>'


@pytest.mark.parametrize(
    ("rows", "sentences"),
    [
        (
            [
                row(cell("Name", _DOWN), cell("Size", _TWO)),
                row(cell("", _ON), "Width", "Height"),
                ["box", "3", "4"],
                ["lid", "5", "6"],
            ],
            ["Name: box; Size Width: 3; Size Height: 4", "Name: lid; Size Width: 5; Size Height: 6"],
        ),
        (
            [
                row(cell("City", _DOWN, bold=True), cell("Person", _TWO, bold=True)),
                row(cell("", _ON), cell("Mayor", bold=True), cell("Poet", bold=True)),
                ["Oslo", "Ann", "Bob"],
            ],
            ["City: Oslo; Person Mayor: Ann; Person Poet: Bob"],
        ),
        (
            [row("", cell("2023", _TWO)), ["Shop", "Sold", "Left"], ["Oslo", "12", "3"], ["Rome", "7", "1"]],
            ["Shop: Oslo; 2023 Sold: 12; 2023 Left: 3", "Shop: Rome; 2023 Sold: 7; 2023 Left: 1"],
        ),
        (  # a merged cell of the data does not belong to the names
            [["Region", "City"], row(cell("North", _DOWN), "Oslo"), row(cell("", _ON), "Bergen"), ["South", "Rome"]],
            ["Region: North; City: Oslo", "Region: North; City: Bergen", "Region: South; City: Rome"],
        ),
    ],
)
def test_names_of_columns_in_two_rows_that_nobody_marked(rows: list[list[str] | str], sentences: list[str]) -> None:
    assert _rows(table(rows)) == sentences
