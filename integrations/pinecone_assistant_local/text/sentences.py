"""Text to sentences."""

from __future__ import annotations

import re

# Full stops, Latin and full-width, and what may close after one. Escapes, because the characters look alike.
_LATIN_ENDS = ".!?\u2026"
_WIDE_ENDS = "\u3002\uff01\uff1f\uff61"
ENDS = _LATIN_ENDS + _WIDE_ENDS
_OPEN = "\"'\u201c\u2018\u00ab(\\["
_CLOSE = "\"'\u201d\u2019\u00bb)\\]\u300d\u300f\uff09"

# At the end of a text: its last mark, with what closes after it. Here and below a run of marks is tried from its
# beginning only, else a text of nothing but marks takes quadratic time.
FINAL_MARK = re.compile(f"(?<![{ENDS}])[{ENDS}]+[{_CLOSE}]*$")

# Inside a text: a Latin mark needs space after it, a full-width one does not. Reference numbers may stand between.
_END = re.compile(
    f"(?<![{_LATIN_ENDS}])(?P<mark>[{_LATIN_ENDS}]+)[{_CLOSE}]*(?:\\[\\d[\\d, ]*\\])*(?=\\s)|[{_WIDE_ENDS}]+[{_CLOSE}]*"
)
_ABBREVIATIONS = frozenset(
    "al approx art ca cf ch co corp dept dr ed eds e.g eg est etc ex fig figs gen hon i.e ie inc jr lt ltd max messrs"  # noqa: SIM905  (no 60 quotes)
    " min mr mrs ms mt no nos nr op p pp prof rev sgt sr st v vol vols vs".split()
)
_LAST_WORD = re.compile(f"(?:^|[\\s{_OPEN}])([^\\s{_OPEN}]+)$")
_STARTS_SENTENCE = re.compile(f"[\\s{_OPEN}]*(?:[^\\W\\d_a-z\u00df-\u00f6\u00f8-\u00ff]|[\\d#*`-])")
_MAX_ABBREVIATION = 40  # characters to look back for one
_SPACES = re.compile(r"\s+")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line; abbreviations, initials and decimals do not end one."""
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if match["mark"] and not _ends_sentence(text, start, match):
            continue
        _append(sentences, text[start : match.end()])
        start = match.end()
    _append(sentences, text[start:])
    return sentences


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    if not _STARTS_SENTENCE.match(text, match.end()):
        return False
    if match["mark"] != ".":
        return True
    last_word = _LAST_WORD.search(text, max(start, match.start() - _MAX_ABBREVIATION), match.start())
    if last_word is None:
        return True
    word = last_word[1]
    if word.lower() in _ABBREVIATIONS:
        return False
    return not (len(word) == 1 and word.isupper() and word != "I")


def _append(sentences: list[str], piece: str) -> None:
    sentence = _SPACES.sub(" ", piece).strip()
    if sentence:
        sentences.append(sentence)
