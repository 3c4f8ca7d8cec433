"""Text to sentences.

A full stop ends a sentence or an abbreviation, and text alone does not say which: "in the U.S. He left" and "the
U.S. Army". So each abbreviation has a kind, which decides by the next word. Packages that split sentences were
measured first (tests/local/documents/test_sentences.py has the examples): the best kept one, sentencex, gets 83 of 110
right and cuts at "approx. 40", "Figs. 2" and "Tel. 555"; blingfire gets 90, but is not kept and has no build for ARM.
"""

from __future__ import annotations

import re

# Full stops, Latin and full-width, and what may close after one. Escapes, because the characters look alike.
_LATIN_ENDS = ".!?\u2026"
_WIDE_ENDS = "\u3002\uff01\uff1f\uff61"
ENDS = _LATIN_ENDS + _WIDE_ENDS
_OPEN = "\"'\u201c\u2018\u201e\u00ab\u00bf\u00a1(\\["
_CLOSE = "\"'\u201d\u2019\u00bb)\\]\u300d\u300f\uff09"
_NOTES = "\\[\\d[\\d, \u2013-]{0,20}\\]"

# At the end of a text: its last mark, with what closes after it. Here and below a run of marks is tried from its
# beginning only; otherwise a text of nothing but marks takes quadratic time.
FINAL_MARK = re.compile(f"(?<![{ENDS}])[{ENDS}]+[{_CLOSE}]*$")

