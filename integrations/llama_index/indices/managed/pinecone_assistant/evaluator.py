"""`PineconeAssistantEvaluator`: let the service compare an answer with the right one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.prompts.mixin import PromptDictType
from typing_extensions import Unpack

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from pinecone_assistant_client import Evaluation, InvalidRequestError
from pinecone_assistant_client.adapters import keeps_no_arguments

from .views import llm_of


class PineconeAssistantEvaluator(BaseEvaluator):
    """Evaluator of answers, from an assistant or any other source, against ground truths.

    The score is the service's alignment: the harmonic mean of correctness and completeness, from 0 to 1. Each evaluation is
    billed in tokens. Works in a `BatchEvalRunner`.

    Args:
        llm: An existing LLM, to share its connection; or pass its options, including `client=`.
        threshold: The lowest score that passes.
        options: Same as for `PineconeAssistant`.

    Example:
        ```python
        evaluator = PineconeAssistantEvaluator(assistant_name="docs", threshold=0.8)
        result = evaluator.evaluate(
            query="How tall is a red pine?", response="Up to 43.8 meters.", reference="Its record is 43.8 meters."
        )
        print(result.score, result.passing, result.feedback)
        ```

    Source: POST /evaluation/metrics/alignment, assistant_evaluation 2026-04.
    """

    @keeps_no_arguments
    def __init__(
        self, llm: PineconeAssistant | None = None, *, threshold: float = 0.8, **options: Unpack[AssistantOptions]
    ) -> None:
        self._llm = llm_of(self, llm, None, None, options)
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
            raise InvalidRequestError(f"threshold is a {type(threshold).__name__}: pass a number from 0 to 1")
        if not 0 <= threshold <= 1:
            raise InvalidRequestError(
                f"threshold is {threshold}, and a score is from 0 to 1: pass a number in that range"
            )
        self._threshold = threshold

    def evaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        reference: str | None = None,
        **kwargs: Any,  # noqa: ARG002 - the framework passes what other evaluators take
    ) -> EvaluationResult:
        """Evaluate an answer.

        Args:
            query: The question.
            response: The answer.
            contexts: Not used; kept in the result.
            reference: The right answer.
            kwargs: Not used.

        Raises:
            InvalidRequestError: `query`, `response` or `reference` is missing.
        """
        asked = _checked(query, response, reference)
        return self._to_result(self._llm.sync_client.evaluate(*asked), query, response, contexts)

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        reference: str | None = None,
        sleep_time_in_seconds: int = 0,
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> EvaluationResult:
        """Async version of `evaluate`."""
        asked = _checked(query, response, reference)
        await asyncio.sleep(sleep_time_in_seconds)
        return self._to_result(await self._llm.async_client.evaluate(*asked), query, response, contexts)

    def _to_result(
        self, found: Evaluation, query: str | None, response: str | None, contexts: Sequence[str] | None
    ) -> EvaluationResult:
        return EvaluationResult(
            query=query,
            contexts=contexts,
            response=response,
            score=found.alignment,
            passing=found.alignment >= self._threshold,
            feedback="\n".join(f"{entailment}: {fact}" for fact, entailment in found.facts),
        )

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts: PromptDictType) -> None:
        """There are none."""


def _checked(query: str | None, response: str | None, reference: str | None) -> tuple[str, str, str]:
    given = {"query": query, "response": response, "reference": reference}
    for name, value in given.items():
        if not value:
            raise InvalidRequestError(
                f"{name} is missing: an answer is evaluated with query=, response= and reference=, which is the right answer"
            )
    return query or "", response or "", reference or ""
