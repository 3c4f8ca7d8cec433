"""The styles of a DOCX document: which are headings, which are bold, which begin a page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

_HEADING_NAME = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MAX_DEPTH = 20
_T = TypeVar("_T")
OFF = frozenset({"0", "false", "off", "none"})


def local_name(tag: str) -> str:
    """Return a name without its namespace, of which there are two: transitional and strict."""
    return tag.rpartition("}")[2]


def local_names(attributes: dict[str, str]) -> dict[str, str]:
    """Return attributes by their local names."""
    return {local_name(name): value for name, value in attributes.items()}


@dataclass(slots=True)
class Styles:
    """Properties of each style, under its identifier, with those it inherits.

    Attributes:
        levels: The level of a heading, 1 the outermost (a title).
        bold: Whether text is bold.
        page_break: Whether a paragraph begins a page.
    """

    levels: dict[str, int] = field(default_factory=dict)
    bold: dict[str, bool] = field(default_factory=dict)
    page_break: dict[str, bool] = field(default_factory=dict)


class StylesReader:
    """A target of the XML parser, for the part with the styles."""

    def __init__(self) -> None:
        self._own = Styles()
        self._based_on: dict[str, str] = {}
        self._style = ""
        self._skipping = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Read the beginning of an element."""
        name, values = local_name(tag), local_names(attributes)
        value = values.get("val", "")
        if self._skipping or name in ("tblStylePr", "docDefaults", "latentStyles"):
            self._skipping += 1
        elif name == "style":
            self._style = values.get("styleId", "")
        elif name == "name":
            heading = _HEADING_NAME.fullmatch(value)
            if heading:
                self._own.levels[self._style] = int(heading[1]) + 1
            elif value.lower() == "title":
                self._own.levels[self._style] = 1
        elif name == "basedOn":
            self._based_on[self._style] = value
        elif name == "outlineLvl" and value.isdecimal() and int(value) < 9:  # 9 is body text
            self._own.levels.setdefault(self._style, int(value) + 2)
        elif name == "b":
            self._own.bold[self._style] = value not in OFF
        elif name == "pageBreakBefore":
            self._own.page_break[self._style] = value not in OFF

    def end(self, _tag: str) -> None:
        """Read the end of an element."""
        if self._skipping:
            self._skipping -= 1

    def styles(self) -> Styles:
        """Return the styles with what they inherit."""
        own = self._own
        return Styles(
            self._inherited(own.levels),
            self._inherited(own.bold),
            self._inherited(own.page_break),
        )

    def _inherited(self, own: dict[str, _T]) -> dict[str, _T]:
        found = dict(own)
        for style in self._based_on:
            ancestor = style
            for _ in range(_MAX_DEPTH):
                if ancestor in own:
                    found[style] = own[ancestor]
                    break
                ancestor = self._based_on.get(ancestor, "")
        return found
