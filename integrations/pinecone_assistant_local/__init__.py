"""A Pinecone Assistant on your machine: the same HTTP API, no key, no network, answers quoted from your files.

The names are imported when they are first used: pytest loads the plugin of this package in every run, also where the
extra `local` is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pinecone_assistant_local.extra import missing_extra

if TYPE_CHECKING:
    from pinecone_assistant_local.errors import UploadError
    from pinecone_assistant_local.faults import Fault, Faults
    from pinecone_assistant_local.generation import FoundPassage
    from pinecone_assistant_local.request_log import RecordedRequest
    from pinecone_assistant_local.server import LocalAssistant, UploadedFile

__all__ = ["Fault", "Faults", "FoundPassage", "LocalAssistant", "RecordedRequest", "UploadError", "UploadedFile"]

_HOMES = {
    "Fault": "faults",
    "Faults": "faults",
    "FoundPassage": "generation",
    "LocalAssistant": "server",
    "RecordedRequest": "request_log",
    "UploadError": "errors",
    "UploadedFile": "server",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        # All names or none: without the extra, the first use of any of them says so.
        import_module(f"{__name__}.server")
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
