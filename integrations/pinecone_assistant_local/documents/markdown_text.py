"""Markdown to blocks: sections with their headings, paragraphs, list items, table rows, code.

Sentences have no markup except the backticks of code: without them a viewer would render `__init__` in an answer as bold.
Text that a renderer does not show, such as link destinations, is in the text of a block, where it is found but not quoted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.html_blocks import block_names
from markdown_it.token import Token

from ..text.passages import Block
from ..text.sentences import split_sentences
from .outline import Outline
from .tables import Row, table_blocks

# Headings are repeated with every passage under them: without a limit a file could grow a thousandfold.
MAX_HEADING_CHARACTERS = 300

_FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[^\S\n]*\n(?=[^\s\-+])(?P<text>.*?\n)(?:\1|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL
)
_FIRST_LINE = re.compile(r"#|[\w\"'.-]+\s*[:=]")
_COMMENT = "<!--"
_CHECKBOX = re.compile(r"\A\[[ xX]\]\s+")
_PUNCTUATION = ".,;:!?()[]<>\"'"
_WORD = re.compile(r"\w")
_CELL_BORDER = re.compile(r"(?<!\\)\|")

# "<name>" in a text is more often a placeholder than markup, so only elements of HTML are treated as tags.
_INLINE_NAMES = frozenset(
    "a abbr acronym audio b bdi bdo big br button canvas cite code data del dfn em embed font i img input ins kbd label"  # noqa: SIM905  (no 60 quotes)
    " map mark meter object output picture pre progress q rp rt ruby s samp script select slot small span strike strong style"
    " sub sup svg template textarea time tt u var video wbr".split()
)
_BLOCK_NAMES = frozenset(block_names) | {"br"}
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)(?=[\s/>])([^<>]*)>")
_ATTRIBUTE = re.compile(r"\b(alt|title|href|src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_UNSEEN = (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>"))


class _Parser(MarkdownIt):
    """CommonMark with tables and strikethrough; links stay as they are written."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  (the library's name)
        """Return the link, without escapes for browsers."""
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802  (as above)
        """Return the link."""
        return link


# Inline markup is parsed only where there may be some: most paragraphs have none.
_PARSER = _Parser("commonmark").enable(["table", "strikethrough"]).disable(["inline", "text_join"])
_INLINE = re.compile(r"[*_`\[\]<>&\\~]| \n|\n ")


def parse_markdown(text: str) -> Iterator[Block]:
    """Yield the blocks of a Markdown text, each with the headings above it."""
    front = _FRONT_MATTER.match(text)
    if front and _FIRST_LINE.match(front["text"]):
        text = text[front.end() :]
        yield _lines_block(front["text"].strip())
    outline = Outline()
    yield from _Reader(text, outline).blocks()
    yield from outline.close()


@dataclass(slots=True)
class _Shown:
    """Inline text as a reader sees it, and where its links lead."""

    parts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()

    def more(self) -> list[str]:
        """Return the links that are not visible in the text."""
        if not self.links:
            return []
        shown = {word.strip(_PUNCTUATION) for word in self.text.split()} | {self.text}
        links = (link for link in self.links if link and not link.startswith("data:"))
        return [link for link in dict.fromkeys(links) if link.removeprefix("mailto:") not in shown]


