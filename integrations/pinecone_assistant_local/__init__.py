"""A Pinecone Assistant on your machine: the same HTTP API, no key, no network, answers quoted from your files."""

from __future__ import annotations

try:
    from pinecone_assistant_local.server import LocalAssistant, UploadedFile
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in ("starlette", "uvicorn", "python_multipart"):
        raise
    raise ImportError(
        f"the local assistant needs {error.name}, which comes with the extra 'local': in the clone of this project"
        " run pip install '.[local]'"
    ) from error
from pinecone_assistant_local.errors import UploadError
from pinecone_assistant_local.faults import Fault, Faults
from pinecone_assistant_local.generation import FoundPassage
from pinecone_assistant_local.request_log import RecordedRequest

__all__ = ["Fault", "Faults", "FoundPassage", "LocalAssistant", "RecordedRequest", "UploadError", "UploadedFile"]
