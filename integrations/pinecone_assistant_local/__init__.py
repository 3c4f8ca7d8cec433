"""A Pinecone Assistant on your machine: the same HTTP API, no key, no network, answers quoted from your files.

The names are imported when they are first used: pytest loads the plugin of this package in every run, also where the
extra `local` is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answers.generated import FoundPassage
    from .faults.fault import Fault, Faults
    from .local_assistant import LocalAssistant
    from .service.request_log import RecordedRequest

__all__ = ["Fault", "Faults", "FoundPassage", "LocalAssistant", "RecordedRequest"]

_HOMES = {
    "Fault": "faults.fault",
    "Faults": "faults.fault",
    "FoundPassage": "answers.generated",
    "LocalAssistant": "local_assistant",
    "RecordedRequest": "service.request_log",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        # All names or none: without the extra, the first use of any of them says so.
        import_module(f"{__name__}.local_assistant")
        value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        named = missing_extra(error)
        if named is None:
            raise
        raise named from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


_COMES_WITH_LOCAL = (
    "starlette",
    "uvicorn",
    "python_multipart",
    "pypdfium2",
    "PIL",
    "google_crc32c",
    "rich",
    "watchfiles",
)


def missing_extra(error: ModuleNotFoundError) -> ImportError | None:
    """The error that names the extra to install; None if the module that is missing does not come with it."""
    name = (error.name or "").partition(".")[0]
    if name not in _COMES_WITH_LOCAL:
        return None
    return ImportError(
        f"the local assistant needs {name}, which comes with the extra 'local': in the clone of this project run"
        " pip install '.[local]'"
    )
