"""Text to sentences."""

from __future__ import annotations

import re

# The end of a sentence: its mark, closing quotes or brackets, then space; or the full stop of a script without spaces.
_END = re.compile(r"""(?P<mark>[.!?…]+)(?P<close>["'”’»)\]]*)(?=\s)|[。！？｡]["'”’」』）]*""")
_ABBREVIATIONS = frozenset(
    "al approx art ca cf ch co corp dept dr ed eds e.g eg est etc ex fig figs gen hon i.e ie inc jr lt ltd max messrs min"
    " mr mrs ms mt no nos nr op p pp prof rev sgt sr st v vol vols vs".split()
)
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘])([^\s(\[\"'“‘]+)$")
_STARTS_SENTENCE = re.compile(r"""[\s"'“‘«(\[]*[^\W\d_a-zß-öø-ÿ]|[\s"'“‘«(\[]*[\d#*`-]""")
_SPACES = re.compile(r"\s+")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line; abbreviations, initials and decimals do not end one."""
    sentences = []
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
    last_word = _LAST_WORD.search(text, start, match.start())
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
