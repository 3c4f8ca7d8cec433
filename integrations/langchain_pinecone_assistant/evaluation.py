"""Evaluators for LangSmith's `evaluate` and for openevals: functions that let the service score an answer.

They are functions, not classes, because LangSmith labels an instance with the name of its wrapper.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from pydantic import ConfigDict

from pinecone_assistant_client import Evaluation
from pinecone_assistant_client.adapters import keeps_no_arguments

from .connection import AssistantConnection
from .errors import InvalidRequestError, ModelErrors

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .option_types import ConnectionWords

Evaluator = Callable[..., dict[str, Any]]
AsyncEvaluator = Callable[..., Awaitable[dict[str, Any]]]


class EvaluatorConnection(AssistantConnection):
    """The options of an evaluator."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    if not TYPE_CHECKING:  # as for the models

        def __init__(self, **options):
            super().__init__(**self._checked(options))


@keeps_no_arguments
def alignment_evaluator(
    *,
    question_key: str = "question",
    answer_key: str = "answer",
    reference_key: str = "answer",
    **options: Unpack[ConnectionWords],
) -> Evaluator:
    """Return a function that scores an answer against the right one with the service's alignment metric, 0 to 1.

    Each evaluation is billed in tokens.

    Args:
        question_key: Key of the question in `inputs`, which may also be the question itself, or a conversation that ends
            with it.
        answer_key: Key of the answer in `outputs`, which may also be the answer itself, or a conversation such as openevals'
            simulations pass: its last answer is scored, and without `inputs` the user's last message is the question.
        reference_key: Key of the right answer in `reference_outputs`, which may also be the right answer itself, or a
            conversation that ends with it.
        options: Connection options, such as `assistant_name`.

    Returns:
        A function of `inputs`, `outputs` and `reference_outputs` that returns `{"key": "alignment", "score", "comment"}`.

    Example:
        ```python
        judge = alignment_evaluator(assistant_name="docs")
        print(judge(inputs="How tall?", outputs="43.8 meters.", reference_outputs="The record is 43.8 meters."))
        ```

    Source: POST /evaluation/metrics/alignment, assistant_evaluation 2026-04.
    """
    connection = EvaluatorConnection(**cast("dict[str, Any]", options))
    keys = (question_key, answer_key, reference_key)

    def alignment(inputs: Any = None, outputs: Any = None, reference_outputs: Any = None, **_: Any) -> dict[str, Any]:
        asked = _texts(keys, inputs, outputs, reference_outputs)
        with ModelErrors(retry_on_timeout=connection.retry_on_timeout):
            return _to_result(connection._client().evaluate(*asked))

    return alignment


@keeps_no_arguments
def aalignment_evaluator(
    *,
    question_key: str = "question",
    answer_key: str = "answer",
    reference_key: str = "answer",
    **options: Unpack[ConnectionWords],
) -> AsyncEvaluator:
    """Async version of `alignment_evaluator`, for `aevaluate`."""
    connection = EvaluatorConnection(**cast("dict[str, Any]", options))
    keys = (question_key, answer_key, reference_key)

    async def alignment(
        inputs: Any = None, outputs: Any = None, reference_outputs: Any = None, **_: Any
    ) -> dict[str, Any]:
        asked = _texts(keys, inputs, outputs, reference_outputs)
        with ModelErrors(retry_on_timeout=connection.retry_on_timeout):
            return _to_result(await connection._async_client().evaluate(*asked))

    return alignment


def _texts(keys: tuple[str, str, str], inputs: Any, outputs: Any, reference_outputs: Any) -> tuple[str, str, str]:
    question_key, answer_key, reference_key = keys
    conversation = _conversation(outputs, answer_key)
    if conversation:
        outputs = _last(conversation, AIMessage)
        inputs = _last(conversation, HumanMessage) if inputs is None else inputs
    if asked := _conversation(inputs, question_key):
        inputs = _last(asked, HumanMessage)
    if expected := _conversation(reference_outputs, reference_key):
        reference_outputs = _last(expected, AIMessage)
    return (
        _text(inputs, question_key, "inputs"),
        _text(outputs, answer_key, "outputs"),
        _text(reference_outputs, reference_key, "reference_outputs"),
    )


def _conversation(outputs: Any, key: str) -> list[BaseMessage]:
    """Return the messages of outputs that are a conversation; empty for anything else, such as content blocks."""
    found = outputs.get(key) if isinstance(outputs, Mapping) else outputs
    if not isinstance(found, list):
        return []
    is_conversation = all(isinstance(one, BaseMessage) or (isinstance(one, Mapping) and "role" in one) for one in found)
    return convert_to_messages(found) if is_conversation else []


def _last(messages: list[BaseMessage], kind: type[BaseMessage]) -> BaseMessage | None:
    return next((message for message in reversed(messages) if isinstance(message, kind)), None)


def _text(value: Any, key: str, name: str) -> str:
    if isinstance(value, Mapping):
        if key not in value:
            raise InvalidRequestError(
                f"{name} has no {key!r}, only {', '.join(map(repr, value)) or 'nothing'}: say where it is with "
                "question_key=, answer_key= or reference_key="
            )
        value = value[key]
    text = getattr(value, "text", value)  # a message has its text there
    if text is None:
        raise InvalidRequestError(f"{name} is missing: pass text that is not empty, or a dict that has it")
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequestError(
            f"{name} is a {type(value).__name__}: pass text that is not empty, or a dict that has it"
        )
    return text


def _to_result(found: Evaluation) -> dict[str, Any]:
    comment = "\n".join(f"{entailment}: {fact}" for fact, entailment in found.facts)
    return {"key": "alignment", "score": found.alignment, "comment": comment}
