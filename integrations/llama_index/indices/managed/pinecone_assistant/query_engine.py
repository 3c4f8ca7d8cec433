"""`PineconeAssistantQueryEngine`: ask single questions and get answers with sources, one call each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.tools import QueryEngineTool, ToolMetadata, ToolOutput
from pydantic import BaseModel
from typing_extensions import Self, Unpack

from llama_index.llms.pinecone_assistant import AssistantChatResponse, AssistantOptions, PineconeAssistant
from llama_index.llms.pinecone_assistant.options import CALL_OPTIONS, OF_CONSTRUCTORS
from llama_index.llms.pinecone_assistant.structured import schema_instruction, to_instance
from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.adapters import keeps_no_arguments

from .filters import Filters, to_guard
from .sources import empty_metadata, to_metadata, to_source_nodes, to_sources_text
from .views import AssistantView, engine_options, llm_of

_ResponseT = TypeVar("_ResponseT", Response, PydanticResponse, StreamingResponse, AsyncStreamingResponse)


class PineconeAssistantQueryEngine(AssistantView, BaseQueryEngine):
    """Query engine that asks an assistant one question at a time.

    The answer's `source_nodes` are the cited sources; its `metadata` is `{"usage", "model", "citations", "finish_reason"}`.
    By default it asks with `interface="standard"`, `include_highlights=True` (the text of the source nodes) and
    `strip_references=True` (no list of expiring links below the text).

    Args:
        llm: An existing LLM to ask; or pass its options, including `client=`.
        streaming: Return a `StreamingResponse` (`aquery`: `AsyncStreamingResponse`). Its `source_nodes` and `metadata` are
            filled at the end of its text.
        output_cls: A pydantic class; the answer is a `PydanticResponse` with an instance of it as `response`. Cannot be
            combined with `streaming`, because the service does not stream JSON.
        filters: `MetadataFilters`, or a filter in the assistant's form, such as `{"year": {"$gte": 2024}}`.
        guard_filter: A filter, or `MetadataFilters`, that applies in addition to every other, including the LLM's own guard.
            Nothing can change or clear it, so use it to keep tenants apart. `{}` raises; None turns it off.
        options: Same as for `PineconeAssistant`.

    Example:
        ```python
        engine = PineconeAssistantQueryEngine(assistant_name="docs")
        response = engine.query("How tall is a red pine?")
        print(response, [node.metadata["file_name"] for node in response.source_nodes])
        ```
    """

    @keeps_no_arguments
    def __init__(
        self,
        llm: PineconeAssistant | None = None,
        *,
        streaming: bool = False,
        output_cls: type[BaseModel] | None = None,
        filters: Filters | None = None,
        guard_filter: Filters | None = None,
        **options: Unpack[AssistantOptions],
    ) -> None:
        self._llm = llm_of(self, llm, filters, guard_filter, options)
        self._streaming = streaming
        self._instruction = _checked_instruction(output_cls, streaming)
        self._output_cls = output_cls
        super().__init__(callback_manager=self._llm.callback_manager)

    def with_options(self, **options: Any) -> Self:
        """Return a copy with other options, such as `streaming`, that shares the connections; None clears an option."""
        streaming = bool(options.pop("streaming", self._streaming))
        output_cls = options.pop("output_cls", self._output_cls)
        twin = self._with_llm_options(options, ["streaming", "output_cls"])
        twin._instruction = _checked_instruction(output_cls, streaming)
        twin._streaming, twin._output_cls = streaming, output_cls
        return twin

    def as_tool(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        return_direct: bool = False,
        guard_filter: Filters | None = None,
    ) -> PineconeAssistantTool:
        """Return a tool for an agent; its text ends with the sources, its `raw_output` is the `Response`."""
        return PineconeAssistantTool.from_defaults(
            self, name, description, return_direct=return_direct, guard_filter=guard_filter
        )

    def _query(self, query_bundle: QueryBundle) -> Response | PydanticResponse | StreamingResponse:
        messages, options = self._asked(query_bundle)
        with self._told(query_bundle) as tell:
            if self._output_cls is not None:
                return tell(_to_typed_response(self._output_cls, self._llm.chat(messages, **options)))
            if not self._streaming:
                return tell(_to_response(self._llm.chat(messages, **options)))
            end = _End()
            tokens = _to_tokens(self._llm.stream_chat(messages, **options), end)
            return tell(StreamingResponse(tokens, end.source_nodes, end.metadata))

    async def _aquery(self, query_bundle: QueryBundle) -> Response | PydanticResponse | AsyncStreamingResponse:
        messages, options = self._asked(query_bundle)
        with self._told(query_bundle) as tell:
            if self._output_cls is not None:
                return tell(_to_typed_response(self._output_cls, await self._llm.achat(messages, **options)))
            if not self._streaming:
                return tell(_to_response(await self._llm.achat(messages, **options)))
            end = _End()
            tokens = _to_async_tokens(await self._llm.astream_chat(messages, **options), end)
            return tell(AsyncStreamingResponse(tokens, end.source_nodes, end.metadata))

    def _asked(self, query_bundle: QueryBundle) -> tuple[list[ChatMessage], dict[str, Any]]:
        """Return the messages of a question, and the options of its call."""
        messages, options = [ChatMessage(query_bundle.query_str)], engine_options(self._llm)
        if self._instruction is None:
            return messages, options
        return [*messages, ChatMessage(self._instruction)], {**options, "json_response": True}

    @contextmanager
    def _told(self, query_bundle: QueryBundle) -> Iterator[Callable[[_ResponseT], _ResponseT]]:
        """Report a query to LlamaIndex's callbacks. Yields a function that reports the response and returns it."""
        with self.callback_manager.event(
            CBEventType.QUERY, payload={EventPayload.QUERY_STR: query_bundle.query_str}
        ) as event:

            def tell(response: _ResponseT) -> _ResponseT:
                event.on_end(payload={EventPayload.RESPONSE: response})
                return response

            yield tell

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def _to_response(answer: AssistantChatResponse) -> Response:
    return Response(answer.message.content, to_source_nodes(answer.citations), to_metadata(answer))


