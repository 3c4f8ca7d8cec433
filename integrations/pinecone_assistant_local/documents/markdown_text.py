"""Markdown to blocks: sections with their headings, list items, table rows. What is quoted has no markup left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..text.passages import Block
from ..text.sentences import split_sentences

# Headings and names of columns stand with every passage under them: without a limit a file could grow a thousandfold.
MAX_HEADING_CHARACTERS = 300
MAX_COLUMN_NAME_CHARACTERS = 100

# No expression here may take quadratic time on a hostile line: what repeats is bounded or cannot be split in two ways.
_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n.*?\n(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})\s*")
_RULE = re.compile(r" {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_QUOTE = re.compile(r"^ {0,3}>\s?")
_TABLE_RULE = re.compile(r"\|?:?-+:?(?:\|:?-+:?)*\|?")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_AUTOLINK = re.compile(r"<(https?://[^<>\s]+)>")
_STRONG = re.compile(r"(\*\*\*|\*\*|\*|~~)(?=\S)(.{1,200}?)(?<=\S)\1")
_UNDERSCORES = re.compile(r"(?<!\w)(__|_)(?=\S)(.{1,200}?)(?<=\S)\1(?!\w)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_HIDDEN = 0xE000
_HIDDEN_CHARACTER = re.compile("[\ue021-\ue07e]")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def parse_markdown(text: str) -> Iterator[Block]:
    """The blocks of a Markdown text, each with the headings above it."""
    lines = _without_comments(_FRONT_MATTER.sub("", text)).split("\n")
    headings: list[tuple[int, str]] = []
    paragraph: list[str] = []

    def flush() -> Iterator[Block]:
        if paragraph:
            yield from _paragraph_blocks(paragraph, " > ".join(title for _, title in headings))
            paragraph.clear()

    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        fence = _FENCE.match(line)
        if fence:
            yield from flush()
            end = next((i for i in range(index, len(lines)) if lines[i].strip().startswith(fence[1])), len(lines))
            code = "\n".join(lines[index:end])
            if code.strip():
                yield Block(
                    code, tuple(piece.strip() for piece in code.split("\n") if piece.strip()), _joined(headings)
                )
            index = end + 1
            continue
        level, title = _heading_of(line, paragraph)
        if level:
            if _UNDERLINE.fullmatch(line):
                title = _plain(paragraph.pop())
            yield from flush()
            headings = [*((depth, above) for depth, above in headings if depth < level), (level, title)]
        elif not line.strip() or _RULE.fullmatch(line):
            yield from flush()
        else:
            paragraph.append(line)
    yield from flush()


def _without_comments(text: str) -> str:
    """The text without `<!-- -->`; a regular expression would look for each end in all of the text."""
    kept = []
    position = 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[position:start])
        position = end + len("-->")
    return "".join(kept) + text[position:]


def _joined(headings: list[tuple[int, str]]) -> str:
    return " > ".join(title for _, title in headings)


def _heading_of(line: str, paragraph: list[str]) -> tuple[int, str]:
    """The level of the heading that this line is or underlines, 0 if none, and its title if it stands in the line."""
    heading = _HEADING.match(line)
    if heading and len(line) <= MAX_HEADING_CHARACTERS:
        return len(heading[1]), _plain(_without_closing_marks(line[heading.end() :].strip()))
    underline = _UNDERLINE.fullmatch(line)
    if (
        underline
        and len(paragraph) == 1
        and len(paragraph[0]) <= MAX_HEADING_CHARACTERS
        and not _ITEM.match(paragraph[0])
        and "|" not in paragraph[0]
    ):
        return (1 if underline[1].startswith("=") else 2), ""
    return 0, ""


def _without_closing_marks(title: str) -> str:
    stripped = title.rstrip("#")
    return stripped.rstrip() if not stripped or stripped[-1].isspace() else title


def _paragraph_blocks(lines: list[str], heading: str) -> Iterator[Block]:
    lines = [_QUOTE.sub("", line) for line in lines]
    if len(lines) > 1 and "|" in lines[0] and _TABLE_RULE.fullmatch("".join(lines[1].split())):
        yield from _table_blocks(lines, heading)
        return
    gathered: list[str] = []
    for line in lines:
        if _ITEM.match(line) and gathered:
            yield _text_block(gathered, heading)
            gathered = []
        gathered.append(line)
    yield _text_block(gathered, heading)


def _text_block(lines: list[str], heading: str) -> Block:
    text = "\n".join(lines)
    return Block(
        text, tuple(split_sentences(_plain(_ITEM.sub("", text, count=1) if _ITEM.match(text) else text))), heading
    )


def _table_blocks(lines: list[str], heading: str) -> Iterator[Block]:
    """Each row as one sentence in which every cell has its column's name."""
    names = [name[:MAX_COLUMN_NAME_CHARACTERS] for name in _cells(lines[0])]
    for line in lines[2:]:
        pairs = zip(names, _cells(line), strict=False)
        sentence = "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
        if sentence:
            yield Block(sentence, (sentence,), heading)


def _cells(line: str) -> list[str]:
    return [_plain(cell).strip() for cell in line.strip().strip("|").split("|")]


def _plain(text: str) -> str:
    """The text without inline markup."""
    # An escaped character is out of sight while the markup goes: in the private use area, and back at the end.
    text = _ESCAPE.sub(lambda match: chr(_HIDDEN + ord(match[1])), text)
    text = _IMAGE_OR_LINK.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _STRONG.sub(r"\2", text)
    text = _UNDERSCORES.sub(r"\2", text)
    text = _TAG.sub("", text)
    return _HIDDEN_CHARACTER.sub(lambda match: chr(ord(match[0]) - _HIDDEN), text).strip()
