"""Structured output: ask a model for JSON of a schema, and check its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from pinecone_assistant_client.adapters import strip_code_fence

from .connection import notice, unknown_option
from .errors import InvalidRequestError
from .json_answers import check_schema, violation

_METHODS = ("json_schema", "json_mode", "function_calling")


def structured_model(
    bind: Callable[..., Runnable[LanguageModelInput, AIMessage]],
    schema: Any,
    *,
    include_raw: bool,
    method: str,
    strict: bool | None,
    **unknown: Any,
) -> Runnable[LanguageModelInput, Any]:
    """Return a sequence of the model, bound to answer in JSON, and a parser. See `with_structured_output` for the arguments.

    Options of `invoke` reach the model, because it is the first of the sequence.
    """
    for name in unknown:
        raise InvalidRequestError(
            unknown_option(name, ("method", "include_raw", "strict"), where="with_structured_output")
        )
    if method not in _METHODS:
        raise InvalidRequestError(f"method is {method!r}: use one of {', '.join(_METHODS)}")
    if method == "function_calling":
        notice("function_calling")
        method = "json_schema"
    if strict:
        notice("strict")
    model_class = _model_class_of(schema)
    json_schema = _json_schema_of(schema)
    if json_schema is not None and model_class is None:
        check_schema(json_schema)
    if method == "json_mode":
        response_format: dict[str, Any] = {"type": "json_object"}
    elif json_schema is None:
        raise InvalidRequestError(
            "with_structured_output needs a schema: a pydantic class, a TypedDict or a JSON Schema"
        )
    else:
        response_format = {"type": "json_schema", "json_schema": {"schema": json_schema}}
    model = bind(
        response_format=response_format,
        ls_structured_output_format={"kwargs": {"method": method}, "schema": json_schema or {}},
    )
    # Partial functions of this module, because closures cannot be pickled.
    finish = partial(_parse_with_raw if include_raw else _parse, model_class, json_schema)
    parse = RunnableLambda(finish, partial(_afinish, finish), name="parse_answer")
    # The framework reads the type of an answer from annotations, which a partial function does not have.
    return model | parse.with_types(output_type=_type_of_answers(model_class, include_raw=include_raw))


def _type_of_answers(model_class: Any, *, include_raw: bool) -> Any:
    """Return the output type for the framework and LangServe: a pydantic class, or any dict.

    A TypedDict counts as a dict: before Python 3.12 pydantic refuses those of `typing`, and LangServe mixes up two of them.
    """
    is_pydantic = model_class is not None and issubclass(model_class, BaseModel)  # and not pydantic.v1's
    return model_class if is_pydantic and not include_raw else dict[str, Any]


async def _afinish(finish: Callable[[BaseMessage], Any], message: BaseMessage) -> Any:
    """Async version of `finish`; without one the framework runs it in a thread."""
    return finish(message)


def _json_schema_of(schema: Any) -> dict[str, Any] | None:
    if schema is None:
        return None
    if isinstance(schema, Mapping) and not {"function", "parameters", "input_schema"} & schema.keys():
        return dict(schema)  # the framework requires a title in a JSON Schema, and nothing here needs one
    try:
        return convert_to_json_schema(schema)
    except (TypeError, ValueError, AttributeError) as error:
        kind = schema.__name__ if isinstance(schema, type) else f"an instance of {type(schema).__name__}"
        raise InvalidRequestError(
            f"the schema ({kind}) cannot be read as a JSON Schema: pass a pydantic class, a TypedDict or a JSON Schema "
            f"({str(error).partition(chr(10))[0]})"
        ) from error


def _model_class_of(schema: Any) -> Any:
    return schema if isinstance(schema, type) and is_basemodel_subclass(schema) else None


def _parse(model_class: Any, json_schema: Mapping[str, Any] | None, message: BaseMessage) -> Any:
    """Return the value of an answer: an instance of a pydantic class, otherwise a dict that fits the schema.

    Raises:
        OutputParserException: The answer is not JSON, is incomplete, or does not fit the schema.
    """
    text = str(message.text)
    try:
        value = json.loads(strip_code_fence(text))
    except (ValueError, RecursionError) as error:  # a thousand nested brackets raise RecursionError
        raise OutputParserException(f"the answer is not JSON ({error}): {text[:200]}", llm_output=text) from error
    if model_class is not None:
        try:
            # pydantic.v1's classes only have parse_obj
            is_v2 = issubclass(model_class, BaseModel)
            return model_class.model_validate(value) if is_v2 else model_class.parse_obj(value)
        except ValueError as error:
            sentence = f"the answer does not fit {model_class.__name__}: {error}"
            raise OutputParserException(sentence, llm_output=text) from error
    wrong = violation(value, json_schema) if json_schema is not None else None
    if wrong is not None:
        raise OutputParserException(f"the answer does not fit the schema: {wrong}", llm_output=text)
    return value


def _parse_with_raw(model_class: Any, json_schema: Mapping[str, Any] | None, message: BaseMessage) -> dict[str, Any]:
    try:
        return {"raw": message, "parsed": _parse(model_class, json_schema, message), "parsing_error": None}
    except OutputParserException as error:
        return {"raw": message, "parsed": None, "parsing_error": error}
