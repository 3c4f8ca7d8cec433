"""`ChatPineconeAssistant`: a Pinecone Assistant as a chat model."""

from __future__ import annotations

import copy
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, ModelProfile
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation
from langchain_core.utils.utils import LC_ID_PREFIX
from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self, Unpack

from pinecone_assistant_client.adapters import DEFAULT_MODEL, VARIABLES, keeps_no_arguments

from .bound import KeepsChatOptions
from .citations import PROVIDER
from .connection import ANSWER_OPTIONS, CALL_FIELDS, AnswerOptions, notice

if TYPE_CHECKING:
    from .option_types import ChatWords

_OPTIONS = (*ANSWER_OPTIONS, "stop", "system_messages", "tool_messages")


class ChatPineconeAssistant(KeepsChatOptions, BaseChatModel, AnswerOptions):
    """Chat model that answers from an assistant's files with citations, whole or streamed, sync or async.

    Options of a call, in `invoke`, `stream`, `bind` and the like: `model`, `temperature`, `filter`, `timeout`, `stop`, and on
    the standard interface `include_highlights` and `context_options`. None clears a default; an unknown option raises.

    LangChain passes `invoke`'s options to the first runnable of a chain only: `(prompt | chat).invoke(..., filter=...)` loses
    the filter. Bind it instead: `prompt | chat.bind(filter=...)`.

    Example:
        ```python
        chat = ChatPineconeAssistant(assistant_name="docs")
        answer = chat.invoke("How tall is a red pine?", filter={"resource": "encyclopedia"})
        print(answer.text, answer.additional_kwargs["citations"], answer.usage_metadata)
        ```
    """

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    stop: list[str] | str | None = Field(default=None, validation_alias="stop_sequences")
    """Stop sequences. The service has none, so the answer is cut here; text after the cut is billed. `[]` clears them."""

    max_tokens: int | None = None
    """Accepted for compatibility; the service has no such limit."""

    streaming: bool = False
    """Whether `invoke` streams internally, so that callbacks see tokens. With False, `stream` yields one chunk."""

    system_messages: Literal["merge", "error"] = "merge"
    """Whether system messages are merged into the first user turn (the service has no system role) or refused."""

    tool_messages: Literal["error", "as_user", "drop"] = "error"
    """Whether tool messages are refused, sent as user turns, or dropped. Drop them for handover messages between agents."""

    _call_options: ClassVar[frozenset[str]] = frozenset(CALL_FIELDS)

    if TYPE_CHECKING:
        # A signature derived from the fields would require SecretStr where a str is accepted, and refuse aliases.
        def __init__(self, **options: Unpack[ChatWords]) -> None: ...

    else:

        @keeps_no_arguments
        def __init__(self, **options):
            """Ignore a `streaming=False` that the framework passed and not the user.

            The framework copies a configurable variant restored by `load` with every field set, defaults included. Such a
            `streaming=False` would count as the user's choice and turn streaming off.
            """
            if options.get("streaming") is False and options.keys() >= type(self).model_fields.keys():
                del options["streaming"]
            super().__init__(**self._checked(options))

    @model_validator(mode="after")
    def _tell_what_has_no_effect(self) -> Self:
        if self.max_tokens is not None:
            notice("max_tokens")
        return self

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True. The output of `dumps` has no key, headers, proxies or sessions."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Return the environment variable that `dumps` writes instead of the key."""
        return {"api_key": VARIABLES["api_key"]}

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"assistant_name": self.assistant_name, "host": self.host} | {
            name: getattr(self, name) for name in _OPTIONS
        }

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider=PROVIDER,
            ls_model_type="chat",
            ls_model_name=kwargs.get("model", self.model) or DEFAULT_MODEL,
        )
        temperature = kwargs.get("temperature", self.temperature)
        if temperature is not None:
            params["ls_temperature"] = temperature
        max_tokens = kwargs.get("max_tokens", self.max_tokens)
        if max_tokens is not None:
            params["ls_max_tokens"] = max_tokens
        stops = self.stop if stop is None else stop
        if stops:
            params["ls_stop"] = [stops] if isinstance(stops, str) else stops
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        return {
            "max_input_tokens": 128_000,
            "text_inputs": True,
            "image_inputs": False,
            "audio_inputs": False,
            "video_inputs": False,
            "text_outputs": True,
            "tool_calling": False,
            "structured_output": True,
        }

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """Return the cache key. It has everything that affects an answer, so two assistants never share a cached one."""
        key = self.api_key
        identity = {
            "type": PROVIDER,
            "control_plane": self._controller_host,
            "host": self.host,
            "assistant": self.assistant_name,
            "api_version": self.api_version,
            "key": _hash(key.get_secret_value() if key else None),
            "headers": _hash(json.dumps([self.default_headers, *self._headers_of_sessions()], sort_keys=True)),
            "output_version": self.output_version,
            "options": {name: getattr(self, name) for name in _OPTIONS},
            "call": {name: value for name, value in kwargs.items() if name != "stream"},
            "stop": stop,
        }
        try:
            return json.dumps(identity, sort_keys=True, default=_to_json)
        except (TypeError, ValueError):
            return repr(identity)  # the filter is not JSON: no cached answer has this key, and the call raises

    def _convert_cached_generations(self, cache_val: list[Generation]) -> list[ChatGeneration]:
        """Return cached messages as copies with new ids and with their original usage.

        LangGraph replaces a message by a later one with the same id, so a repeated answer would overwrite the first. The
        framework also adds a cost of zero to the usage. That would turn an unknown usage into a partial one, and in a history
        it would change the cache key of the next question. The copies are deep: code that changes an answer, as agents do,
        must not change the answers to later questions.
        """
        originals = [getattr(generation, "message", None) for generation in cache_val]
        generations = super()._convert_cached_generations(list(map(copy.copy, cache_val)))
        for generation, original in zip(generations, originals, strict=True):
            usage = getattr(original, "usage_metadata", None)
            if usage is not None:
                usage = {name: value for name, value in usage.items() if name != "total_cost"} or None
            update = {"id": f"{LC_ID_PREFIX}-{uuid.uuid4()}", "usage_metadata": usage}
            generation.message = generation.message.model_copy(update=update, deep=True)
        return generations

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        from .conversion import combined_llm_output  # noqa: PLC0415 - imports the client, which is there after an answer

        return combined_llm_output(llm_outputs)

    def _checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        from .calls import checked_fields  # noqa: PLC0415 - the client, at the first use (55 ms)

        return checked_fields(options)

    def get_num_tokens(self, text: str) -> int:
        """Return the approximate number of tokens of a text; the service publishes no tokenizer."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return count_tokens_approximately([text])

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return the approximate number of tokens of messages; the service publishes no tokenizer."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools)
        return count_tokens_approximately(messages, tools=None if tools is None else list(tools))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        from .calls import ModelErrors, build_call, to_result  # noqa: PLC0415 - the client, at the first use (55 ms)

        call = build_call(self, messages, stop, run_manager, kwargs)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            answer = self._client().answer(call.messages, json_response=call.json_response, **call.options)
        return to_result(answer, call.model)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        from .calls import ModelErrors, build_call, to_result  # noqa: PLC0415 - as in _generate

        call = build_call(self, messages, stop, run_manager, kwargs)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            answer = await self._async_client().answer(call.messages, json_response=call.json_response, **call.options)
        return to_result(answer, call.model)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        from .calls import ModelErrors, StreamedAnswer, build_call, to_last_chunk  # noqa: PLC0415 - as in _generate

        call = build_call(self, messages, stop, run_manager, kwargs)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            if call.json_response:  # the service cannot stream JSON
                last = to_last_chunk(
                    self._client().answer(call.messages, json_response=True, **call.options), call.model
                )
            else:
                streamed = StreamedAnswer(call.model)
                with closing(self._client().stream_answer(call.messages, **call.options)) as pieces:
                    for piece in pieces:
                        chunk = streamed.feed(piece)
                        if chunk is not None:
                            if run_manager is not None:
                                run_manager.on_llm_new_token(piece.content, chunk=chunk)
                            yield chunk
                last = streamed.last()
        if run_manager is not None:
            run_manager.on_llm_new_token(last.text, chunk=last)
        yield last

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        from .calls import ModelErrors, StreamedAnswer, build_call, to_last_chunk  # noqa: PLC0415 - as in _generate

        call = build_call(self, messages, stop, run_manager, kwargs)
        with ModelErrors(retry_on_timeout=self.retry_on_timeout):
            if call.json_response:  # the service cannot stream JSON
                answer = await self._async_client().answer(call.messages, json_response=True, **call.options)
                last = to_last_chunk(answer, call.model)
            else:
                streamed = StreamedAnswer(call.model)
                async with aclosing(self._async_client().stream_answer(call.messages, **call.options)) as pieces:
                    async for piece in pieces:
                        chunk = streamed.feed(piece)
                        if chunk is not None:
                            if run_manager is not None:
                                await run_manager.on_llm_new_token(piece.content, chunk=chunk)
                            yield chunk
                last = streamed.last()
        if run_manager is not None:
            await run_manager.on_llm_new_token(last.text, chunk=last)
        yield last


def _to_json(value: Any) -> Any:
    """Convert a value that JSON does not know. A mapping's own repr need not show its items, so it is no cache key."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def _hash(secret: str | None) -> str:
    return hashlib.sha256((secret or "").encode()).hexdigest()
