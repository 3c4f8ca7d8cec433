"""Score answers against the right ones, with a function for LangSmith and openevals and with LlamaIndex's evaluator."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from demo_assistant import QUESTION, local_assistant
from llama_index.core.evaluation import EvaluationResult

from langchain_pinecone_assistant import ChatPineconeAssistant, alignment_evaluator
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantEvaluator

EXAMPLES = (
    (QUESTION, "A red pine usually stands 20 to 35 meters tall, and the maximum height on record is 43.8 meters."),
    ("How deep is Lake Baikal?", "Lake Baikal is 2 meters deep."),  # wrong on purpose: the score is low
)


def as_functions(connection: dict[str, Any]) -> list[str]:
    """Ask and score one by one, as `langsmith.evaluate(target, data=..., evaluators=[judge])` would; return the answers."""
    chat = ChatPineconeAssistant(**connection, filter={"resource": "encyclopedia"}, strip_citations=True)
    judge = alignment_evaluator(**connection)  # each evaluation is billed
    answers: list[str] = []
    for question, reference in EXAMPLES:
        answers.append(chat.invoke(question).text)
        result = judge(
            inputs={"question": question}, outputs={"answer": answers[-1]}, reference_outputs={"answer": reference}
        )
        print(f"{result['key']} {result['score']:.2f}: {question}\n{result['comment']}")
    return answers


async def at_once(connection: dict[str, Any], answers: Sequence[str]) -> list[EvaluationResult]:
    """Score all answers at once with LlamaIndex; a `BatchEvalRunner` takes the evaluator too."""
    evaluator = PineconeAssistantEvaluator(**connection, threshold=0.8)
    return await asyncio.gather(
        *(
            evaluator.aevaluate(query=question, response=answer, reference=reference)
            for (question, reference), answer in zip(EXAMPLES, answers, strict=True)
        )
    )


def main() -> None:
    with local_assistant() as local:
        connection = local.connection  # your own assistant: connection = {}
        answers = as_functions(connection)
        results = asyncio.run(at_once(connection, answers))
        print("passing:", [result.passing for result in results])


if __name__ == "__main__":
    main()
