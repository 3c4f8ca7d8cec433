"""`PineconeAssistantEvaluator`, alone and in a batch."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.evaluation import BatchEvalRunner

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantEvaluator
from pinecone_assistant_client import InvalidRequestError

RIGHT = {"query": "How tall?", "response": "It is 25 meters tall.", "reference": "It is 25 meters tall."}
WRONG = {"query": "How old?", "response": "Bees make honey.", "reference": "It lives 400 years."}


def test_a_right_answer_passes_and_a_wrong_one_does_not(words: dict[str, Any], call: Any) -> None:
    evaluator = PineconeAssistantEvaluator(**words)
    right, wrong = call(evaluator, "evaluate", **RIGHT), call(evaluator, "evaluate", **WRONG)
    assert (right.passing, right.score) == (True, 1.0)
    assert (wrong.passing, wrong.score) == (False, 0.0)
    assert "entailed: It is 25 meters tall" in right.feedback
    assert isinstance(wrong.feedback, str)


def test_the_threshold_decides(words: dict[str, Any]) -> None:
    assert PineconeAssistantEvaluator(**words, threshold=0.0).evaluate(**WRONG).passing


@pytest.mark.parametrize("missing", ["query", "response", "reference"])
def test_what_is_missing_is_named(words: dict[str, Any], call: Any, missing: str) -> None:
    with pytest.raises(InvalidRequestError, match=missing):
        call(PineconeAssistantEvaluator(**words), "evaluate", **RIGHT | {missing: None})


@pytest.mark.filterwarnings("ignore:asyncio_module")  # LlamaIndex calls its own deprecated function
async def test_it_works_in_a_batch(words: dict[str, Any]) -> None:
    evaluator = PineconeAssistantEvaluator(**words)
    runner: Any = BatchEvalRunner({"alignment": evaluator}, workers=2)
    results = await runner.aevaluate_response_strs(
        queries=[RIGHT["query"], WRONG["query"]],
        response_strs=[RIGHT["response"], WRONG["response"]],
        reference=[RIGHT["reference"], WRONG["reference"]],
    )
    assert [result.passing for result in results["alignment"]] == [True, False]
    await evaluator._llm.aclose()


@pytest.mark.parametrize("threshold", ["0.8", None, True, 80, -0.1, float("nan")])
def test_a_threshold_that_is_not_a_number_from_0_to_1_is_refused_before_anything_is_billed(
    words: dict[str, Any], threshold: Any
) -> None:
    with pytest.raises(InvalidRequestError, match=r"threshold is .*: pass a number"):
        PineconeAssistantEvaluator(**words, threshold=threshold)
