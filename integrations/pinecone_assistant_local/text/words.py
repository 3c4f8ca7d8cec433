"""Words and stems of texts, as the search compares them."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from itertools import chain, islice

TOKENIZER = "porter unicode61 remove_diacritics 2"

# Letters and digits, as SQLite's unicode61 tokenizer sees them ("_" separates).
_WORD = re.compile(r"[^\W_]+")
# Scripts without spaces between words: CJK, kana, Thai, Lao, Khmer, Myanmar. Hangul has spaces.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
# Hiragana, which endings and particles are written in, and the commonest Chinese function words.
_GRAMMAR = re.compile(
    "[\u3040-\u309f\u7684\u4e86\u5417\u5462\u662f\u4e48\u54ea\u8c01\u51e0\u591a\u5c11\u5728\u548c\u7528\u4f55\u8ab0]"
)
_MAX_REMEMBERED = 200_000

STOP_WORDS = frozenset(
    _WORD.findall(
        """
        a about above actually after again all also am an and any anybody anyone anything are aren as at away be
        because been before being below between both but by can cannot could couldn d describe did didn do does doesn doing
        don done down during each either else every everything explain few find for from further gave get give given
        gives go got had hadn has hasn have haven having he her here hers herself him himself his how however i if
        in into is isn it its itself just kindly know let like list ll m may me mention mentioned might mine more
        most much must my myself name need no nor not now of off often on once one only or other our ours ourselves
        out over own per please possible provide question quite rather re really regarding s said same say says
        shall she should shouldn show so some somebody someone something such t tell than thank thanks that the
        their theirs them themselves then there these they thing things this those through to too under until up
        upon us use used ve very want was wasn we well were weren what whatever when where whether which while who
        whom whose why will with within without won would wouldn yes yet you your yours yourself yourselves
        """
    )
)


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, lower case; scripts without spaces yield overlapping pairs of characters."""
    return _WORD.findall(index_text(text).lower())


def without_grammar(words: list[str]) -> list[str]:
    """Return the words without those pairs of Japanese or Chinese characters that are endings, particles and question words."""
    telling = [word for word in words if word.isascii() or not _GRAMMAR.search(word)]
    return telling or words


def index_text(text: str) -> str:
    """Return the text as the full-text index gets it: runs of a script without spaces become pairs of characters."""
    return _UNSPACED.sub(_pairs, text) if not text.isascii() else text


def _pairs(match: re.Match[str]) -> str:
    run = match.group()
    pairs = [run[index : index + 2] for index in range(len(run) - 1)] or [run]
    return " " + " ".join(pairs) + " "


class Stems:
    """Stems of words, as the index has them.

    SQLite has a Porter stemmer but no function to call it, so the words go through a small full-text table of their own
    and come back from its vocabulary. Stems are cached.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.executescript(
            f"CREATE VIRTUAL TABLE words USING fts5 (word, content = '', tokenize = '{TOKENIZER}');"
            "CREATE VIRTUAL TABLE stems USING fts5vocab (words, 'instance');"
        )

    def of(self, words: Iterable[str]) -> list[str]:
        """Return the stem of each word, in order."""
        words = list(words)
        known = self._known
        missing = {word for word in words if word not in known}
        if missing:
            known = self._learn(missing if len(known) < _MAX_REMEMBERED else set(words))
        return [known[word] for word in words]

    def of_text(self, text: str) -> list[str]:
        """Return the stems of a text's words, in order."""
        return self.of(words_of(text))

    def of_texts(self, texts: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """The stems of each of many texts. New words are stemmed all at once, which is much faster than text by text."""
        words = [words_of(text) for text in texts]
        stems = iter(self.of(chain.from_iterable(words)))
        return (tuple(islice(stems, len(of_one))) for of_one in words)

    def close(self) -> None:
        """Close the table."""
        with self._lock:
            self._connection.close()

    def _learn(self, words: set[str]) -> dict[str, str]:
        ordered = sorted(words)
        with self._lock:
            self._connection.execute("BEGIN")  # otherwise each word is a transaction: six times as slow
            self._connection.executemany("INSERT INTO words (rowid, word) VALUES (?, ?)", enumerate(ordered))
            self._connection.execute("COMMIT")
            learned: dict[int, list[str]] = {}
            for document, stem in self._connection.execute("SELECT doc, term FROM stems ORDER BY doc, offset"):
                learned.setdefault(document, []).append(stem)
            self._connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
            if len(self._known) >= _MAX_REMEMBERED:
                self._known = {}  # a thread that reads the old dict keeps it
            for index, word in enumerate(ordered):
                self._known[word] = "+".join(learned.get(index, [word]))
            return self._known
