"""Plain text to blocks: paragraphs, list items, and titles above them.

Plain text has no markup, so a short line on its own may be a title, an address or a name on a card. It is a title only
if prose or a list follows; otherwise it is ordinary text. Nothing is dropped except rules such as "=====".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from ..text.passages import Block
from ..text.sentences import ENDS, split_sentences
from .fields import is_field_name
from .lists import ListReader
from .outline import Outline

MAX_HEADING_CHARACTERS = 80

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
# One rule, or one below the name of each column: "----  ----".
_RULE = re.compile(r"\s*[=\-~*_#+|]{3,}(?:\s+[=\-~*_#+|]{2,})*\s*")
# In justified text, two spaces are between words too.
_COLUMNS = re.compile(r"\S(?: *\t| {3})\s*\S")
_BULLET = re.compile(r"\s*(?:[-*\u2022\u2013]|\d{1,3}[.)])\s+")
# Lines that are data, not titles: addresses, dates with places, phone numbers, mail addresses, links.
_DATA = re.compile(r"@|://|,.*\d|\d[\d ()/-]{5,}\d")
# In double-spaced text, at least this share of the lines begins with a small letter.
_MIN_LINES, _MIN_CONTINUED = 4, 0.3


def parse_text(text: str) -> Iterator[Block]:
    """Yield the paragraphs of a text, each with the title above it."""
    outline = Outline()
    lists = ListReader()
    paragraphs = [[line for line in one.splitlines() if line.strip()] for one in _paragraphs(text)]
    for index, lines in enumerate(paragraphs):
        following = paragraphs[index + 1] if index + 1 < len(paragraphs) else []
        title, body = _titled(lines, following)
        if title:
            yield from outline.add(1, title, None)
        for part in _parts(body):
            for item in lists.items(part, partial(_ends_early, part, max(map(len, part)))):
                words = "\n".join(item.lines)
                yield from outline.under([Block(words, tuple(split_sentences(item.unmarked(words))))])
    yield from outline.close()


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs between blank lines; in double-spaced text only several blank lines end a paragraph."""
    paragraphs = [paragraph.strip("\n") for paragraph in _BLANK_LINES.split(text) if paragraph.strip()]
    if len(paragraphs) < _MIN_LINES or any("\n" in paragraph for paragraph in paragraphs):
        return paragraphs
    continued = sum(paragraph.lstrip()[0].islower() for paragraph in paragraphs)
    if continued < _MIN_CONTINUED * len(paragraphs):
        return paragraphs
    return [
        "\n".join(line for line in paragraph.split("\n") if line.strip())
        for paragraph in re.split(r"\n(?:[^\S\n]*\n){2,}", text)
        if paragraph.strip()
    ]


def _titled(lines: Sequence[str], following: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the title at the beginning of a paragraph ("" if it has none), and the rest of the paragraph."""
    while lines and _RULE.fullmatch(lines[0]):
        lines = lines[1:]
    if len(lines) > 1 and _RULE.fullmatch(lines[1]) and _is_title(lines[0]):
        return lines[0].strip(), lines[2:]
    if len(lines) == 1 and _is_title(lines[0]) and not _is_data(lines[0]) and _is_prose_or_list(following):
        return lines[0].strip(), []
    return "", lines


def _parts(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines of a paragraph in the parts between its rules; the rows of a table one by one."""
    for is_rule, group in groupby(lines, lambda line: bool(_RULE.fullmatch(line))):
        part = list(group)
        if is_rule:
            continue
        if len(part) > 1 and all(map(_COLUMNS.search, part)):
            yield from ([row] for row in part)
        else:
            yield part


def _is_title(line: str) -> bool:
    line = line.strip()
    if not 0 < len(line) <= MAX_HEADING_CHARACTERS or _COLUMNS.search(line):
        return False
    return line[-1] not in f"{ENDS},;" and not _BULLET.match(line)


def _is_data(line: str) -> bool:
    name, colon, value = line.partition(":")
    return bool(_DATA.search(line)) or bool(colon and value.strip() and is_field_name(name))


def _is_prose_or_list(lines: Sequence[str]) -> bool:
    return len(lines) > 1 or any(
        len(line) > MAX_HEADING_CHARACTERS or line.rstrip()[-1] in ENDS or _BULLET.match(line) for line in lines
    )


def _ends_early(lines: Sequence[str], width: int, index: int) -> bool:
    """Return whether the first word of the next line would have fitted on this one."""
    return len(lines[index].rstrip()) + len(lines[index + 1].split(maxsplit=1)[0]) < width
