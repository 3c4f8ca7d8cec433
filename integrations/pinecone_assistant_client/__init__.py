"""A Pinecone Assistant over HTTP: the framework-free client under the LangChain and LlamaIndex adapters.

`AssistantClient` and `AsyncAssistantClient` ask; `ChatCompletion`, `ChatCompletionChunk` and `Context` answer; everything
that can go wrong is an `AssistantError`. What only authors of adapters need is in `pinecone_assistant_client.adapters`.
"""

from .answers import ChatCompletion, ChatCompletionChunk, Context, Snippet, SnippetImage, Usage
from .async_client import AsyncAssistantClient
from .citations import Citation, Reference, extract_citations, strip_reference_list
from .client import AssistantClient
from .errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    AuthenticationError,
    BadRequestError,
    ErrorResponse,
    IncompleteStreamError,
    InternalServerError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamError,
)
from .filters import validate_filter
from .messages import Message
from .settings import __version__

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AssistantClient",
    "AssistantError",
    "AsyncAssistantClient",
    "AuthenticationError",
    "BadRequestError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Citation",
    "Context",
    "ErrorResponse",
    "IncompleteStreamError",
    "InternalServerError",
    "InvalidRequestError",
    "Message",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "Reference",
    "Snippet",
    "SnippetImage",
    "StreamError",
    "Usage",
    "__version__",
    "extract_citations",
    "strip_reference_list",
    "validate_filter",
]
