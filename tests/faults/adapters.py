"""The fault matrix of the adapters: each method of both frameworks with ten faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from llama_index.core.llms import ChatMessage

from langchain_pinecone_assistant import ChatPineconeAssistant
from langchain_pinecone_assistant import PineconeAssistantRetriever as LangChainRetriever
from langchain_pinecone_assistant import PineconeAssistantTool as LangChainTool
from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant

from .bodies import ALL, CLOSE, ONE, TWO, Body, Interface
from .matrix import HOLD, Expect, Row, always, failure, once, reply_with

QUESTION = "How tall is a red pine?"
TURN = [ChatMessage(QUESTION)]
Kind = Literal["whole", "stream", "context"]


@dataclass(frozen=True)
class Method:
    """A method of an adapter.

    Attributes:
        name: As users write it.
        make: The object, from connection options.
        call: Asks, and returns a whole text, an iterator of texts, or an awaitable of either.
        kind: The kind of request that it sends.
        is_async: Whether it runs in an event loop.
    """

    name: str
    make: Callable[..., Any]
    call: Callable[[Any], Any]
    kind: Kind = "whole"
    is_async: bool = False

    @property
    def framework(self) -> str:
        """The framework, which the name begins with."""
        return self.name.split()[0]

    @property
    def body(self) -> Body:
        """The service's answer to this method."""
        if self.kind == "context":
            return Body("context", streams=False, framing="length")
        interface: Interface = "standard" if "engine" in self.name else "openai"
        streams = self.kind == "stream"
        return Body(interface, streams=streams, framing="chunked" if streams else "length")


def _texts(items: Any) -> Iterator[str]:
    for item in items:
        yield _text(item)


async def _atexts(items: Any) -> AsyncIterator[str]:
    if asyncio.iscoroutine(items):
        items = await items
    async for item in items:
        yield _text(item)


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item
    if hasattr(item, "delta"):
        return item.delta or ""
    return str(item.text)


def _joined(nodes: Any) -> str:
    return "".join(node.page_content if hasattr(node, "page_content") else node.text for node in nodes)


async def _after(awaitable: Awaitable[Any], to_text: Callable[[Any], str]) -> str:
    return to_text(await awaitable)


def _said(answer: Any) -> str:
    return str(answer.message.content)


async def _streamed_query(engine: Any) -> AsyncIterator[str]:
    response = await engine.aquery(QUESTION)
    async for text in response.async_response_gen():
        yield text


async def _streamed_chat(engine: Any) -> AsyncIterator[str]:
    response = await engine.astream_chat(QUESTION)
    async for text in response.async_response_gen():
        yield text


LANGCHAIN = [
    Method("LangChain invoke", ChatPineconeAssistant, lambda m: m.invoke(QUESTION).text),
    Method("LangChain ainvoke", ChatPineconeAssistant, lambda m: _after(m.ainvoke(QUESTION), _text), is_async=True),
    Method("LangChain stream", ChatPineconeAssistant, lambda m: _texts(m.stream(QUESTION)), "stream"),
    Method("LangChain astream", ChatPineconeAssistant, lambda m: _atexts(m.astream(QUESTION)), "stream", True),
    Method("LangChain batch", ChatPineconeAssistant, lambda m: m.batch([QUESTION])[0].text),
    Method(
        "LangChain abatch",
        ChatPineconeAssistant,
        lambda m: _after(m.abatch([QUESTION]), lambda answers: str(answers[0].text)),
        is_async=True,
    ),
    Method("LangChain retriever invoke", LangChainRetriever, lambda r: _joined(r.invoke(QUESTION)), "context"),
    Method(
        "LangChain retriever ainvoke",
        LangChainRetriever,
        lambda r: _after(r.ainvoke(QUESTION), _joined),
        "context",
        True,
    ),
    Method("LangChain tool invoke", LangChainTool, lambda t: str(t.invoke({"question": QUESTION}))),
    Method(
        "LangChain tool ainvoke", LangChainTool, lambda t: _after(t.ainvoke({"question": QUESTION}), str), is_async=True
    ),
]
LLAMA_INDEX = [
    Method("LlamaIndex chat", PineconeAssistant, lambda m: _said(m.chat(TURN))),
    Method("LlamaIndex achat", PineconeAssistant, lambda m: _after(m.achat(TURN), _said), is_async=True),
    Method("LlamaIndex complete", PineconeAssistant, lambda m: str(m.complete(QUESTION).text)),
    Method(
        "LlamaIndex acomplete",
        PineconeAssistant,
        lambda m: _after(m.acomplete(QUESTION), lambda answer: str(answer.text)),
        is_async=True,
    ),
    Method("LlamaIndex stream_chat", PineconeAssistant, lambda m: _texts(m.stream_chat(TURN)), "stream"),
    Method("LlamaIndex astream_chat", PineconeAssistant, lambda m: _atexts(m.astream_chat(TURN)), "stream", True),
    Method("LlamaIndex stream_complete", PineconeAssistant, lambda m: _texts(m.stream_complete(QUESTION)), "stream"),
    Method(
        "LlamaIndex astream_complete",
        PineconeAssistant,
        lambda m: _atexts(m.astream_complete(QUESTION)),
        "stream",
        True,
    ),
    Method("LlamaIndex retrieve", PineconeAssistantRetriever, lambda r: _joined(r.retrieve(QUESTION)), "context"),
    Method(
        "LlamaIndex aretrieve",
        PineconeAssistantRetriever,
        lambda r: _after(r.aretrieve(QUESTION), _joined),
        "context",
        True,
    ),
    Method("LlamaIndex query engine query", PineconeAssistantQueryEngine, lambda e: str(e.query(QUESTION))),
    Method(
        "LlamaIndex query engine aquery",
        PineconeAssistantQueryEngine,
        lambda e: _after(e.aquery(QUESTION), str),
        is_async=True,
    ),
    Method(
        "LlamaIndex query engine query, streaming",
        lambda **options: PineconeAssistantQueryEngine(streaming=True, **options),
        lambda e: _texts(e.query(QUESTION).response_gen),
        "stream",
    ),
    Method(
        "LlamaIndex query engine aquery, streaming",
        lambda **options: PineconeAssistantQueryEngine(streaming=True, **options),
        _streamed_query,
        "stream",
        True,
    ),
    Method("LlamaIndex chat engine chat", PineconeAssistantChatEngine, lambda e: str(e.chat(QUESTION))),
    Method(
        "LlamaIndex chat engine achat",
        PineconeAssistantChatEngine,
        lambda e: _after(e.achat(QUESTION), str),
        is_async=True,
    ),
    Method(
        "LlamaIndex chat engine stream_chat",
        PineconeAssistantChatEngine,
        lambda e: _texts(e.stream_chat(QUESTION).response_gen),
        "stream",
    ),
    Method(
        "LlamaIndex chat engine astream_chat",
        PineconeAssistantChatEngine,
        _streamed_chat,
        "stream",
        True,
    ),
]
METHODS = LANGCHAIN + LLAMA_INDEX


