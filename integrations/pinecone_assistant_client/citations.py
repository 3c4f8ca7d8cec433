"""Citations: the public values, and the parser for the markers and the reference list in an answer's text.

Forms attested by recordings and by people's own parsers: `[1]`, `[1, pp. 1]`, `[1, pp. 1-2]`, `[1, p. 3]`,
`[1, pp. 3, 5]`, several references in one bracket, and at the end of the text a list such as
`References:` / `1. [file.pdf](https://...signed...)` or `[1] file.pdf`. Every pass is linear in the text's length.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .redaction import without_secrets

_MAX_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Reference:
    """One source of a citation. A field that the answer does not have is None.

    Attributes:
        number: The marker's number in the text, from 1; None on the standard interface, which has no markers.
        pages: Page numbers, from 1, for files that have pages.
        file_name: The file's name.
        file_id: The file's id (standard interface).
        url: A signed link that expires. It is a secret: not in the repr, never put into logs or metadata.
        highlight: The passage that supports the statement (standard interface, when asked for).
        metadata: The file's own metadata, such as `{"source": "https://docs.example/pines"}` (standard interface, context).
        created_at: When the file was uploaded, RFC 3339 (standard interface, context).
    """

    number: int | None = None
    pages: tuple[int, ...] | None = None
    file_name: str | None = None
    file_id: str | None = None
    url: str | None = field(default=None, repr=False)
    highlight: str | None = None
    metadata: dict[str, Any] | None = field(default=None, hash=False)
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A place where the answer cites, and the sources that it cites there.

    Attributes:
        start: Character offset into the answer's text where the marker begins.
        end: Offset where it ends, exclusive. On the standard interface, which has no markers, `start == end`.
        references: The sources that are cited here.
    """

    start: int
    end: int
    references: tuple[Reference, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON for a framework's metadata, without the signed links, which are secrets.

        Returns:
            `{"start", "end", "references": [{"number", "pages", "file_name", "file_id", "highlight"}]}`; `pages` is a list.
            `metadata` and `created_at` are included where the answer has them.
        """
        return {
            "start": self.start,
            "end": self.end,
            "references": [_reference_to_json(reference) for reference in self.references],
        }


def _reference_to_json(reference: Reference) -> dict[str, Any]:
    known: dict[str, Any] = {
        "number": reference.number,
        "pages": None if reference.pages is None else list(reference.pages),
        "file_name": reference.file_name,
        "file_id": reference.file_id,
        "highlight": reference.highlight,
    }
    if reference.metadata:
        known["metadata"] = copy.deepcopy(reference.metadata)
    if reference.created_at:
        known["created_at"] = reference.created_at
    return known


# The bound on the inside keeps the search linear in a text of brackets that never close.
MARKER = re.compile(r"\[([0-9][0-9pP.,;&\-\u2013\s]{0,200})\](?!\()")
_JSON_KEY = re.compile(r'"\s{0,8}:\s{0,8}\Z')
# One reference of a marker, with the separator after it. A number among pages is a page, unless pages of its own follow it.
_PAGES_WORD = r"[pP]{1,2}\.?\s*"
_PAGES = r"[0-9]{1,6}(?:\s*[-\u2013]\s*[0-9]{1,6})?(?=\s*(?:[,;&]|\Z))"
_REFERENCE = re.compile(
    rf"\s*(?P<number>[0-9]{{1,6}})(?:(?:\s*[,;&])?\s*(?P<pages>{_PAGES_WORD}{_PAGES}"
    rf"(?:\s*[,;&]\s*{_PAGES_WORD}{_PAGES}|\s*[,&]\s*{_PAGES}(?!\s*,\s*[pP]))*))?"
    r"\s*(?:[,;&](?=\s*[0-9])|\Z)"
)
_PAGE_RANGE = re.compile(r"([0-9]+)(?:\s*[-\u2013]\s*([0-9]+))?")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,500}`", re.DOTALL)
_HEADING = re.compile(
    r"(?:^|\n)[ \t]*(?:#{1,6}[ \t]*)?\*{0,3}(?:References|Sources)\*{0,3}:?\*{0,3}[ \t\r]*(?:\n|$)", re.IGNORECASE
)
_ENTRY = re.compile(
    r"[ \t]*(?:[-*][ \t]+)?(?:(?P<dot>[0-9]{1,3})[.)]|\[(?P<bracket>[0-9]{1,3})\]:?)[ \t]+(?P<rest>\S.*)"
)
_ENTRY_START = re.compile(r"[ \t]*\[[0-9]")
_LINE_START = re.compile(r"\n(?=[^\n])|\n\Z")
_LINK = re.compile(r"\[(?P<name>.*)\]\((?P<url>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)")

_URL = re.compile(r"https?://\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Entry:
    file_name: str | None
    url: str | None


def reference_list_start(text: str) -> int | None:
    """Offset at which the reference list at the end of an answer begins, with the blank lines before it, or None."""
    found = _find_reference_list(text)
    return found[0] if found else None


def strip_reference_list(text: str) -> str:
    """The answer without the reference list at its end. Markers stay, so offsets of citations stay right."""
    start = reference_list_start(text)
    return text if start is None else text[:start]


def _find_reference_list(text: str) -> tuple[int, dict[int, _Entry]] | None:
    # Looking for the heading's text first takes 1 us for a 1 kB answer; the pattern alone takes 35 (measured).
    lower = text.lower()
    headings = list(_HEADING.finditer(text)) if "references" in lower or "sources" in lower else []
    if headings:
        heading = headings[-1]
        entries = _parse_entries(text[heading.end() :])
        if entries:
            return len(text[: heading.start()].rstrip()), entries
    # Without a heading only a last paragraph of `[1] name` lines is a list: "1. step" and "[1] says so." are text.
    body = text.rstrip()
    cut = body.rfind("\n\n")
    lines = [line.strip() for line in body[cut:].split("\n") if line.strip()] if cut >= 0 else []
    if lines and all(line.startswith("[") and not line.endswith((".", "!", "?")) for line in lines):
        entries = _parse_entries(body[cut:])
        if entries:
            return len(text[:cut].rstrip()), entries
    return None


def _parse_entries(tail: str) -> dict[int, _Entry] | None:
    entries: dict[int, _Entry] = {}
    for line in tail.split("\n"):
        if not line.strip():
            continue
        match = _ENTRY.fullmatch(line.rstrip())
        if match is None:
            return None
        entries[int(match["dot"] or match["bracket"])] = _parse_entry(match["rest"].strip())
    return entries or None


def _parse_entry(rest: str) -> _Entry:
    """`[name](url)`, `name`, or a name and a bare link. A link never becomes a part of the name: it may be signed."""
    link = _LINK.match(rest)
    if link:
        return _Entry(without_secrets(link["name"]) or None, link["url"] or None)
    bare = _URL.search(rest)
    if bare:
        return _Entry(rest[: bare.start()].strip(" \t-\u2013:<([]") or None, bare[0].rstrip(">)],."))
    return _Entry(rest, None)


def extract_citations(text: str) -> list[Citation]:
    """Return the citations that an answer's text has as markers, in order.

    Other brackets are not taken for citations: `[a]`, `array[1]`, code, Markdown links, and numbers that the reference list,
    if there is one, does not have. The text is not changed.

    Args:
        text: The answer's text, with or without a reference list at its end.

    Returns:
        `Citation(start, end, references)`: character offsets into `text`, end exclusive; file name and URL where the
        reference list gives them.
    """
    found = _find_reference_list(text)
    stop, entries = found if found else (len(text), None)
    return list(_iter_citations(text, stop, entries))


def _iter_citations(text: str, stop: int, entries: dict[int, _Entry] | None) -> Iterator[Citation]:
    code = [match.span() for match in _CODE.finditer(text, 0, stop)]
    upcoming = 0  # the first code span that does not end before the marker
    last_end = -1
    for match in MARKER.finditer(text, 0, stop):
        start, end = match.span()
        while upcoming < len(code) and code[upcoming][1] <= start:
            upcoming += 1
        if upcoming < len(code) and code[upcoming][0] <= start:
            continue
        pages_of = parse_mark(text, match, last_end)
        if not pages_of or (entries is not None and any(number not in entries for number, _ in pages_of)):
            continue
        last_end = end
        yield Citation(
            start,
            end,
            tuple(
                Reference(
                    number=number,
                    pages=pages,
                    file_name=entries[number].file_name if entries else None,
                    url=entries[number].url if entries else None,
                )
                for number, pages in pages_of
            ),
        )


def parse_mark(text: str, match: re.Match[str], last_end: int) -> tuple[tuple[int, tuple[int, ...] | None], ...] | None:
    """Return the references of a match of `MARKER`, with their pages, or None if the text before it shows that it is not one.

    `array[1]`, `f(x)[1]` and `m[1][2]` are code, and `"pages": [1, 2]` is JSON. `[1][2]` are two citations
    next to each other, the first of which ends at `last_end`.
    """
    start = match.start()
    before = text[start - 1] if start else " "
    if ((before.isascii() and before.isalnum()) or before in "_)]") and start != last_end:
        return None
    if (before == ":" or before.isspace()) and _JSON_KEY.search(text, max(0, start - 20), start):
        return None
    return _parse_marker(match[1])


@functools.lru_cache(maxsize=256)  # an answer has the same few markers again and again
def _parse_marker(inside: str) -> tuple[tuple[int, tuple[int, ...] | None], ...] | None:
    """`1, pp. 1-2; 2` -> ((1, (1, 2)), (2, None)), or None if it is not a marker."""
    found: list[tuple[int, tuple[int, ...] | None]] = []
    end = 0
    while end < len(inside):
        match = _REFERENCE.match(inside, end)
        if match is None or not 1 <= int(match["number"]) <= 999:
            return None
        pages: list[int] = []
        for first, last in _PAGE_RANGE.findall(match["pages"] or ""):
            span = range(int(first), int(last or first) + 1)
            if not 1 <= len(span) <= _MAX_PAGES or span[0] < 1:
                return None
            pages.extend(span)
        found.append((int(match["number"]), tuple(pages) if pages else None))
        end = match.end()
    return tuple(found)


class ReferenceListHoldback:
    """Drop the reference list from a text that comes in pieces, holding back only text that may belong to the list.

    `feed` returns the text that is certainly not in the list; `finish` returns the held text if there was no list.
    """

    _MAX_BLANK = 256

    def __init__(self) -> None:
        self._held = ""
        self._list: list[str] = []  # all that follows a line which may begin the list
        self._is_at_start = True

    def feed(self, piece: str) -> str:
        """The part of the text so far that can be shown."""
        if self._list:
            self._list.append(piece)
            return ""
        text = self._held + piece
        shown = text.rstrip()
        before_heading = text
        starts = [match.span() for match in _LINE_START.finditer(text)]
        for before, start in [(0, 0), *starts] if self._is_at_start else starts:
            end = text.find("\n", start)
            line = text[start:] if end < 0 else text[start:end]
            may_be_entry = start > before and _ENTRY_START.match(line)  # at the very beginning only a heading counts
            if may_be_entry or (end >= 0 and _HEADING.fullmatch(line)):
                shown = text[:before].rstrip()
                self._list.append(text[len(shown) :])
                return shown
            if end < 0 and _may_be_heading(line):
                before_heading = text[:before]
                shown = before_heading.rstrip()
        if (
            len(text) - len(shown) > self._MAX_BLANK
        ):  # too many blanks to hold; keep holding a possible heading after them
            shown = text if len(text) - len(before_heading) > self._MAX_BLANK else before_heading
        self._held = text[len(shown) :]
        self._is_at_start = self._is_at_start and not shown
        return shown

    def finish(self) -> str:
        """The rest of the text, without a reference list."""
        return strip_reference_list("".join(self._list) or self._held)


def _may_be_heading(line: str) -> bool:
    word = line.strip(" \t\r#*:").lower()
    return "references".startswith(word) or "sources".startswith(word) or line.strip() == "["