def _to_typed_response(output_cls: type[BaseModel], answer: AssistantChatResponse) -> PydanticResponse:
    instance = to_instance(output_cls, answer)
    return PydanticResponse(instance, to_source_nodes(answer.citations), to_metadata(answer))


def _checked_instruction(output_cls: type[BaseModel] | None, streaming: bool) -> str | None:
    """Return the instruction appended to a question for `output_cls`, or None without one."""
    if output_cls is None:
        return None
    if streaming:
        raise InvalidRequestError(
            "streaming=True and output_cls= exclude each other: the service does not stream JSON answers. Leave one of them out"
        )
    return schema_instruction(output_cls)


@dataclass
class _End:
    """Sources and metadata of a streamed response. The response has both objects from the start; they are filled at the end.

    The dict has its keys from the start, because RouterQueryEngine replaces an empty dict by another one.
    """

    source_nodes: list[NodeWithScore] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=empty_metadata)

    def take(self, last: AssistantChatResponse) -> None:
        self.source_nodes += to_source_nodes(last.citations)
        self.metadata |= to_metadata(last)


def _to_tokens(responses: Generator[AssistantChatResponse, None, None], end: _End) -> Generator[str, None, None]:
    """Yield the texts of a stream, then fill in its end."""
    with closing(responses):
        for response in responses:
            if response.delta:
                yield response.delta
        end.take(response)


async def _to_async_tokens(
    responses: AsyncGenerator[AssistantChatResponse, None], end: _End
) -> AsyncGenerator[str, None]:
    """Async version of `_to_tokens`."""
    async with aclosing(responses):
        async for response in responses:
            if response.delta:
                yield response.delta
        end.take(response)


