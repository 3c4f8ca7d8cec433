"""The frameworks' own floors: minimal models that yield ready text, so only the framework's cost remains."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

TOKENS = 2000
"""Of a stream; set by the measurement before the model is made."""


def langchain_floor() -> Any:
    """A BaseChatModel whose `_stream` yields ready chunks."""
    from langchain_core.language_models import BaseChatModel  # noqa: PLC0415 - see subjects.py
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage  # noqa: PLC0415 - as above
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult  # noqa: PLC0415 - as above

    class Floor(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "floor"

        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=AIMessage(content="ready"))])

        async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            return self._generate(messages)

        def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            for index in range(TOKENS):
                yield ChatGenerationChunk(message=AIMessageChunk(content=f" word{index}"))

        async def _astream(
            self, messages: list[BaseMessage], *args: Any, **kwargs: Any
        ) -> AsyncIterator[ChatGenerationChunk]:
            for index in range(TOKENS):
                yield ChatGenerationChunk(message=AIMessageChunk(content=f" word{index}"))

    return Floor()


def llama_index_floor() -> Any:
    """An LLM whose `stream_chat` yields ready responses, cumulative as the contract asks."""
    from llama_index.core.base.llms.types import (  # noqa: PLC0415 - see subjects.py
        ChatMessage,
        ChatResponse,
        ChatResponseGen,
        CompletionResponse,
        LLMMetadata,
    )
    from llama_index.core.llms.callbacks import llm_chat_callback  # noqa: PLC0415 - as above
    from llama_index.core.llms.llm import LLM  # noqa: PLC0415 - as above

    class Floor(LLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(is_chat_model=True, model_name="floor")

        @llm_chat_callback()
        def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
            return ChatResponse(message=ChatMessage(role="assistant", content="ready"))

        @llm_chat_callback()
        def stream_chat(self, messages: Any, **kwargs: Any) -> ChatResponseGen:
            def generate() -> ChatResponseGen:
                text = ""
                for index in range(TOKENS):
                    delta = f" word{index}"
                    text += delta
                    yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=delta)

            return generate()

        @llm_chat_callback()
        async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
            async def generate() -> AsyncGenerator[ChatResponse, None]:
                text = ""
                for index in range(TOKENS):
                    delta = f" word{index}"
                    text += delta
                    yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=delta)

            return generate()

        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
            raise NotImplementedError

        stream_complete = complete  # type: ignore[assignment] # neither is called

        @llm_chat_callback()
        async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
            return ChatResponse(message=ChatMessage(role="assistant", content="ready"))

        async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
            raise NotImplementedError

        async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
            raise NotImplementedError

    return Floor()
