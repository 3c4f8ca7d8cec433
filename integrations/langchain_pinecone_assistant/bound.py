"""A model whose bound or configurable options reach its structured answers, too.

The framework hands `with_structured_output` and `bind_tools` of a binding to the model inside and forgets what was bound:
`chat.bind(filter=...).with_structured_output(Tree)` would ask without the filter, and files of other tenants might answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.runnables.base import RunnableBinding
from langchain_core.runnables.configurable import RunnableConfigurableFields
from pydantic import BaseModel


class KeepsOptions(Runnable[LanguageModelInput, AIMessage]):
    """`bind`, `with_config` and `configurable_fields` give runnables that have these two words themselves."""

    # with_fallbacks reads these annotations at run time, so they name nothing that is imported for type checkers only;
    # `Any` stands for BaseTool, whose import takes 12 ms.
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with options bound; an assistant calls no tools, so `tools` must be empty.

        `create_agent(model, response_format=X)` without tools comes here with `response_format`.

        Raises:
            ToolsNotSupportedError: There are tools; a NotImplementedError whose text shows how to use the model in agents.
        """
        from .calls import check_call_options  # noqa: PLC0415 - the client, at the first use (55 ms)

        check_call_options({"tools": tools, "tool_choice": tool_choice, **kwargs})
        return self.bind(**kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        include_raw: bool = False,
        method: Literal["json_schema", "json_mode", "function_calling"] = "json_schema",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """The model with answers as JSON of a schema. The assistant is steered towards it and the answer is checked here.

        The question goes to POST /chat/{name}, also with `interface="openai"`, because only it can answer in JSON.

        Args:
            schema: A pydantic class (the answer is an instance), a TypedDict or a JSON Schema (the answer is a dict).
            include_raw: Answer `{"raw": message, "parsed": value or None, "parsing_error": error or None}`.
            method: `"json_schema"` puts the schema under the question; `"json_mode"` asks for JSON only, so say in the
                question which; `"function_calling"` falls back to `"json_schema"`.
            strict: Accepted; nothing is enforced by the service.
            kwargs: None are known.

        Raises:
            ValueError: An unknown method or option, or no schema where one is needed.
            OutputParserException: At the call, if the answer does not fit.
        """
        from .structured_output import structured_model  # noqa: PLC0415 - as in bind_tools

        return structured_model(self.bind, schema, include_raw=include_raw, method=method, strict=strict, **kwargs)

    if not TYPE_CHECKING:  # what type checkers see stays the framework's own

        def bind(self, **kwargs):
            """As of the framework, and what comes back keeps its options."""
            return _kept(super().bind(**kwargs))

        def with_config(self, config=None, **kwargs):
            """As of the framework, and what comes back keeps its options."""
            return _kept(super().with_config(config, **kwargs))

        def with_types(self, *args, **kwargs):
            """As of the framework, and what comes back keeps its options."""
            return _kept(super().with_types(*args, **kwargs))

        def with_listeners(self, **listeners):
            """As of the framework, and what comes back keeps its options."""
            return _kept(super().with_listeners(**listeners))

        def with_alisteners(self, **listeners):
            """As of the framework, and what comes back keeps its options."""
            return _kept(super().with_alisteners(**listeners))

        def configurable_fields(self, **fields):
            """As of the framework, and what comes back keeps its options."""
            made = super().configurable_fields(**fields)
            return ConfigurableChat(default=made.default, fields=made.fields, config=made.config)


def _kept(made: Any) -> Any:
    """The framework's plain binding as ours; what is ours already stays."""
    if isinstance(made, KeepsOptions):
        return made
    return BoundChat(**{name: getattr(made, name) for name in BoundChat.model_fields})


# Without type arguments: pydantic would check what is inside against a class made for them, which no model is.
class BoundChat(KeepsOptions, RunnableBinding):  # type: ignore[type-arg]
    """A model with options bound to it."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """The framework's own binding, which is what `load` brings back."""
        return [*cls.get_lc_namespace(), "RunnableBinding"]


class ConfigurableChat(KeepsOptions, RunnableConfigurableFields):  # type: ignore[type-arg]
    """A model with options that the config of a call chooses."""

    @classmethod
    def lc_id(cls) -> list[str]:
        """As for `BoundChat`."""
        return [*cls.get_lc_namespace(), "RunnableConfigurableFields"]
