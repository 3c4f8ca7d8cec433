"""Every async way to ask, through the client and both adapters."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from llama_index.core.llms import ChatMessage

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant import PineconeAssistantRetriever as LangChainRetriever
from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AsyncAssistantClient, ChatCompletionChunk

from .asks import CANCELLED, TIMEOUT, AsyncAsk, message


def async_asks(options: dict[str, Any]) -> Iterator[AsyncAsk]:  # noqa: PLR0915 - one statement more for each way
    """Every async way to ask; call it in the running loop."""
    client = AsyncAssistantClient(**options, timeout=TIMEOUT)
    model = ChatPineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    lc_retriever = LangChainRetriever(**options, timeout=TIMEOUT)
    llm = PineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    retriever = PineconeAssistantRetriever(llm)
    query = PineconeAssistantQueryEngine(llm)
    chat = PineconeAssistantChatEngine(llm)

    async def take(chunks: AsyncIterator[ChatCompletionChunk], texts: list[str]) -> bool:
        async for chunk in chunks:
            texts.append(chunk.content)  # noqa: PERF401 - the texts before an error are needed
        return False

    async def plain(question: str, texts: list[str]) -> bool:
        texts.append((await client.chat_completion(message(question))).content)
        return False

    async def standard(question: str, texts: list[str]) -> bool:
        texts.append((await client.chat(message(question))).content)
        return False

    async def context(question: str, texts: list[str]) -> bool:
        texts.extend(snippet.content for snippet in (await client.context(question)).snippets)
        return False

    async def broken_off(question: str, texts: list[str]) -> bool:
        async with aclosing(client.stream_chat(message(question))) as chunks:
            async for chunk in chunks:
                texts.append(chunk.content)
                if len(texts) >= 3:
                    return True
        return False

    async def cancelled(question: str, texts: list[str]) -> bool:
        await asyncio.wait_for(
            take(client.stream_chat_completion(message(question)), texts), random.choice([0.01, 0.03])
        )
        return False

    async def short_lived(question: str, texts: list[str]) -> bool:
        async with AsyncAssistantClient(**options, timeout=TIMEOUT, source_tag=f"a{random.randrange(8)}") as own:
            return await take(own.stream_chat_completion(message(question)), texts)

    async def lc_invoke(question: str, texts: list[str]) -> bool:
        texts.append((await model.ainvoke(question)).text)
        return False

    async def lc_stream(question: str, texts: list[str]) -> bool:
        async for chunk in model.astream(question):
            texts.append(chunk.text)  # noqa: PERF401 - as above
        return False

    async def lc_retrieve(question: str, texts: list[str]) -> bool:
        texts.extend(document.page_content for document in await lc_retriever.ainvoke(question))
        return False

    async def li_chat(question: str, texts: list[str]) -> bool:
        texts.append(str((await llm.achat([ChatMessage(question)])).message.content))
        return False

    async def li_stream(question: str, texts: list[str]) -> bool:
        async for response in await llm.astream_chat([ChatMessage(question)]):
            texts.append(response.delta or "")  # noqa: PERF401 - as above
        return False

    async def li_complete(question: str, texts: list[str]) -> bool:
        async for response in await llm.astream_complete(question):
            texts.append(response.delta or "")  # noqa: PERF401 - as above
        return False

    async def li_retrieve(question: str, texts: list[str]) -> bool:
        texts.extend(node.text for node in await retriever.aretrieve(question))
        return False

    async def li_query(question: str, texts: list[str]) -> bool:
        texts.append(str(await query.aquery(question)))
        return False

    async def li_engine(question: str, texts: list[str]) -> bool:
        response = await chat.astream_chat(question, [])
        async for text in response.async_response_gen():
            texts.append(text)  # noqa: PERF401 - as above
        return False

    yield AsyncAsk("async client", "openai", plain)
    yield AsyncAsk("async client, streamed", "openai", lambda q, t: take(client.stream_chat_completion(message(q)), t))
    yield AsyncAsk("async client, standard", "standard", standard)
    yield AsyncAsk("async client, standard, streamed", "standard", lambda q, t: take(client.stream_chat(message(q)), t))
    yield AsyncAsk("async client, context", "context", context)
    yield AsyncAsk("async client, stream closed early", "standard", broken_off)
    yield AsyncAsk(CANCELLED, "openai", cancelled)
    yield AsyncAsk("async client, short-lived", "openai", short_lived)
    yield AsyncAsk("LangChain ainvoke", "openai", lc_invoke)
    yield AsyncAsk("LangChain astream", "openai", lc_stream)
    yield AsyncAsk("LangChain retriever, async", "context", lc_retrieve)
    yield AsyncAsk("LlamaIndex achat", "openai", li_chat)
    yield AsyncAsk("LlamaIndex astream_chat", "openai", li_stream)
    yield AsyncAsk("LlamaIndex astream_complete", "openai", li_complete)
    yield AsyncAsk("LlamaIndex retriever, async", "context", li_retrieve)
    yield AsyncAsk("LlamaIndex query engine, async", "standard", li_query)
    yield AsyncAsk("LlamaIndex chat engine, astream_chat", "standard", li_engine)
