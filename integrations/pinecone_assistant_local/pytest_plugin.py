"""The pytest plugin: the fixture `local_assistant`.

pytest loads it in every run of every project in the environment, so it imports nothing but pytest; the local assistant
is imported by the first test that asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import LocalAssistant


@pytest.fixture(scope="session")
def _local_assistant_server() -> Iterator[LocalAssistant]:
    """One server for all tests of a run."""
    from . import LocalAssistant  # noqa: PLC0415  (see the top of this file)

    with LocalAssistant() as local:
        yield local


@pytest.fixture
def local_assistant(
    _local_assistant_server: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalAssistant]:
    """An empty local assistant; while the test runs, the environment points every client to it.

    Files, scripted replies, faults and recorded requests are gone after the test.
    """
    local = _local_assistant_server
    local.reset()
    for name, value in local.environ.items():
        monkeypatch.setenv(name, value)
    yield local
    local.reset()