_OPTIONS = {*CALL_OPTIONS, *OF_CONSTRUCTORS, "filters", "streaming", "output_cls"}
_NAME = "ask_assistant"
_DESCRIPTION = "Answers a question from the files of a knowledge base and names its sources. Ask a whole question."


class PineconeAssistantTool(QueryEngineTool):
    """Query engine tool with the sources at the end of its text. It never streams and never shows an expiring link.

    A call takes only a question. Set options such as `filter` on the engine, where the agent's model cannot choose them.

    Args:
        query_engine: The engine to ask.
        metadata: Name and description, by which an agent chooses the tool.
        resolve_input_errors: Accept any argument of an agent as the question, not only `input`, like LlamaIndex does.
        guard_filter: A filter, or `MetadataFilters`, that applies in addition to every filter and guard of the engine.

    Example:
        ```python
        tool = PineconeAssistantQueryEngine(assistant_name="docs").as_tool("docs", "Answers questions about our docs.")
        ```
    """

    def __init__(
        self,
        query_engine: BaseQueryEngine,
        metadata: ToolMetadata,
        resolve_input_errors: bool = True,
        *,
        guard_filter: Filters | None = None,
    ) -> None:
        if isinstance(query_engine, PineconeAssistantQueryEngine):
            query_engine = query_engine.with_options(streaming=False, strip_references=True)
            query_engine._llm = query_engine._llm.guarded_by(to_guard(guard_filter))
        elif guard_filter is not None:
            raise InvalidRequestError(
                f"guard_filter cannot guard a {type(query_engine).__name__}: pass a PineconeAssistantQueryEngine"
            )
        super().__init__(query_engine, metadata, resolve_input_errors)

    @classmethod
    def from_defaults(
        cls,
        query_engine: BaseQueryEngine,
        name: str | None = None,
        description: str | None = None,
        return_direct: bool = False,
        resolve_input_errors: bool = True,
        *,
        guard_filter: Filters | None = None,
    ) -> PineconeAssistantTool:
        """Return a tool with this name and description, by which an agent chooses it."""
        metadata = ToolMetadata(description or _DESCRIPTION, name or _NAME, return_direct=return_direct)
        return cls(query_engine, metadata, resolve_input_errors, guard_filter=guard_filter)

    def call(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Return the answer and its sources; `raw_output` is the engine's response.

        Raises:
            InvalidRequestError: More than one question, or an option such as `filter`, which LlamaIndex would drop.
        """
        # Does not call super(): LlamaIndex traces that call too, so every call would appear twice.
        question = self._question(args, kwargs)
        return self._to_output(question, self._query_engine.query(question))

    async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Async version of `call`."""
        question = self._question(args, kwargs)
        return self._to_output(question, await self._query_engine.aquery(question))

    def _question(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        # A dict in place of the question may have options too, and LlamaIndex would ask its text.
        dicts = [value for value in (*args, kwargs.get("input")) if isinstance(value, Mapping)]
        for options, has_question in [
            (kwargs, bool(args) or "input" in kwargs),
            *((one, "input" in one) for one in dicts),
        ]:
            for name in options:
                if name in _OPTIONS or (has_question and name != "input"):
                    raise InvalidRequestError(
                        f"a call of the tool {self.metadata.get_name()!r} takes a question and not {name!r}: create a tool "
                        "from another engine, engine.with_options(...).as_tool() or engine.with_filters(...).as_tool()"
                    )
        if len(args) > 1 or (args and kwargs):
            raise InvalidRequestError(f"a call of the tool {self.metadata.get_name()!r} takes exactly one question")
        return self._get_query_str(*args, **kwargs)

    def _to_output(self, question: str, response: RESPONSE_TYPE) -> ToolOutput:
        has_sources = isinstance(response, (Response, PydanticResponse))
        sources = to_sources_text(response.source_nodes) if has_sources else ""
        return ToolOutput(
            content=f"{response}\n\n{sources}" if sources else str(response),
            tool_name=self.metadata.get_name(),
            raw_input={"input": question},
            raw_output=response,
        )
