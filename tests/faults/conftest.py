"""Fixtures of the fault matrix."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _few_objects_to_collect() -> Iterator[None]:
    """Freeze the objects that exist already, so that the garbage collection after each cell is fast."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
