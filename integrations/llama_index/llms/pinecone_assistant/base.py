"""`PineconeAssistant`: a Pinecone Assistant as a LlamaIndex LLM."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from typing import Any, Literal

from llama_index.core.base.llms.types import ChatMessage, LLMMetadata
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.prompts import BasePromptTemplate
from pydantic import ConfigDict, Field, SecretStr, ValidationError
from typing_extensions import Self, Unpack

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError, Message
from pinecone_assistant_client.adapters import (
    CONNECTION_OPTIONS,
    DEFAULT_API_VERSION,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MODEL,
    Clients,
    checked_guard,
    deep_copied,
    environment,
    keeps_no_arguments,
)

from .callbacks import async_stream_callback, stream_callback
from .options import FIELD_OPTIONS, AssistantOptions, check_call_options, check_prompt_args, check_words, first_problem
from .serialisation import TravellingLLM, own
from .utils import (
    AssistantChatResponse,
    AssistantCompletionResponse,
    check_text,
    to_async_chat_stream,
    to_async_completion_stream,
    to_chat_response,
    to_chat_stream,
    to_completion_response,
    to_completion_stream,
    to_messages,
)


class PineconeAssistant(TravellingLLM):
    """LLM that answers from the files uploaded to a Pinecone Assistant, and cites them.

    `AssistantOptions` describes the other options. A call takes `model`, `temperature`, `filter`, `timeout`, `stop`,
    `interface`, `include_highlights`, `context_options`, `strip_references` and `strip_citations`. A call's options override
    `additional_kwargs`, which override the fields; None clears a default. `chat`, `complete` and their async versions also
    take `json_response=True`.

    Args:
        guard_filter: Filter that applies in addition to every other, such as `{"tenant": "acme"}`. No call and
            no `with_options` can change or clear it, so use it to keep tenants apart. `{}` raises; None means no guard.

    Example:
        ```python
        llm = PineconeAssistant(assistant_name="docs")
        response = llm.chat([ChatMessage("How tall is a red pine?")], filter={"resource": "encyclopedia"})
        print(response.message.content, response.citations)
        ```

    Raises:
        AssistantError: Every method may raise it. An `InvalidRequestError` means that nothing was sent.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    assistant_name: str | None = None
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    host: str | None = None
    model: str | None = None
    temperature: float | None = None
    filter: dict[str, Any] | None = None
    guard_filter: dict[str, Any] | None = None
    interface: Literal["openai", "standard"] = "openai"
    timeout: float | tuple[float, float] | None = None
    total_timeout: float | None = None
    max_retries: int = DEFAULT_MAX_RETRIES
    retry_on_timeout: bool = False
    api_version: str = DEFAULT_API_VERSION
    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    source_tag: str | None = None
    proxies: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    http_session: Any = Field(default=None, exclude=True, repr=False)
    async_http_session: Any = Field(default=None, exclude=True, repr=False)
    include_highlights: bool = False
    context_options: dict[str, Any] | None = None
    client: Any = Field(default=None, exclude=True, repr=False)
    context_window: int = 128_000
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    strip_references: bool = False
    strip_citations: bool = False
    tool_messages: Literal["error", "as_user", "drop"] = "error"

    @keeps_no_arguments
    def __init__(self, *, guard_filter: Mapping[str, Any] | None = None, **options: Unpack[AssistantOptions]) -> None:
        check_words({"guard_filter": guard_filter, **options}, type(self), type(self).model_fields)
        words: dict[str, Any] = own(options)
        if guard_filter is not None:
            words["guard_filter"] = checked_guard(guard_filter)
        if words.get("callback_manager") is None:
            words.pop("callback_manager", None)  # if it is unset, engines use the one in Settings
        client = words.get("client")
        if client is None:
            for name in ("assistant_name", "api_key", "host"):
                words[name] = words.get(name) or environment(name)
        elif given := [name for name in CONNECTION_OPTIONS if words.get(name) is not None]:
            raise InvalidRequestError(f"client= has its own connection: leave out {', '.join(given)}")
        elif not isinstance(client, (AssistantClient, AsyncAssistantClient)):
            raise InvalidRequestError(
                f"client is a {type(client).__name__}: pass an AssistantClient or an AsyncAssistantClient"
            )
        problem = None
        try:
            super().__init__(**words)
        except ValidationError as error:  # not raised here: its values would be in our error's context
            problem = first_problem(error)
        if problem is not None:
            raise InvalidRequestError(problem)
        self._current()  # makes the clients, which read the environment now and not at the first call

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serialises this LLM."""
        return "PineconeAssistant"

    @property
    def metadata(self) -> LLMMetadata:
        """Metadata of a chat model without function calling: in an agent, use the assistant as a tool."""
        return LLMMetadata(
            context_window=self.context_window,
            is_chat_model=True,
            is_function_calling_model=False,
            model_name=self.additional_kwargs.get("model") or self.model or DEFAULT_MODEL,
        )

    @property
    def sync_client(self) -> AssistantClient:
        """Client for sync calls; clients with the same connection settings share one connection pool."""
        return self._current().sync

    @property
    def async_client(self) -> AsyncAssistantClient:
        """Client for async calls."""
        return self._current().asynchronous

    def close(self) -> None:
        """Release the sync connections. They close if nothing else uses them; later calls open them again."""
        if self._clients is not None:
            self._clients.close()

    async def aclose(self) -> None:
        """Release all connections, including those of the running event loop."""
        if self._clients is not None:
            await self._clients.aclose()

    def with_options(self, **options: Any) -> Self:
        """Return a copy with other defaults (`model`, `filter`, `stop` ...), over the same connections; None clears a default.

        Raises:
            InvalidRequestError: An unknown option, or `guard_filter`, which only the constructor takes.
        """
        check_call_options(options, "with_options")
        kept = {name: value for name, value in self.additional_kwargs.items() if name not in options}
        # An LLM made with `client=` has the client's options as its defaults. Then the options here are passed with each call,
        # so that a timeout applies and None clears the client's default.
        known = type(self).model_fields if self.client is None else {}
        fields = {
            name: known[name].default if value is None else value for name, value in options.items() if name in known
        }
        others = {name: value for name, value in options.items() if name not in fields}
        return self.model_copy(update={**fields, "additional_kwargs": {**kept, **others}})

    def guarded_by(self, guard_filter: Mapping[str, Any] | None) -> Self:
        """Return a copy with a guard in addition to this LLM's own, over the same connections. For engines.

        Raises:
            InvalidRequestError: The guard is empty or not a filter.
        """
        guard = checked_guard(guard_filter)
        if guard is None:
            return self
        return self._with_guard(guard if self.guard_filter is None else {"$and": [self.guard_filter, guard]})

    def call_options(self, **call: Any) -> dict[str, Any]:
        """Return the options for the client: the call's override `additional_kwargs`, which override the fields.

        A field counts if it differs from its default or, with a `client=`, which has defaults of its own, if it was set.

        Raises:
            InvalidRequestError: An unknown option. The error names it.
        """
        check_call_options(call, "the call")
        check_call_options(self.additional_kwargs, "additional_kwargs")
        known = type(self).model_fields
        given = () if self.client is None else self.model_fields_set  # set to its default counts, too
        fields = {
            name: value
            for name in FIELD_OPTIONS
            if (value := getattr(self, name)) != known[name].default or (name in given and value is not None)
        }
        return {**fields, **self.additional_kwargs, **call}

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AssistantChatResponse:
        """Answer a conversation."""
        return self._chat(messages, kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AssistantChatResponse:
        """Async version of `chat`."""
        return await self._achat(messages, kwargs)

    @stream_callback(llm_chat_callback())
    def stream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> Generator[AssistantChatResponse, None, None]:
        """Stream an answer; the last response has the usage and all citations. Closing the generator ends the request."""
        return self._stream_chat(messages, kwargs)

    @async_stream_callback(llm_chat_callback())
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> AsyncGenerator[AssistantChatResponse, None]:
        """Async version of `stream_chat`: `async for response in await llm.astream_chat(messages)`."""
        return self._astream_chat(messages, kwargs)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> AssistantCompletionResponse:
        """Answer one question."""
        return to_completion_response(self._chat(self._to_turn(prompt, formatted), kwargs))

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> AssistantCompletionResponse:
        """Async version of `complete`."""
        return to_completion_response(await self._achat(self._to_turn(prompt, formatted), kwargs))

    @stream_callback(llm_completion_callback())
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[AssistantCompletionResponse, None, None]:
        """Stream the answer to one question."""
        return to_completion_stream(self._stream_chat(self._to_turn(prompt, formatted), kwargs))

    @async_stream_callback(llm_completion_callback())
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncGenerator[AssistantCompletionResponse, None]:
        """Async version of `stream_complete`."""
        return to_async_completion_stream(self._astream_chat(self._to_turn(prompt, formatted), kwargs))

    def _chat(self, messages: Sequence[ChatMessage], options: Mapping[str, Any]) -> AssistantChatResponse:
        turns = self._to_turns(messages)
        return to_chat_response(self.sync_client.answer(turns, **self.call_options(**options)))

    async def _achat(self, messages: Sequence[ChatMessage], options: Mapping[str, Any]) -> AssistantChatResponse:
        turns = self._to_turns(messages)
        return to_chat_response(await self.async_client.answer(turns, **self.call_options(**options)))

    def _stream_chat(
        self, messages: Sequence[ChatMessage], options: Mapping[str, Any]
    ) -> Generator[AssistantChatResponse, None, None]:
        turns = self._to_turns(messages)
        return to_chat_stream(self.sync_client.stream_answer(turns, **self._stream_options(options)))

    def _astream_chat(
        self, messages: Sequence[ChatMessage], options: Mapping[str, Any]
    ) -> AsyncGenerator[AssistantChatResponse, None]:
        turns = self._to_turns(messages)
        return to_async_chat_stream(self.async_client.stream_answer(turns, **self._stream_options(options)))

    def _to_turns(self, messages: Sequence[ChatMessage]) -> list[Message]:
        return to_messages(messages, self.system_prompt, tool_messages=self.tool_messages)

    def _to_turn(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        if not formatted and self.completion_to_prompt is not None:
            prompt = self.completion_to_prompt(prompt)
        check_text("the prompt", prompt)
        return [ChatMessage(prompt)]

    def _stream_options(self, call: Mapping[str, Any]) -> dict[str, Any]:
        options = self.call_options(**call)
        if options.pop("json_response", False):
            raise InvalidRequestError("json_response cannot be streamed: the service refuses it; use chat or complete")
        return options

    def _current(self) -> Clients:
        """Return the clients for the current connection options: new ones if an option has changed since the last call."""
        clients = self._clients
        if clients is None or clients.settings != self._settings():
            clients = self._clients = self._made_clients()
        return clients

    def _settings(self) -> tuple[Any, ...]:
        values = self.__dict__
        connection = (_snapshot(values[name]) for name in CONNECTION_OPTIONS)
        return (values["client"], deep_copied(values["guard_filter"]), *connection)

    @keeps_no_arguments
    def _made_clients(self) -> Clients:
        settings = self._settings()
        injected, guard = settings[:2]
        words = dict(zip(CONNECTION_OPTIONS, settings[2:], strict=True))
        key = words["api_key"]
        words["api_key"] = key.get_secret_value() if isinstance(key, SecretStr) else key
        client = injected or AssistantClient(**words)
        if guard is not None:
            client = client.guarded_by(guard)  # returns a new client, so an injected one is not changed
        return Clients(settings, client, is_injected=client is injected)

    # The system prompt is added in _chat and its variants, so that all eight methods add it exactly once.
    def _extend_messages(self, messages: list[ChatMessage]) -> list[ChatMessage]:
        return messages

    def _get_messages(self, prompt: BasePromptTemplate, **prompt_args: Any) -> list[ChatMessage]:
        check_prompt_args(prompt, prompt_args)
        return super()._get_messages(prompt, **prompt_args)


def _snapshot(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value
