"""Citations: markers in an answer's text, brackets that are not markers, and hostile texts."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import Citation, Reference, extract_citations
from pinecone_assistant_client.citations import ReferenceListHoldback, strip_reference_list

from .support.markers import Pages, cited, found


@pytest.mark.parametrize(
    ("marker", "references"),
    [
        ("[1]", [(1, None)]),
        ("[12]", [(12, None)]),
        ("[999]", [(999, None)]),
        ("[1, pp. 1]", [(1, (1,))]),
        ("[1, p. 3]", [(1, (3,))]),
        ("[1, pp. 1-2]", [(1, (1, 2))]),
        ("[1, pp. 1\u20133]", [(1, (1, 2, 3))]),
        ("[1, pp. 1 - 3]", [(1, (1, 2, 3))]),
        ("[1, pp. 7-7]", [(1, (7,))]),
        ("[1, pp. 3, 5]", [(1, (3, 5))]),
        ("[1, pp. 1-2, 5, 8-9]", [(1, (1, 2, 5, 8, 9))]),
        ("[1, pp.1]", [(1, (1,))]),
        ("[1,pp 1]", [(1, (1,))]),
        ("[1 pp. 1]", [(1, (1,))]),
        ("[1, P. 3]", [(1, (3,))]),
        ("[1, PP. 3-4]", [(1, (3, 4))]),
        ("[1, pp. 123456]", [(1, (123456,))]),
        ("[1, pp. 1-1000]", [(1, tuple(range(1, 1001)))]),
        ("[1, 2]", [(1, None), (2, None)]),
        ("[1,2,3]", [(1, None), (2, None), (3, None)]),
        ("[1; 2]", [(1, None), (2, None)]),
        ("[1 & 2]", [(1, None), (2, None)]),
        ("[2, 1]", [(2, None), (1, None)]),
        ("[1, pp. 1; 2, pp. 3]", [(1, (1,)), (2, (3,))]),
        ("[1, pp. 1; 2]", [(1, (1,)), (2, None)]),
        ("[1, pp. 1, 2, pp. 3]", [(1, (1,)), (2, (3,))]),
        ("[1, pp. 1-2, 4, 2, pp. 3-4, 6]", [(1, (1, 2, 4)), (2, (3, 4, 6))]),
        ("[1, pp. 1, pp. 2]", [(1, (1, 2))]),
        ("[1, pp. 1; pp. 2]", [(1, (1, 2))]),
        ("[1, p. 1, p. 2, p. 4]", [(1, (1, 2, 4))]),
        ("[1, pp. 3 & 5]", [(1, (3, 5))]),
        ("[1, pp. 3, 2; 3]", [(1, (3, 2)), (3, None)]),
        ("[1, 2, pp. 5]", [(1, None), (2, (5,))]),
        ("[1,\npp. 1]", [(1, (1,))]),
        ("[1, pp. 1 ]", [(1, (1,))]),
    ],
)
def test_every_attested_form_gives_its_numbers_and_pages(marker: str, references: list[tuple[int, Pages]]) -> None:
    assert found(f"Pine.  {marker}.") == [(marker, references)]
    assert found(marker) == [(marker, references)]


@pytest.mark.parametrize(
    "bracket",
    [
        "[a]",
        "[]",
        "[ ]",
        "[ 1]",
        "[1a]",
        "[a1]",
        "[x, 1]",
        "[+1]",
        "[-1]",
        "[1.5]",
        "[1:2]",
        "[1/2]",
        "[0]",
        "[00]",
        "[1000]",
        "[2024]",
        "[1, 2024]",
        "[1-3]",
        "[1\u20133]",
        "[3-1]",
        "[1, pp. 3-1]",
        "[1, pp. 0]",
        "[1, pp. 0-2]",
        "[1, pp. 1-1001]",
        "[1, pp. 1-999999]",
        "[1, pp. 1234567]",
        "[1, pp.]",
        "[1, pp. ]",
        "[pp. 1]",
        "[1, pp. pp. 1]",
        "[1 pp. 1 pp. 2]",
        "[1, ppp. 1]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1;;2]",
        "[1 2]",
        "[1, pp. 1 2]",
        "[1, page 3]",
        "[1, pp. 1-]",
        "[1, pp. -1]",
        "[1",
        "1]",
        "[1[",
        "[1}",
        "(1)",
        "{1}",
        "[^1]",
        "[\u0661]",
        "[\u00b2]",
        "[1" + " " * 300 + "]",
    ],
)
def test_brackets_that_are_no_markers_stay_alone(bracket: str) -> None:
    assert found(f"Pine {bracket} grows.") == []


@pytest.mark.parametrize(
    "text",
    [
        "array[1]",
        "a_[1]",
        "x2[1]",
        "f(x)[1]",
        "matrix[1][2]",
        "m[0][1]",
        "rows[a][1]",
        "inline `array [1]` code",
        "`[1]`",
        "`[1]` and `x [2]`",
        "```\nx [1]\n```",
        "```python\nx = [1]\n```\nDone.",
        "~ ```\nnever closed [1]",
        "a [1](https://a.example) link",
        "[1](x)",
        "[text][1]",
    ],
)
def test_code_and_markdown_links_are_no_citations(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "markers"),
    [
        ("Pine [1].", ["[1]"]),
        ("Pine.[1]", ["[1]"]),
        ("Pine (tall) [1].", ["[1]"]),
        ("Pine [1] (tall).", ["[1]"]),
        ("Pine [1][2].", ["[1]", "[2]"]),
        ("Pine [1] [2, pp. 3].", ["[1]", "[2, pp. 3]"]),
        ("Pine [1], [2]; [3]", ["[1]", "[2]", "[3]"]),
        ('"Pine"[1]', ["[1]"]),
        ("**Pine**[1]", ["[1]"]),
        ("([1])", ["[1]"]),
        ("[[1]]", ["[1]"]),
        ("- Pine [1]\n- Fir [2]\n", ["[1]", "[2]"]),
        ("`code` [1] and `more` [2]", ["[1]", "[2]"]),
        ("```\nx[1]\n``` Pine [1].", ["[1]"]),
        ("a ` tick [1] alone", ["[1]"]),
        ("松树高二十五米[1]。", ["[1]"]),
        ("松树[1, pp. 2]很高[2]。", ["[1, pp. 2]", "[2]"]),
        ("Kiefer für Größe ß[1]", ["[1]"]),
        ("In 2024 [1] it grew [2024] m", ["[1]"]),
    ],
)
def test_markers_are_found_in_prose(text: str, markers: list[str]) -> None:
    assert cited(text) == markers


def test_offsets_are_characters_of_the_text_end_exclusive() -> None:
    text = "\U0001f332 Größe 松  [1, pp. 1]."
    assert extract_citations(text) == [Citation(11, 21, (Reference(number=1, pages=(1,)),))]
    assert text[11:21] == "[1, pp. 1]"


@given(st.text(alphabet="[]()1230,;&-p. \n`aRé松", max_size=60))
def test_any_text_gives_citations_in_order_that_stand_where_they_say(text: str) -> None:
    end = 0
    for citation in extract_citations(text):
        assert end <= citation.start < citation.end <= len(text)
        assert text[citation.start] == "["
        assert text[citation.end - 1] == "]"
        assert citation.references
        end = citation.end


MEGA = 250_000
HOSTILE = {
    "open brackets": "[" * MEGA,
    "open markers": "[1" * (MEGA // 2),
    "markers": "[1]" * (MEGA // 3),
    "markers of pages": "[1, pp. 1-2, 2, pp. 3] " * (MEGA // 23),
    "long markers that never end": ("[" + "1," * 100) * (MEGA // 201),
    "code and a marker": "`a` " * (MEGA // 4) + " [1]",
    "code and markers": "`a` [1] " * (MEGA // 8),
    "back ticks": "`" * MEGA,
    "fences": "```\n[1]\n" * (MEGA // 8),
    "an open fence": "```" + "[1] " * (MEGA // 4),
    "lines": "\n" * MEGA,
    "short lines": "a\n" * (MEGA // 2),
    "blank": " " * MEGA,
    "lines of blanks": " \n" * (MEGA // 2),
    "headings": "\nReferences:" * (MEGA // 12),
    "a heading with stars": "\nReferences" + "*" * MEGA,
    "a heading with blanks": "\nReferences" + " " * MEGA + "x",
    "hashes": "\n" + "#" * MEGA,
    "stars before a heading": "\n" + "*" * MEGA + "References",
    "a list": "x [1].\n\nReferences:\n" + "1. [a](https://a.example/b?c)\n" * (MEGA // 30),
    "a list of open links": "x [1].\n\nReferences:\n" + "1. " + "[a](" * (MEGA // 4),
    "a list of open brackets": "x [1].\n\nReferences:\n1. " + "[" * MEGA,
    "a list of half links": "x [1].\n\nReferences:\n1. [" + "](" * (MEGA // 2),
    "a link of parentheses": "x [1].\n\nReferences:\n1. [a](" + "(a)" * (MEGA // 3),
    "a list without a heading": "x [1].\n\n" + "[1] a\n" * (MEGA // 6),
    "paragraphs": "[1] a\n\n" * (MEGA // 7),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_of_a_quarter_megabyte_is_read_in_seconds(name: str) -> None:
    """Quadratic parsing would take many minutes here; the bound is loose because the machine may be slow."""
    text = HOSTILE[name]
    started = process_time()
    extract_citations(text)
    stripped = strip_reference_list(text)
    holdback = ReferenceListHoldback()
    assert len(holdback.feed(text) + holdback.finish()) >= len(stripped)
    holdback = ReferenceListHoldback()
    for at in range(0, len(text) // 10, 40):
        holdback.feed(text[at : at + 40])
    holdback.finish()
    assert process_time() - started < 20


def test_a_citation_as_json_has_everything_but_the_signed_link() -> None:
    reference = Reference(1, (3, 4), "pine.pdf", "f-1", "https://a.example/pine.pdf?sig=SIGNED", "25 m")
    as_json = Citation(5, 8, (reference, Reference())).to_json()
    nothing = {"number": None, "pages": None, "file_name": None, "file_id": None, "highlight": None}
    known = {"number": 1, "pages": [3, 4], "file_name": "pine.pdf", "file_id": "f-1", "highlight": "25 m"}
    assert as_json == {"start": 5, "end": 8, "references": [known, nothing]}
    assert json.loads(json.dumps(as_json)) == as_json
