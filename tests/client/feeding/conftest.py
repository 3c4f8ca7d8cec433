"""A local assistant as new, and clients of both kinds that feed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pinecone_assistant_local import LocalAssistant

from ..support.asking import Asking, Kind
from ..support.feeding import ControlPlane, Feeder


@pytest.fixture(scope="module")
def shared_local() -> Iterator[LocalAssistant]:
    """One local assistant for the tests of a module."""
    with LocalAssistant() as local:
        yield local


@pytest.fixture
def local(shared_local: LocalAssistant) -> LocalAssistant:
    """The local assistant, as new."""
    shared_local.reset()
    return shared_local


@pytest.fixture
def ask_local(kind: Kind, local: LocalAssistant) -> Iterator[Asking]:
    """Asks the local assistant with either client."""
    asking = Asking(kind, local.host, assistant_name=local.name, api_key=local.api_key)
    yield asking
    asking.close()


@pytest.fixture
def feeder(ask_local: Asking) -> Feeder:
    """Feeds the local assistant with either client."""
    return Feeder(ask_local)


@pytest.fixture
def scripted(ask: Asking) -> Callable[..., Feeder]:
    """Feeds the scripted server with either client; the options are the client's."""
    return lambda **options: Feeder(ask, **options)


@pytest.fixture
def assistants(ask_local: Asking, local: LocalAssistant) -> Iterator[ControlPlane]:
    """The local assistant's control plane, with either class."""
    plane = ControlPlane(ask_local, api_key=local.api_key, controller_host=local.host)
    yield plane
    plane.close()


@pytest.fixture
def scripted_assistants(ask: Asking, server: Any) -> Iterator[Callable[..., ControlPlane]]:
    """The scripted server's control plane, with either class; the options are the class's."""
    made: list[ControlPlane] = []

    def make(**options: Any) -> ControlPlane:
        made.append(ControlPlane(ask, **{"api_key": "key", "controller_host": server.url, "timeout": 5.0} | options))
        return made[-1]

    yield make
    for plane in made:
        plane.close()
