"""Procedures on assistants: create, get, list, update, delete. `control_plane.py` has the classes that run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import (
    APIStatusError,
    AssistantError,
    InvalidRequestError,
    NotFoundError,
    StreamError,
    reworded,
    said_by,
)
from ..options import NotGiven
from ..retries import RetryPolicy
from ..wire.protocol import WireRequest, build_describe_request
from .decoding import Page, decode_assistant, decode_assistants
from .effects import Send, Sleep, Steps
from .metadata import same_json
from .requests import (
    build_create_assistant,
    build_delete_assistant,
    build_list_assistants,
    build_update_assistant,
    checked_assistant_name,
)
from .target import Misses, Patience, Target
from .uploads import is_unclear
from .values import Assistant

_FAILED = ("Failed", "InitializationFailed", "Terminated")


def get_assistant(name: str) -> Steps[Assistant]:
    """One assistant."""
    reply = yield Send(build_describe_request(name), is_control=True)
    return decode_assistant(reply.body)


def assistants_page(token: str | None, api_version: str) -> Steps[Page[Assistant]]:
    """A page of assistants."""
    reply = yield Send(build_list_assistants(token, api_version), is_control=True)
    return decode_assistants(reply.body)


def create_assistant(
    target: Target,
    policy: RetryPolicy,
    *,
    instructions: str | None,
    metadata: Mapping[str, Any] | None,
    region: str | None,
    exist_ok: bool,
    wait: bool,
    timeout: float | None,
) -> Steps[Assistant]:
    """Create an assistant; with `wait`, until it is Ready.

    A POST cannot simply be repeated: a second one is refused because of the first. So it is sent once, and if the outcome is
    unclear, a GET shows whether it arrived. If it did not, and the service only refused it (429, 5xx), it is sent again.
    """
    patience = target.patience(timeout)
    name = checked_assistant_name(target.assistant, target.api_version)
    wire = build_create_assistant(name, instructions=instructions, metadata=metadata, region=region)
    asked = {"instructions": instructions, "metadata": metadata, "region": region}
    tries = 1
    while (created := (yield from _create(target, policy, wire, asked, tries=tries, exist_ok=exist_ok))) is None:
        tries += 1
    return (yield from _ready(created, patience, wait=wait))


def _create(
    target: Target, policy: RetryPolicy, wire: WireRequest, asked: Mapping[str, Any], *, tries: int, exist_ok: bool
) -> Steps[Assistant | None]:
    """Try once to create an assistant. Return None, after a wait, if it did not arrive and may be tried again."""
    name = target.assistant
    try:
        reply = yield Send(wire, is_control=True)
        return decode_assistant(reply.body)
    except AssistantError as error:
        if _says_it_exists(error):
            found = yield from get_assistant(name)
            if exist_ok or (tries > 1 and _is_as_asked(found, asked)):
                return found
            raise
        if is_unclear(error):
            arrived = yield from _look(name, error, asked, exist_ok=exist_ok)
            if arrived is not None:
                return arrived
        if not isinstance(error, APIStatusError):
            if not is_unclear(error):
                raise
            raise _unclear(name, error, "It is not there now") from error
        if tries > policy.max_retries or not policy.is_retried(error, repeatable=False):
            raise
        yield Sleep(policy.wait_seconds(tries, error, target.jitter()))
        return None


def _says_it_exists(error: AssistantError) -> bool:
    return isinstance(error, APIStatusError) and (error.status_code == 409 or error.code == "ALREADY_EXISTS")


def update_assistant(name: str, *, instructions: str | NotGiven | None, metadata: Any) -> Steps[Assistant]:
    """Replace the fields that are passed; None clears a field."""
    fields: dict[str, Any] = {}
    if not isinstance(instructions, NotGiven):
        fields["instructions"] = "" if instructions is None else instructions
    if not isinstance(metadata, NotGiven):
        fields["metadata"] = {} if metadata is None else metadata
    if not fields:
        raise InvalidRequestError("update changes nothing: pass instructions= or metadata=; None clears them")
    reply = yield Send(build_update_assistant(name, fields), is_control=True)
    try:
        return decode_assistant(reply.body)
    except StreamError:  # by the API description this answer may lack the name
        return (yield from get_assistant(name))


def delete_assistant(target: Target, *, missing_ok: bool, wait: bool, timeout: float | None) -> Steps[None]:
    """Delete an assistant with its files; with `wait`, until it is gone."""
    patience = target.patience(timeout)
    name = target.assistant
    send = Send(build_delete_assistant(name), is_control=True)
    try:
        yield send
    except NotFoundError:
        if missing_ok or send.tries > 1:
            return
        raise
    except AssistantError as error:
        if not is_unclear(error):
            raise
        try:
            found = yield from get_assistant(name)
        except NotFoundError:
            return
        except AssistantError:
            raise _unclear(name, error, "It may be deleted") from error
        if found.status not in ("Terminating", "Terminated"):
            raise _unclear(name, error, "It is still there, and may be deleted later") from error
    while wait:
        try:
            found = yield from get_assistant(name)
        except NotFoundError:
            return
        if found.status == "Terminated":
            return
        yield from patience.wait(
            f"assistant {name!r} is still {found.status}, and the service goes on deleting it: look with assistants.get({name!r})"
        )


def _look(name: str, error: AssistantError, asked: Mapping[str, Any], *, exist_ok: bool) -> Steps[Assistant | None]:
    """Return the assistant that a creation with an unclear outcome made, or None."""
    try:
        found = yield from get_assistant(name)
    except NotFoundError:
        return None
    except AssistantError:
        raise _unclear(name, error, "It may have been created") from error
    if exist_ok or _is_as_asked(found, asked):
        return found
    raise _unclear(
        name, error, "An assistant of that name is there with other settings, so it was there before"
    ) from error


def _is_as_asked(found: Assistant, asked: Mapping[str, Any]) -> bool:
    """Return whether an assistant has the settings of a creation. Settings that were not passed may have any empty value."""
    return (
        (found.instructions or None) == (asked["instructions"] or None)
        and same_json(found.metadata or {}, asked["metadata"] or {})
        and (asked["region"] is None or found.region in (None, asked["region"]))
    )


def _unclear(name: str, error: AssistantError, state: str) -> AssistantError:
    return reworded(
        error,
        f"the request for assistant {name!r} has no clear end: {said_by(error)}. {state}: look with assistants.get({name!r})",
    )


def _ready(assistant: Assistant, patience: Patience, *, wait: bool) -> Steps[Assistant]:
    accepted = f"assistant {assistant.name!r} is there, and the wait until it is Ready"
    with patience.explaining(accepted, f"assistants.get({assistant.name!r})"):
        return (yield from _settled(assistant, patience, wait=wait))


def _settled(assistant: Assistant, patience: Patience, *, wait: bool) -> Steps[Assistant]:
    misses = Misses()
    while wait and assistant.status != "Ready":
        if assistant.status in _FAILED:
            raise AssistantError(
                f"assistant {assistant.name!r} is not usable (status {assistant.status}): delete it and create it again"
            )
        if patience.has_looked:
            yield from patience.wait(
                f"assistant {assistant.name!r} is still {assistant.status}, and the service goes on with it: look with "
                f"assistants.get({assistant.name!r})"
            )
        patience.has_looked = True
        try:
            assistant = yield from get_assistant(assistant.name)
        except NotFoundError as error:
            if assistant.status == "Terminating":
                raise
            misses.check(error, is_of_assistant=True)
    return assistant
