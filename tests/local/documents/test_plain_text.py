"""Plain text: titles, paragraphs, lists."""

from __future__ import annotations

import pytest

from .reading import quoted, quoted_under


def test_a_short_line_alone_is_a_heading_in_plain_text() -> None:
    text = "Leave policy\n\nThere are 28 days. Ask first.\n\nSick leave\n==========\nStay at home.\n\n- one\n- two\n"
    assert quoted_under("x.txt", text) == [
        ("Leave policy", "There are 28 days."),
        ("Leave policy", "Ask first."),
        ("Sick leave", "Stay at home."),
        ("Sick leave", "one"),
        ("Sick leave", "two"),
    ]


def test_short_lines_alone_are_text_unless_prose_or_a_list_follows() -> None:
    card = "Ann Lee\n\nHead of research\n\n12 Elm Street\n\nDoylestown, PA 18901\n\nPhone: 555 0100\n"
    assert quoted_under("x.txt", card) == [
        ("", "Ann Lee"),
        ("", "Head of research"),
        ("", "12 Elm Street"),
        ("", "Doylestown, PA 18901"),
        ("", "Phone: 555 0100"),
    ]


@pytest.mark.parametrize(
    "line",
    ["Doylestown, PA 18901", "Berlin, 3 May 2021", "Tel. 555 0100-22", "ann@example.org", "Phone: 555", "Dear Ann,"],
)
def test_data_before_prose_is_no_title(line: str) -> None:
    assert quoted_under("x.txt", f"{line}\n\nIt rains. It snows.") == [
        ("", line),
        ("", "It rains."),
        ("", "It snows."),
    ]


@pytest.mark.parametrize(
    "line", ["Leave policy", "Chapter 2: Roots", "Annual report 2023", "Ingredients:", "2.1 Scope"]
)
def test_a_title_heads_prose_and_lists(line: str) -> None:
    assert quoted_under("x.txt", f"{line}\n\nIt rains.") == [(line, "It rains.")]
    assert quoted_under("x.txt", f"{line}\n\n- flour\n- sugar") == [(line, "flour"), (line, "sugar")]


def test_a_title_with_nothing_below_is_text() -> None:
    assert quoted_under("x.txt", "First\n-----\n\nSecond\n======\nText.\n\nLast\n****") == [
        ("", "First"),
        ("Second", "Text."),
        ("", "Last"),
    ]
    assert quoted_under("x.txt", "=====\nTitle\n=====\n\nText.") == [("Title", "Text.")]


def test_double_spaced_lines_are_one_paragraph() -> None:
    text = (
        "The pump was built in\n\n1990 and it weighs about\n\n25 kilograms. It is\n\nred.\n\n\nThe valve is\n\nblue.\n"
    )
    assert quoted("x.txt", text) == [
        "The pump was built in 1990 and it weighs about 25 kilograms.",
        "It is red.",
        "The valve is blue.",
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "It was first published in May\n2006. This edition is new.",
            ["It was first published in May 2006.", "This edition is new."],
        ),
        ("The price is between 20 and\n25. Ask us.", ["The price is between 20 and 25.", "Ask us."]),
        ("Temperatures fall from 5 to\n- 7 degrees at night.", ["Temperatures fall from 5 to - 7 degrees at night."]),
        ("25. May is a holiday.", ["25. May is a holiday."]),
        ("1998) was the year.", ["1998) was the year."]),
        ("42. It is the answer.", ["42. It is the answer."]),
        (
            "You need:\n1. flour\n2. sugar that\n   is brown\n3. 12. salt",
            ["You need:", "flour", "sugar that is brown", "12. salt"],
        ),
        ("3. three\n4. four", ["three", "four"]),
        ("1. one\n\n2. two\n\n3) three", ["one", "two", "three"]),
        ("Buy\n- flour\n- sugar", ["Buy", "flour", "sugar"]),
        ("Buy \u2022 flour\n\u2022 sugar", ["Buy \u2022 flour", "sugar"]),
    ],
)
def test_a_mark_at_the_beginning_of_a_line_is_cut_only_in_a_list(text: str, sentences: list[str]) -> None:
    assert quoted("x.txt", text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Name:   Ann Lee\nPhone:  555 0100\nDate of birth: 3 May 1990",
            ["Name: Ann Lee", "Phone: 555 0100", "Date of birth: 3 May 1990"],
        ),
        ("Telefon: 555\nOrt: Köln", ["Telefon: 555", "Ort: Köln"]),
        ("Name: Ann Lee who has\na long name", ["Name: Ann Lee who has a long name"]),
        ("She said this: it rains\nand then that: it snows", ["She said this: it rains and then that: it snows"]),
    ],
)
def test_lines_of_fields_with_their_values_are_quoted_one_by_one(text: str, sentences: list[str]) -> None:
    assert quoted("x.txt", text) == sentences


def test_a_rule_between_two_lines_separates_them() -> None:
    text = "Price: 5 euros\nfor members\n-----\nNo refunds after\nthe first of May\n*****\n"
    assert quoted("x.txt", text) == ["Price: 5 euros for members", "No refunds after the first of May"]


@pytest.mark.parametrize(
    "text",
    [
        "Name      Height   Age\n--------  -------  ---\nRed pine  25 m     400\nOak       30 m     600\n\nThe end is here.",
        "Name\tHeight\tAge\nRed pine\t25 m\t400\nOak\t30 m\t600\n\nThe end is here.",
        "+----------+------+\nName    Height  Age\nRed pine    25 m    400\nOak    30 m    600\n\nThe end is here.",
    ],
)
def test_rows_of_a_table_are_quoted_one_by_one(text: str) -> None:
    rows = ["Name Height Age", "Red pine 25 m 400", "Oak 30 m 600"]
    assert quoted_under("x.txt", text) == [("", row) for row in [*rows, "The end is here."]]


def test_prose_with_wide_spaces_in_some_lines_is_one_text() -> None:
    text = "The  pines   of   the   north\nreach 25 meters. They grow\nslowly   in   the   cold."
    assert quoted("x.txt", text) == ["The pines of the north reach 25 meters.", "They grow slowly in the cold."]
