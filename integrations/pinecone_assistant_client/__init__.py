"""A Pinecone Assistant over HTTP: the framework-free client under the LangChain and LlamaIndex adapters.

`AssistantClient` and `AsyncAssistantClient` ask; `ChatCompletion`, `ChatCompletionChunk` and `Context` answer; everything
that can go wrong is an `AssistantError`.
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
    suggestion,
)
from .filters import check_number, checked_guard, deep_copied, validate_filter
from .messages import Message
from .options import NOT_GIVEN, NotGiven
from .settings import CONNECTION_OPTIONS, __version__, environment
from .shaping import strip_code_fence
from .wire.protocol import checked_context_options

__all__ = [
    "CONNECTION_OPTIONS",
    "NOT_GIVEN",
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
    "NotGiven",
    "PermissionDeniedError",
    "RateLimitError",
    "Reference",
    "Snippet",
    "SnippetImage",
    "StreamError",
    "Usage",
    "__version__",
    "check_number",
    "checked_context_options",
    "checked_guard",
    "deep_copied",
    "environment",
    "extract_citations",
    "strip_code_fence",
    "strip_reference_list",
    "suggestion",
    "validate_filter",
]
