"""`alignment_evaluator` and its async version, as LangSmith and openevals call them."""

from __future__ import annotations

import inspect
import warnings
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import langsmith
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langsmith.schemas import Example

from langchain_pinecone_assistant import aalignment_evaluator, alignment_evaluator
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_local import LocalAssistant


def options(local: LocalAssistant) -> dict[str, Any]:
    """Connection options."""
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


CONVERSATION: list[Any] = [
    {"role": "user", "content": "Hello.", "id": "1"},
    {"role": "assistant", "content": "Hello!", "id": "2"},
    {"role": "user", "content": "How tall?", "id": "3"},
    {"role": "assistant", "content": "It is 25 meters tall.", "id": "4"},
]


@pytest.mark.parametrize(
    "outputs",
    [
        CONVERSATION,
        [HumanMessage("How tall?"), AIMessage("It is 25 meters tall.")],
        {"answer": CONVERSATION},
    ],
    ids=["dicts", "messages", "under its key"],
)
async def test_a_conversation_is_scored_by_its_last_turn_as_openevals_passes_it(
    local: LocalAssistant, outputs: Any
) -> None:
    """Openevals' simulations call an evaluator with `outputs` and `reference_outputs` by keyword, and no `inputs`."""
    case: dict[str, Any] = {"outputs": outputs, "reference_outputs": CASE["reference_outputs"]}
    assert alignment_evaluator(**options(local))(**case)["score"] == 1.0
    assert (await aalignment_evaluator(**options(local))(**case))["score"] == 1.0
    bodies: list[Any] = [request.body for request in local.requests]
    assert [(body["question"], body["answer"]) for body in bodies] == [("How tall?", "It is 25 meters tall.")] * 2


async def test_the_question_and_the_right_answer_may_be_conversations_too(local: LocalAssistant) -> None:
    """The datasets of chat applications have `{"messages": [...]}` in inputs and outputs."""
    keys: dict[str, Any] = dict.fromkeys(("question_key", "answer_key", "reference_key"), "messages")
    case: dict[str, Any] = {
        "inputs": {"messages": CONVERSATION[:3]},
        "outputs": {"messages": [*CONVERSATION[:3], AIMessage("It is 25 meters tall.")]},
        "reference_outputs": {"messages": [CONVERSATION[3]]},
    }
    assert alignment_evaluator(**options(local), **keys)(**case)["score"] == 1.0
    assert (await aalignment_evaluator(**options(local), **keys)(**case))["score"] == 1.0
    bodies: list[Any] = [request.body for request in local.requests]
    assert [(body["question"], body["ground_truth_answer"]) for body in bodies] == [
        ("How tall?", "It is 25 meters tall.")
    ] * 2


@pytest.mark.parametrize("part", ["inputs", "outputs", "reference_outputs"])
def test_what_is_left_out_is_named(local: LocalAssistant, part: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{part} is missing"):
        alignment_evaluator(**options(local))(**{name: value for name, value in CASE.items() if name != part})


def test_a_conversation_without_an_answer_has_none(local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match="outputs is missing"):
        alignment_evaluator(**options(local))(outputs=CONVERSATION[:1], reference_outputs="It is 25 meters tall.")


# LangSmith's import warns on Python 3.12 and later.
@pytest.mark.filterwarnings("ignore:ast.Str is deprecated:DeprecationWarning")
async def test_langsmith_evaluates_with_it_sync_and_async(
    local: LocalAssistant, capsys: pytest.CaptureFixture[str]
) -> None:
    """Uses examples from a list and uploads nothing, so LangSmith's service is not needed."""
    case = Example(
        id=UUID(int=1), dataset_id=UUID(int=2), inputs=CASE["inputs"], outputs=CASE["reference_outputs"],
        created_at=datetime.now(timezone.utc),
    )  # fmt: skip
    client = langsmith.Client(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False)
    shared: dict[str, Any] = {"data": [case], "upload_results": False, "client": client}

    judges: list[Any] = [aalignment_evaluator(**options(local))]

    async def answer(inputs: dict[str, Any]) -> dict[str, Any]:
        return dict(CASE["outputs"])

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*in beta")
        whole = langsmith.evaluate(
            lambda inputs: CASE["outputs"], evaluators=[alignment_evaluator(**options(local))], **shared
        )
        awaited = await langsmith.aevaluate(answer, evaluators=judges, **shared)
        rows = [*whole, *[row async for row in awaited]]
    results = [result for row in rows for result in row["evaluation_results"]["results"]]
    assert [(result.key, result.score) for result in results] == [("alignment", 1.0)] * 2
    assert all("entailed" in (result.comment or "") for result in results)
