"""Decode the answers about files, operations, assistants and evaluations.

Unknown fields are ignored. A missing id, name or metric is an error; a list that is left out is empty. An evaluation is paid
for, so it is read leniently, as answers are. Everything else is read strictly, because later uploads and deletions depend on
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from ..errors import StreamError
from ..wire.decoding import WireUsage, check_error, decode_json, error_in_answer, read_json, shown, usage_of
from ..wire.mending import Wire, warn_of
from .values import Assistant, AssistantFile, Evaluation, Operation

_T = TypeVar("_T")
_Wire = TypeVar("_Wire", bound="_Answer")


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A page of a list, and the token of the next one or None."""

    items: tuple[_T, ...]
    next: str | None


class Tokens:
    """The tokens of a list's pages. A token that was there before would make the list endless.

    Args:
        what: The things in the list, for the message.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._seen: set[str] = set()

    def after(self, page: Page[Any]) -> str | None:
        """The token of the page after this one, or None. Raises StreamError if it was there before."""
        if page.next in self._seen:
            raise StreamError(f"the list of {self._what} names a page again that it had before: it has no end")
        if page.next is not None:
            self._seen.add(page.next)
        return page.next


class _Answer(msgspec.Struct):
    error: Any = None


class _WireFile(msgspec.Struct):
    id: str
    name: str
    status: str | None = None
    metadata: dict[str, Any] | None = None
    size: float | None = None
    multimodal: bool | None = None
    created_on: str | None = None
    updated_on: str | None = None
    signed_url: str | None = None
    error_message: str | None = None
    crc32c_hash: str | None = None


class _WireOperation(msgspec.Struct):
    id: str
    operation_type: str | None = None
    file_id: str | None = None
    status: str | None = None
    created_on: str | None = None
    completed_on: str | None = None
    percent_complete: float | None = None
    error_message: str | None = None
    ingestion_units: float | None = None


class _WireAssistant(msgspec.Struct):
    name: str
    status: str | None = None
    host: str | None = None
    instructions: str | None = None
    metadata: dict[str, Any] | None = None
    region: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class _WirePagination(msgspec.Struct):
    next: str | None = None


class _WireFiles(_Answer):
    files: list[_WireFile] | None = None
    pagination: _WirePagination | None = None


class _WireOperations(_Answer):
    operations: list[_WireOperation] | None = None
    pagination: _WirePagination | None = None


class _WireAssistants(_Answer):
    assistants: list[_WireAssistant] | None = None
    pagination: _WirePagination | None = None


class _WireMetrics(Wire):
    needed: ClassVar[tuple[str, ...]] = ("correctness", "completeness", "alignment")

    correctness: float
    completeness: float
    alignment: float


class _WireText(Wire):
    content: str = ""


class _WireFact(Wire):
    needed: ClassVar[tuple[str, ...]] = ("fact",)

    fact: _WireText
    entailment: str = ""


class _WireReasoning(Wire):
    evaluated_facts: list[_WireFact] = []  # noqa: RUF012 - msgspec makes a new one for each


class _WireEvaluation(Wire):
    needed: ClassVar[tuple[str, ...]] = ("metrics",)

    error: Any = None
    metrics: _WireMetrics | None = None
    reasoning: _WireReasoning | None = None
    usage: WireUsage | None = None


_FILE = msgspec.json.Decoder(_WireFile)
_FILES = msgspec.json.Decoder(_WireFiles)
_OPERATION = msgspec.json.Decoder(_WireOperation)
_OPERATIONS = msgspec.json.Decoder(_WireOperations)
_ASSISTANT = msgspec.json.Decoder(_WireAssistant)
_ASSISTANTS = msgspec.json.Decoder(_WireAssistants)
_EVALUATION = msgspec.json.Decoder(_WireEvaluation)


def decode_file(body: bytes) -> AssistantFile:
    """A described file. Raises StreamError if the body is not one."""
    return _file_of(decode_json(_FILE, body))


def decode_file_hash(body: bytes) -> str | None:
    """Return the CRC-32C of a described file's content in base64, or None if the service left it out."""
    return decode_json(_FILE, body).crc32c_hash


def decode_file_error(body: bytes) -> str | None:
    """Return the reason why processing of a file failed; only versions before 2026-04 have it here."""
    return decode_json(_FILE, body).error_message


def decode_files(body: bytes) -> Page[AssistantFile]:
    """A page of files. Raises StreamError if the body is not one."""
    wire = _whole(_FILES, body)
    return Page(tuple(map(_file_of, wire.files or ())), _next_of(wire.pagination))


def decode_operation(body: bytes) -> Operation:
    """A described operation. Raises StreamError if the body is not one."""
    return _operation_of(decode_json(_OPERATION, body))


def decode_operations(body: bytes) -> Page[Operation]:
    """A page of operations. Raises StreamError if the body is not one."""
    wire = _whole(_OPERATIONS, body)
    return Page(tuple(map(_operation_of, wire.operations or ())), _next_of(wire.pagination))


def decode_assistant(body: bytes) -> Assistant:
    """A described assistant. Raises StreamError if the body is not one."""
    return _assistant_of(decode_json(_ASSISTANT, body))


def decode_assistants(body: bytes) -> Page[Assistant]:
    """A page of assistants. Raises StreamError if the body is not one."""
    wire = _whole(_ASSISTANTS, body)
    return Page(tuple(map(_assistant_of, wire.assistants or ())), _next_of(wire.pagination))


def decode_evaluation(body: bytes) -> Evaluation:
    """An evaluation. Raises StreamError if the body is not one."""
    wire, misfits = read_json(_EVALUATION, body)
    check_error(wire.error, body, misfits)
    if wire.metrics is None:
        raise StreamError(f"the answer has no metrics in it: {shown(body)}")
    facts = (wire.reasoning.evaluated_facts if wire.reasoning else None) or []
    warn_of(misfits)
    return Evaluation(
        correctness=wire.metrics.correctness,
        completeness=wire.metrics.completeness,
        alignment=wire.metrics.alignment,
        facts=tuple((fact.fact.content or "", fact.entailment or "") for fact in facts),
        usage=usage_of(wire.usage),
    )


def _whole(decoder: msgspec.json.Decoder[_Wire], body: bytes) -> _Wire:
    wire = decode_json(decoder, body)
    if wire.error:
        raise error_in_answer(body)
    return wire


def _next_of(pagination: _WirePagination | None) -> str | None:
    return (pagination.next or None) if pagination else None


def _file_of(wire: _WireFile) -> AssistantFile:
    return AssistantFile(
        id=wire.id,
        name=wire.name,
        status=wire.status,
        metadata=wire.metadata,
        size=None if wire.size is None else int(wire.size),
        multimodal=wire.multimodal,
        created_at=wire.created_on,
        updated_at=wire.updated_on,
        url=wire.signed_url,
    )


def _operation_of(wire: _WireOperation) -> Operation:
    return Operation(
        id=wire.id,
        operation_type=wire.operation_type,
        file_id=wire.file_id,
        status=wire.status,
        percent_complete=wire.percent_complete,
        error_message=wire.error_message,
        ingestion_units=wire.ingestion_units,
        created_at=wire.created_on,
        completed_at=wire.completed_on,
    )


def _assistant_of(wire: _WireAssistant) -> Assistant:
    return Assistant(
        name=wire.name,
        status=wire.status,
        host=wire.host,
        instructions=wire.instructions,
        metadata=wire.metadata,
        region=wire.region,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
    )
