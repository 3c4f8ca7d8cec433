"""Markdown: quoted sentences, their headings, and no lost text."""

from __future__ import annotations

import pytest

from .reading import blocks_of, passages_of, quoted, quoted_under


def test_markdown_headings_stay_with_what_stands_under_them() -> None:
    text = "# A\n\nOne.\n\n## B ##\nTwo.\n\n### C\n\nThree.\n\n## D\n\nFour.\n\nSetext\n======\nFive.\n"
    assert quoted_under("x.md", text) == [
        ("A", "One."),
        ("A > B", "Two."),
        ("A > B > C", "Three."),
        ("A > D", "Four."),
        ("Setext", "Five."),
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A **bold** and _soft_ [link](http://x) `code`.", ["A bold and soft link `code`."]),
        ("![alt](a.png) snake_case_name \\*kept\\*", ["alt snake_case_name *kept*"]),
        ("- one\n- two\n  more\n1. three", ["one", "two more", "three"]),
        ("- [x] done", ["done"]),
        ("> quoted\n> text", ["quoted text"]),
        ("---\ntitle: x\n---\nBody.", ["title: x", "Body."]),
        ("<!-- hidden --> <b>Shown</b>.", ["Shown."]),
        ("| A | B |\n|---|:-:|\n| 1 | 2 |\n| 3 | |", ["A: 1; B: 2", "A: 3"]),
        ("```python\n# no heading\nprint(1)\n```\nAfter.", ["# no heading", "print(1)", "After."]),
        ("Above.\n\n***\n\nBelow.", ["Above.", "Below."]),
    ],
)
def test_what_is_quoted_from_markdown_has_no_markup(text: str, sentences: list[str]) -> None:
    assert [sentence for _, sentence in quoted_under("x.md", text)] == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Use `Map<string, any>` and `__iter__`.", ["Use `Map<string, any>` and `__iter__`."]),
        ("Take ``a`b`` or `<option>`.", ["Take ``a`b`` or `<option>`."]),
        ("Call f(*args, **kwargs) or 2 * 3 * 4.", ["Call f(*args, **kwargs) or 2 * 3 * 4."]),
        ("AT&amp;T &copy; 2020 &lt;tag&gt; &#8364; &unknown;", ["AT&T © 2020 <tag> € &unknown;"]),
        ("Run pip install <package> for vector<int>.", ["Run pip install <package> for vector<int>."]),
        ("Press <kbd>Ctrl</kbd>+<kbd>C</kbd>,<br>then wait.", ["Press Ctrl+C, then wait."]),
        ("In chapter [4] and [5][6], see [^1].", ["In chapter [4] and [5][6], see [^1]."]),
        ("~~Old~~ new. A \\[bracket\\] \\_here\\_.", ["Old new.", "A [bracket] _here_."]),
        ("Mail <me@x.org> or <https://x.org/a_b>.", ["Mail me@x.org or https://x.org/a_b."]),
        ("[a *b* `c`](u) ![d **e**](f)", ["a b `c` d e"]),
        ("It fell in\n1990. Then it rose.", ["It fell in 1990.", "Then it rose."]),
        ("10) ten\n11) eleven", ["ten", "eleven"]),
        ("* a\n  * b\n    * c", ["a", "b", "c"]),
        ("    indented code", ["indented code"]),
        ("~~~\n<!-- kept -->\n~~~", ["<!-- kept -->"]),
    ],
)
def test_markup_is_read_as_a_renderer_reads_it(text: str, sentences: list[str]) -> None:
    assert quoted("x.md", text) == sentences


@pytest.mark.parametrize(
    ("rows", "sentences"),
    [
        ("| `a \\| b` | a or b |", ["Syntax: `a | b`; Meaning: a or b"]),
        ("| x \\| y | z |", ["Syntax: x | y; Meaning: z"]),
        ("x | y", ["Syntax: x; Meaning: y"]),
        ("| 1 | 2 | 3 \\| 4 |", ["Syntax: 1; Meaning: 2; 3 \\| 4"]),
        ("| **bold** | &amp; |", ["Syntax: bold; Meaning: &"]),
        ("| x | |", ["Syntax | Meaning", "Syntax: x"]),
    ],
)
def test_cells_stay_in_their_columns(rows: str, sentences: list[str]) -> None:
    assert quoted("x.md", f"| Syntax | Meaning |\n|---|---|\n{rows}\n") == sentences


