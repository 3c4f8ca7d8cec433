"""Structured output with the service's JSON answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictInProgressEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms import LLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import BaseModel, ValidationError

from pinecone_assistant_client import AssistantError, InvalidRequestError
from pinecone_assistant_client.adapters import json_instruction, strip_code_fence

from .options import check_prompt_args, check_wrapper_words, first_problem

if TYPE_CHECKING:
    from llama_index.core.chat_engine.types import AgentChatResponse
    from llama_index.core.tools import BaseTool

dispatcher = instrument.get_dispatcher(__name__)  # type: ignore[attr-defined]  # re-exported, as core itself uses it
_AGENT_WORDS = ("react_chat_formatter", "output_parser", "tool_retriever", "memory")


class StructuredOutputError(AssistantError, ValueError):
    """The answer is not a valid instance of the requested class.

    Attributes:
        text: The unchanged text of the answer.
    """

    def __init__(self, message: str, *, text: str = "") -> None:
        super().__init__(message)
        self.text = text


class StructuredPredict(LLM):
    """Implement `structured_predict` and its variants with `json_response=True`.

    LlamaIndex's own program doubles the schema's braces, and a citation mark inside the JSON breaks its parsing.
    `pydantic_program_mode=PydanticProgramMode.LLM` restores that program.
    """

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Return an instance of `output_cls`, filled from the assistant's files.

        Args:
            output_cls: A pydantic class.
            prompt: The question, with variables in braces.
            llm_kwargs: Options of the call, such as `{"filter": {...}}`; they override even `json_response=True`.
            prompt_args: The prompt's variables.

        Raises:
            StructuredOutputError: The answer does not fit `output_cls`; `.text` has it.
        """
        check_prompt_args(prompt, prompt_args)
        if self._is_core_wanted():
            return cast("Model", super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        messages = self._begin(output_cls, prompt, prompt_args)
        return _end(to_instance(output_cls, self.chat(messages, **_json(llm_kwargs))))

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Async version of `structured_predict`."""
        check_prompt_args(prompt, prompt_args)
        if self._is_core_wanted():
            return cast("Model", await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args))
        messages = self._begin(output_cls, prompt, prompt_args)
        return _end(to_instance(output_cls, await self.achat(messages, **_json(llm_kwargs))))

    def stream_structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Model, None, None]:
        """Yield the instance of `structured_predict` once: the service does not stream JSON answers."""
        check_prompt_args(prompt, prompt_args)
        if self._is_core_wanted():
            partial = super().stream_structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
            yield from cast("Generator[Model, None, None]", partial)
            return
        messages = self._begin(output_cls, prompt, prompt_args)
        instance = to_instance(output_cls, self.chat(messages, **_json(llm_kwargs)))
        dispatcher.event(LLMStructuredPredictInProgressEvent(output=instance))
        yield instance
        _end(instance)

    async def astream_structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Model, None]:
        """Async version: `async for instance in await llm.astream_structured_predict(...)`."""
        check_prompt_args(prompt, prompt_args)
        if self._is_core_wanted():
            partial = await super().astream_structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
            return cast("AsyncGenerator[Model, None]", partial)
        messages = self._begin(output_cls, prompt, prompt_args)

        async def instances() -> AsyncGenerator[Model, None]:
            instance = to_instance(output_cls, await self.achat(messages, **_json(llm_kwargs)))
            dispatcher.event(LLMStructuredPredictInProgressEvent(output=instance))
            yield instance
            _end(instance)

        return instances()

    def as_structured_llm(self, output_cls: type[BaseModel], **kwargs: Any) -> StructuredLLM:
        """Return an LLM that answers with instances of `output_cls`, using `structured_predict`.

        Args:
            output_cls: A pydantic class.
            kwargs: LlamaIndex's options of an LLM, such as `callback_manager`. Pass options such as `filter` to
                `with_options` of this LLM, or to the calls of the returned one.

        Raises:
            InvalidRequestError: An option such as `filter`, or an unknown one; LlamaIndex would drop both.
        """
        check_wrapper_words(kwargs, "as_structured_llm", StructuredLLM.model_fields.keys() - {"llm", "output_cls"})
        return AssistantStructuredLLM(llm=self, output_cls=output_cls, **kwargs)

    def predict_and_call(
        self,
        tools: list[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> AgentChatResponse:
        """Call tools through LlamaIndex's ReAct agent. Raise for an option such as `filter`, which the agent would drop."""
        check_wrapper_words(kwargs, "predict_and_call", _AGENT_WORDS)
        return super().predict_and_call(tools, user_msg, chat_history, verbose, **kwargs)

    async def apredict_and_call(
        self,
        tools: list[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> AgentChatResponse:
        """Async version of `predict_and_call`."""
        check_wrapper_words(kwargs, "apredict_and_call", _AGENT_WORDS)
        return await super().apredict_and_call(tools, user_msg, chat_history, verbose, **kwargs)

    def _is_core_wanted(self) -> bool:
        return self.pydantic_program_mode == PydanticProgramMode.LLM

    def _begin(
        self, output_cls: type[BaseModel], prompt: BasePromptTemplate, prompt_args: Mapping[str, Any]
    ) -> list[ChatMessage]:
        instruction = schema_instruction(output_cls)
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=dict(prompt_args))
        )
        return [*self._get_messages(prompt, **prompt_args), ChatMessage(instruction)]


class AssistantStructuredLLM(StructuredLLM):
    """LlamaIndex's StructuredLLM, but raises for an option that would be lost as a variable of the prompt."""

    def _get_messages(self, prompt: BasePromptTemplate, **prompt_args: Any) -> list[ChatMessage]:
        check_prompt_args(prompt, prompt_args)
        return super()._get_messages(prompt, **prompt_args)


def schema_instruction(output_cls: type[BaseModel]) -> str:
    """Return the instruction at the end of a question that asks for an instance of `output_cls`.

    Raises:
        InvalidRequestError: `output_cls` is not a pydantic class.
    """
    if not (isinstance(output_cls, type) and hasattr(output_cls, "model_json_schema")):
        kind = output_cls.__name__ if isinstance(output_cls, type) else f"an instance of {type(output_cls).__name__}"
        raise InvalidRequestError(f"output_cls is {kind}: pass a pydantic class")
    return json_instruction(output_cls.model_json_schema())


def to_instance(output_cls: type[Model], response: ChatResponse) -> Model:
    """Return the answer as an instance.

    Raises:
        StructuredOutputError: The answer does not fit `output_cls`; `.text` has it.
    """
    text = response.message.content or ""
    try:
        return output_cls.model_validate_json(strip_code_fence(text))
    except ValidationError as error:
        raise StructuredOutputError(
            f"the answer is not a valid {output_cls.__name__} ({first_problem(error)}); its text is in .text", text=text
        ) from error


def _json(llm_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    if llm_kwargs is not None and not isinstance(llm_kwargs, Mapping):
        raise InvalidRequestError(
            f'llm_kwargs is a {type(llm_kwargs).__name__}: pass a dict such as {{"filter": {{...}}}}'
        )
    return {"json_response": True, **(llm_kwargs or {})}


def _end(instance: Model) -> Model:
    dispatcher.event(LLMStructuredPredictEndEvent(output=instance))
    return instance
