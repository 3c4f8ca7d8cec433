"""Characters of a DOCX document that are not written as text: symbols of a font, and values of form fields.

The fonts Symbol and Wingdings have pictures in place of letters, so the meaning of a code depends on its font.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_SYMBOL = dict(
    zip(
        range(0x41, 0x5B),
        "\u0391\u0392\u03a7\u0394\u0395\u03a6\u0393\u0397\u0399\u03d1\u039a\u039b\u039c"
        "\u039d\u039f\u03a0\u0398\u03a1\u03a3\u03a4\u03a5\u03c2\u03a9\u039e\u03a8\u0396",
        strict=True,
    )
) | dict(
    zip(
        range(0x61, 0x7B),
        "\u03b1\u03b2\u03c7\u03b4\u03b5\u03c6\u03b3\u03b7\u03b9\u03d5\u03ba\u03bb\u03bc"
        "\u03bd\u03bf\u03c0\u03b8\u03c1\u03c3\u03c4\u03c5\u03d6\u03c9\u03be\u03c8\u03b6",
        strict=True,
    )
) | {
    0xA2: "\u2032", 0xA3: "\u2264", 0xA5: "\u221e", 0xAB: "\u2194", 0xAC: "\u2190", 0xAD: "\u2191", 0xAE: "\u2192",
    0xAF: "\u2193", 0xB0: "\u00b0", 0xB1: "\u00b1", 0xB2: "\u2033", 0xB3: "\u2265", 0xB4: "\u00d7", 0xB5: "\u221d",
    0xB6: "\u2202", 0xB7: "\u2022", 0xB8: "\u00f7", 0xB9: "\u2260", 0xBA: "\u2261", 0xBB: "\u2248", 0xBC: "\u2026",
    0xC5: "\u2295", 0xC6: "\u2205", 0xC7: "\u2229", 0xC8: "\u222a", 0xCC: "\u2282", 0xCE: "\u2208", 0xCF: "\u2209",
    0xD1: "\u2207", 0xD2: "\u00ae", 0xD3: "\u00a9", 0xD4: "\u2122", 0xD5: "\u220f", 0xD6: "\u221a", 0xD7: "\u22c5",
    0xD8: "\u00ac", 0xD9: "\u2227", 0xDA: "\u2228", 0xDB: "\u21d4", 0xDE: "\u21d2", 0xE2: "\u00ae", 0xE3: "\u00a9",
    0xE4: "\u2122", 0xE5: "\u2211", 0xF2: "\u222b", 0x22: "\u2200", 0x24: "\u2203", 0x2D: "\u2212",
}  # fmt: skip
_WINGDINGS = {
    0x28: "\u260e", 0x2A: "\u2709", 0x4A: "\u263a", 0x6C: "\u25cf", 0x6E: "\u25a0", 0x6F: "\u25a1", 0x71: "\u2751",
    0x76: "\u2756", 0x9F: "\u2022", 0xA7: "\u25aa", 0xA8: "\u25fb", 0xD8: "\u27a2", 0xDF: "\u2190", 0xE0: "\u2192",
    0xE1: "\u2191", 0xE2: "\u2193", 0xE8: "\u2794", 0xF0: "\u21e8", 0xFB: "\u2717", 0xFC: "\u2713", 0xFD: "\u2612",
    0xFE: "\u2611",
}  # fmt: skip
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS}
_PRIVATE = range(0xF000, 0xF100)  # where Word puts the codes of such fonts
_ASCII = range(0x20, 0x7F)


def symbol(font: str, code: str) -> str:
    """Return the character of a symbol; U+FFFD if its picture has no known character."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    pictures = _FONTS.get(font.strip().lower())
    if number in _PRIVATE:
        number -= _PRIVATE.start
    elif pictures is None:  # a font with letters where they belong
        is_character = 0x20 <= number < 0x110000 and not 0xD800 <= number < 0xE000
        return chr(number) if is_character else "\ufffd"
    if pictures is _SYMBOL and number in _ASCII:
        return _SYMBOL.get(number, chr(number))
    return (pictures or {}).get(number, "\ufffd")


@dataclass(slots=True)
class FormField:
    """A list or check box of an older form. Text fields are not needed here: their text is in the document itself."""

    entries: list[str] = field(default_factory=list)
    kind: str = ""
    result: str = ""
    default: str = ""

    def see(self, name: str, value: str | None) -> None:
        """Read an element of it; one without a value means yes."""
        if name in ("ddList", "checkBox", "textInput"):
            self.kind = name
        elif name == "listEntry":
            self.entries.append(value or "")
        elif name in ("result", "checked"):
            self.result = "1" if value is None else value
        elif name == "default":
            self.default = "1" if value is None else value

    def text(self) -> str:
        """Return the value as a reader sees it."""
        value = self.result or self.default
        if self.kind == "ddList":
            chosen = int(value) if value.isdecimal() else 0
            return self.entries[chosen] if chosen < len(self.entries) else ""
        if self.kind == "checkBox":
            return "\u2610" if value.lower() in ("", "0", "false", "off") else "\u2612"
        return ""
