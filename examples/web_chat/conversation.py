"""Conversations as plain data, and their display: Markdown with links to passages, passages as HTML, picks as a filter.

Pure. `page.py` keeps a conversation in the browser as the JSON of its turns and draws the page from it with these functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pinecone_assistant_client import AssistantError, AssistantFile, Citation, Reference

MAX_CHATS = 20  # the browser's storage holds some megabytes
NO_PASSAGE = "The assistant did not say which passage."
NOTES = {
    "interrupted": "The answer was interrupted, and this question is not remembered. Choose Retry to ask again.",
    "stopped": "Stopped. This question is not remembered.",
}


@dataclass
class Passage:
    """A passage that an answer cites at `position`, counted in code points of its text."""

    position: int
    source: str
    highlight: str


@dataclass
class Turn:
    """A question and its answer. Only complete ones are sent along with the next question."""

    question: str
    filter: dict[str, Any] | None = None
    text: str = ""
    passages: list[Passage] = field(default_factory=list)
    outcome: Literal["interrupted", "complete", "stopped", "failed"] = "interrupted"
    problem: str = ""

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Turn:
        """Return the turn of a stored dictionary."""
        return cls(**{**stored, "passages": [Passage(**passage) for passage in stored["passages"]]})

    def cite(self, citations: Iterable[Citation]) -> None:
        """Add the passages of an answer's citations, without the signed links of the files."""
        for citation in citations:
            for reference in citation.references:
                highlight = reference.highlight or NO_PASSAGE
                self.passages.append(Passage(citation.start, source_of(reference), highlight))


@dataclass(frozen=True)
class Chats:
    """The conversations of a browser, the newest first, and the open one."""

    open: int = 0
    chats: tuple[list[Turn], ...] = ([],)

    @property
    def turns(self) -> list[Turn]:
        """The turns of the open conversation."""
        return self.chats[self.open]

    def with_turns(self, turns: list[Turn]) -> Chats:
        """Return the chats with other turns in the open conversation."""
        return Chats(self.open, (*self.chats[: self.open], turns, *self.chats[self.open + 1 :]))

    def with_new(self) -> Chats:
        """Return the chats with a new conversation, opened; the oldest one is dropped if the browser's storage may be full."""
        return Chats(0, ([], *filter(None, self.chats))[:MAX_CHATS])

    def to_json(self) -> str:
        """Return the chats as JSON for the browser's storage."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str) -> Chats:
        """Return the chats that `to_json` described."""
        value = json.loads(stored)
        return cls(value["open"], tuple([Turn.from_json(turn) for turn in turns] for turns in value["chats"]))


def source_of(reference: Reference) -> str:
    """Return the file of a reference and its pages, such as `guide.pdf, pages 3, 4`."""
    name = reference.file_name or "A file without a name"
    pages = ", ".join(map(str, reference.pages or ()))
    return f"{name}, page{'s' if ',' in pages else ''} {pages}" if pages else name


def words_for_users(error: AssistantError) -> str:
    """Return the message of an error, without its link to the developers' error pages."""
    return str(error).partition("; see ")[0]


def messages_of(turns: Iterable[Turn], question: str) -> list[dict[str, str]]:
    """Return the messages to send: the complete turns, then the question."""
    messages = []
    for turn in turns:
        if turn.outcome == "complete" and turn.text.strip():
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.text})
    return [*messages, {"role": "user", "content": question}]


# --- How a conversation looks


def chat_of(turns: list[Turn], *, running: bool = False) -> list[dict[str, str]]:
    """Return the messages that the chat shows. The last answer has no note while it is `running`."""
    shown = []
    for number, turn in enumerate(turns, 1):
        is_running = running and number == len(turns)
        note = "" if is_running else turn.problem or NOTES.get(turn.outcome, "")
        parts = [
            f"*Only files with {plain(words_of_filter(turn.filter))}*" if turn.filter else "",
            answer_of(number, turn) or ("…" if is_running else ""),
            f"**{plain(note)}**" if note else "",
        ]
        shown.append({"role": "user", "content": turn.question})
        shown.append({"role": "assistant", "content": "\n\n".join(filter(None, parts))})
    return shown


