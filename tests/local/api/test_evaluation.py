"""The evaluation of answers."""

from __future__ import annotations

import pytest

from pinecone_assistant_local.search.evaluation import Alignment, evaluate_alignment
from pinecone_assistant_local.text.words import Stems

from ..conftest import Api

QUESTION = "What is the capital city of Spain?"


def _evaluate(answer: str, truth: str, question: str = QUESTION) -> Alignment:
    stems = Stems()
    try:
        return evaluate_alignment(stems, question=question, answer=answer, ground_truth=truth)
    finally:
        stems.close()


@pytest.mark.parametrize("answer", ["Madrid.", "The capital of Spain is Madrid.", "madrid", "It is Madrid!"])
def test_the_words_of_the_question_count_for_nothing(answer: str) -> None:
    found = _evaluate(answer, "Madrid is the capital of Spain.")
    assert (found.correctness, found.completeness, found.alignment) == (1.0, 1.0, 1.0)
    assert [fact.entailment for fact in found.facts] == ["entailed"]


def test_a_wrong_answer_scores_nothing() -> None:
    found = _evaluate("Barcelona.", "Madrid.")
    assert (found.correctness, found.completeness, found.alignment) == (0.0, 0.0, 0.0)
    assert [(fact.content, fact.entailment) for fact in found.facts] == [
        ("Madrid.", "neutral"),
        ("Barcelona.", "neutral"),
    ]


def test_what_is_left_out_costs_completeness_and_what_is_added_correctness() -> None:
    truth = "Madrid is the capital. It lies on the Manzanares river."
    assert _evaluate("Madrid.", truth).correctness == 1.0
    assert _evaluate("Madrid.", truth).completeness == 0.5
    added = _evaluate(f"{truth} Its football clubs win everything.", truth)
    assert added.correctness == pytest.approx(2 / 3)
    assert added.completeness == 1.0
    assert added.alignment == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("Red pines grow up to 30 meters high.", "Red pines grow up to 25 meters high."),
        ("Red pines do not grow in swamps.", "Red pines grow in swamps."),
        ("Red pines don't grow in swamps.", "Red pines grow in swamps."),
    ],
)
def test_another_number_or_a_not_contradicts(answer: str, truth: str) -> None:
    found = _evaluate(answer, truth, question="Tell me about trees.")
    assert (found.correctness, found.completeness) == (0.0, 0.0)
    assert {fact.entailment for fact in found.facts} == {"contradicted"}


def test_facts_said_in_one_sentence_or_in_two_are_the_same() -> None:
    one = "Paris is the capital and the Eiffel Tower is 330 meters high."
    two = "Paris is the capital. The Eiffel Tower is 330 meters high."
    assert _evaluate(two, one, question="Tell me about France.").alignment == 1.0


@pytest.mark.parametrize(("answer", "truth"), [("", ""), ("", "Madrid."), ("Madrid.", "")])
def test_nothing_scores_nothing(answer: str, truth: str) -> None:
    assert _evaluate(answer, truth).alignment == 0.0


def _body(**changes: object) -> dict[str, object]:
    return {"question": QUESTION, "answer": "Barcelona.", "ground_truth_answer": "Madrid.", **changes}


def test_the_reasoning_says_that_it_is_a_heuristic_where_the_version_has_room_for_it(api: Api) -> None:
    reason = "local heuristic: 0% of its words are in the other text"
    for version, fact in {
        "2025-01": {"fact": {"content": f"Madrid. ({reason})"}, "entailment": "neutral"},
        "2026-04": {"fact": {"content": f"Madrid. ({reason})"}, "entailment": "neutral"},
        "2026-07": {"fact": {"content": "Madrid."}, "entailment": "neutral", "reasoning": reason},
    }.items():
        api.version = version
        body = api.call("POST", "/evaluation/metrics/alignment", json=_body()).json()
        assert body["metrics"] == {"correctness": 0.0, "completeness": 0.0, "alignment": 0.0}
        assert body["reasoning"]["evaluated_facts"][0] == fact
        assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize("body", [[], _body(question=None), _body(answer=5), _body(extra=1), {"question": "x"}])
def test_a_bad_request_is_422_with_a_message(api: Api, body: object) -> None:
    response = api.call("POST", "/evaluation/metrics/alignment", json=body)
    assert response.status_code == 422
    assert list(response.json()) == ["message"]
