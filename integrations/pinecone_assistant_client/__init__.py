"""A Pinecone Assistant over HTTP: the framework-free client under the LangChain and LlamaIndex adapters.

`AssistantClient` and `AsyncAssistantClient` ask; `ChatCompletion`, `ChatCompletionChunk` and `Context` answer; everything
that can go wrong is an `AssistantError`. Names that only authors of adapters need are in
`pinecone_assistant_client.adapters`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .answers import ChatCompletion, ChatCompletionChunk, Context, Snippet, SnippetImage, Usage
from .citations import Citation, Reference, extract_citations, strip_reference_list
from .errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    AuthenticationError,
    BadRequestError,
    ErrorResponse,
    FileProcessingError,
    IncompleteStreamError,
    InternalServerError,
    InvalidRequestError,
    MetadataMismatchError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamError,
)
from .feeding.values import Assistant, AssistantFile, Evaluation, Operation, SyncReport, Upload, UploadReport
from .filters import validate_filter
from .messages import Message
from .settings import __version__

if TYPE_CHECKING:
    from .async_client import AsyncAssistantClient
    from .client import AssistantClient
    from .control_plane import Assistants, AsyncAssistants

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "Assistant",
    "AssistantClient",
    "AssistantError",
    "AssistantFile",
    "Assistants",
    "AsyncAssistantClient",
    "AsyncAssistants",
    "AuthenticationError",
    "BadRequestError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Citation",
    "Context",
    "ErrorResponse",
    "Evaluation",
    "FileProcessingError",
    "IncompleteStreamError",
    "InternalServerError",
    "InvalidRequestError",
    "Message",
    "MetadataMismatchError",
    "NotFoundError",
    "Operation",
    "PermissionDeniedError",
    "RateLimitError",
    "Reference",
    "Snippet",
    "SnippetImage",
    "StreamError",
    "SyncReport",
    "Upload",
    "UploadReport",
    "Usage",
    "__version__",
    "extract_citations",
    "strip_reference_list",
    "validate_filter",
]

# The modules that send requests are imported at their first use, so constructing an adapter does not wait for them.
_IMPORTED_AT_FIRST_USE = {
    "AssistantClient": "client",
    "Assistants": "control_plane",
    "AsyncAssistantClient": "async_client",
    "AsyncAssistants": "control_plane",
}

if not TYPE_CHECKING:  # type checkers know the names above; with this they would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _IMPORTED_AT_FIRST_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_IMPORTED_AT_FIRST_USE[name]}"), name)
        return value
