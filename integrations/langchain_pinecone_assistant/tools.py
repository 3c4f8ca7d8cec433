"""`PineconeAssistantTool`: a Pinecone Assistant as a tool of an agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator
from typing_extensions import Self, Unpack

from pinecone_assistant_client import AssistantError, validate_filter

from .chat_models import ChatPineconeAssistant
from .connection import AnswerOptions

if TYPE_CHECKING:
    from .option_types import ToolWords


class Question(BaseModel):
    """What an outer model passes."""

    question: str = Field(description="One complete question, understandable without the conversation.")

    # What is wrong with the outer model's words is told here, because agents give it back to that model to mend.
    @field_validator("question")
    @classmethod
    def _refuse_an_empty_question(cls, question: str) -> str:
        if not question.strip():
            raise ValueError("the question is empty")
        return question


class FilteredQuestion(Question):
    """What an outer model passes when it may narrow the search."""

    filter: dict[str, Any] | None = Field(
        default=None,
        description='Metadata filter, such as {"year": {"$gte": 2024}}; leave it out to search everything.',
    )

    @field_validator("filter")
    @classmethod
    def _refuse_a_wrong_filter(cls, chosen: dict[str, Any] | None) -> dict[str, Any] | None:
        validate_filter(chosen)
        return chosen


class PineconeAssistantTool(BaseTool, AnswerOptions):
    """An assistant that an agent can ask. The answer is the content; citations, usage, model and id are the artifact.

    The assistant and `filter` are the developer's; with `choose_filter=True` the outer model may narrow them, never widen.
    Inside an agent the assistant's tokens surface in `stream_mode="messages"`. An error of the assistant ends the run, unless
    `handle_tool_error` makes it the tool's answer.

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
    """Drop the list of links under the answers: they expire, and who has one has the file. Citations stay in the artifact."""

    choose_filter: bool = False
    """Whether the outer model may pass a filter, on top of the developer's."""

    _built: tuple[dict[str, Any], ChatPineconeAssistant] | None = PrivateAttr(default=None)

    if TYPE_CHECKING:
        # Derived from the fields, checkers would ask for SecretStr where a str is meant, and refuse aliases.
        def __init__(self, **options: Unpack[ToolWords]) -> None: ...

    @model_validator(mode="after")
    def _offer_the_filter(self) -> Self:
        if self.choose_filter and self.args_schema is Question:
            self.args_schema = FilteredQuestion
        return self

    def _run(
        self,
        question: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the service's word
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> str | tuple[str, dict[str, Any]]:
        config: RunnableConfig = {"callbacks": run_manager.get_child()} if run_manager else {}
        with self._errors_as_asked():
            answer = self._chat().invoke(question, config, filter=self._narrowed(filter))
        return self._as_asked(answer)

    async def _arun(
        self,
        question: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the service's word
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> str | tuple[str, dict[str, Any]]:
        config: RunnableConfig = {"callbacks": run_manager.get_child()} if run_manager else {}
        with self._errors_as_asked():
            answer = await self._chat().ainvoke(question, config, filter=self._narrowed(filter))
        return self._as_asked(answer)

    def close(self) -> None:
        """Release the connections; what is shared stays open for others. Later use opens them again."""
        if self._built is not None:
            self._built[1].close()

    async def aclose(self) -> None:
        """Release the connections, also those of the running event loop."""
        if self._built is not None:
            await self._built[1].aclose()

    def _narrowed(self, chosen: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The developer's filter, and the outer model's where it may choose one."""
        if not chosen or not self.choose_filter:
            return self.filter
        return {"$and": [self.filter, dict(chosen)]} if self.filter else dict(chosen)

    def _as_asked(self, answer: AIMessage) -> str | tuple[str, dict[str, Any]]:
        """The text, and beside it the artifact, unless `response_format` asks for the text alone."""
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
        """With `handle_tool_error` the only kind of error that the framework hands to it."""
        try:
            yield
        except AssistantError as error:
            if not self.handle_tool_error:
                raise
            raise ToolException(str(error)) from error

    def _chat(self) -> ChatPineconeAssistant:
        options = {name: getattr(self, name) for name in AnswerOptions.model_fields}
        built = self._built
        if built is None or built[0] != options:
            chat = ChatPineconeAssistant(**options)
            chat._controller_host = self._controller_host  # read from the environment when this tool was made
            # Dicts are kept as they are now: the tool's own may be changed in place.
            kept = {name: dict(value) if isinstance(value, dict) else value for name, value in options.items()}
            self._built = built = (kept, chat)
        return built[1]

    def __getstate__(self) -> dict[Any, Any]:
        """As of the connection: what is live stays here."""
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_built": None}}
