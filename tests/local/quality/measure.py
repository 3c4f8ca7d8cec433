"""Asks the local assistant every question of the set and judges what it cites."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import requests

from pinecone_assistant_local import LocalAssistant

from .distractors import distractors

FOLDER = Path(__file__).parent
Half = Literal["tune", "test", "later"]
Outcome = Literal["right", "wrong", "declined"]
TOP_K = 16
RANKS = (1, 5, TOP_K)


@dataclass(frozen=True)
class Asked:
    """A question of the set; without a file it cannot be answered from the passages."""

    half: Half
    question: str
    file: str | None
    phrase: str | None


@dataclass(frozen=True)
class Judged:
    """A question and its result.

    Attributes:
        asked: The question.
        outcome: `right` if one of the cited sentences (at most three) is the answer. For a question without an answer,
            any answer is `wrong`.
        first_is_right: Whether the first cited sentence is the answer.
        answer: The answer.
        rank: The place of the right passage among the 16 snippets of /context, from 1; None if it is not there.
    """

    asked: Asked
    outcome: Outcome
    first_is_right: bool
    answer: str
    rank: int | None


def read_questions() -> list[Asked]:
    """The set, in the order of its file."""
    return [Asked(**row) for row in json.loads((FOLDER / "questions.json").read_text(encoding="utf-8"))]


def read_tuning_questions() -> list[Asked]:
    """The half for tuning, and the further questions that were written for it."""
    rows = json.loads((FOLDER / "development.json").read_text(encoding="utf-8"))
    return [one for one in read_questions() if one.half == "tune"] + [Asked(half="tune", **row) for row in rows]


def read_later_questions() -> list[Asked]:
    """127 questions that somebody wrote later who knew the passages, but neither the search nor the other questions."""
    rows = json.loads((FOLDER / "later.json").read_text(encoding="utf-8"))
    return [Asked(half="later", **row) for row in rows]


def read_passages() -> dict[str, str]:
    """The passages by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "passages").iterdir())}


def measure(questions: Sequence[Asked]) -> list[Judged]:
    """The questions, asked of an assistant that has the passages among the distractors."""
    with LocalAssistant() as local, requests.Session() as session:
        for name, text in {**distractors(), **read_passages()}.items():
            local.upload_text(name, text)
        session.headers.update({"Api-Key": local.api_key, "X-Pinecone-Api-Version": "2026-04"})
        return [_ask(session, f"{local.host}/assistant/chat/{local.name}", asked) for asked in questions]


def _ask(session: requests.Session, url: str, asked: Asked) -> Judged:
    messages = [{"role": "user", "content": asked.question}]
    answer = _post(session, url, {"messages": messages, "include_highlights": True})
    snippets = _post(session, f"{url}/context", {"messages": messages, "top_k": TOP_K})["snippets"]
    cited = [
        reference["file"]["name"] == asked.file and (asked.phrase or "") in reference["highlight"]["content"]
        for citation in answer["citations"]
        for reference in citation["references"]
    ]
    outcome: Outcome = "right" if any(cited) else "wrong" if cited else "declined"
    right = (place for place, snippet in enumerate(snippets, start=1) if _holds_answer(snippet, asked))
    return Judged(asked, outcome, cited[:1] == [True], answer["message"]["content"], next(right, None))


def _holds_answer(snippet: Any, asked: Asked) -> bool:
    text = " ".join(snippet["content"].split())
    return bool(snippet["reference"]["file"]["name"] == asked.file and (asked.phrase or "") in text)


def _post(session: requests.Session, url: str, body: dict[str, object]) -> Any:
    response = session.post(url, json=body, timeout=20)
    assert response.status_code == 200, response.text
    return response.json()


def among(judged: Sequence[Judged], most: int) -> int:
    """The number of questions whose right passage is among this number of first snippets."""
    return sum(one.rank is not None and one.rank <= most for one in judged)


def summary(judged: Sequence[Judged]) -> list[dict[str, object]]:
    """One row of numbers for each part of the questions and kind of question."""
    rows: list[dict[str, object]] = []
    for half in ("tune", "test", "later"):
        for answerable in (True, False):
            part = [one for one in judged if one.asked.half == half and (one.asked.file is not None) == answerable]
            counts = Counter(one.outcome for one in part)
            rows.append(
                {
                    "half": half,
                    "answerable": answerable,
                    "questions": len(part),
                    "right": counts["right"],
                    "first": sum(one.first_is_right for one in part),
                    "wrong": counts["wrong"],
                    "declined": counts["declined"],
                    **{f"among {most}": among(part, most) for most in RANKS},
                }
            )
    return rows
