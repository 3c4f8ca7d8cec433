"""Typical user code. `mypy --strict` and `pyright` have nothing to say about it; tests/test_typing.py runs both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import BaseTool
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.schema import NodeWithScore
from pydantic import BaseModel, SecretStr

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine, PineconeAssistantQueryEngine
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantRetriever as NodeRetriever
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import (
    APIStatusError,
    AssistantClient,
    AssistantError,
    AsyncAssistantClient,
    IncompleteStreamError,
    Message,
    RateLimitError,
)
from pinecone_assistant_local import LocalAssistant


class Height(BaseModel):
    """Schema of the structured answers."""

    meters: float


def client(api_key: str | None) -> tuple[str, int]:
    with AssistantClient(
        assistant_name="docs",
        api_key=api_key,
        host="https://prod-1-data.ke.pinecone.io",
        timeout=(5, 60.0),
        proxies={"https": "http://proxy.example:3128"},
    ) as asker:
        messages = [{"role": "user", "content": "How tall is a red pine?"}]
        try:
            answer = asker.chat_completion(messages, model="gpt-4o", temperature=0, filter={"year": {"$gte": 2024}})
        except RateLimitError as error:
            return error.message, int(error.retry_after or 0)
        except APIStatusError as error:
            return error.message, error.status_code
        for chunk in asker.stream_chat_completion([Message("user", "Why?")], filter=None, timeout=30):
            print(chunk.content, end="")
        structured = asker.chat([Message("user", "Why?")], include_highlights=True, context_options={"top_k": 4})
        pages = [page for c in structured.citations for r in c.references for page in r.pages or ()]
        scores: list[float] = [snippet.score or 0.0 for snippet in asker.context("pine", top_k=3).snippets]
        tokens = answer.usage.total_tokens if answer.usage else 0
        return f"{answer.content} {scores}", (tokens or 0) + len(pages)


async def async_client() -> str:
    async with AsyncAssistantClient(assistant_name="docs") as asker:
        answer = await asker.chat_completion([Message("user", "How tall is a red pine?")])
        text = ""
        try:
            async for chunk in asker.stream_chat([Message("user", "Why?")]):
                text += chunk.content
        except IncompleteStreamError as error:
            text = error.text or ""
        return str(answer.content) + text


def langchain(settings: dict[str, str]) -> str:
    chat = ChatPineconeAssistant(
        assistant_name="docs",
        api_key=settings["key"],
        model="gpt-4o",
        temperature=0.2,
        filter={"genre": {"$ne": "documentary"}},
        interface="standard",
        include_highlights=True,
        timeout=60,
        max_retries=0,
        stop_sequences=["END"],
        system_messages="merge",
        tags=["docs"],
    )
    answer = chat.invoke("How tall is a red pine?", filter={"resource": "encyclopedia"}, timeout=20)
    whole = AIMessageChunk(content="")
    for chunk in chat.stream([SystemMessage("Be short."), HumanMessage("Why?")], model=None):
        print(chunk.text, end="")
        whole += chunk
    chain = ChatPromptTemplate.from_template("{question}") | chat.bind(filter=None) | StrOutputParser()
    parsed = chat.with_structured_output(Height).invoke("How tall?")
    chat.close()
    return f"{answer.text}{answer.usage_metadata}{chain.invoke({'question': 'Why?'})}{parsed}"


async def langchain_async() -> AsyncIterator[str]:
    chat = ChatPineconeAssistant(api_key=SecretStr("key"), assistant_name="docs")
    yield (await chat.ainvoke("How tall is a red pine?")).text
    async for chunk in chat.astream("Why?"):
        yield chunk.text
    await chat.aclose()


def langchain_retriever_and_tool() -> tuple[list[Document], BaseTool]:
    retriever = PineconeAssistantRetriever(assistant_name="docs", k=4, snippet_size=512, filter=None)
    tool: BaseTool = PineconeAssistantTool(assistant_name="docs", name="docs", choose_filter=True)
    return retriever.invoke("red pine", k=2), tool


def llama_index() -> Iterator[str]:
    llm = PineconeAssistant(assistant_name="docs", api_key="key", temperature=0, filter={"year": 2024}, timeout=(5, 60))
    general: LLM = llm
    yield str(general.complete("How tall is a red pine?"))
    response = llm.chat([ChatMessage("How tall is a red pine?")], filter=None)
    yield f"{response.message.content} {response.citations}"
    for delta in llm.stream_chat([ChatMessage("Why?")]):
        yield delta.delta or ""
    narrowed = llm.with_options(filter={"year": 2023})
    nodes: list[NodeWithScore] = NodeRetriever(narrowed, similarity_top_k=5).retrieve("red pine")
    engine: BaseQueryEngine = PineconeAssistantQueryEngine(assistant_name="docs", streaming=False)
    yield f"{engine.query('How tall?')} {len(nodes)}"
    tool = PineconeAssistantQueryEngine(llm, guard_filter={"tenant": "acme"}).as_tool("docs", "Answers questions.")
    yield tool.metadata.get_name()
    guarded = PineconeAssistant(assistant_name="docs", guard_filter={"tenant": "acme"}, tool_messages="drop")
    talk = PineconeAssistantChatEngine.from_defaults(guarded, chat_history=(ChatMessage("Hi."),))
    yield str(talk.with_filters({"year": 2024}).chat("How tall?", [ChatMessage("Hi.")]))
    yield from (
        PineconeAssistantChatEngine(assistant_name="docs", system_prompt="Be short.").stream_chat("Hm?").response_gen
    )


async def llama_index_async() -> str:
    llm = PineconeAssistant(assistant_name="docs")
    text = str(await llm.acomplete("How tall is a red pine?"))
    async for response in await llm.astream_chat([ChatMessage("Why?")]):
        text += response.delta or ""
    answer = await PineconeAssistantChatEngine(llm).achat("How tall?")
    await llm.aclose()
    return f"{text}{answer.response}"


def local(path: Path) -> int:
    with LocalAssistant(api_key="local", data_dir=path) as assistant:
        file = assistant.upload(path / "red_pine.md", metadata={"resource": "encyclopedia"})
        assistant.reply("A scripted answer.", citations=[file.name], times=1)
        chat = ChatPineconeAssistant(assistant_name=assistant.name, host=assistant.host, api_key=assistant.api_key)
        try:
            chat.invoke("How tall is a red pine?")
        except AssistantError as error:
            print(error.message, error.request_id)
        return len(assistant.requests)
