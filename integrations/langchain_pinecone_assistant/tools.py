"""`PineconeAssistantTool`: a Pinecone Assistant as a tool of an agent."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator
from typing_extensions import Self, Unpack

from pinecone_assistant_client import AssistantError, validate_filter
from pinecone_assistant_client.adapters import keeps_no_arguments

from .bound import KeepsOptions
from .calls import checked_fields
from .chat_models import ChatPineconeAssistant
from .connection import CALL_FIELDS, AnswerOptions, own_copy, unknown_option
from .errors import InvalidRequestError

if TYPE_CHECKING:
    from pydantic_core import InitErrorDetails

    from .option_types import ToolWords

# Arguments that the framework and langchain-classic's agents pass to `run`. Any other argument is an option of the call.
_OF_THE_FRAMEWORK = frozenset({*inspect.signature(BaseTool.run).parameters, "llm_prefix", "observation_prefix"})
_CALL_OPTIONS = frozenset(name for name in CALL_FIELDS if name in AnswerOptions.model_fields)
_NO_CHOICE = (
    "this tool takes no filter from the outer model: leave it out. (Developers: pass filter= next to the arguments, or set "
    "choose_filter=True)"
)


class Question(BaseModel):
    """Arguments that the outer model passes to the tool."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="One complete question, understandable without the conversation.")

    # These checks are in the schema because agents report its errors to the outer model, which can then correct its call.
    @model_validator(mode="before")
    @classmethod
    def _refuse_a_filter_that_is_not_asked_for(cls, arguments: Any) -> Any:
        if isinstance(arguments, Mapping) and "filter" in arguments and "filter" not in cls.model_fields:
            # With the argument's name as its place: LangGraph's ToolNode reports no error that has no place.
            refused = ValueError(f"filter: {_NO_CHOICE}")
            problem: InitErrorDetails = {
                "type": "value_error",
                "loc": ("filter",),
                "input": arguments["filter"],
                "ctx": {"error": refused},
            }
            raise ValidationError.from_exception_data(cls.__name__, [problem])
        return arguments

    @field_validator("question")
    @classmethod
    def _refuse_an_empty_question(cls, question: str) -> str:
        if not question.strip():
            raise ValueError("the question is empty")
        return question


class FilteredQuestion(Question):
    """Arguments of an outer model that may also narrow the search."""

    filter: dict[str, Any] | None = Field(
        default=None,
        description='Metadata filter, such as {"year": {"$gte": 2024}}; leave it out to search everything.',
    )

    @field_validator("filter")
    @classmethod
    def _refuse_a_wrong_filter(cls, chosen: dict[str, Any] | None) -> dict[str, Any] | None:
        validate_filter(chosen)
        return chosen


