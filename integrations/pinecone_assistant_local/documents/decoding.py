"""Bytes of a text file to text: UTF-8, UTF-16 and UTF-32 with or without a mark, and Windows-1252.

Files in other encodings are refused with a reason: in a short text these encodings cannot be distinguished, and a wrong
guess would misquote the file. charset-normalizer was tried and guesses wrong too often: it takes Hebrew for Bulgarian,
Greek in UTF-16 for Korean, and `costs £40` in Windows-1252 for `costs Ł40` in Windows-1250.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from ..errors import DocumentError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins like the mark of UTF-16, so it is checked first
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SAMPLE_CHARACTERS = 10_000
_UNTEXTUAL = frozenset({"Cn", "Co", "Cs", "Cc"})  # unassigned, private, halves of pairs, control
_COMMON = re.compile("[\\x00-\x7f\u3000-\u30ff\uff00-\uff1f]")  # ASCII, kana, marks of East Asian texts
_MIN_COMMON = 0.08
_SPACES = "\t\n\r\f\v"

# Signs of text in another encoding that was decoded as Windows-1252, and that real Windows-1252 text does not have: symbols
# inside of words ("¿" for "ż", "¼" for a half of UTF-8, "K”ln" of DOS), low quotation marks after letters (the "é" of DOS),
# accented capitals inside of words ("DŸsseldorf" of old Macs), one accented letter three times (rules of DOS), "¤" ("€" in
# ISO 8859-15), Turkish letters, and accented letters side by side ("Âñå ëþäè").
_ODD = re.compile(
    "[^\\W\\d_][\xa1-\xa9\xab-\xac\xae-\xb4\xb6\xb8\xb9\xbb-\xbf\u02c6\u201c-\u201e\u2020-\u2025\u2027-\u2039][^\\W\\d_]"
    "|[^\\W\\d_][\u201a\u201e]"
    "|\xa4|([\xc0-\xff])\\1\\1"
    "|[a-z\xdf-\xff][\xc0-\xde\u0152\u0160\u0178\u017d]"
    "|[^\\W\\d_][\u0160\u0178\u017d][a-z]"
)
_TURKISH = re.compile(r"[\xf0\xfd\xfe]")  # in Windows-1252 these letters are Icelandic; such text also has:
_ICELANDIC = re.compile(r"[\xe1\xe6\xed\xf3\xfa]")
_ACCENTS = re.compile(r"[\xc0-\xff\u0152\u0153\u0160\u0161\u0178\u017d\u017e]")
_LETTERS = re.compile(r"[^\W\d_]")
# Kana in UTF-16: each of them has a byte that is the digit 0 in Windows-1252.
_LETTERS_WITH_DIGITS = re.compile(r"(?:[^\W\d_]\d|\d[^\W\d_]){4}")
_MAX_ACCENTS = 0.35  # of all letters; French and Portuguese have about 0.06
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x7f]")


def decode_text(content: bytes) -> str:
    """Return the text of a file, its lines ended by line feeds.

    Raises:
        DocumentError: It is binary, or in an encoding that cannot be read.
    """
    return _decode(content).replace("\r\n", "\n").replace("\r", "\n")


def _decode(content: bytes) -> str:
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    encoding = marked or "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        is_western = not marked and b"\0" not in content
        guessed = (_western_text(content) if is_western else None) or (None if marked else _wide_text(content))
        if guessed is not None:
            return guessed
        found = f"not valid {encoding.removesuffix('-sig').upper()} text ({error.reason} at byte {error.start})"
        others = "" if marked else ", nor does it look like UTF-16 or Windows-1252"
        raise DocumentError(f"The file is {found}{others}: save it as UTF-8.") from error
    if "\0" in text:
        guessed = None if marked else _wide_text(content)
        if guessed is None:
            raise DocumentError("The file is binary, not text.")
        return guessed
    return text


def _wide_text(content: bytes) -> str | None:
    """Return the text of UTF-16 or UTF-32 without a mark; None for anything else.

    In the wrong byte order, a space becomes U+2000 and an ideographic full stop U+0230. So the order that yields more of
    the characters common in most texts is the right one.
    """
    found: list[tuple[float, str]] = []
    for encoding in _WIDE:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        sample = text[:_SAMPLE_CHARACTERS]
        if all(character in _SPACES or unicodedata.category(character) not in _UNTEXTUAL for character in sample):
            common = len(_COMMON.findall(sample)) / len(sample)
            found.append((1.0 if encoding.startswith("utf-32") else common, text))
    share, text = max(found, key=lambda scored: scored[0], default=(0.0, ""))
    return text if share >= _MIN_COMMON else None


def _western_text(content: bytes) -> str | None:
    """Return the text of Windows-1252, of which Latin-1 is a part; None if the bytes do not look like it."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    accents, letters = len(_ACCENTS.findall(text)), len(_LETTERS.findall(text))
    is_odd = (
        _CONTROL.search(text)
        or _ODD.search(text)
        or _LETTERS_WITH_DIGITS.search(text)
        or (_TURKISH.search(text) and not _ICELANDIC.search(text))
    )
    return None if is_odd or accents > max(3, _MAX_ACCENTS * letters) else text
