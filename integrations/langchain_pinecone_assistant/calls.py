"""Build one call of a model: check its options and add the model's defaults. `invoke`, `bind` and the like share this.

The chat model imports this module at its first call, because this module imports the client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from langchain_core.messages import BaseMessage

from pinecone_assistant_client import Message
from pinecone_assistant_client.adapters import check_options

from .connection import CALL_FIELDS, GUARD, AnswerOptions, notice, unknown_option
from .conversion import StreamedAnswer, to_client_messages, to_last_chunk, to_result, with_json_instruction
from .errors import InvalidRequestError, ModelErrors, ToolsNotSupportedError

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun


__all__ = [
    "Call",
    "ModelErrors",
    "StreamedAnswer",
    "build_call",
    "check_call_options",
    "checked_fields",
    "to_last_chunk",
    "to_result",
]

_SENT = tuple(name for name in CALL_FIELDS if name not in ("stop", "max_tokens"))
_NO_FIELDS = ("response_format", "strict", "stream")
# The framework removes these before they reach the model's methods, but not before `bind`.
_OF_TRACING = ("ls_structured_output_format", "structured_output_format")
_CALL_OPTIONS = frozenset({*CALL_FIELDS, *_NO_FIELDS, *_OF_TRACING})
_TOOL_OPTIONS = ("tools", "functions", "tool_choice")

NO_TOOLS = """an assistant answers from its files and calls no tools, so none can be bound to it. Two ways to use it in an agent:
(1) as a tool of another model: create_agent(other_model, tools=[PineconeAssistantTool(assistant_name="docs")])
(2) as a node of a graph: graph.add_node("ask", lambda state: {"messages": [chat.invoke(state["messages"])]})
Tools that you did not write come from response_format: give create_agent the model itself, or a ProviderStrategy"""


class ChatDefaults(Protocol):
    """The fields of a chat model that a call reads. A protocol, because the model imports this module."""

    model: str | None
    temperature: float | None
    filter: dict[str, Any] | None
    interface: Literal["openai", "standard"]
    include_highlights: bool
    context_options: dict[str, Any] | None
    strip_references: bool
    strip_citations: bool
    stop: list[str] | str | None
    system_messages: Literal["merge", "error"]
    tool_messages: Literal["error", "as_user", "drop"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the client.

    Attributes:
        messages: The conversation.
        options: Keyword arguments of the client's `answer` and `stream_answer`.
        json_response: Whether to ask for JSON. Only `answer` can, because the service does not stream JSON.
    """

    messages: list[Message]
    options: dict[str, Any]
    json_response: bool

    @property
    def model(self) -> str | None:
        """Name of the requested model; None is the service's default."""
        model: str | None = self.options["model"]
        return model


def check_call_options(options: Mapping[str, Any], *, where: str = "a call") -> None:
    """Raise InvalidRequestError for an unknown option, naming it."""
    for name in options:
        if name in _CALL_OPTIONS:
            continue
        if name in _TOOL_OPTIONS:
            if options[name]:
                raise ToolsNotSupportedError(NO_TOOLS)
            continue
        sentence = unknown_option(name, (*CALL_FIELDS, *_NO_FIELDS), where=where)
        if name in AnswerOptions.model_fields and name != GUARD:
            sentence = (
                f"unknown option {name!r} for {where}: it belongs to the constructor, or to model_copy(update=...)"
            )
        raise InvalidRequestError(sentence)


def checked_fields(options: Mapping[str, Any], *, where: str = "bind") -> dict[str, Any]:
    """Return the options of a call that are also fields, in the form that the fields store.

    Raises:
        InvalidRequestError: An unknown option, or a value that a call would refuse.
    """
    check_call_options(options, where=where)
    fields = {name: options[name] for name in CALL_FIELDS if name in options}
    with ModelErrors():
        check_options(**{name: value for name, value in fields.items() if name != "max_tokens"})
    if options.get("response_format") is not None:
        _schema_of(options["response_format"])
    tokens = fields.get("max_tokens")
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int)):
        raise InvalidRequestError(f"max_tokens is {tokens!r}: pass a number, or None")
    if fields.get("include_highlights", False) is None:
        fields["include_highlights"] = False  # None clears a default
    return fields


def build_call(
    chat: ChatDefaults,
    messages: Sequence[BaseMessage],
    stop: list[str] | None,
    run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
    options: Mapping[str, Any],
) -> Call:
    """Return the client's arguments for one call of a model. Options of the call override the model's defaults.

    Raises:
        InvalidRequestError: An unknown option, or a message that cannot be sent.
    """
    values: dict[str, Any] = {
        "model": chat.model,
        "temperature": chat.temperature,
        "filter": chat.filter,
        "include_highlights": chat.include_highlights,
        "context_options": chat.context_options,
        "interface": chat.interface,
        "stop": chat.stop if stop is None else stop,
        "strip_references": chat.strip_references,
        "strip_citations": chat.strip_citations,
        "system_messages": chat.system_messages,
        "on_retry": None if run_manager is None else run_manager.on_retry,
    }
    turns = to_client_messages(messages, tool_messages=chat.tool_messages)
    json_response = False
    if options:
        check_call_options(options)
        values.update((name, options[name]) for name in _SENT if name in options)
        for name in ("max_tokens", "strict"):
            if options.get(name):
                notice(name)
        response_format = options.get("response_format")
        if response_format is not None:
            json_response = True
            schema = _schema_of(response_format)
            if schema is not None:
                turns = with_json_instruction(turns, schema)
    return Call(turns, values, json_response)


def _schema_of(response_format: Any) -> Mapping[str, Any] | None:
    """Return the JSON Schema in a `response_format` of OpenAI's form, or None if any JSON will do."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    if kind == "json_object":
        return None
    if kind == "json_schema":
        wrapped = response_format.get("json_schema")
        schema = wrapped.get("schema") if isinstance(wrapped, Mapping) else None
        if isinstance(schema, Mapping):
            return schema
    raise InvalidRequestError(
        "response_format is not understood: pass {'type': 'json_object'} or "
        "{'type': 'json_schema', 'json_schema': {'schema': {...}}}, or use with_structured_output(schema)"
    )
