"""A Pinecone Assistant in LangChain: a chat model, a retriever and a tool for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import langchain_core  # noqa: F401 - asked for, so that its absence has one clear message
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ImportError("langchain-core is missing: pip install '.[langchain]' from the clone") from error

from .chat_models import ChatPineconeAssistant

if TYPE_CHECKING:
    from .retrievers import PineconeAssistantRetriever
    from .tools import PineconeAssistantTool

__all__ = ["ChatPineconeAssistant", "PineconeAssistantRetriever", "PineconeAssistantTool"]


def __getattr__(name: str) -> Any:
    # Who needs the chat model only does not wait for the framework's retrievers and tools.
    if name == "PineconeAssistantRetriever":
        from .retrievers import PineconeAssistantRetriever  # noqa: PLC0415  (at the first use)

        return PineconeAssistantRetriever
    if name == "PineconeAssistantTool":
        from .tools import PineconeAssistantTool  # noqa: PLC0415  (at the first use)

        return PineconeAssistantTool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
