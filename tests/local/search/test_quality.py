"""How well the local assistant answers: the set in tests/local/quality, which `python -m tests.local.quality` prints."""

from __future__ import annotations

from collections import Counter

import pytest

from ..quality.distractors import distractors
from ..quality.measure import Judged, among, measure, read_later_questions, read_passages, read_questions


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    """Every question of the set, answered."""
    return measure(read_questions())


def test_the_set_is_what_was_promised() -> None:
    """60 questions on at least 60 passages among at least 300 distractors, in two fixed halves."""
    questions = read_questions()
    passages = read_passages()
    assert Counter((one.half, one.file is not None) for one in questions) == {
        ("tune", True): 20,
        ("tune", False): 10,
        ("test", True): 20,
        ("test", False): 10,
    }
    assert len(passages) >= 60
    assert len(distractors()) >= 300
    later = read_later_questions()
    assert Counter(one.file is not None for one in later) == {True: 87, False: 40}
    assert not {one.question for one in questions} & {one.question for one in later}
    assert all((one.phrase or "") in passages[one.file] for one in questions + later if one.file)


def _count(judged: list[Judged], outcome: str, *, answerable: bool) -> int:
    return sum(
        one.outcome == outcome for one in judged if one.asked.half == "test" and bool(one.asked.file) == answerable
    )


def test_at_most_one_question_without_an_answer_is_answered(judged: list[Judged]) -> None:
    assert _count(judged, "wrong", answerable=False) <= 1


def test_at_least_half_of_the_answerable_questions_get_the_right_sentence(judged: list[Judged]) -> None:
    """Quality reached today, on the half of the questions that was not used for tuning."""
    assert _count(judged, "right", answerable=True) >= 10


def test_the_right_passage_is_nearly_always_among_the_first_five(judged: list[Judged]) -> None:
    """A model that reads gets these passages; docs/local_model.md has the figures."""
    answerable = [one for one in judged if one.asked.half == "test" and one.asked.file]
    assert among(answerable, 5) >= 19
    assert among(answerable, 16) >= 19
