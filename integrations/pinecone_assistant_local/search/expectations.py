"""The kind of thing that would answer a question (a length, a price, a date, a name), and whether a sentence has one.

A paraphrase changes the words of a question, but not the kind of its answer. Units, months and colours are closed lists,
so this works for any subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..text.words import words_of

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen"
    "|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half"
    "|halves|quarter|third|once|twice|couple|single|several|zero|none"
)
_NUMBER = rf"(?:\d[\d.,]*|\b(?:{_NUMBER_WORDS})\b)"
_GAP = r"(?:[\s-]+(?:and|to|or|half|(?<=half )an?|more|working|full|whole|calendar|consecutive|business|square|cubic))*[\s-]*"
_ABOUT_A = r"\b(?:half|for|about|around|up\s+to|within|lasts?|takes?|than|of|nearly|almost)\s+an?\s+"
_UNITS = {
    "length": r"(?:kilo|centi|milli|nano|micro)?met(?:er|re)s?|[kcmnµ]?m|feet|foot|ft|inch(?:es)?|yards?|miles?|light[- ]years?"
    r"|fathoms?|storeys?|stories|floors?|characters?|letters?|digits?|words?|pages?|lines?",
    "duration": r"(?:milli|micro|nano)?seconds?|sec|minutes?|min|hours?|h|days?|nights?|weeks?|months?|years?|decades?"
    r"|centur(?:y|ies)|generations?|semesters?|quarters?|fortnights?",
    "weight": r"(?:kilo|milli)?gram(?:me)?s?|[km]?g|tonn?es?|tons?|pounds?|lbs?|ounces?|oz|stones?|carats?",
    "temperature": r"degrees?|°\s*[CFK]?|celsius|fahrenheit|kelvin",
    "speed": r"(?:kilomet(?:er|re)s?|met(?:er|re)s?|miles?|feet|km|m|(?:milli|centi)met(?:er|re)s?|[cm]m)"
    r"(?:\s+(?:per|an?|each|every)\s+|\s*/\s*)(?:hour|second|minute|day|week|month|year|century|h|s)\b"
    r"|mph|kph|knots?|[KMGT]?bit/s|[KMGT]bps",
    "money": r"euros?|dollars?|pounds?|cents?|pence|francs?|yen|rupees?|crowns?|kron(?:a|or|e|er)|EUR|USD|GBP|CHF|JPY|[$€£¥]",
    "area": r"square\s+\w+|hectares?|acres?|m²|km²|sqm|ha",
    "volume": r"(?:milli|centi|hecto)?lit(?:er|re)s?|[mc]?l|gallons?|pints?|cups?|(?:tea|table)?spoons?|cubic\s+\w+|barrels?|m³",
    "data": r"(?:kilo|mega|giga|tera|peta)?(?:byte|bit)s?|[kKMGTP]i?[Bb]",
    "percentage": r"%|per\s?cent|percentage",
}
# Next to a number without a unit, one of these words says what the number measures.
_CUES = {
    "length": r"height|high|tall|length|long|width|wide|broad|depth|deep|diameter|distance|altitude|elevation|thick\w*",
    "duration": r"age|aged|lifespan|duration|old",
    "weight": r"weigh\w*|mass|heavy",
    "temperature": r"temperature|boils?|freezes?|melts?",
    "speed": r"speed|velocity|pace",
    "money": r"pays?|paid|costs?|prices?|priced|fees?|charged?|charges|fines?|fined|rent|rents|admission|fares?|tickets?"
    r"|deposit|refund\w*|salary|wages?|tax|tolls?|rates?|budget|worth|free|excess|premium|discounts?|insured",
    "percentage": r"rate|share|proportion",
}
_MONTHS = (
    "January|February|March|April|May(?!\\s+(?:I|we|you|not|be)\\b)|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
_COLOURS = (
    "black|white|red|green|blue|yellow|orange|brown|grey|gray|pink|purple|violet|golden|silver|beige|turquoise|crimson"
    "|scarlet|indigo|teal|cream|reddish|bluish|greenish|yellowish|brownish|greyish"
)


def _measure(kind: str) -> re.Pattern[str]:
    units = rf"(?:{_UNITS[kind]})(?![^\W\d_])"
    with_unit = rf"(?:{_NUMBER}{_GAP}|{_ABOUT_A}){units}"
    if kind == "money":
        with_unit += r"|[$€£¥]\s*\d|\bfree\s+of\s+charge\b|\bfor\s+(?:free|nothing)\b|\bwithout\s+paying\b"
        # "12 a month" is a price even where no currency is named.
        with_unit += r"|\b\d[\d.,]*\s+(?:an?|per)\s+(?:hour|day|night|week|month|year|piece|person|item|head|kilo\w*)\b"
    if kind not in _CUES:
        return re.compile(with_unit, re.IGNORECASE)
    cue = rf"\b(?:{_CUES[kind]})\b"
    return re.compile(rf"{with_unit}|{cue}.*{_NUMBER}|{_NUMBER}.*{cue}", re.IGNORECASE)


_FOUND_BY = {
    **{kind: _measure(kind) for kind in _UNITS},
    "number": re.compile(_NUMBER, re.IGNORECASE),
    "phone": re.compile(r"\b(?:tele)?phone\b.*\d|\bcall\w*\b.*\d{3}|\+?\d[\d ()/-]{6,}\d", re.IGNORECASE),
    "email": re.compile(r"[^\s@]@[^\s@]|\be-?mail\b", re.IGNORECASE),
    "frequency": re.compile(
        rf"\b(?:every|each|per|(?:once|twice|times)\s+(?:an?|per|every|each|in))\s+(?:\w+\s+){{0,2}}?"
        rf"(?:{_UNITS['duration']}|{_MONTHS}|morning|evening|time|use|other)"
        r"|\b(?:daily|hourly|weekly|monthly|yearly|annual\w*|nightly|always|never|regularly|after\s+(?:each|every))\b",
        re.IGNORECASE,
    ),
    "time": re.compile(
        rf"\b(?:1\d|20|21)\d\d\b|\b(?:{_MONTHS})\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|\b\d?\d:\d\d\b"
        r"|(?i:\b(?:o'clock|noon|midnight|sunrise|sunset|dawn|dusk|mornings?|afternoons?|evenings?|nights?|spring|summer"
        r"|autumn|fall|winter|centur(?:y|ies)|today|tomorrow|yesterday|daily|(?:first|second|third|last)\s+\w+"
        r"|as\s+soon\s+as|when|whenever|until|after|before|during|once|[ap]\.?m\.?|deadline|date|ago)\b)"
        rf"|(?i:{_NUMBER}{_GAP}(?:{_UNITS['duration']})\b)|[月日年時时]",
    ),
    "person": re.compile(
        r"\bby\s+(?:(?:the|an?)\s+)?(?:[\w-]+\s+)?[A-Z][^\W\d_]+|\b[A-Z][^\W\d_]+\s+(?:(?:van|von|de|da|del|of|al)\s+)?[A-Z]"
        r"|\b(?i:people|persons?|men|man|wom[ae]n|child(?:ren)?)\b"
    ),
    "place": re.compile(
        r"\b(?:in|at|on|near|under|beside|behind|between|from|inside|outside|next\s+to|opposite|along|into|onto|to)\s+"
        r"(?:the|an?|its|your)?\s*[^\W\d]{3,}"
    ),
    "colour": re.compile(rf"\b(?:{_COLOURS}|colou?r\w*)\b", re.IGNORECASE),
    "reason": re.compile(
        r"\b(?:because|since|so\s+that|due\s+to|owing\s+to|therefore|otherwise|in\s+order\s+to|thus|hence|as\s+a\s+result"
        r"|caused?|reasons?|why|means?)\b",
        re.IGNORECASE,
    ),
    "prohibition": re.compile(
        r"\b(?:not|never|no|none|nobody|cannot|without|forbidden|prohibited|banned|excluded|except|unless|avoid|\w+n't)\b",
        re.IGNORECASE,
    ),
}
# Kinds that are recognised reliably: a sentence without them cannot be the answer.
_CERTAIN = frozenset(_UNITS) | {"number", "frequency", "time", "colour", "phone", "email"}

_UNIT_OF = {kind: re.compile(rf"(?:{units})\Z", re.IGNORECASE) for kind, units in _UNITS.items() if kind != "speed"}
_HOW_ADJECTIVE = {
    "tall high deep wide broad thick far": ("length",),
    "big large small": ("length", "area", "volume", "data", "weight", "number"),
    "long": ("duration", "length"),
    "old young": ("duration", "time"),
    "heavy light": ("weight",),
    "fast quickly quick": ("speed", "duration"),
    "hot cold warm": ("temperature",),
    "often frequently regularly rare rarely": ("frequency",),
    "soon late early": ("duration", "time"),
    "expensive cheap": ("money",),
}
_ASKED_NOUN = {
    "height length width depth diameter distance altitude elevation span wingspan radius thickness": ("length",),
    "weight mass": ("weight",),
    "lifespan duration age": ("duration",),
    "price cost costs fee fare rent fine penalty salary wage deposit charge charges toll premium budget": ("money",),
    "speed velocity": ("speed",),
    "temperature": ("temperature",),
    "area": ("area",),
    "volume": ("volume",),
    "percentage proportion": ("percentage",),
    "colour color colours colors": ("colour",),
    "frequency": ("frequency",),
    "phone telephone": ("phone",),
    "email mail": ("email",),
    "number amount quantity capacity size limit": ("number",),
    "data storage memory bandwidth": ("data",),
    "year date day month time deadline century weekday": ("time",),
    "reason cause": ("reason",),
}
_BY_ADJECTIVE = {word: kinds for words, kinds in _HOW_ADJECTIVE.items() for word in words.split()}
_BY_NOUN = {word: kinds for words, kinds in _ASKED_NOUN.items() for word in words.split()}
_HOW_MANY = re.compile(
    r"\bhow\s+(?:many|much)\b(?P<counted>.*?)(?:\b(?P<auxiliary>is|are|was|were|do|does|did|can|could|may|might|must|should"
    r"|shall|will|would|has|have|had)\b|\b(?:in|of|on|at|for|to|per|an?|the|each|every)\b|[?.!,;]|$)",
    re.IGNORECASE,
)
_HOW = re.compile(r"\bhow\s+(\w+)", re.IGNORECASE)
_WHAT = re.compile(r"\b(?:what|which|what's)\b((?:\W+\w+){1,7})", re.IGNORECASE)
_MONEY_VERB = re.compile(
    r"\bhow\s+much\b.*\b(?:cost|pay|paid|charged?|price|spend|worth|earn|refunded)\b|\bwhat\b.*\b(?:costs?|spend|pay)\b",
    re.IGNORECASE,
)
_MONEY_WORDS = frozenset("cost costs pay paid charge charged price spend worth earn refunded".split())  # noqa: SIM905  (easier to read than 10 quoted words)
_VERBS = frozenset("do does did should must can may happens".split())  # noqa: SIM905  (as above)
_WEIGHS = re.compile(r"\b(?:how\s+much|what)\b.*\bweighs?\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?:when|what\s+time|how\s+(?:late|early)|until\s+when)\b|いつ|何時|什么时候|何时|几点", re.IGNORECASE
)
_WHO = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_WHICH = re.compile(
    r"\bwhich\s+(\w+)|\bwhat\s+(\w+)\s+(?:is|are|was|were|do|does|did|can|could|must|should|will|has|have|had)\b",
    re.IGNORECASE,
)
_WHERE = re.compile(r"\b(?:where|whereabouts)\b|どこ|哪里|哪儿|何处", re.IGNORECASE)
_WHY = re.compile(r"\b(?:why|what\s+for|how\s+come)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|never|avoid|forbidden|prohibited|banned|excluded|\w+n't)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The content that an answer should have.

    Attributes:
        kinds: The answer has one of these kinds of things; if empty, anything may be the answer.
        asked: The words of the question.
        words: The words of the question that only name the kind; a sentence with a thing of that kind need not repeat them.
        counted: The words after "how many", which say what is counted.
        wants_prohibition: Whether the question asks for something that is not so or not allowed.
    """

    kinds: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    wants_prohibition: bool = False

    @property
    def is_certain(self) -> bool:
        """True if a sentence without any of the kinds cannot be the answer."""
        return bool(self.kinds) and _CERTAIN.issuperset(self.kinds)

    def met_by(self, sentence: str) -> float:
        """Return 1 if a sentence has a thing of such a kind, 0.5 for a bare number where a measure is likelier, otherwise 0."""
        for kind in self.kinds:
            # A name that is in the question is not the name that it asks for.
            if any(not self.asked.issuperset(words_of(found[0])) for found in _FOUND_BY[kind].finditer(sentence)):
                return 0.5 if kind == "number" and len(self.kinds) > 1 else 1.0
        return 0.0

    def denies(self, sentence: str) -> bool:
        """Return whether a sentence says that something is not so or not allowed."""
        return _FOUND_BY["prohibition"].search(sentence) is not None


