"""Answers as JSON: an instance of the requested schema, filled from the passages; without a schema, answer and sources."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from ..search.scoring import Hit, SentenceHit
from ..text.passages import title_of
from ..text.words import Stems, words_of
from .extracted import DECLINE, choose_sentences
from .json_instances import build_instance
from .json_schemas import Schema
from .pieces import Cite, Piece, merged, source_of

# Words of an instruction to answer in JSON; none of them belongs to the question.
INSTRUCTION_WORDS = frozenset(
    words_of("""
    answer answers json schema schemas format formatted output outputs respond response return object instance conform
    conforms conforming match matches matching valid validates following follow field fields property properties key
    keys value values type types markdown code fence fences block text string strings strictly according required
    include extra additional data structure structured example parse parsed generate
    """)
)

_TITLE_NAMES = frozenset("title name heading topic subject".split())  # noqa: SIM905  (easier to read without quotes; so below)
_FILE_NAMES = frozenset("source sources file files filename document documents reference references".split())  # noqa: SIM905  (easier to read)
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])-?\d+(?:\.\d+)?")
_NEGATION = re.compile(r"\b(no|not|never|none|cannot|without|\w+n't)\b", re.IGNORECASE)
_NAME_WEIGHT = 0.8


def compose_json(stems: Stems, schema: Schema | None, hits: Sequence[Hit], around: Sequence[Hit]) -> list[Piece]:
    """The answer as one JSON text, with its citations at the end.

    Args:
        stems: Gives words the index's stems.
        schema: What the answer must be an instance of; without one it is `{"answer", "sources"}`.
        hits: The passages that fit the question.
        around: The same; if no passage fits, any passages, because an instance must be filled with something.
    """
    chosen = choose_sentences(hits)
    if schema is None:
        answer = " ".join(sentence.text for _, sentence in chosen) or DECLINE
        value: object = {"answer": answer, "sources": list(dict.fromkeys(hit.file.name for hit, _ in chosen))}
        cited = [source_of(hit, sentence.text) for hit, sentence in chosen]
    else:
        filler = PassageFiller(stems, chosen, around)
        value = build_instance(schema, filler)
        cited = [source_of(hit, sentence.text) for hit, sentence in filler.used()]
    sources = merged(cited)
    text = msgspec.json.encode(value).decode()
    return [text, Cite(sources)] if sources else [text]


class PassageFiller:
    """A filler that takes the values of a schema from passages.

    Args:
        stems: Gives words the index's stems.
        chosen: The sentences that answer the question; they are tried before all others.
        passages: The passages, best first.
    """

    def __init__(self, stems: Stems, chosen: Sequence[tuple[Hit, SentenceHit]], passages: Sequence[Hit]) -> None:
        self._stems = stems
        answers = {id(sentence) for _, sentence in chosen}
        others = [(hit, one) for hit in passages for one in hit.sentences if id(one) not in answers]
        others.sort(key=lambda pair: -pair[1].score)
        self._ranked = [*chosen, *others]
        self._bonus = {id(sentence): 0.05 for _, sentence in chosen}
        self._used: dict[int, tuple[Hit, SentenceHit]] = {}

    def used(self) -> list[tuple[Hit, SentenceHit]]:
        """The sentences that values came from."""
        return list(self._used.values())

    def texts(self, name: str) -> list[str]:
        """Sentences for a value; headings if its name says title, file names if its name says source."""
        first = name.split(" ", 1)[0].lower()
        ranked = self._for(name)
        if first in _TITLE_NAMES:
            return list(dict.fromkeys(hit.heading.rpartition(" > ")[2] or title_of(hit.file.name) for hit, _ in ranked))
        if first in _FILE_NAMES:
            return list(dict.fromkeys(hit.file.name for hit, _ in ranked))
        for hit, sentence in ranked[:1]:
            self._used[id(sentence)] = (hit, sentence)
        return [sentence.text for _, sentence in ranked]

    def numbers(self, name: str) -> list[float]:
        """The numbers in the sentences; in each sentence, those followed by a word of the name (such as a unit) come first."""
        wanted = frozenset(self._stems.of_text(name))
        found: list[float] = []
        for hit, sentence in self._for(name):
            in_sentence = []
            for match in _NUMBER.finditer(sentence.text):
                after = self._stems.of(words_of(sentence.text[match.end() : match.end() + 40])[:1])
                is_unit = bool(after) and wanted.issuperset(after)
                in_sentence.append((not is_unit, float(match.group().replace(",", ""))))
            if in_sentence and not found:
                self._used[id(sentence)] = (hit, sentence)
            found += [number for _, number in sorted(in_sentence, key=lambda pair: pair[0])]
        return found

    def truth(self, name: str) -> bool:
        """Return whether the best sentence makes the statement and does not negate it."""
        return any(_NEGATION.search(sentence.text) is None for _, sentence in self._for(name)[:1])

    def choose(self, name: str, options: Sequence[object]) -> object:
        """The option that the best sentences mention first; otherwise the first option."""
        stems = [frozenset(self._stems.of_text(str(option))) for option in options]
        for hit, sentence in self._for(name):
            for option, wanted in zip(options, stems, strict=True):
                if wanted and sentence.stems.issuperset(wanted):
                    self._used[id(sentence)] = (hit, sentence)
                    return option
        return options[0]

    def _for(self, name: str) -> list[tuple[Hit, SentenceHit]]:
        wanted = frozenset(self._stems.of_text(name)) - INSTRUCTION_WORDS

        def fit(pair: tuple[Hit, SentenceHit]) -> float:
            sentence = pair[1]
            named = len(wanted & sentence.stems) / max(1, len(wanted))
            return sentence.score + self._bonus.get(id(sentence), 0.0) + _NAME_WEIGHT * named

        return sorted(self._ranked, key=fit, reverse=True)
