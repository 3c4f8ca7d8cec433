"""`alignment_evaluator` and its async version, as LangSmith and openevals call them."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_pinecone_assistant import aalignment_evaluator, alignment_evaluator
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_local import LocalAssistant


def options(local: LocalAssistant) -> dict[str, Any]:
    """The connection."""
    return {"assistant_name": local.name, "host": local.host, "api_key": local.api_key}


CASE: dict[str, Any] = {
    "inputs": {"question": "How tall?"},
    "outputs": {"answer": "It is 25 meters tall."},
    "reference_outputs": {"answer": "It is 25 meters tall."},
}


async def test_a_right_answer_scores_one_sync_and_async(local: LocalAssistant) -> None:
    result = alignment_evaluator(**options(local))(**CASE)
    assert (result["key"], result["score"]) == ("alignment", 1.0)
    assert "entailed" in result["comment"]
    assert await aalignment_evaluator(**options(local))(**CASE) == result


def test_it_is_a_function_and_takes_positions_as_langsmith_does(local: LocalAssistant) -> None:
    judge = alignment_evaluator(**options(local))
    assert inspect.isfunction(judge)
    assert list(inspect.signature(judge).parameters)[:3] == ["inputs", "outputs", "reference_outputs"]
    assert judge(*CASE.values())["score"] == 1.0


def test_keys_texts_and_messages(local: LocalAssistant) -> None:
    judge = alignment_evaluator(**options(local), question_key="q", answer_key="a", reference_key="r")
    case = {"inputs": {"q": "How tall?"}, "outputs": {"a": AIMessage("It is 25 meters tall.")}}
    assert judge(**case, reference_outputs={"r": "It is 25 meters tall."})["score"] == 1.0
    assert (
        alignment_evaluator(**options(local))(inputs="?", outputs="Bees.", reference_outputs="Pines.")["score"] == 0.0
    )


@pytest.mark.parametrize("part", ["inputs", "outputs", "reference_outputs"])
def test_what_is_missing_is_named(local: LocalAssistant, part: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{part} has no"):
        alignment_evaluator(**options(local))(**CASE | {part: {"other": "x"}})