class _Reader:
    """Reader of the tokens of a text, one after another."""

    def __init__(self, text: str, outline: Outline) -> None:
        self._lines = text.split("\n")
        self._definitions: dict[str, Any] = {}
        self._tokens = _PARSER.parse(text, self._definitions)
        self._outline = outline
        self._mark = ""  # of the list item whose first paragraph comes next

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of the text."""
        index = 0
        while index < len(self._tokens):
            token = self._tokens[index]
            index += 1
            if token.type == "heading_open":
                yield from self._heading(int(token.tag[1]), self._tokens[index])
            elif token.type == "paragraph_open":
                yield from self._paragraph(_shown(self._tokens[index], self._definitions))
            elif token.type == "list_item_open":
                self._mark = f"{token.info}{token.markup} "
            elif token.type == "list_item_close":
                self._mark = ""
            elif token.type in ("fence", "code_block"):
                yield from self._code(token)
            elif token.type == "html_block":
                yield from self._html(token.content)
            elif token.type == "table_open":
                end = next(at for at in range(index, len(self._tokens)) if self._tokens[at].type == "table_close")
                yield from self._table(self._tokens[index:end])
                index = end
        yield from self._unread()

    def _unread(self) -> Iterator[Block]:
        """Yield the lines that no token holds: definitions of links, and text nested deeper than the parser goes."""
        read = {line for token in self._tokens if token.map and token.nesting == 0 for line in range(*token.map)}
        lines = (line for number, line in enumerate(self._lines) if number not in read)
        yield _lines_block("\n".join(line for line in lines if _WORD.search(line)))

    def _heading(self, level: int, inline: Token) -> Iterator[Block]:
        shown = _shown(inline, self._definitions)
        title = " ".join(shown.text.split())
        if not title or len(title) > MAX_HEADING_CHARACTERS:
            yield from self._paragraph(shown)
            return
        yield from self._outline.add(level, title, None)
        if shown.more():
            yield from self._outline.under([_lines_block("\n".join(shown.more()))])

    def _paragraph(self, shown: _Shown) -> Iterator[Block]:
        mark, self._mark = self._mark, ""
        text, more = shown.text, shown.more()
        sentences = split_sentences(_CHECKBOX.sub("", text) if mark else text) or more
        body = "\n".join([*filter(None, [f"{mark}{text}"]), *more])
        yield from self._outline.under([Block(body, tuple(sentences))])

    def _code(self, token: Token) -> Iterator[Block]:
        info, code = token.info.strip(), token.content.rstrip("\n")
        lines = [line.strip() for line in code.split("\n") if line.strip()] or [line for line in [info] if line]
        if lines:
            text = f"{token.markup}{info}\n{code}\n{token.markup}" if token.markup else code
            yield from self._outline.under([Block(text, tuple(lines))])

    def _html(self, content: str) -> Iterator[Block]:
        start = content.find(_COMMENT, content.rfind("-->") + 1)
        if start >= 0:
            # A comment without an end would hide the rest of the file.
            yield from self._html(content[:start])
            yield from _Reader(content[start:].replace(_COMMENT, ""), self._outline).blocks()
            return
        shown = _html_shown(content)
        lines = [" ".join(line.split()) for line in shown.text.split("\n")]
        text = "\n".join(line for line in lines if line)
        sentences = [sentence for line in text.split("\n") for sentence in split_sentences(line)]
        body = "\n".join([*filter(None, [text]), *shown.more()])
        yield from self._outline.under([Block(body, tuple(sentences or shown.more()))])

    def _table(self, tokens: Sequence[Token]) -> Iterator[Block]:
        rows: list[list[str]] = []
        links: list[str] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
                line = self._lines[token.map[0]] if token.map else ""
            elif token.type == "inline":
                shown = _shown(token, self._definitions)
                rows[-1].append(shown.text)
                links += shown.more()
            elif token.type == "tr_close" and len(rows) > 1:
                # More cells than columns: no renderer shows them, but they are in the file.
                cells = _CELL_BORDER.split(line.strip().strip("|"))
                rows[-1] += [cell.strip() for cell in cells[len(rows[0]) :]]
        yield from self._outline.under(table_blocks(rows[0], [Row(row) for row in rows[1:]]))
        yield from self._outline.under([_lines_block("\n".join(dict.fromkeys(links)))])


def _shown(inline: Token, definitions: dict[str, Any]) -> _Shown:
    if not _INLINE.search(inline.content):
        return _Shown([inline.content])
    shown = _Shown()
    tokens: list[Token] = []
    _PARSER.inline.parse(inline.content, _PARSER, definitions, tokens)
    for token in tokens:
        _show(token, shown)
    return shown


def _show(token: Token, shown: _Shown) -> None:
    if token.type in ("text", "text_special"):
        shown.parts.append(token.content)
    elif token.type == "code_inline":
        space = " " if "`" in (token.content[:1], token.content[-1:]) else ""
        shown.parts.append(f"{token.markup}{space}{token.content}{space}{token.markup}")
    elif token.type in ("softbreak", "hardbreak"):
        shown.parts.append("\n")
    elif token.type == "image":
        for child in token.children or []:
            _show(child, shown)
        shown.links += [str(token.attrs.get(name, "")) for name in ("src", "title")]
    elif token.type == "link_open":
        shown.links += [str(token.attrs.get(name, "")) for name in ("href", "title")]
    elif token.type == "html_inline":
        found = _html_shown(token.content)
        shown.parts += found.parts
        shown.links += found.links


def _html_shown(content: str) -> _Shown:
    """Return the text of HTML: without tags, comments, scripts and styles."""
    shown = _Shown()
    for opening, closing in _UNSEEN:
        content = _without(content, opening, closing)
    start = 0
    for tag in _TAG.finditer(content):
        name = tag[1].lower()
        if name not in _BLOCK_NAMES and name not in _INLINE_NAMES:
            continue
        shown.parts.append(html.unescape(content[start : tag.start()]))
        start = tag.end()
        for attribute in _ATTRIBUTE.finditer(tag[2]):
            value = html.unescape(attribute[2] or attribute[3] or attribute[4] or "")
            (shown.parts if attribute[1] == "alt" else shown.links).append(value)
        if name in ("td", "th"):
            shown.parts.append(" ")
        elif name in _BLOCK_NAMES:
            shown.parts.append("\n")
    shown.parts.append(html.unescape(content[start:]))
    return shown


def _without(text: str, opening: str, closing: str) -> str:
    """Return the text without the parts between these marks. Not a regular expression, which would take quadratic time."""
    kept = []
    position = 0
    while (start := text.find(opening, position)) >= 0 and (end := text.find(closing, start)) >= 0:
        kept.append(text[position:start])
        position = end + len(closing)
    return "".join(kept) + text[position:]


def _lines_block(text: str) -> Block:
    """Return a block in which each line can be quoted."""
    return Block(text, tuple(" ".join(line.split()) for line in text.split("\n") if line.strip()))
