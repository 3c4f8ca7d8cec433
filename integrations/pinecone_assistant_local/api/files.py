"""The data plane's files and operations, and the contents behind signed links."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..documents.file_types import content_type
from ..errors import ServiceError, invalid
from ..store.files import StoredFile, is_file_id
from ..store.filters import compile_filter
from ..store.metadata import decode_metadata
from ..store.operations import OPERATION_TYPES, STATUSES, Operation
from .bodies import Json, file_json, operation_json
from .call import Call, Page, json_response, next_page
from .uploads import read_upload
from .versions import has_operations

# Small files are processed by then, so that an SDK's first poll finds them Available.
PROCESSING_WAIT_SECONDS = 2.0

_logger = logging.getLogger("pinecone_assistant_local")


async def list_files(request: Request) -> Response:
    """GET /assistant/files/{assistant}."""
    call = Call.of(request)
    name = await call.existing_assistant()
    text = call.query("filter")
    condition = compile_filter(decode_metadata(text, "filter") if text else None)
    files = call.service.store.files
    if not has_operations(call.version):
        found = await call.service.run(lambda: files.select(name, condition))
        return json_response({"files": [file_json(file, call.version) for file in found]})
    page = Page.of(call)
    after = page.after_row
    found = await call.service.run(lambda: files.select(name, condition, after=after, limit=page.limit + 1))
    shown = found[: page.limit]
    body: Json = {"files": [file_json(file, call.version) for file in shown]}
    if len(found) > page.limit:
        body["pagination"] = next_page(str(shown[-1].row))
    return json_response(body)


async def upload_file(request: Request) -> Response:
    """POST /assistant/files/{assistant}."""
    call = Call.of(request)
    name = await call.existing_assistant()
    new = await read_upload(call)
    file, operation = await call.service.run(lambda: call.service.store.files.add(name, new))
    return await _accepted(call, file, operation)


async def upsert_file(request: Request) -> Response:
    """PUT /assistant/files/{assistant}/{file}."""
    call = Call.of(request)
    _require_operations(call)
    name = await call.existing_assistant()
    file_id = str(request.path_params["file"])
    if not is_file_id(file_id):
        raise invalid("Invalid file id: must be 1-128 characters long and consist only of A-Z, a-z, 0-9, '-' or '_'")
    new = await read_upload(call)
    file, operation = await call.service.run(lambda: call.service.store.files.upsert(name, file_id, new))
    return await _accepted(call, file, operation)


async def describe_file(request: Request) -> Response:
    """GET /assistant/files/{assistant}/{file}."""
    call = Call.of(request)
    name = await call.existing_assistant()
    with_url = call.query_flag("include_url")
    file_id = str(request.path_params["file"])
    try:
        file = await _settled_file(call, name, file_id)
    except ServiceError:
        leaving = call.service.deletions.last_look((name, file_id))
        if leaving is None:
            raise
        return json_response(leaving)
    return json_response(file_json(file, call.version, signed_url=call.link_to(file) if with_url else None))


async def delete_file(request: Request) -> Response:
    """DELETE /assistant/files/{assistant}/{file}."""
    call = Call.of(request)
    name = await call.existing_assistant()
    file_id = str(request.path_params["file"])
    file, operation = await call.service.run(lambda: call.service.store.files.delete(name, file_id))
    if not has_operations(call.version):
        if call.looks_again:
            leaving = file_json(replace(file, status="Deleting"), call.version)
            call.service.deletions.add((name, file_id), leaving)
        return Response(status_code=200)
    if file.status == "ProcessingFailed":
        return Response(status_code=204)
    done = await call.service.run(lambda: call.service.store.operations.get(name, operation.id))
    return _operation_response(name, done)


async def list_operations(request: Request) -> Response:
    """GET /assistant/operations/{assistant}."""
    call = Call.of(request)
    _require_operations(call)
    name = await call.existing_assistant()
    kind, status = call.query("operation_type"), call.query("status")
    if kind is not None and kind not in OPERATION_TYPES:
        raise invalid(f"Invalid operation_type: Valid options are {', '.join(OPERATION_TYPES)}")
    if status is not None and status not in STATUSES:
        raise invalid(f"Invalid status: Valid options are {', '.join(STATUSES)}")
    page = Page.of(call)
    after = page.after_row
    found = await call.service.run(
        lambda: call.service.store.operations.select(
            name, operation_type=kind, status=status, after=after, limit=page.limit + 1
        )
    )
    shown = found[: page.limit]
    body: Json = {"operations": [operation_json(operation) for operation in shown]}
    if len(found) > page.limit:
        body["pagination"] = next_page(str(shown[-1].row))
    return json_response(body)


async def describe_operation(request: Request) -> Response:
    """GET /assistant/operations/{assistant}/{operation}."""
    call = Call.of(request)
    _require_operations(call)
    name = await call.existing_assistant()
    operation_id = str(request.path_params["operation"])
    operation = await call.service.run(lambda: call.service.store.operations.get(name, operation_id))
    if operation.status == "Processing":
        try:
            await _settled_file(call, name, operation.file_id)
        except ServiceError as error:
            if error.status != 404:
                raise
        operation = await call.service.run(lambda: call.service.store.operations.get(name, operation_id))
    return json_response(operation_json(operation))


async def download(request: Request) -> Response:
    """GET of a signed link: the content as it was uploaded. The link is the key."""
    assistant, file_id = str(request.path_params["assistant"]), str(request.path_params["file"])
    service = request.app.state.service
    expires, signature = request.query_params.get("expires", ""), request.query_params.get("signature", "")
    if not service.links.is_valid(assistant, file_id, expires, signature):
        raise ServiceError(403, "FORBIDDEN", "The link is not valid or has expired.")

    def load() -> tuple[StoredFile, bytes]:
        file = service.store.files.get(assistant, file_id)
        return file, service.store.files.content(file)

    file, content = await service.run(load)
    headers = {
        "content-disposition": f"inline; filename*=UTF-8''{quote(file.name, safe='')}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
        "cache-control": "private, no-store",
    }
    return Response(content, headers=headers, media_type=content_type(file.name))


async def _accepted(call: Call, file: StoredFile, operation: Operation) -> Response:
    twin = await call.service.run(lambda: call.service.store.files.twin_of(file))
    if twin is not None:
        _logger.warning(
            "%s has been uploaded twice: %s has the same name and content as %s. Delete one, or upload with an identifier.",
            file.name,
            file.id,
            twin,
        )
    await _wait(call, file)
    if not has_operations(call.version):
        current = await call.service.run(lambda: call.service.store.files.get(file.assistant, file.id))
        return json_response(file_json(current, call.version))
    current_operation = await call.service.run(lambda: call.service.store.operations.get(file.assistant, operation.id))
    return _operation_response(file.assistant, current_operation)


def _operation_response(assistant: str, operation: Operation) -> Response:
    location = f"/operations/{assistant}/{operation.id}"
    return json_response(operation_json(operation), 202, {"location": location})


async def _settled_file(call: Call, assistant: str, file_id: str) -> StoredFile:
    """The file, after waiting a little for its processing to end."""
    file = await call.service.run(lambda: call.service.store.files.get(assistant, file_id))
    if file.status != "Processing":
        return file
    await _wait(call, file)
    return await call.service.run(lambda: call.service.store.files.get(assistant, file_id))


async def _wait(call: Call, file: StoredFile) -> None:
    """Start processing a file, unless that has happened, and wait a little for it to end."""
    future = call.service.ingest.pending(file) or (
        call.service.ingest.submit(file) if file.status == "Processing" else None
    )
    if future is not None:
        await asyncio.wait([asyncio.wrap_future(future)], timeout=PROCESSING_WAIT_SECONDS)


def _require_operations(call: Call) -> None:
    if not has_operations(call.version):
        raise ServiceError(
            404, "NOT_FOUND", f"Path {call.request.url.path} not found in API version {call.version} (2026-04 has it)."
        )


_FILES = "/assistant/files/{assistant}"
_FILE = "/assistant/files/{assistant}/{file}"
ROUTES = [
    Route(_FILES, list_files, methods=["GET"]),
    Route(_FILES, upload_file, methods=["POST"]),
    Route(_FILE, describe_file, methods=["GET"]),
    Route(_FILE, upsert_file, methods=["PUT"]),
    Route(_FILE, delete_file, methods=["DELETE"]),
    Route("/assistant/operations/{assistant}", list_operations, methods=["GET"]),
    Route("/assistant/operations/{assistant}/{operation}", describe_operation, methods=["GET"]),
    Route("/assistant/signed/{assistant}/{file}", download, methods=["GET"]),
]
