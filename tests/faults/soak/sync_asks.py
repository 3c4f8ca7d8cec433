"""Every sync way to ask, through the client and both adapters."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
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
from pinecone_assistant_client import AssistantClient, ChatCompletionChunk

from .asks import TIMEOUT, Ask, message


def sync_asks(options: dict[str, Any]) -> Iterator[Ask]:
    """Every sync way to ask, over models that live as long as the run."""
    client = AssistantClient(**options, timeout=TIMEOUT)
    model = ChatPineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    lc_retriever = LangChainRetriever(**options, timeout=TIMEOUT)
    llm = PineconeAssistant(**options, timeout=TIMEOUT, strip_references=True)
    retriever = PineconeAssistantRetriever(llm)
    query = PineconeAssistantQueryEngine(llm)
    streamed_query = PineconeAssistantQueryEngine(llm, streaming=True)
    chat = PineconeAssistantChatEngine(llm)

    def take(chunks: Iterator[ChatCompletionChunk], texts: list[str], most: int = sys.maxsize) -> bool:
        for number, chunk in enumerate(chunks, 1):
            texts.append(chunk.content)
            if number >= most:
                return True
        return False

    def short_lived(question: str, texts: list[str]) -> bool:
        with AssistantClient(**options, timeout=TIMEOUT, source_tag=f"s{random.randrange(8)}") as own:
            return take(own.stream_chat(message(question)), texts)

    def broken_off(question: str, texts: list[str]) -> bool:
        chunks = client.stream_chat_completion(message(question))
        try:
            return take(chunks, texts, most=3)
        finally:
            chunks.close()

    def dropped(question: str, texts: list[str]) -> bool:
        return take(client.stream_chat(message(question)), texts, most=3)

    def batch(question: str, texts: list[str]) -> bool:
        answers = model.batch([question, question])
        if answers[0].text != answers[1].text:
            texts.append("the two answers of one batch differ: ")
        texts.append(answers[0].text)
        return False

    def said(texts: list[str], more: Iterator[str] | Sequence[str]) -> bool:
        # One by one: the texts before an error are needed.
        for text in more:
            texts.append(text)  # noqa: PERF402 - see above
        return False

    yield Ask("client", "openai", lambda q, t: said(t, [client.chat_completion(message(q)).content]))
    yield Ask("client, streamed", "openai", lambda q, t: take(client.stream_chat_completion(message(q)), t))
    yield Ask("client, standard", "standard", lambda q, t: said(t, [client.chat(message(q)).content]))
    yield Ask("client, standard, streamed", "standard", lambda q, t: take(client.stream_chat(message(q)), t))
    yield Ask("client, context", "context", lambda q, t: said(t, [s.content for s in client.context(q).snippets]))
    yield Ask("client, short-lived", "standard", short_lived)
    yield Ask("client, stream closed early", "openai", broken_off)
    yield Ask("client, stream dropped early", "standard", dropped)
    yield Ask("LangChain invoke", "openai", lambda q, t: said(t, [model.invoke(q).text]))
    yield Ask("LangChain stream", "openai", lambda q, t: said(t, (c.text for c in model.stream(q))))
    yield Ask("LangChain batch", "openai", batch)
    yield Ask("LangChain retriever", "context", lambda q, t: said(t, [d.page_content for d in lc_retriever.invoke(q)]))
    yield Ask("LlamaIndex chat", "openai", lambda q, t: said(t, [str(llm.chat([ChatMessage(q)]).message.content)]))
    yield Ask(
        "LlamaIndex stream_chat",
        "openai",
        lambda q, t: said(t, (r.delta or "" for r in llm.stream_chat([ChatMessage(q)]))),
    )
    yield Ask("LlamaIndex complete", "openai", lambda q, t: said(t, [llm.complete(q).text]))
    yield Ask("LlamaIndex retriever", "context", lambda q, t: said(t, [n.text for n in retriever.retrieve(q)]))
    yield Ask("LlamaIndex query engine", "standard", lambda q, t: said(t, [str(query.query(q))]))
    yield Ask(
        "LlamaIndex query engine, streamed",
        "standard",
        lambda q, t: said(t, streamed_query.query(q).response_gen),  # type: ignore[union-attr, arg-type]  # it streams
    )
    yield Ask("LlamaIndex chat engine", "standard", lambda q, t: said(t, [str(chat.chat(q, []))]))
    yield Ask(
        "LlamaIndex chat engine, streamed", "standard", lambda q, t: said(t, chat.stream_chat(q, []).response_gen)
    )
