"""`/_faults`: faults on demand for tests in another process or language; only served if the option is on."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Union, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import ServiceError, invalid
from ..faults.fault import Fault
from .call import Call, json_response
from .gate import FAULTS_PATH

_HINTS = {**get_type_hints(Fault), "body": Union[str, None]}  # noqa: UP007  (JSON has no bytes; built at run time)
_OPTIONS = [option for option in fields(Fault) if option.init]
_Asked = msgspec.defstruct(
    "Fault",
    [(option.name, Union[_HINTS[option.name], msgspec.UnsetType], msgspec.UNSET) for option in _OPTIONS],  # noqa: UP007  (as above)
    forbid_unknown_fields=True,
)


async def add_fault(request: Request) -> Response:
    """POST /_faults: sets a fault; the body has the options of `Fault`."""
    call = Call.of(request)
    try:
        asked = msgspec.convert(call.json(), _Asked)
        fault = call.service.faults.add(
            **{name: value for name, value in msgspec.structs.asdict(asked).items() if value is not msgspec.UNSET}
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise invalid(f"Invalid fault: {error}") from error
    return json_response(_fault_json(fault), 201)


async def list_faults(request: Request) -> Response:
    """GET /_faults: the faults that are set, the count of each, and the total count since the last clear."""
    faults = Call.of(request).service.faults
    return json_response({"faults": [_fault_json(fault) for fault in faults.active()], "fired": faults.fired})


async def clear_faults(request: Request) -> Response:
    """DELETE /_faults: ends every fault and forgets the counts."""
    Call.of(request).service.faults.clear()
    return Response(status_code=204)


async def remove_fault(request: Request) -> Response:
    """DELETE /_faults/{id}: ends one fault; answers with it and its count."""
    faults = Call.of(request).service.faults
    for fault in faults.active():
        if fault.id == request.path_params["id"]:
            faults.remove(fault)
            return json_response(_fault_json(fault))
    raise ServiceError(404, "NOT_FOUND", f"Fault {request.path_params['id']} not found.")


def _fault_json(fault: Fault) -> dict[str, object]:
    """Its identifier and count, and the options that differ from their defaults."""
    chosen = {}
    for option in _OPTIONS:
        default = option.default if option.default_factory is MISSING else option.default_factory()
        if getattr(fault, option.name) != default or option.name == "on":
            chosen[option.name] = getattr(fault, option.name)
    return {"id": fault.id, **chosen, "fired": fault.fired}


ROUTES = [
    Route(FAULTS_PATH, list_faults, methods=["GET"]),
    Route(FAULTS_PATH, add_fault, methods=["POST"]),
    Route(FAULTS_PATH, clear_faults, methods=["DELETE"]),
    Route(FAULTS_PATH + "/{id:int}", remove_fault, methods=["DELETE"]),
]