class PineconeAssistantTool(KeepsOptions[Any, Any], BaseTool, AnswerOptions):
    """Tool with which an agent asks an assistant. The content is the answer; the artifact has citations, usage, model and id.

    The constructor's options choose the assistant and `filter`. `invoke`, `run` and `bind` take `filter`, `model`, `temperature`,
    `timeout` and other options of a call, too. With `choose_filter=True` the outer model may narrow the filter, never widen it.
    Inside an agent the assistant's tokens appear in `stream_mode="messages"`. An error of the assistant ends the agent's run,
    unless `handle_tool_error` is set: then the tool returns the error as its answer.

    Example:
        ```python
        agent = create_agent(model, tools=[PineconeAssistantTool(assistant_name="docs", filter={"tenant": "acme"})])
        ```
    """

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    name: str = "pinecone_assistant"
    description: str = (
        "Answers a question from a collection of documents, with citations. "
        "Use it for every question that these documents may answer."
    )
    args_schema: Any = Question
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    strip_references: bool = True
    """Whether to remove the list of links below the answers: they expire, and anyone with a link can open the file. Citations
    stay in the artifact."""

    choose_filter: bool = False
    """Whether the outer model may pass a filter that applies in addition to the developer's."""

    _call_options: ClassVar[frozenset[str]] = _CALL_OPTIONS

    _built: tuple[dict[str, Any], ChatPineconeAssistant] | None = PrivateAttr(default=None)

    if TYPE_CHECKING:
        # A signature derived from the fields would require SecretStr where a str is accepted, and refuse aliases.
        def __init__(self, **options: Unpack[ToolWords]) -> None: ...

    else:

        @keeps_no_arguments
        def __init__(self, **options):
            super().__init__(**self._checked(options))

    @model_validator(mode="after")
    def _offer_the_filter(self) -> Self:
        if self.choose_filter and self.args_schema is Question:
            self.args_schema = FilteredQuestion
        return self

    if not TYPE_CHECKING:  # type checkers see the framework's own signatures

        def run(self, tool_input, *args, **kwargs):
            """Run the tool. Options such as `filter` apply to this call; the framework's `run` would drop them.

            Raises:
                InvalidRequestError: An unknown option, or a value that cannot be sent.
            """
            options = {name: kwargs.pop(name) for name in list(kwargs) if name not in _OF_THE_FRAMEWORK}
            return super(PineconeAssistantTool, self._holding(options)).run(tool_input, *args, **kwargs)

        async def arun(self, tool_input, *args, **kwargs):
            """Async version of `run`."""
            options = {name: kwargs.pop(name) for name in list(kwargs) if name not in _OF_THE_FRAMEWORK}
            return await super(PineconeAssistantTool, self._holding(options)).arun(tool_input, *args, **kwargs)

    def _checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        for name in options:
            if name not in _CALL_OPTIONS:
                raise InvalidRequestError(unknown_option(name, _CALL_OPTIONS, where="a call of the tool"))
        return checked_fields(options)

    def _run(
        self,
        question: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the service's name
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> str | tuple[str, dict[str, Any]]:
        config: RunnableConfig = {"callbacks": run_manager.get_child()} if run_manager else {}
        with self._errors_as_asked():
            answer = self._chat().invoke(question, config, filter=self._narrowed(filter))
        return self._as_asked(answer)

    async def _arun(
        self,
        question: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the service's name
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> str | tuple[str, dict[str, Any]]:
        config: RunnableConfig = {"callbacks": run_manager.get_child()} if run_manager else {}
        with self._errors_as_asked():
            answer = await self._chat().ainvoke(question, config, filter=self._narrowed(filter))
        return self._as_asked(answer)

    def _narrowed(self, chosen: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the developer's filter, combined with the outer model's if it may choose one."""
        if not chosen:
            return self.filter
        if not self.choose_filter:
            raise InvalidRequestError(f"filter: {_NO_CHOICE}")
        return {"$and": [self.filter, dict(chosen)]} if self.filter else dict(chosen)

    def _as_asked(self, answer: AIMessage) -> str | tuple[str, dict[str, Any]]:
        """Return the text and the artifact, or only the text if `response_format` asks for that."""
        if self.response_format == "content":
            return str(answer.text)
        return str(answer.text), {
            "citations": answer.additional_kwargs["citations"],
            "usage": answer.usage_metadata,
            "model": answer.response_metadata["model_name"],
            "id": answer.id,
        }

    @contextmanager
    def _errors_as_asked(self) -> Iterator[None]:
        """If `handle_tool_error` is set, raise errors as ToolException, the only class that the framework handles with it."""
        try:
            yield
        except AssistantError as error:
            if not self.handle_tool_error:
                raise
            raise ToolException(str(error)) from error

    @keeps_no_arguments
    def _chat(self) -> ChatPineconeAssistant:
        options = {name: getattr(self, name) for name in AnswerOptions.model_fields}
        built = self._built
        if built is None or built[0] != options:
            chat = ChatPineconeAssistant(**options)
            chat._controller_host = self._controller_host  # read from the environment when this tool was made
            chat._clients = self._current()
            # Copies, because the caller may change the tool's dicts in place, and the comparison above must notice it.
            self._built = built = ({name: own_copy(value, name=name) for name, value in options.items()}, chat)
        return built[1]

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state for pickling, without the live chat model."""
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_built": None}}