@dataclass(frozen=True)
class Cell(Expect):
    """Expected outcome of one method with one fault. A `result` of "" means that the method cannot meet the fault."""

    def shown(self, *, streams: bool = True) -> str:
        """For the table."""
        if not self.result:
            return "-"
        if self.result == "disconnects":
            return "server sees it"
        return f"{super().shown(streams=streams)}, {self.requests}"


def _row(name: str, script: Callable[[Body], list[Any]], **options: Any) -> Row:
    return Row(name, script, Expect(), Expect(), **options)


REFUSED = _row("refused", always([CLOSE]), setup="refused")
UNAUTHORISED = _row("401", always(failure(401)))
BUSY_ONCE = _row("429 once", once(failure(429)))
BUSY = _row("503 always", always(failure(503)))
PAGE = _row("web page, 200", always(reply_with("<html>log in</html>", content_type="text/html")))
ERROR = _row(
    "error inside the 200",
    lambda b: [b.answer([*b.texts(ONE), b.error_event, *b.ending] if b.streams else [b.error_event])],
)
CUT = _row("closed inside an event", lambda b: [b.broken(b.some_and_a_half)])
UNFINISHED = _row("no finish_reason", lambda b: [b.answer(b.unfinished)])
STALL = _row("stall", lambda b: [b.broken(b.some, HOLD)], wait="read")
BREAK = _row("caller breaks off", lambda b: [b.broken(b.some, HOLD)])
FAULTS = [REFUSED, UNAUTHORISED, BUSY_ONCE, BUSY, PAGE, ERROR, CUT, UNFINISHED, STALL, BREAK]


def expected(method: Method, fault: Row) -> Cell:
    """Return the cell of a method and a fault, for the tests and the table."""
    streams = method.kind == "stream"
    text = {id(ERROR): ONE, id(CUT): TWO, id(STALL): TWO}.get(id(fault), "") if streams else ""
    cells = {
        id(REFUSED): Cell("APIConnectionError", 0, tries=3),
        id(UNAUTHORISED): Cell("AuthenticationError"),
        id(BUSY_ONCE): Cell(requests=2),
        id(BUSY): Cell("InternalServerError", 3),
        id(PAGE): Cell("StreamError"),
        id(ERROR): Cell("StreamError", 1, text),
        id(CUT): Cell("IncompleteStreamError", 1, text),
        id(UNFINISHED): Cell("IncompleteStreamError", 1, ALL) if streams else Cell(),
        id(STALL): Cell("APITimeoutError", 1, text),
        id(BREAK): Cell("disconnects"),
    }
    if "engine" in method.name:  # they strip the list of references, so blanks at the end are held back
        cells |= {key: replace(cells[key], text=cells[key].text.rstrip()) for key in (id(ERROR), id(CUT), id(STALL))}
    if (method.kind == "context" and fault is UNFINISHED) or (fault is BREAK and not (streams or method.is_async)):
        return Cell("")
    return cells[id(fault)]