def expectation_of(question: str) -> Expectation:
    """The expectation of a question."""
    kinds, words, counted = _kinds_of(question)
    return Expectation(
        kinds, frozenset(words_of(question)), frozenset(words), frozenset(counted), _NOT.search(question) is not None
    )


_Asked = tuple[tuple[str, ...], Iterable[str], Iterable[str]]


def _kinds_of(question: str) -> _Asked:
    """The kinds that a question asks for, the words that name the kind, and the words for the counted things."""
    if _MONEY_VERB.search(question):
        return ("money",), _MONEY_WORDS, ()
    if _WEIGHS.search(question):
        return ("weight",), ("weigh", "weighs"), ()
    many = _HOW_MANY.search(question)
    if many:
        return _kinds_counted(many)
    adjectives = [word.lower() for word in _HOW.findall(question) if word.lower() in _BY_ADJECTIVE]
    if adjectives:
        kinds = dict.fromkeys(kind for adjective in adjectives for kind in _BY_ADJECTIVE[adjective])
        return tuple(kinds), adjectives, ()
    for kind, asks in (("place", _WHERE), ("time", _WHEN), ("person", _WHO), ("reason", _WHY)):
        if asks.search(question):
            return (kind,), (), ()
    what = _WHAT.search(question)
    following = words_of(what[1]) if what else []
    for word in following:
        if word in _VERBS:
            break
        if word == "population":
            return ("number",), (), (word,)
        if word in _BY_NOUN:
            return _BY_NOUN[word], (word,), ()
    # The answer to "which animal" is seldom called an animal; in "what keeps ..." the word is part of the question.
    named = _WHICH.search(question)
    return (), words_of(named[1] or named[2]) if named else (), ()


def _kinds_counted(match: re.Match[str]) -> _Asked:
    """The same for "how many ...": the kind of a unit, or a number of anything else."""
    words = words_of(match["counted"])
    # "How many paid days does ..." asks for the last word, "how many visitors come ..." for the first.
    head = words[-1:] if match["auxiliary"] else words[:1]
    for word in head:
        if word in _BY_NOUN and word not in ("year", "day", "month", "date"):
            return _BY_NOUN[word], (word,), ()
        for kind, unit in _UNIT_OF.items():
            if unit.match(word):
                return (kind,), (word,), ()
    if not head:
        return ("weight", "volume", "length", "money", "data", "percentage", "number"), (), ()
    return ("number",), (), head
