"""Check answers against a JSON Schema, because the service enforces none. `jsonschema` is imported at the first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InvalidRequestError

_MAX_SHOWN = 300


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise InvalidRequestError for an invalid JSON Schema, before a question with it is billed."""
    try:
        validator = _validator(schema)
    except (AttributeError, TypeError, ValueError) as error:  # jsonschema reads these keys before it checks the schema
        raise InvalidRequestError(
            f"the schema is not a valid JSON Schema: $schema and $id are URIs ({type(error).__name__}: {error})"
        ) from None
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - as in _validator

    try:
        validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidRequestError(f"the schema is not a valid JSON Schema: {_sentence(error)}") from None
    except RecursionError:
        raise InvalidRequestError("the schema is nested too deeply") from None


def violation(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Return why a decoded JSON value does not fit, such as `$.year: '2024' is not of type 'integer'`; None if it fits."""
    validator = _validator(schema)
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - as in _validator
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as in _validator

    try:
        error = best_match(validator.iter_errors(value))
    except Unresolvable as unresolvable:
        return f"the schema's $ref {unresolvable.ref!r} is not inside the schema, and nothing is fetched from elsewhere"
    except RecursionError:
        return "it cannot be checked: a $ref of the schema leads back to itself, or the answer is nested too deeply"
    except (ArithmeticError, ValueError) as error:  # such as an integer of 400 digits with multipleOf
        return f"it cannot be checked ({type(error).__name__}: {error})"
    return None if error is None else _sentence(error)


def _validator(schema: Mapping[str, Any]) -> Any:
    """Return a validator of the schema's draft. Its registry has only the drafts and fetches nothing."""
    try:
        from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415 - 60 ms, at the first use
        from referencing import Registry  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ImportError("jsonschema is missing: pip install '.[langchain]' from the clone") from error
    return validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())


def _sentence(error: Any) -> str:
    message = error.message
    return f"{error.json_path}: {message if len(message) <= _MAX_SHOWN else message[:_MAX_SHOWN] + ' ...'}"
