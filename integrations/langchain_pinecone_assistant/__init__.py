"""A Pinecone Assistant in LangChain: a chat model, a retriever and a tool for agents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    import langchain_core
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ImportError("langchain-core is missing: pip install '.[langchain]' from the clone") from error

# First, because langchain_core's modules take 90 ms more if another of them is imported before this one (measured).
import langchain_core.language_models.chat_models  # noqa: F401

from .chat_models import ChatPineconeAssistant

if TYPE_CHECKING:
    from .evaluation import aalignment_evaluator, alignment_evaluator
    from .index import PineconeAssistantIndex
    from .retrievers import PineconeAssistantRetriever
    from .tools import PineconeAssistantTool

__all__ = [
    "ChatPineconeAssistant",
    "PineconeAssistantIndex",
    "PineconeAssistantRetriever",
    "PineconeAssistantTool",
    "aalignment_evaluator",
    "alignment_evaluator",
]

# Importing only the chat model does not wait for the framework's retrievers, tools and indices.
_HOMES = {
    "PineconeAssistantIndex": "index",
    "PineconeAssistantRetriever": "retrievers",
    "PineconeAssistantTool": "tools",
    "aalignment_evaluator": "evaluation",
    "alignment_evaluator": "evaluation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