def answer_of(number: int, turn: Turn) -> str:
    """Return an answer as Markdown in which every citation links to its passage next to the chat."""
    numbers = numbers_of(turn)
    pieces, written = [], 0
    for index, passage in sorted(enumerate(turn.passages), key=lambda each: each[1].position):
        position, end = outside_code(turn.text, passage.position)
        pieces.append(turn.text[written:position])
        written = max(written, position)
        link = f'[\\[{numbers[passage.source]}\\]](#{anchor(number, index)} "{plain(passage.source)}")'
        pieces.append(f" {link}{end}")
    return "".join([*pieces, turn.text[written:]])


def passages_of(turns: list[Turn]) -> str:
    """Return all passages, the newest answer's first, each with the anchor that its citation links to.

    One line of HTML for each answer, which Markdown leaves as it is.
    """
    sections = []
    for number, turn in reversed(list(enumerate(turns, 1))):
        numbers = numbers_of(turn)
        items = [
            f'<li id="{anchor(number, index)}" tabindex="0"><strong>[{numbers[passage.source]}] {plain(passage.source)}'
            f"</strong><blockquote>{plain(passage.highlight)}</blockquote></li>"
            for index, passage in enumerate(turn.passages)
        ]
        if items:
            sections.append(f"<section><h2>{plain(turn.question)}</h2><ol>{''.join(items)}</ol></section>")
    return "\n\n".join(sections) or "Choose a number in an answer to see the passage behind it here."


def files_of(files: Iterable[AssistantFile]) -> str:
    """Return the assistant's files as a list, each with its metadata."""
    items = []
    for file in files:
        metadata = "".join(f" <kbd>{plain(words)}</kbd>" for words, _ in picks_of([file]))
        status = "" if file.status == "Available" else f" ({plain(str(file.status))})"
        items.append(f"<li>{plain(file.name)}{metadata}{status}</li>")
    return f'<ul tabindex="0">{"".join(items)}</ul>' if items else "There are none yet."


def title_of(turns: list[Turn]) -> str:
    """Return the first question, shortened, as the name of a conversation."""
    question = " ".join(turns[0].question.split()) if turns else "New chat"
    return question if len(question) <= 48 else f"{question[:47]}…"


def numbers_of(turn: Turn) -> dict[str, int]:
    """Return the number of each source, from 1, in the order of the text."""
    sources = dict.fromkeys(passage.source for passage in sorted(turn.passages, key=lambda each: each.position))
    return {source: number for number, source in enumerate(sources, 1)}


def anchor(number: int, index: int) -> str:
    """Return the id of a passage in the page."""
    return f"passage-{number}-{index + 1}"


def plain(text: str) -> str:
    """Return text as Markdown or HTML that shows it unchanged: characters with a special meaning become entities."""
    return re.sub(r"[^\w ]|_", lambda match: f"&#{ord(match[0])};", text)


_CODE = re.compile(
    r"(?P<block>^ {0,3}(`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:^ {0,3}\2[`~]* *$|\Z))|(?<!`)(`+)(?!`).+?(?<!`)\3(?!`)",
    re.DOTALL | re.MULTILINE,
)


def outside_code(text: str, position: int) -> tuple[int, str]:
    """Return where a link for this position can be, and what must follow it.

    Inside code a link would be shown as its Markdown, so it goes before the code, and on a line of its own before a block.
    """
    for code in _CODE.finditer(text):
        if code.start() < position < code.end():
            return code.start(), "\n" if code["block"] else ""
    return position, ""


# --- The filter picker


def picks_of(files: Iterable[AssistantFile]) -> list[tuple[str, str]]:
    """Return the metadata of the files as choices: a label, and the key and value as JSON."""
    pairs = {}
    for file in files:
        for key, value in (file.metadata or {}).items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str | int | float):
                    pairs[json.dumps([key, one])] = f"{key}: {one}"
    return sorted((words, pair) for pair, words in pairs.items())


def filter_of(picks: Iterable[str]) -> dict[str, Any] | None:
    """Return the filter of the chosen pairs: any of the values of a key, and all of the keys."""
    values: dict[str, list[Any]] = {}
    for pick in picks:
        key, value = json.loads(pick)
        values.setdefault(key, []).append(value)
    return {key: {"$in": chosen} for key, chosen in values.items()} or None


def words_of_filter(chosen: dict[str, Any]) -> str:
    """Return a filter of `filter_of` in words: `resource: encyclopedia or nursery, and year: 2020`."""
    return ", and ".join(f"{key}: {' or '.join(map(str, values['$in']))}" for key, values in chosen.items())