# Inside a text: a Latin mark needs space after it, a full-width one does not. Numbers of notes, "[4]", may follow; after a
# space they belong to the sentence before only if another sentence follows on the line.
_END = re.compile(
    f"(?<![{_LATIN_ENDS}])(?P<mark>[{_LATIN_ENDS}]+)[{_CLOSE}]*(?:{_NOTES})*(?P<note> {_NOTES}(?= [^\\W\\d_]|\\s*$))?(?=\\s|$)"
    f"|[{_WIDE_ENDS}]+[{_CLOSE}]*"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Always followed by a name or another word of the sentence: these never end a sentence.
_NEVER = _words(
    "mr mrs messrs mme mlle dr drs prof doc rev fr hon sen rep gov gen maj col lt capt cpt cmdr sgt cpl pvt pres supt"
    " amb insp det asst assoc dir mgr mt ft e.g eg i.e ie cf viz vs approx incl excl attn wm chas geo jas thos jos"
    " sr sra srta dott sig sig.ra hr frl st.-"
)
# A number follows, or a bracket, or a note in small letters; before another word they end the sentence ("No. It is blue.").
_BEFORE_NUMBERS = _words(
    "no nos nr n\u00b0 num deg fig figs eq eqs sec sect secs ch chap chaps p pp vol vols art arts par para app apt ste tab tbl"
    " ref refs ver v op tel fax ext ca c circa max min temp est b d lat long lon alt rs rm bldg pt pts ex bd abb abs ziff kap st"
    " in ft mi yd lb lbs oz qt gal tsp tbsp km cm mm kg mg ml hr hrs sec min yr yrs sq jan feb mar apr jun jul aug sep sept oct"
    " nov dec mon tue tues wed thu thur thurs fri sat sun bzw usw ff ala ariz ark calif colo conn del fla ga ind kan ky mass"
    " mich minn mont nebr nev okla pa penn tenn tex va vt wis wyo"
)
# Usually part of a name: the sentence has ended only if the next word is one that often opens sentences.
_BEFORE_OPENERS = _words(
    "al ms inc corp co ltd llc plc gmbh bros jr ph.d ed eds dept univ ave blvd rd ln sq st bde misc"
)
# Times and eras: a capitalised word after one opens a sentence, unless it belongs to the time ("5 p.m. Eastern").
_TIMES = _words("a.m p.m b.c a.d b.c.e c.e bce ce etc")
_MORE_TIME = _words(
    "eastern pacific central mountain atlantic est edt cst cdt mst mdt pst pdt gmt utc cet cest bst monday tuesday wednesday"
    " thursday friday saturday sunday mon tue tues wed thu fri sat sun jan feb mar apr may jun jul aug sep sept oct nov dec"
    " january february march april june july august september october november december"
)
_KNOWN = _NEVER | _BEFORE_NUMBERS | _BEFORE_OPENERS | _TIMES
_OPENERS = _words(
    "a an the this that these those it its he she they we you i his her their our your my there here in on at by for from"
    " to with without as of and but or nor so yet if when while where because since although though after before until"
    " during however therefore thus then now today later meanwhile also all any both each every many most much more some"
    " such no not none nobody nothing only one two three other another who what which why how is are was were do does did"
    " can could will would should may might must let please see note once under over between into about instead der die das"
    " ein eine er sie es wir ich le la les un une il elle ils elles el los las"
)
# German days, "am 3. Mai".
_MONTHS = _words(
    "januar j\u00e4nner februar m\u00e4rz april mai juni juli august september oktober november dezember january february march"
    " june october december"
)

_OPENING = re.compile(f"[{_OPEN}]")
# A capital letter, a digit or a bullet; a small letter only as in "iPhone".
_STARTS_SENTENCE = re.compile(
    f"[\\s{_OPEN}]*(?:[^\\W\\d_a-z\u00df-\u00f6\u00f8-\u00ff\u0430-\u045f]|[\\d#*`-]|[a-z]{{1,2}}[A-Z])"
)
_NEXT_WORD = re.compile(f"[\\s{_OPEN}]*([^\\s{_OPEN}{_CLOSE}.,;:!?]*)")
_OPENS_REFERENCE = re.compile(rf"\s*{_NOTES}")
_LIST_MARK = re.compile(r"\s*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})$")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
# "No. 5", "Eq. (4)", "vol. IV", "flight no. BA 12", "App. B".
_NUMBER = re.compile(r"[\d#(\[]|[IVXLC]+\b|[A-Z]{1,4}[ -]?\d|[B-HJ-Z]\b")
_AFTER_NAME = re.compile(r"\b[A-Z][a-z]+ I$")  # "Albert I. Jones", not "he and I."
_INITIAL = re.compile(r"\s*[^\W\d_]\.")  # "z. B."
_MAX_ABBREVIATION = 40  # characters to look back for one


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, each on one line; abbreviations, initials and decimals do not end one."""
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if match["mark"] and not _ends_sentence(text, start, match):
            continue
        # In a list of references "[2]" opens the next one.
        end = match.start("note") if match["note"] and _OPENS_REFERENCE.match(text, start) else match.end()
        _append(sentences, text[start:end])
        start = end
    _append(sentences, text[start:])
    return sentences


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    if not _STARTS_SENTENCE.match(text, match.end()):
        return False
    if match["mark"] != ".":
        return True
    first = max(start, match.start() - _MAX_ABBREVIATION)
    if first == start and _LIST_MARK.match(text, start, match.start()):
        return False  # "1. Open the lid."
    words = text[first : match.start()].split()
    word = words[-1] if words and not text[match.start() - 1].isspace() else ""
    if not word.isalnum():
        word = _OPENING.split(word)[-1]
    return not word or _is_end_after(word, text, match)


def _is_end_after(word: str, text: str, match: re.Match[str]) -> bool:
    """Return whether the full stop after this word ends a sentence, by the kind of the word and the word that follows."""
    lower = word.lower()
    if len(word) > 2 and lower not in _KNOWN and "." not in word:
        return True  # most words
    following = _NEXT_WORD.match(text, match.end())
    assert following is not None  # noqa: S101  (it matches the empty text)
    next_word = following[1].lower()
    if len(word) == 1 and word.isupper():
        return next_word in _OPENERS or (word == "I" and not _AFTER_NAME.search(text, 0, match.start()))
    if lower in _NEVER:
        return False
    if lower in _TIMES:
        return next_word not in _MORE_TIME
    if lower in _BEFORE_OPENERS or _DOTTED.fullmatch(word):
        return next_word in _OPENERS
    if lower in _BEFORE_NUMBERS:
        return not _says_number(lower, next_word, text, following.start(1))
    if len(word) == 1 and _INITIAL.match(text, match.end()):
        return False
    return not (word.isdigit() and len(word) <= 2 and next_word in _MONTHS)


def _says_number(word: str, next_word: str, text: str, position: int) -> bool:
    return bool(_NUMBER.match(text, max(0, position - 1)) or _NUMBER.match(text, position)) or (
        next_word in _MORE_TIME and word in _MORE_TIME
    )


def _append(sentences: list[str], piece: str) -> None:
    sentence = " ".join(piece.split())
    if sentence:
        sentences.append(sentence)
