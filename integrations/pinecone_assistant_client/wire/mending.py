"""Read an answer even if optional fields have another type than the API describes.

The strict decoder is fast and reads nearly every answer. But it refuses a whole answer, which was paid for, because of one
token count of `1.0`, a `NaN` in a field that nobody reads, or half of an emoji. Such an answer is read again here, with the
same structs but field by field: a field that does not fit becomes None and is named for a warning. The answer is refused only
if its text does not fit.
"""

from __future__ import annotations

import json
import logging
import math
from types import NoneType
from typing import Any, ClassVar, TypeVar, get_args, get_origin

import msgspec

logger = logging.getLogger("pinecone_assistant_client")

_MAX_NAMED = 5
_MAX_DIGITS = 40
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", NoneType: "null"}


class Wire(msgspec.Struct):
    """Base of all structs that are read from the wire.

    Attributes:
        needed: Required fields: if one does not fit, the object does not fit.
        in_pieces: Text fields that continue in the next event, so half of an emoji at either end is kept.
        only_first: Of a list of these only the first is read.
    """

    needed: ClassVar[tuple[str, ...]] = ()
    in_pieces: ClassVar[tuple[str, ...]] = ()
    only_first: ClassVar[bool] = False


_Wire = TypeVar("_Wire", bound=Wire)


class MisfitError(ValueError):
    """A value of another type than its field.

    Attributes:
        path: The field.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'it'} {problem}")
        self.path = path


def mended(body: bytes, kind: type[_Wire]) -> tuple[_Wire, list[str]]:
    """Return an object of the wire, and the names of the fields that did not fit.

    Raises:
        ValueError: Not JSON, or a value that the answer needs does not fit (MisfitError).
        RecursionError: The JSON is nested too deeply.
    """
    left_out: list[str] = []
    return _fit(_parsed(body, left_out), kind, "", left_out), left_out


def parsed(body: bytes) -> Any:
    """Return any JSON, with None for `NaN` and its like, and U+FFFD for halves of emojis.

    Raises:
        ValueError: Not JSON.
        RecursionError: The JSON is nested too deeply.
    """
    return _whole_texts(_parsed(body, []))


def whole_text(text: str) -> str:
    """Return a text with the halves of emojis joined, and U+FFFD for those that are alone."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def warn_of(left_out: list[str]) -> None:
    """Log one warning for all the fields that did not fit, if there are any."""
    names = sorted(set(left_out))
    if names:
        shown = ", ".join(names[:_MAX_NAMED]) + (", ..." if len(names) > _MAX_NAMED else "")
        logger.warning("the answer is kept without fields that are not as the API describes them: %s", shown)


def _parsed(body: bytes, left_out: list[str]) -> Any:
    def not_json(name: str) -> float:
        left_out.append(f"a number {name}")
        return math.nan

    def number(digits: str) -> float:
        return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)  # int() refuses some thousands of digits

    return json.loads(body.decode("utf-8", "surrogatepass"), parse_constant=not_json, parse_int=number)


def _whole_texts(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole_texts(item) for item in value]
    if isinstance(value, dict):
        return {whole_text(name): _whole_texts(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _piece(text: str) -> str:
    """Replace lone halves of emojis, except at the ends of the text: the other half may come in another event."""
    start = 1 if "\udc00" <= text[:1] <= "\udfff" else 0
    end = len(text) - 1 if len(text) > start and "\ud800" <= text[-1] <= "\udbff" else len(text)
    return text[:start] + whole_text(text[start:end]) + text[end:]


def _fit(value: Any, wanted: Any, path: str, left_out: list[str], *, is_needed: bool = True) -> Any:
    for kind in (wanted,) if get_origin(wanted) is list else get_args(wanted) or (wanted,):
        if get_origin(kind) is list and isinstance(value, list):
            return _fit_items(value, get_args(kind)[0], path, left_out, is_needed=is_needed)
        if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, Wire):
            return _fit_fields(value, kind, path, left_out)
        if kind is str and isinstance(value, str):
            return whole_text(value)
        if isinstance(value, float) and not math.isfinite(value):
            continue
        if kind is Any or type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
    raise MisfitError(path, f"is {_KINDS.get(type(value), 'a number')}")


def _fit_fields(value: dict[str, Any], kind: type[Wire], path: str, left_out: list[str]) -> Wire:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.name in value:
            item, where = value[field.name], f"{path}.{field.name}".lstrip(".")
            is_needed = field.name in kind.needed
            try:
                if field.name in kind.in_pieces and isinstance(item, str):
                    found[field.name] = _piece(item)
                else:
                    found[field.name] = _fit(item, field.type, where, left_out, is_needed=is_needed)
            except MisfitError as misfit:
                if is_needed:
                    raise
                left_out.append(misfit.path)
                found[field.name] = None
        elif field.required:
            raise MisfitError(f"{path}.{field.name}", "is missing")
    return kind(**found)


def _fit_items(items: list[Any], wanted: Any, path: str, left_out: list[str], *, is_needed: bool) -> list[Any]:
    is_object = isinstance(wanted, type) and issubclass(wanted, Wire)
    found = []
    for item in items[:1] if is_object and wanted.only_first else items:
        try:
            found.append(_fit(item, wanted, f"{path}[]", left_out))
        except MisfitError as misfit:  # noqa: PERF203 - each item by itself
            if is_needed or not is_object:
                raise
            left_out.append(misfit.path)
    return found
