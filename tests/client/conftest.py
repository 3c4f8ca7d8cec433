"""Fixtures of the client's tests: a scripted server, and one way to ask it, sync and async."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .asking import Asking, Kind
from .raw_server import RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A scripted server."""
    with RawServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which of the two clients asks."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def ask(kind: Kind, server: RawServer) -> Iterator[Asking]:
    """Asks the scripted server with either client."""
    asking = Asking(kind, server.url)
    yield asking
    asking.close()
