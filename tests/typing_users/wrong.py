"""Wrong uses. Each marked line must be reported, naming the marked options, by mypy and pyright; no other may."""

from __future__ import annotations

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine, PineconeAssistantQueryEngine
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, Message
from pinecone_assistant_local import LocalAssistant

question = [Message("user", "How tall is a red pine?")]


def constructors() -> None:
    AssistantClient(asistant_name="docs")  # reported: asistant_name
    AssistantClient(temperature="0")  # reported: temperature
    AssistantClient(timeout="60")  # reported: timeout
    AssistantClient(timeout=(1, 2, 3))  # reported: timeout
    AssistantClient(filter="genre=comedy")  # reported: filter
    AssistantClient(interface="native")  # reported: interface
    ChatPineconeAssistant(temprature=0)  # reported: temprature
    ChatPineconeAssistant(apikey="key")  # reported: apikey
    ChatPineconeAssistant(api_key=1)  # reported: api_key
    ChatPineconeAssistant(temperature="0")  # reported: temperature
    ChatPineconeAssistant(filter="genre=comedy")  # reported: filter
    ChatPineconeAssistant(timeout="60")  # reported: timeout
    ChatPineconeAssistant(interface="native")  # reported: interface
    ChatPineconeAssistant(system_messages="drop")  # reported: system_messages
    ChatPineconeAssistant(max_retries=None)  # reported: max_retries
    PineconeAssistantRetriever(top_k=3)  # reported: top_k
    PineconeAssistantRetriever(k="3")  # reported: k
    PineconeAssistantTool(choose_filters=True)  # reported: choose_filters
    PineconeAssistantTool(filter=["genre"])  # reported: filter
    PineconeAssistant(temprature=0)  # reported: temprature
    PineconeAssistant(temperature="0")  # reported: temperature
    PineconeAssistant(filter="genre=comedy")  # reported: filter
    PineconeAssistant(timeout="60")  # reported: timeout
    PineconeAssistant(guard_filter="tenant=acme")  # reported: guard_filter
    PineconeAssistant(tool_messages="ignore")  # reported: tool_messages
    PineconeAssistant(client=ChatPineconeAssistant())  # reported: client
    PineconeAssistantQueryEngine(asistant_name="docs")  # reported: asistant_name
    PineconeAssistantQueryEngine(ChatPineconeAssistant())  # reported: PineconeAssistant
    PineconeAssistantChatEngine(temperature="0")  # reported: temperature
    LocalAssistant(prot=8790)  # reported: prot
    LocalAssistant(port="8790")  # reported: port


def calls(
    client: AssistantClient, llm: PineconeAssistant, engine: PineconeAssistantQueryEngine, local: LocalAssistant
) -> None:
    client.chat_completion(question, temprature=0)  # reported: temprature
    client.chat_completion(question, temperature="0")  # reported: temperature
    client.chat_completion(question, filter="genre=comedy")  # reported: filter
    client.chat_completion(question, include_highlights=True)  # reported: include_highlights
    client.chat_completion("How tall is a red pine?")  # reported: Iterable[Message
    client.chat(question, include_highlight=True)  # reported: include_highlight
    client.stream_chat(question, json_response=True)  # reported: json_response
    client.context("pine", k=3)  # reported: k
    client.stream_chat_completion(question).content  # reported: content
    client.chat_completion(question).text  # reported: text
    llm.metadata.context_windows  # reported: context_windows
    engine.as_tool(names="docs")  # reported: names
    local.upload("red_pine.md", meta={"year": 2024})  # reported: meta
    local.upload(5)  # reported: upload


async def awaits(client: AssistantClient, chat: ChatPineconeAssistant, later: AsyncAssistantClient) -> None:
    await client.chat_completion(question)  # reported: await
    await chat.invoke("How tall is a red pine?")  # reported: await
    await later.stream_chat(question)  # reported: await
    for _ in later.stream_chat(question):  # reported: AsyncGenerator
        pass
    (await later.chat_completion(question)).contents  # reported: contents
    later.chat_completion(question).content  # reported: content
