"""Pinecone Assistant for LlamaIndex: managed index, retriever, query engine, chat engine and tools."""

try:
    import llama_index.core  # noqa: F401 - only to say what to install
except ImportError as error:
    raise ImportError("llama-index-core is missing: pip install '.[llama-index]' from the clone") from error

from .base import PineconeAssistantIndex
from .chat_engine import AssistantStreamingChatResponse, PineconeAssistantChatEngine
from .evaluator import PineconeAssistantEvaluator
from .filters import to_filter
from .query_engine import PineconeAssistantQueryEngine, PineconeAssistantTool
from .retriever import PineconeAssistantRetriever
from .tool_spec import PineconeAssistantToolSpec

__all__ = [
    "AssistantStreamingChatResponse",
    "PineconeAssistantChatEngine",
    "PineconeAssistantEvaluator",
    "PineconeAssistantIndex",
    "PineconeAssistantQueryEngine",
    "PineconeAssistantRetriever",
    "PineconeAssistantTool",
    "PineconeAssistantToolSpec",
    "to_filter",
]
