"""Options of a call: its arguments merged with the client's defaults. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, Literal, TypeVar

from .errors import InvalidRequestError
from .filters import deep_copied, guarded
from .messages import Message, SystemMessages, fold_messages
from .wire.protocol import WireRequest, build_chat_completion_request, build_chat_request, build_context_request

Interface = Literal["openai", "standard"]
MessageLike = Message | Mapping[str, Any]
_T = TypeVar("_T")


class NotGiven(Enum):
    """Type of `NOT_GIVEN`, the default of arguments for which None means "clear the client's default"."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven.NOT_GIVEN


def given(value: _T | NotGiven, default: _T) -> _T:
    """The value, or the default where it was left out."""
    return default if isinstance(value, NotGiven) else value


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """Options that shape a question: the defaults of a client, or those of one call.

    Filters and context options are deep-copied, so a caller who changes a dict later does not change a client made before.

    Attributes:
        model: None is not sent: the service then takes its default.
        temperature: None is not sent.
        filter: Metadata filter; None sends no filter.
        interface: Which endpoint answers `answer` and `stream_answer`.
        include_highlights: Ask for the supporting passages (standard interface).
        context_options: `{"top_k", "snippet_size", "multimodal", "include_binary_content"}` (standard interface).
        guard_filter: Holds in addition to every filter; a client's constructor sets it, and nothing changes it.
    """

    model: str | None = None
    temperature: float | None = None
    filter: Mapping[str, Any] | None = None
    interface: Interface = "openai"
    include_highlights: bool = False
    context_options: Mapping[str, Any] | None = None
    guard_filter: Mapping[str, Any] | None = None

    def given(self) -> dict[str, Any]:
        """Return the options that differ from their defaults."""
        values = {option.name: (getattr(self, option.name), option.default) for option in fields(self)}
        return {name: value for name, (value, default) in values.items() if value != default}

    def changed(
        self,
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        interface: Interface | NotGiven | None = NOT_GIVEN,
        include_highlights: bool | NotGiven | None = NOT_GIVEN,
        context_options: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> ChatOptions:
        """Return these options with the arguments of a call applied."""
        return ChatOptions(
            model=given(model, self.model),
            temperature=given(temperature, self.temperature),
            filter=given(deep_copied(filter), self.filter),
            interface=self.interface if isinstance(interface, NotGiven) else interface or "openai",
            include_highlights=self.include_highlights
            if isinstance(include_highlights, NotGiven)
            else include_highlights or False,
            context_options=given(deep_copied(context_options, name="context_options"), self.context_options),
            guard_filter=self.guard_filter,
        )

    def sent_filter(self) -> Mapping[str, Any] | None:
        """Return the filter to send: the guard and the filter together. Every kind of request uses this.

        Raises:
            InvalidRequestError: The filter is not valid.
        """
        return guarded(self.filter, self.guard_filter)

    def for_openai(self) -> ChatOptions:
        """These options for the OpenAI-compatible endpoint, without the standard interface's own."""
        return replace(self, interface="openai", include_highlights=False, context_options=None)

    def build(
        self,
        assistant_name: str,
        messages: Iterable[MessageLike],
        *,
        stream: bool,
        json_response: bool = False,
        system_messages: SystemMessages = "merge",
    ) -> WireRequest:
        """The chat request of these options.

        Raises:
            InvalidRequestError: A message, the filter, or an option that this interface does not have.
        """
        if self.interface not in ("openai", "standard"):
            raise InvalidRequestError(f'interface is {self.interface!r}: use "openai" or "standard"')
        if not isinstance(self.include_highlights, bool):
            raise InvalidRequestError(f"include_highlights is {self.include_highlights!r}: pass True or False")
        turns = fold_messages(messages, system_messages=system_messages)
        if self.interface == "standard" or json_response:
            return build_chat_request(
                assistant_name,
                turns,
                stream=stream,
                model=self.model,
                temperature=self.temperature,
                filter=self.sent_filter(),
                json_response=json_response,
                include_highlights=self.include_highlights,
                context_options=self.context_options,
            )
        for name in ("include_highlights", "context_options"):
            if getattr(self, name):
                raise InvalidRequestError(f'{name} needs interface="standard": the OpenAI-compatible endpoint has none')
        return build_chat_completion_request(
            assistant_name,
            turns,
            stream=stream,
            model=self.model,
            temperature=self.temperature,
            filter=self.sent_filter(),
        )

    def build_context(
        self,
        assistant_name: str,
        *,
        query: str | None,
        messages: Iterable[MessageLike] | None,
        filter: Mapping[str, Any] | NotGiven | None,  # noqa: A002 - the API's name
        **options: Any,
    ) -> WireRequest:
        """The context request; a conversation is folded as for a chat."""
        return build_context_request(
            assistant_name,
            query=query,
            messages=None if messages is None else fold_messages(messages),
            filter=self.changed(filter=filter).sent_filter(),
            **options,
        )
