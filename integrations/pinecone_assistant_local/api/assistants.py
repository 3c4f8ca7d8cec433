"""The control plane: assistants."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import ServiceError, invalid
from ..store.assistants import REGIONS, is_assistant_name
from ..store.metadata import MAX_BYTES, Metadata, validate_assistant_metadata
from .bodies import Json, assistant_json
from .call import Call, Page, json_response, next_page
from .versions import assistant_name_limit, has_operations


async def list_assistants(request: Request) -> Response:
    """GET /assistant/assistants."""
    call = Call.of(request)
    assistants = call.service.store.assistants
    if not has_operations(call.version):
        found = await call.service.run(assistants.select)
        return json_response({"assistants": [assistant_json(a, call.version, host=call.base_url) for a in found]})
    page = Page.of(call)
    found = await call.service.run(lambda: assistants.select(after=page.after, limit=page.limit + 1))
    shown = found[: page.limit]
    body: Json = {"assistants": [assistant_json(a, call.version, host=call.base_url) for a in shown]}
    if len(found) > page.limit:
        body["pagination"] = next_page(shown[-1].name)
    return json_response(body)


async def create_assistant(request: Request) -> Response:
    """POST /assistant/assistants."""
    call = Call.of(request)
    body = _body_of(call)
    if "environment" in body:
        raise invalid("environment is not supported")
    name = body.get("name")
    limit = assistant_name_limit(call.version)
    if not isinstance(name, str) or not is_assistant_name(name, limit):
        raise invalid(
            f"Invalid assistant name: must be 1-{limit} characters long, start and end with an alphanumeric character,"
            " and consist only of alphanumeric characters or '-'"
        )
    region = body.get("region")
    if region is None:
        region = REGIONS[0]
    if region not in REGIONS:
        raise invalid(f"Invalid region: Valid options are {', '.join(REGIONS)}")
    instructions, metadata = _instructions_of(body), _metadata_of(body)
    created = await call.service.run(
        lambda: call.service.store.assistants.create(
            name, instructions=instructions, metadata=metadata, region=str(region)
        )
    )
    return json_response(assistant_json(created, call.version, host=None, status="Initializing"))


async def describe_assistant(request: Request) -> Response:
    """GET /assistant/assistants/{name}."""
    call = Call.of(request)
    try:
        found = await call.service.run(lambda: call.service.store.assistants.get(call.assistant))
    except ServiceError:
        leaving = call.service.deletions.last_look((call.assistant,))
        if leaving is None:
            raise
        return json_response(leaving)
    return json_response(assistant_json(found, call.version, host=call.base_url))


async def update_assistant(request: Request) -> Response:
    """PATCH /assistant/assistants/{name}."""
    call = Call.of(request)
    body = _body_of(call)
    # Null means "unchanged": the 2025 plugin sends it for fields that it does not change. "" and {} clear a field.
    given = {"instructions": _instructions_of(body), "metadata": _metadata_of(body)}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if not changes:
        await call.existing_assistant()
        raise invalid("No updates provided")
    updated = await call.service.run(lambda: call.service.store.assistants.update(call.assistant, changes))
    return json_response(assistant_json(updated, call.version, host=call.base_url))


async def delete_assistant(request: Request) -> Response:
    """DELETE /assistant/assistants/{name}."""
    call = Call.of(request)
    store = call.service.store
    if call.looks_again:
        found = await call.service.run(lambda: store.assistants.get(call.assistant))
        leaving = assistant_json(found, call.version, host=call.base_url, status="Terminating")
        call.service.deletions.add((call.assistant,), leaving)
    await call.service.run(lambda: store.assistants.delete(call.assistant))
    return Response(status_code=200)


def _body_of(call: Call) -> dict[str, object]:
    body = call.json()
    if not isinstance(body, dict):
        raise invalid("Request body must be a JSON object")
    return body


def _instructions_of(body: dict[str, object]) -> str | None:
    instructions = body.get("instructions")
    if instructions is None:
        return None
    if not isinstance(instructions, str):
        raise invalid("instructions must be a string")
    if len(instructions.encode()) > MAX_BYTES:
        raise invalid(f"Instructions exceed maximum length of {MAX_BYTES} bytes")
    return instructions


def _metadata_of(body: dict[str, object]) -> Metadata | None:
    metadata = body.get("metadata")
    return None if metadata is None else validate_assistant_metadata(metadata)


_ALL = "/assistant/assistants"
_ONE = "/assistant/assistants/{assistant}"
ROUTES = [
    Route(_ALL, list_assistants, methods=["GET"]),
    Route(_ALL, create_assistant, methods=["POST"]),
    Route(_ONE, describe_assistant, methods=["GET"]),
    Route(_ONE, update_assistant, methods=["PATCH"]),
    Route(_ONE, delete_assistant, methods=["DELETE"]),
]
