"""Subjects of the benchmarks: this project's adapters, the peers that people bend to the endpoint, and the frameworks alone.

Each subject offers what it can: `call`, `stream`, `acall`, `astream`; a stream yields the new text. Imports happen in the
constructor, because each measurement runs in a fresh process and must not pay for its neighbours.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

MAX_CONNECTIONS = 1000
"""As `ChatOpenAI` and `OpenAILike` have by default."""
QUESTION = "What is the maximum height of a red pine?"


class Subject(Protocol):
    """Interface that a measurement needs."""

    def call(self) -> object:
        """One plain answer."""

    def stream(self) -> Iterator[str]:
        """The new text of each chunk."""

    async def acall(self) -> object:
        """One plain answer, async."""

    def astream(self) -> AsyncIterator[str]:
        """The new text of each chunk, async."""


class LangChainModel:
    """Any LangChain chat model behind `invoke`, `stream` and their async versions."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def call(self) -> object:
        """`invoke`."""
        return self.model.invoke(QUESTION)

    def stream(self) -> Iterator[str]:
        """`stream`."""
        for chunk in self.model.stream(QUESTION):
            yield chunk.content

    async def acall(self) -> object:
        """`ainvoke`."""
        return await self.model.ainvoke(QUESTION)

    async def astream(self) -> AsyncIterator[str]:
        """`astream`."""
        async for chunk in self.model.astream(QUESTION):
            yield chunk.content


class LlamaIndexModel:
    """Any LlamaIndex LLM behind `chat`, `stream_chat` and their async versions."""

    def __init__(self, model: Any) -> None:
        from llama_index.core.llms import ChatMessage  # noqa: PLC0415 - see the module's docstring

        self.model = model
        self.messages = [ChatMessage(role="user", content=QUESTION)]

    def call(self) -> object:
        """`chat`."""
        return self.model.chat(self.messages)

    def stream(self) -> Iterator[str]:
        """`stream_chat`."""
        for response in self.model.stream_chat(self.messages):
            yield response.delta or ""

    async def acall(self) -> object:
        """`achat`."""
        return await self.model.achat(self.messages)

    async def astream(self) -> AsyncIterator[str]:
        """`astream_chat`."""
        async for response in await self.model.astream_chat(self.messages):
            yield response.delta or ""


class SDK:
    """The official SDK, sync and async."""

    def __init__(self, host: str) -> None:
        import os  # noqa: PLC0415 - see the module's docstring

        os.environ["PINECONE_CONTROLLER_HOST"] = host
        from pinecone import Pinecone  # noqa: PLC0415 - see the module's docstring

        self.client = Pinecone(api_key="local")
        self.host = host
        self.async_client: Any = None
        self.messages = [{"role": "user", "content": QUESTION}]

    def call(self) -> object:
        """`chat_completions`."""
        return self.client.assistants.chat_completions(assistant_name="docs", messages=self.messages)

    def stream(self) -> Iterator[str]:
        """`chat_completions(stream=True)`."""
        chunks: Any = self.client.assistants.chat_completions(
            assistant_name="docs", messages=self.messages, stream=True
        )
        for chunk in chunks:
            yield (chunk.choices[0].delta.content if chunk.choices else None) or ""

    def _async(self) -> Any:
        if self.async_client is None:
            from pinecone import AsyncPinecone  # noqa: PLC0415 - see the module's docstring

            self.async_client = AsyncPinecone(api_key="local")
        return self.async_client

    async def acall(self) -> object:
        """`chat_completions`, async."""
        return await self._async().assistants.chat_completions(assistant_name="docs", messages=self.messages)

    async def astream(self) -> AsyncIterator[str]:
        """`chat_completions(stream=True)`, async."""
        chunks = await self._async().assistants.chat_completions(
            assistant_name="docs", messages=self.messages, stream=True
        )
        async for chunk in chunks:
            yield (chunk.choices[0].delta.content if chunk.choices else None) or ""


class BareHTTP:
    """The HTTP libraries alone: a ready request sent, the body read and thrown away."""

    def __init__(self, host: str) -> None:
        self.url = f"{host}/assistant/chat/docs/chat/completions"
        self.body = json.dumps({"messages": [{"role": "user", "content": QUESTION}]}).encode()
        self.session: Any = None

    def call(self) -> object:
        """A prepared request through the adapter of a session of requests."""
        import requests  # noqa: PLC0415 - see the module's docstring

        if self.session is None:
            self.session = requests.Session()
            self.prepared = self.session.prepare_request(requests.Request("POST", self.url, data=self.body))
            self.adapter = self.session.get_adapter(self.url)
        return self.adapter.send(self.prepared).content

    def stream(self) -> Iterator[str]:
        """Not measured."""
        raise NotImplementedError

    async def acall(self) -> object:
        """A request of an aiohttp session without a limit of connections."""
        import aiohttp  # noqa: PLC0415 - see the module's docstring

        if self.session is None:
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        async with self.session.post(self.url, data=self.body) as response:
            return await response.read()

    def astream(self) -> AsyncIterator[str]:
        """Not measured."""
        raise NotImplementedError


def _ours_langchain(host: str) -> Subject:
    from langchain_pinecone_assistant import ChatPineconeAssistant  # noqa: PLC0415 - see the module's docstring

    return LangChainModel(
        ChatPineconeAssistant(assistant_name="docs", api_key="local", host=host, max_connections=MAX_CONNECTIONS)
    )


def _chat_openai(host: str) -> Subject:
    from langchain_openai import ChatOpenAI  # noqa: PLC0415 - see the module's docstring

    model = ChatOpenAI(model="gpt-4o", api_key="local", base_url=f"{host}/assistant/chat/docs", stream_usage=True)
    return LangChainModel(model)


def _floor_langchain(_host: str) -> Subject:
    from tests.benchmarks.floors import langchain_floor  # noqa: PLC0415 - see the module's docstring

    return LangChainModel(langchain_floor())


def _ours_llama_index(host: str) -> Subject:
    from llama_index.llms.pinecone_assistant import PineconeAssistant  # noqa: PLC0415 - see the module's docstring

    return LlamaIndexModel(
        PineconeAssistant(assistant_name="docs", api_key="local", host=host, max_connections=MAX_CONNECTIONS)
    )


def _openai_like(host: str) -> Subject:
    from llama_index.llms.openai_like import OpenAILike  # noqa: PLC0415 - see the module's docstring

    base = f"{host}/assistant/chat/docs"
    return LlamaIndexModel(OpenAILike(model="gpt-4o", api_key="local", api_base=base, is_chat_model=True))


def _floor_llama_index(_host: str) -> Subject:
    from tests.benchmarks.floors import llama_index_floor  # noqa: PLC0415 - see the module's docstring

    return LlamaIndexModel(llama_index_floor())


SUBJECTS = {
    "ChatPineconeAssistant": _ours_langchain,
    "ChatOpenAI": _chat_openai,
    "LangChain floor": _floor_langchain,
    "PineconeAssistant": _ours_llama_index,
    "OpenAILike": _openai_like,
    "LlamaIndex floor": _floor_llama_index,
    "official SDK": SDK,
    "HTTP alone": BareHTTP,
}
"""Name -> a function of the host that makes the subject."""
