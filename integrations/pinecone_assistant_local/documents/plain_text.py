"""Plain text to blocks: paragraphs, with short lines that stand alone as headings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..text.passages import Block
from ..text.sentences import ENDS, split_sentences

MAX_HEADING_CHARACTERS = 80
NO_HEADING_ENDS_IN = ENDS + ",;"

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_UNDERLINE = re.compile(r"[=\-~*_#]{3,}\s*")
_BULLET = re.compile(r"\s*(?:[-*\u2022\u2013]|\d{1,3}[.)])\s+")


def parse_text(text: str) -> Iterator[Block]:
    """The paragraphs of a text; a lone short line without a full stop heads what follows it."""
    heading = ""
    paragraphs = [paragraph.strip("\n") for paragraph in _BLANK_LINES.split(text) if paragraph.strip()]
    for index, paragraph in enumerate(paragraphs):
        lines = paragraph.splitlines()
        if len(lines) > 1 and _UNDERLINE.fullmatch(lines[1]) and _is_heading(lines[0]):
            heading, lines = lines[0].strip(), lines[2:]
        elif len(lines) == 1 and index + 1 < len(paragraphs) and _is_heading(lines[0]):
            heading, lines = lines[0].strip(), []
        if lines:
            yield from _to_blocks(lines, heading)


def _is_heading(line: str) -> bool:
    line = line.strip()
    return 0 < len(line) <= MAX_HEADING_CHARACTERS and line[-1] not in NO_HEADING_ENDS_IN and not _BULLET.match(line)


def _to_blocks(lines: list[str], heading: str) -> Iterator[Block]:
    """One block per list item; lines that belong to no item are wrapped text and are joined."""
    gathered: list[str] = []
    for line in lines:
        if _BULLET.match(line) and gathered:
            yield _to_block(gathered, heading)
            gathered = []
        gathered.append(line)
    yield _to_block(gathered, heading)


def _to_block(lines: list[str], heading: str) -> Block:
    text = "\n".join(lines)
    return Block(text, tuple(split_sentences(_BULLET.sub("", text, count=1) if _BULLET.match(text) else text)), heading)
