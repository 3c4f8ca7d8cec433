"""Every word of a file is in some passage, whatever the file is made of."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pinecone_assistant_local.text.passages import Block, to_passages

from .made_files import Line, cell, docx, paragraph, pdf, row, section, table
from .reading import blocks_of, docx_blocks_of, pdf_blocks_of

_STYLES = "".join(f'<w:style w:styleId="h{level}"><w:name w:val="heading {level}"/></w:style>' for level in (1, 2, 3))
# Pieces of lines; each `{}` becomes a word that is nowhere else in the file.
_PIECES = [
    "{}", "{}.", "({})", "{}:", "[{}]", "Jan. {}", "{}, 3", "- {}", "* {}", "1. {}", "2. {}", "25. {}", "{}?", "{}: {}",
    "a[{}]", "{} {} {} {} {} {} {} {} {} {} {} {} {}.", "No. {}", "{}@{}.org", "\u2022 {}", "{}; {}", "U.S. {}", "{}\u2026",
]  # fmt: skip
_MARKDOWN = [
    "# {}", "## {} {}", "{}\n---", "{}\n===", "{} {}. {}", "- {}\n- {}", "1. {}\n   {}\n2. {}", "> {}\n{}", "* {}\n\n  {}",
    "| {} | {} |\n|---|---|\n| {} | {} |\n| {} |\n| {} | {} | {} |", "| {} | {} |\n|---|---|", "```{}\n{}\n```", "    {}",
    '[{}](http://{}.example/{} "{}")', "![{}]({}.png)", "[{}]: http://{}.example", "[{}][{}]", "<div>{}</div>",
    '<p title="{}">{}</p>', "~~{}~~ **{}** `{}` __{}__ *{}*", "---", "<{}> {}", "<!-- {}", "{}  \n{}", "- [ ] {}\n- [x] {}",
    "\\*{}\\*", "&amp;{};", "- - - {}", "{}<br>{}", "``{}`{}``", "<http://{}.example>", "[{}", "]({}", "{}\\|{}", "~~~\n{}",
    "[^1]: {}", "<script>\n</script>{}", "1) {}\n\n   > {}", "- {}\n      - {}\n  1. {}",
]  # fmt: skip


def _filled(pieces: Iterable[str], words: Iterator[int]) -> list[str]:
    return [re.sub(r"\{\}", lambda _: f"word{next(words)}", piece) for piece in pieces]


def _check(source: str, blocks: Sequence[Block]) -> None:
    found = " ".join(f"{one.heading} {one.body} {' '.join(one.sentences)}" for one in to_passages(blocks, "x.txt"))
    missing = set(re.findall(r"word\d+", source)) - set(re.findall(r"word\d+", found))
    assert not missing


def _lines(most: int = 14) -> st.SearchStrategy[list[str]]:
    line = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map(" ".join)
    return st.lists(line, min_size=1, max_size=most).map(lambda pieces: _filled(pieces, itertools.count()))


@settings(deadline=None, max_examples=60)
@given(
    _lines(),
    st.lists(st.sampled_from(["\n", "\n\n", "\n\n\n", "\n-----\n", "\n\n====\n", "\n   "]), min_size=14, max_size=14),
)
def test_plain_text(lines: list[str], ends: list[str]) -> None:
    text = "".join(line + end for line, end in zip(lines, ends, strict=False))
    _check(text, blocks_of("x.txt", text))


@settings(deadline=None, max_examples=120)
@given(st.lists(st.sampled_from(_MARKDOWN), min_size=1, max_size=10), st.sampled_from(["\n\n", "\n"]), st.booleans())
def test_markdown(pieces: list[str], end: str, has_front_matter: bool) -> None:
    front = "---\ntitle: {}\ntags:\n  - {}\n---\n" if has_front_matter else ""
    text = end.join(_filled([front, *pieces], itertools.count()))
    assume(re.search(r"word\d", text))
    _check(text, blocks_of("x.md", text))


def _value(shape: Any, words: Iterator[int]) -> Any:
    """A value of this shape, in which every key and text is a word of its own."""
    if isinstance(shape, list):
        return [_value(one, words) for one in shape]
    if isinstance(shape, tuple):
        names = [name or f"word{next(words)}" for name, _ in shape]
        return {name: _value(one, words) for name, (_, one) in zip(names, shape, strict=True)}
    return f"word{next(words)}" if shape == "text" else shape


_NAMES = st.sampled_from(["", "", "name", "id", "title"])
_SHAPES = st.recursive(
    st.sampled_from(["text", "text", 5, None, True, ""]),
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(_NAMES, inner), max_size=4).map(tuple),
    max_leaves=20,
)


@settings(deadline=None, max_examples=120)
@given(st.lists(_SHAPES, min_size=1, max_size=3))
def test_json_and_json_lines(shapes: list[Any]) -> None:
    words = itertools.count()
    text = "\n".join(json.dumps(_value(shape, words)) for shape in shapes)
    assume(
        re.search(r'[:\[,\n ]\s*"word|^"word', text.replace('{"', '{ "')) and '"word' in re.sub(r'"\w*": ', "", text)
    )
    _check(text, blocks_of("x.json", text))


def _word(piece: str, words: Iterator[int]) -> str:
    return _filled([piece], words)[0]


_DOCX: list[Callable[[Iterator[int]], str]] = [
    lambda words: paragraph(_word("{} {}. {}", words)),
    lambda words: paragraph(_word("{}", words), style="h1"),
    lambda words: paragraph(_word("{}", words), style="h2"),
    lambda words: paragraph(_word("{} " * 120, words), style="h1"),
    lambda words: paragraph(_word("{}", words), before='<w:br w:type="page"/>'),
    lambda words: paragraph(_word("{}", words), properties=section("continuous")),
    lambda words: paragraph(_word("{}", words), properties="<w:rPr><w:del/></w:rPr>"),
    lambda words: table([_filled(["{}", "{}", "{}"], words), _filled(["{}", "", "{} 5"], words)]),
    lambda words: table([_filled(["{}", "{}"], words), ["", ""]]),
    lambda words: table([_filled(["{}"], words), _filled(["{}\n{}"], words)]),
    lambda words: table([_filled(["Name", "{}"], words), _filled(["Phone", "{}"], words)]),
    lambda words: table(
        [
            row(*_filled(["{}", "{}"], words), properties="<w:tblHeader/>"),
            row(cell(_word("{}", words), '<w:gridSpan w:val="2"/>')),
            row(cell(_word("{}", words), '<w:vMerge w:val="restart"/>'), _word("{} " * 150, words)),
            row(cell(_word("{}", words), "<w:vMerge/>"), *_filled(["{}", "{}"], words)),
        ]
    ),
]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(_DOCX), min_size=1, max_size=8))
def test_docx(makers: list[Callable[[Iterator[int]], str]]) -> None:
    words = itertools.count()
    body = "".join(make(words) for make in makers)
    _check(body, docx_blocks_of(docx(body, styles=_STYLES)))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(_lines(6), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.sampled_from([10, 12, 18]), st.booleans(), st.sampled_from([1.2, 2.0, 3.0])),
        min_size=6,
        max_size=6,
    ),
    st.booleans(),
)
def test_pdf(pages: list[list[str]], looks: list[tuple[int, bool, float]], has_title: bool) -> None:
    made: list[list[str | Line]] = []
    source: list[str] = []
    for number, lines in enumerate(pages, start=1):
        made.append(["The running title", f"Part {number}"] if has_title else [])
        for line, look in zip(lines, looks, strict=False):
            text = line.replace("word", f"word{number}").encode("latin-1", "replace").decode("latin-1")
            made[-1].append(Line(text, *look))
            source.append(text)
    blocks = pdf_blocks_of(pdf(*made, media_box="0 0 3000 792"))
    _check(" ".join(source), blocks)
    assert not has_title or any("running title" in f"{block.text} {block.heading}" for block in blocks)
