"""Pages of the text of a DOCX document.

A DOCX file does not store pages. It has explicit breaks, marks where Word last began a page, and sections. Whether a
section begins on a new page is written in its properties, which come at the end of the section, too late for its text. So
text is first numbered by stretch, the text between two breaks, and stretches get their pages once the file has been read.
"""

from __future__ import annotations

from dataclasses import dataclass

_SAME_PAGE = frozenset({"continuous", "nextColumn"})


@dataclass(slots=True)
class _Stretch:
    """Text between two breaks.

    Attributes:
        kind: How it begins: `page` after a break, otherwise the way its section begins.
        start: The number shown on its first page, if the author set one.
        has_break: Whether the first paragraph of the section has a page break of its own.
    """

    kind: str = "page"
    start: int | None = None
    has_break: bool = False


class Pages:
    """Counter of the breaks of a document.

    Attributes:
        stretch: The number of the stretch that is being read.
    """

    def __init__(self) -> None:
        self._stretches = [_Stretch()]
        self._section = 0  # the stretch that the section begins with
        self._is_new_section = False  # until its first paragraph ends
        self._is_fresh = False  # after an explicit break, before any text
        self._has_paragraph = False
        self.stretch = 0

    @property
    def section(self) -> int:
        """The stretch with which the current section begins."""
        return self._section

    def break_explicitly(self) -> None:
        """Begin a page."""
        self._begin("page")
        self._is_fresh = True

    def break_before_paragraph(self) -> bool:
        """Begin a page, unless the paragraph is the first one; return whether a stretch began."""
        if self._is_new_section:
            self._stretches[self._section].has_break = True
            return False
        if self._has_paragraph:
            self.break_explicitly()
        return self._has_paragraph

    def break_as_rendered(self) -> bool:
        """Begin a page at a mark that Word left where a page began; return whether a stretch began.

        Word leaves this mark after an explicit break and at a new section too; there it does not begin another page.
        """
        if self._is_new_section:
            self._stretches[self._section].has_break = True
            return False
        if self._is_fresh:
            self._is_fresh = False
            return False
        self._begin("page")
        return True

    def see_text(self) -> None:
        """Note that there is text."""
        self._is_fresh = False

    def end_paragraph(self) -> None:
        """Note that a paragraph has ended."""
        self._has_paragraph = True
        self._is_new_section = False

    def describe_section(self, kind: str, start: int | None) -> None:
        """Note how the current section began."""
        if self._section:
            self._stretches[self._section].kind = kind
        self._stretches[self._section].start = start

    def end_section(self) -> None:
        """Begin another section."""
        self._begin("nextPage")
        self._section = self.stretch
        self._is_new_section = True

    def numbers(self) -> list[int]:
        """Return the page of each stretch, counted from 1."""
        page, shown = 1, self._stretches[0].start or 1
        pages = [page]
        for stretch in self._stretches[1:]:
            if stretch.kind in _SAME_PAGE and not stretch.has_break:
                pages.append(page)
                continue
            following = shown + 1 if stretch.start is None else stretch.start
            step = 1
            if stretch.kind in ("evenPage", "oddPage"):
                is_odd = stretch.kind == "oddPage"
                if following % 2 != is_odd:
                    following += 1
                step = 2 if following % 2 == shown % 2 else 1  # a page is left empty
            page, shown = page + step, following
            pages.append(page)
        return pages

    def _begin(self, kind: str) -> None:
        self._stretches.append(_Stretch(kind))
        self.stretch += 1
        self._is_fresh = False
