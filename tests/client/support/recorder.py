"""A stand-in for a crash reporter: it records the variables of every frame of an error, with their contents."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TESTS = str(Path(__file__).parents[2])
_DEPTH = 5
_OPAQUE = (types.ModuleType, type, types.FunctionType, types.FrameType, str, bytes, int, float, type(None))


def errors_of(error: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """An error with all its causes and contexts, also those that Python does not print."""
    seen = set() if seen is None else seen
    if error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        yield from errors_of(error.__cause__, seen)
        yield from errors_of(error.__context__, seen)


def frames_of(error: BaseException) -> Iterator[types.FrameType]:
    """The frames of all these errors, except the tests' own."""
    for one in errors_of(error):
        traceback = one.__traceback__
        while traceback is not None:
            if not traceback.tb_frame.f_code.co_filename.startswith(_TESTS):
                yield traceback.tb_frame
            traceback = traceback.tb_next


def modules_of(error: BaseException) -> set[str]:
    """The top-level packages that an error has frames of."""
    return {str(frame.f_globals.get("__name__")).partition(".")[0] for frame in frames_of(error)}


def texts_in(value: Any, depth: int = _DEPTH, seen: set[int] | None = None) -> Iterator[str]:
    """The reprs of a value, of its items, and of the attributes that `vars` shows."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    yield repr(value)
    if depth == 0 or isinstance(value, _OPAQUE):
        return
    inner: list[Any] = []
    if isinstance(value, Mapping):
        inner += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner += value
    inner += getattr(value, "__dict__", {}).values()
    for part in inner:
        yield from texts_in(part, depth - 1, seen)


def recorded(error: BaseException) -> str:
    """All that a recorder finds in the variables of an error's frames, and in the errors themselves."""
    texts = [text for frame in frames_of(error) for value in frame.f_locals.values() for text in texts_in(value)]
    texts += [text for one in errors_of(error) for text in texts_in(one)]
    return "\n".join(texts)
