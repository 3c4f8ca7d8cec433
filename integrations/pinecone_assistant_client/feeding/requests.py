"""Build the requests about files, operations, assistants and evaluations. Pure.

Source: the OpenAPI descriptions `assistant_control`, `assistant_data` and `assistant_evaluation`, versions 2025-01 to 2026-04.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from ..errors import InvalidRequestError
from ..filters import check_number
from ..wire.protocol import WireRequest, plain
from ..wire.uploads import MultipartBody
from .contents import CONTENT_TYPES, FileContent, extension_of
from .metadata import Metadata, encoded_metadata

OPERATIONS_VERSION = "2026-04"
"""The first version with PUT, operations, paged lists, and upload metadata in a field of its own."""
MULTIMODAL_VERSION = "2025-10"
PAGE = 100
MAX_TEXT_BYTES = 16_384
_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ASSISTANT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def has_operations(api_version: str) -> bool:
    """Return whether a version has PUT and operations."""
    return api_version >= OPERATIONS_VERSION


def checked_file_id(file_id: Any) -> str:
    """Return the identifier of a file if it is valid.

    Raises:
        InvalidRequestError: Not 1 to 128 of `[A-Za-z0-9_-]`.
    """
    if not isinstance(file_id, str) or not _FILE_ID.fullmatch(file_id):
        raise InvalidRequestError(
            f"file_id {file_id!r} cannot be the id of a file: use 1 to 128 letters, digits, '-' and '_'"
        )
    return file_id


def checked_assistant_name(name: Any, api_version: str) -> str:
    """Return the name of an assistant to create. The API descriptions ask for lower case, but the service takes capitals.

    Raises:
        InvalidRequestError: The service would refuse it.
    """
    limit = 63 if api_version >= MULTIMODAL_VERSION else 45
    if not isinstance(name, str) or len(name) > limit or not _ASSISTANT_NAME.fullmatch(name):
        raise InvalidRequestError(
            f"{name!r} cannot be the name of an assistant: use 1 to {limit} letters, digits and '-', with a "
            "letter or digit at both ends"
        )
    return name


def build_upload(
    assistant: str,
    content: FileContent,
    metadata: Metadata | None,
    *,
    file_id: str,
    multimodal: bool | None,
    boundary: str,
) -> WireRequest:
    """PUT /files/{assistant}/{id}: create or replace. Repeating it is safe: the outcome is one file."""
    body = _multipart(content, None if metadata is None else encoded_metadata(metadata), boundary)
    path = f"{_file_path(assistant, file_id)}{_query(multimodal=_flag(multimodal))}"
    return WireRequest("PUT", path, body, repeatable=True)


def build_old_upload(
    assistant: str, content: FileContent, metadata: Metadata | None, *, multimodal: bool | None, boundary: str
) -> WireRequest:
    """POST /files/{assistant} of the versions before 2026-04. Sent once, because each POST that arrives makes a file."""
    in_query = None if metadata is None else encoded_metadata(metadata).decode()
    query = _query(metadata=in_query, multimodal=_flag(multimodal))
    return WireRequest(
        "POST", f"{_files_path(assistant)}{query}", _multipart(content, None, boundary), is_sent_once=True
    )


def build_list_files(
    assistant: str,
    filter: Mapping[str, Any] | None,  # noqa: A002 - the API's name
    token: str | None,
    api_version: str,
) -> WireRequest:
    """GET /files/{assistant}: a page of files, or all of them before 2026-04."""
    limit = PAGE if has_operations(api_version) else None
    text = msgspec.json.encode(filter, enc_hook=plain).decode() if filter else None
    query = _query(filter=text, limit=limit, pagination_token=token)
    return WireRequest("GET", f"{_files_path(assistant)}{query}", None, repeatable=True)


def build_get_file(assistant: str, file_id: str, *, include_url: bool = False) -> WireRequest:
    """GET /files/{assistant}/{id}."""
    path = f"{_file_path(assistant, file_id)}{_query(include_url=_flag(include_url or None))}"
    return WireRequest("GET", path, None, repeatable=True, subject=_file(assistant, file_id))


def build_delete_file(assistant: str, file_id: str) -> WireRequest:
    """DELETE /files/{assistant}/{id}."""
    path = _file_path(assistant, file_id)
    return WireRequest("DELETE", path, None, repeatable=True, subject=_file(assistant, file_id))


def build_get_operation(assistant: str, operation_id: str) -> WireRequest:
    """GET /operations/{assistant}/{id}."""
    if not isinstance(operation_id, str) or not operation_id.strip() or operation_id in (".", ".."):
        raise InvalidRequestError(f"operation_id {operation_id!r} cannot be the id of an operation")
    path = f"{_operations_path(assistant)}/{quote(operation_id, safe='')}"
    subject = f'operation "{operation_id}" in assistant "{assistant}"'
    return WireRequest("GET", path, None, repeatable=True, subject=subject)


def build_list_operations(
    assistant: str, token: str | None, *, operation_type: str | None = None, status: str | None = None
) -> WireRequest:
    """GET /operations/{assistant}: a page of operations."""
    query = _query(operation_type=operation_type, status=status, limit=PAGE, pagination_token=token)
    return WireRequest("GET", f"{_operations_path(assistant)}{query}", None, repeatable=True)


def build_evaluation(question: str, answer: str, ground_truth_answer: str) -> WireRequest:
    """POST /evaluation/metrics/alignment of the data plane; it changes nothing."""
    fields = {"question": question, "answer": answer, "ground_truth_answer": ground_truth_answer}
    for name, value in fields.items():
        if not isinstance(value, str) or not value.strip():
            raise InvalidRequestError(f"{name} is {value!r}: pass a text that is not empty")
    path = "/assistant/evaluation/metrics/alignment"
    return WireRequest("POST", path, _json(fields), repeatable=True, subject="the evaluation endpoint")


def build_create_assistant(
    name: str, *, instructions: str | None, metadata: Mapping[str, Any] | None, region: str | None
) -> WireRequest:
    """POST /assistants, sent once: a second one would be refused because of the first."""
    fields = {"name": name, **_assistant_fields(instructions, metadata)}
    if region is not None:
        if region not in ("us", "eu"):
            raise InvalidRequestError(f'region is {region!r}: pass "us" or "eu", or leave it out')
        fields["region"] = region
    return WireRequest("POST", "/assistant/assistants", _json(fields), is_sent_once=True)


def build_list_assistants(token: str | None, api_version: str) -> WireRequest:
    """GET /assistants: a page of assistants, or all of them before 2026-04."""
    limit = PAGE if has_operations(api_version) else None
    path = f"/assistant/assistants{_query(limit=limit, pagination_token=token)}"
    return WireRequest("GET", path, None, repeatable=True, subject="the list of assistants")


def build_update_assistant(name: str, fields: Mapping[str, Any]) -> WireRequest:
    """PATCH /assistants/{name}: replaces instructions, metadata or both; metadata is not merged."""
    body = _json(_assistant_fields(fields.get("instructions"), fields.get("metadata")))
    return WireRequest("PATCH", _assistant_path(name), body, repeatable=True)


def build_delete_assistant(name: str) -> WireRequest:
    """DELETE /assistants/{name}."""
    return WireRequest("DELETE", _assistant_path(name), None, repeatable=True)


def _assistant_fields(instructions: Any, metadata: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if instructions is not None:
        if not isinstance(instructions, str):
            raise InvalidRequestError(f"instructions is a {type(instructions).__name__}: pass a text")
        if len(instructions.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
            raise InvalidRequestError(f"instructions are longer than {MAX_TEXT_BYTES:,} bytes: shorten them")
        fields["instructions"] = instructions
    if metadata is not None:
        if not isinstance(metadata, Mapping):
            raise InvalidRequestError(
                f'metadata is a {type(metadata).__name__}: pass a dict such as {{"team": "docs"}}'
            )
        if len(_json(dict(metadata))) > MAX_TEXT_BYTES:
            raise InvalidRequestError(f"metadata is more than {MAX_TEXT_BYTES:,} bytes of JSON: leave something out")
        _check_numbers(metadata, "metadata")
        fields["metadata"] = dict(metadata)
    return fields


def _check_numbers(value: Any, path: str) -> None:
    """Refuse the numbers that would not arrive: NaN would be null, a long integer another one."""
    if isinstance(value, (int, float)):
        check_number(value, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_numbers(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_numbers(item, f"{path}[{index}]")


def _multipart(content: FileContent, metadata: bytes | None, boundary: str) -> MultipartBody:
    content_type = CONTENT_TYPES[extension_of(content.name) or "txt"]
    return MultipartBody(content, content_type=content_type, metadata=metadata, boundary=boundary)


def _json(fields: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(fields, enc_hook=plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from error


def _flag(value: bool | None) -> str | None:
    return None if value is None else "true" if value else "false"


def _query(**parameters: Any) -> str:
    sent = {name: value for name, value in parameters.items() if value is not None}
    return f"?{urlencode(sent, quote_via=quote)}" if sent else ""


def _assistant_path(name: str) -> str:
    return f"/assistant/assistants/{quote(name, safe='')}"


def _files_path(assistant: str) -> str:
    return f"/assistant/files/{quote(assistant, safe='')}"


def _file_path(assistant: str, file_id: str) -> str:
    return f"{_files_path(assistant)}/{checked_file_id(file_id)}"


def _operations_path(assistant: str) -> str:
    return f"/assistant/operations/{quote(assistant, safe='')}"


def _file(assistant: str, file_id: str) -> str:
    return f'file "{file_id}" in assistant "{assistant}"'