def test_a_table_without_names_has_keys_and_values() -> None:
    assert quoted("x.md", "| | |\n|-|-|\n| Phone | 555 |\n| City: | Oslo |") == ["Phone: 555", "City: Oslo"]


@pytest.mark.parametrize("mark", ["---", "+++"])
def test_front_matter_is_text(mark: str) -> None:
    text = f"{mark}\ntitle: Red pines\ntags: [tree, conifer]\n{mark}\n\n# Pines\n\nThey are tall."
    assert quoted_under("x.md", text) == [
        ("", "title: Red pines"),
        ("", "tags: [tree, conifer]"),
        ("Pines", "They are tall."),
    ]


def test_a_rule_at_the_beginning_is_no_front_matter() -> None:
    text = "---\n\n# Pines\n\nThey are tall.\n\n---\n\nEnd."
    assert quoted_under("x.md", text) == [("Pines", "They are tall."), ("Pines", "End.")]


def test_headings_with_nothing_below_are_text() -> None:
    text = "# A\n\n## B\n\n## C\n\nText.\n\n# " + "long " * 80 + "\n\n# D\n"
    assert quoted_under("x.md", text) == [("A", "B"), ("A > C", "Text."), ("A > C", ("long " * 80).strip()), ("", "D")]


@pytest.mark.parametrize("below", ["| | |\n|-|-|\n| | |", "```\n```", "<!-- nothing -->", "---", "- ", "<div></div>"])
def test_a_heading_with_nothing_to_read_below_is_text(below: str) -> None:
    assert quoted_under("x.md", f"# A\n\n{below}\n\n# B\n\nText.") == [("", "A"), ("B", "Text.")]


def test_comments_are_left_out_and_one_without_an_end_hides_nothing() -> None:
    assert quoted("x.md", "<!-- a\n\nb -->\n\nShown <!-- c --> too.") == ["Shown too."]
    text = "Before.\n\n<!-- open\n\n# Title\n\n- item <!-- again\n"
    assert quoted_under("x.md", text) == [("", "Before."), ("", "open"), ("Title", "item again")]


def test_html_is_read_without_its_tags() -> None:
    text = (
        "<details><summary>More &amp; more</summary>\n<p>One. Two.</p>\n<script>x = 1</script>\n"
        '<img src="a.png" alt="A diagram">\n<table><tr><td>1</td><td>2</td></tr></table>\n</details>\n'
    )
    assert quoted("x.md", text) == ["More & more", "One.", "Two.", "A diagram", "1 2"]


def test_what_only_the_source_shows_is_in_the_passage() -> None:
    text = (
        '# Guide [![build](https://ci/b.svg)](https://ci)\n\nSee [the docs](https://x.y/z "All of it") or [this][ref].\n\n'
        "```python\nx = 1\n```\n\n![](data:image/png;base64,AAAA)\n\n[ref]: https://ref.example 'Ref'\n[unused]: https://un.used\n"
    )
    (sentence,) = [one for one in quoted("x.md", text) if one.startswith("See")]
    assert sentence == "See the docs or this."
    found = " ".join(f"{passage.heading} {passage.body}" for passage in passages_of("x.md", text))
    for part in (
        "https://ci/b.svg",
        "https://ci",
        "https://x.y/z",
        "All of it",
        "```python",
        "[unused]: https://un.used",
        "'Ref'",
    ):
        assert part in found
    assert "AAAA" not in found


def test_what_is_nested_deeper_than_the_parser_goes_is_kept() -> None:
    text = "".join("  " * depth + f"- level{depth}\n" for depth in range(40)) + "\n" + ">" * 60 + " quoted\n"
    found = " ".join(block.text for block in blocks_of("x.md", text))
    assert all(f"level{depth}" in found for depth in range(40))
    assert "quoted" in found
