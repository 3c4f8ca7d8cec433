"""Pinecone Assistant as a LlamaIndex LLM."""

try:
    import llama_index.core  # noqa: F401 - only to say what to install
except ImportError as error:
    raise ImportError("llama-index-core is missing: pip install '.[llama-index]' from the clone") from error

from .base import PineconeAssistant
from .options import AssistantOptions
from .structured import StructuredOutputError
from .utils import AssistantChatResponse, AssistantCompletionResponse

__all__ = [
    "AssistantChatResponse",
    "AssistantCompletionResponse",
    "AssistantOptions",
    "PineconeAssistant",
    "StructuredOutputError",
]
