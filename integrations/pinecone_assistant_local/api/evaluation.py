"""The evaluation of answers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import ServiceError
from ..search.evaluation import EvaluatedFact, evaluate_alignment
from ..text.tokens import count_tokens
from .bodies import Json, usage_json
from .call import Call, json_response
from .versions import has_fact_reasoning

_FIELDS = ("question", "answer", "ground_truth_answer")


async def metrics_alignment(request: Request) -> Response:
    """POST /assistant/evaluation/metrics/alignment; its errors are 422 with a message and nothing else."""
    call = Call.of(request)
    try:
        question, answer, ground_truth = _texts_of(call.json())
    except (ServiceError, ValueError) as error:
        return json_response({"message": str(error)}, 422)
    found = await call.service.run(
        lambda: evaluate_alignment(call.service.stems, question=question, answer=answer, ground_truth=ground_truth)
    )
    body: Json = {
        "metrics": {
            "correctness": found.correctness,
            "completeness": found.completeness,
            "alignment": found.alignment,
        },
        "reasoning": {"evaluated_facts": [_fact_json(fact, call.version) for fact in found.facts]},
        "usage": usage_json(sum(map(count_tokens, (question, answer, ground_truth))), 0),
    }
    return json_response(body)


def _fact_json(fact: EvaluatedFact, version: str) -> Json:
    if has_fact_reasoning(version):
        return {"fact": {"content": fact.content}, "entailment": fact.entailment, "reasoning": fact.reasoning}
    # Older versions allow no field for it, so the reason goes where there is text.
    return {"fact": {"content": f"{fact.content} ({fact.reasoning})"}, "entailment": fact.entailment}


def _texts_of(body: object) -> tuple[str, str, str]:
    if not isinstance(body, dict):
        raise ValueError("Request body must be a JSON object")
    unknown = sorted(set(body) - set(_FIELDS))
    if unknown:
        raise ValueError(f"Unknown field: {', '.join(unknown)}")
    texts = [body.get(name) for name in _FIELDS]
    for name, text in zip(_FIELDS, texts, strict=True):
        if not isinstance(text, str):
            raise ValueError(f"{name} must be a string")
    question, answer, ground_truth = map(str, texts)
    return question, answer, ground_truth


ROUTES = [Route("/assistant/evaluation/metrics/alignment", metrics_alignment, methods=["POST"])]
