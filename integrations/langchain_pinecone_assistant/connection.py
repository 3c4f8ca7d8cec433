"""Connection options shared by the model, the retriever and the tool, and the client made from them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from typing_extensions import Self

from pinecone_assistant_client.adapters import (
    DEFAULT_API_VERSION,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_RETRIES,
    Clients,
    checked_guard,
    deep_copied,
    environment,
    keeps_no_arguments,
    suggestion,
)

from .errors import InvalidRequestError, ModelErrors

if TYPE_CHECKING:
    from pinecone_assistant_client import AssistantClient, AsyncAssistantClient

_SESSIONS = ("http_session", "async_http_session")
_OWN_COPIES = ("filter", "guard_filter", "context_options", "default_headers", "proxies")
"""Fields whose dicts decide access to files. Every object stores its own copies of them."""

GUARD = "guard_filter"

CALL_FIELDS = (
    "model",
    "temperature",
    "filter",
    "include_highlights",
    "context_options",
    "timeout",
    "total_timeout",
    "stop",
    "max_tokens",
)
"""Fields of a model that a call, `bind` and a config may set too."""


def unknown_option(name: str, known: Iterable[str], *, where: str) -> str:
    """Return the error message for an option that does not exist at `where`."""
    if name == GUARD:
        return (
            f"{GUARD} is an option of the constructor only, so that no call, binding or config loosens it: {where} refuses "
            "it; create another object with it, or narrow the search with filter="
        )
    return f"unknown option {name!r} for {where}{suggestion(name, known)}"


def own_copy(value: Any, *, name: str = "filter") -> Any:
    """Return a copy of the value with new dicts and lists at every depth.

    Raises:
        InvalidRequestError: The value is nested too deeply, or contains itself.
    """
    with ModelErrors():
        return deep_copied(value, name=name)


def _own_copies(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: own_copy(values[name], name=name) for name in _OWN_COPIES if values.get(name) is not None}


class AssistantConnection(BaseModel):
    """Base class with the connection options. The constructor reads the environment and opens no connection.

    The client is created at the first use, and again after one of these fields changes. That is cheap: objects with the
    same connection settings share one connection pool.
    """

    assistant_name: str | None = Field(default=None, validate_default=True)
    """The assistant's name; falls back to `PINECONE_ASSISTANT_NAME`."""

    api_key: SecretStr | None = Field(default=None, validate_default=True, repr=False)
    """The API key; falls back to `PINECONE_API_KEY`. A pickle of this object has it; other stored or printed forms do not."""

    host: str | None = Field(default=None, validate_default=True)
    """The data plane, `https://prod-1-data.ke.pinecone.io`; falls back to `PINECONE_ASSISTANT_HOST`, then to one lookup."""

    timeout: float | tuple[float, float] | None = None
    """Seconds: one number for connecting and for each wait for bytes, or `(connect, read)`. None is (10, 300)."""

    total_timeout: float | None = None
    """Seconds for a whole call with its retries, up to the last byte; None sets no limit."""

    max_retries: int = DEFAULT_MAX_RETRIES
    """Number of requests after the first; 0 turns retries off."""

    retry_on_timeout: bool = False
    """Whether to also retry requests that may have been processed, such as after a read timeout. This can bill twice."""

    api_version: str = DEFAULT_API_VERSION
    """The service's API version, `"YYYY-MM"`."""

    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Headers added to every request. They are treated as secrets, so `dumps` leaves them out."""

    source_tag: str | None = None
    """Names your integration in the User-Agent: lower-case letters, digits, `_`, `:`."""

    proxies: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Proxies, `{"https": "http://proxy:3128"}`; falls back to the environment's. Not in `dumps`: they may have passwords."""

    verify: bool | str = True
    """Verification of TLS certificates: True, False, or the path of a CA bundle."""

    cert: str | tuple[str, str] | None = None
    """For mutual TLS: the path of a PEM file with the client's certificate and its key, or a pair of paths."""

    max_connections: int = DEFAULT_MAX_CONNECTIONS
    """Maximum connections at once (async: in each event loop); further calls wait. Objects with equal settings share them."""

    http_session: Any = Field(default=None, exclude=True, repr=False)
    """A `requests.Session` to use. Its own settings override these options, and it is never closed here."""

    async_http_session: Any = Field(default=None, exclude=True, repr=False)
    """An `aiohttp.ClientSession` for async use. It works in its own event loop only, and is never closed here."""

    _controller_host: str | None = PrivateAttr(default_factory=partial(environment, "controller_host"))
    _clients: Clients | None = PrivateAttr(default=None)

    _call_options: ClassVar[frozenset[str]] = frozenset()
    """Fields that a call, `bind` and a config may set."""

    @classmethod
    def _checked(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Return a constructor's options, with copies of the dicts that decide access to files.

        Constructors call this before pydantic's own check, which would wrap these errors in a ValidationError.

        Raises:
            InvalidRequestError: An unknown option, or an empty guard filter.
        """
        cls._check_names(options)
        with ModelErrors():
            checked_guard(options.get(GUARD))
        return options | _own_copies(options)

    @classmethod
    def _check_names(cls, options: Mapping[str, Any]) -> None:
        fields = cls.model_fields
        for name in options:
            if name not in fields:
                known = [*fields, *(str(one.validation_alias) for one in fields.values() if one.validation_alias)]
                if name not in known:
                    raise InvalidRequestError(unknown_option(name, known, where=cls.__name__))

    @field_validator("assistant_name", "api_key", "host", mode="before")
    @classmethod
    def _else_the_environment(cls, value: Any, info: ValidationInfo) -> Any:
        return value or environment(info.field_name or "")

    def close(self) -> None:
        """Release the connections. Those shared with other objects stay open, and later use opens them again."""
        if self._clients is not None:
            self._clients.close()

    async def aclose(self) -> None:
        """Release the connections, including those of the running event loop."""
        if self._clients is not None:
            await self._clients.aclose()

    def _client(self) -> AssistantClient:
        return self._current().sync

    def _async_client(self) -> AsyncAssistantClient:
        return self._current().asynchronous

    def _current(self) -> Clients:
        settings = self._settings()
        clients = self._clients
        if clients is None or clients.settings != settings:
            del settings  # a traceback could show the headers and proxies in them
            clients = self._clients = self._made_clients()
        return clients

    @keeps_no_arguments
    def _made_clients(self) -> Clients:
        from pinecone_assistant_client import AssistantClient  # noqa: PLC0415 - 15 ms, at the first use

        return Clients(self._settings(), AssistantClient(**self._client_options()))

    def _settings(self) -> tuple[Any, ...]:
        """Return the settings that the client was made from, cheap to compare. A changed copy must not keep a stale client."""
        headers, proxies = self.default_headers, self.proxies
        values: tuple[Any, ...] = _settings_of(self.__dict__)
        if headers or proxies:  # these could be changed in place
            return (*values, tuple((headers or {}).items()), tuple((proxies or {}).items()))
        return values

    def _headers_of_sessions(self) -> list[dict[str, str]]:
        """Return the headers that injected sessions add to every request."""
        headers = [getattr(getattr(self, name), "headers", None) for name in _SESSIONS]
        return [{str(name): str(value) for name, value in one.items()} for one in headers if isinstance(one, Mapping)]

    def _client_options(self) -> dict[str, Any]:
        options = {name: getattr(self, name) for name in AssistantConnection.model_fields}
        key = self.api_key
        return options | {
            "api_key": key.get_secret_value() if key else None,
            "controller_host": self._controller_host,
        }

    if not TYPE_CHECKING:  # with a visible __setattr__, type checkers would allow any attribute to be set

        def __setattr__(self, name: str, value: Any) -> None:
            """Set a field, wrap a key as a secret, and discard values derived from the old one."""
            if name == GUARD:
                raise InvalidRequestError(unknown_option(name, (), where="an attribute"))
            if name == "api_key" and isinstance(value, str):
                value = SecretStr(value)
            elif name in _OWN_COPIES:
                if value is not None and not isinstance(value, Mapping):
                    raise InvalidRequestError(f"{name} is a {type(value).__name__}: pass a dict, or None")
                value = own_copy(value, name=name)
            super().__setattr__(name, value)
            if name[0] != "_":
                self.__dict__.pop("_serialized", None)  # the framework caches the serialised form there

        def copy(self, *, include=None, exclude=None, update=None, deep=False):
            """Return `model_copy(update=..., deep=...)`. Pydantic's older method would change a guard and share filters.

            Raises:
                InvalidRequestError: `include` or `exclude`, which would leave out fields such as the guard.
            """
            if include is not None or exclude is not None:
                raise InvalidRequestError("copy takes no include= and no exclude=: a copy has all fields; use update=")
            return self.model_copy(update=update, deep=deep)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values, without anything derived from the old ones."""
        copied = super().model_copy(deep=deep)
        for name, value in (update or {}).items():
            setattr(copied, name, value)
        return copied

    def _holding(self, options: Mapping[str, Any]) -> Self:
        """Return a copy with these options of a call as its fields; options that are not fields are only checked.

        Raises:
            InvalidRequestError: An unknown option, or a value that a call would refuse.
        """
        if not options:
            return self
        checked = self._checked_options(options)
        fields = {name: value for name, value in checked.items() if name in type(self)._call_options}
        if not fields:
            return self
        self._current()  # one client for this object and its copies, so that `close` of any of them closes it
        return self.model_copy(update=fields)

    def _configured(self, values: Mapping[str, Any]) -> Self:
        """Return a copy with the values that a config chooses, for any fields.

        The framework's own copy sets every field, so a default such as `streaming` would count as the user's choice.

        Raises:
            InvalidRequestError: A value of the wrong type.
        """
        copied = self._holding({name: value for name, value in values.items() if name in type(self)._call_options})
        others = {name: value for name, value in values.items() if name not in type(self)._call_options}
        if not others:
            return copied
        cls = type(self)
        try:
            made = cls(**{name: getattr(copied, name) for name in cls.model_fields} | others)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise InvalidRequestError(f"the config gives a wrong value to {cls.__name__} ({wrong})") from None
        made.__pydantic_fields_set__ = copied.__pydantic_fields_set__ | set(others)
        # Values read from the environment when the original was created are kept.
        made.__dict__.update({name: getattr(copied, name) for name in cls.model_fields if name not in others})
        made._controller_host = copied._controller_host
        made._clients = copied._clients
        return made

    @classmethod
    def _check_configurable(cls, fields: Iterable[str]) -> None:
        """Raise InvalidRequestError for a field that no config may choose, naming it."""
        known = [name for name in cls.model_fields if name != GUARD]
        for name in fields:
            if name not in known:
                raise InvalidRequestError(unknown_option(name, known, where="configurable_fields"))

    def _checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Check the options of a call, and return them in the form that the fields store."""
        raise NotImplementedError

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.__dict__.update(_own_copies(copied.__dict__))
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # An injected session belongs to the caller: the copy uses the same one.
        shared = {id(value): value for name in _SESSIONS if (value := getattr(self, name)) is not None}
        return super().__deepcopy__({**(memo or {}), **shared})

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state for pickling: with the API key, without clients and injected sessions."""
        state = super().__getstate__()
        values = {name: value for name, value in state["__dict__"].items() if name != "_serialized"}
        private = {**(state["__pydantic_private__"] or {}), "_clients": None}
        return {**state, "__dict__": values | dict.fromkeys(_SESSIONS), "__pydantic_private__": private}


_settings_of = itemgetter(*AssistantConnection.model_fields)


class FilteredConnection(AssistantConnection):
    """Base class with the filters that decide which files may be used for answers."""

    filter: dict[str, Any] | None = None
    """Metadata filter for every call, such as `{"genre": {"$ne": "documentary"}}`."""

    guard_filter: dict[str, Any] | None = None
    """Filter that applies in addition to every other: `{"$and": [guard_filter, filter]}` is sent. No call, binding or config can
    change or clear it, so use it to keep tenants apart. `{}` raises; None turns it off."""

    def _settings(self) -> tuple[Any, ...]:
        return (*super()._settings(), self.guard_filter)

    def _client_options(self) -> dict[str, Any]:
        return {**super()._client_options(), GUARD: self.guard_filter}


class AnswerOptions(FilteredConnection):
    """Base class with the options of answers, for the model and the tool."""

    model: str | None = None
    """Model that writes the answer, such as `"gpt-4o"`; None lets the service choose."""

    temperature: float | None = None
    """Sampling temperature, 0 to 2; None is not sent."""

    interface: Literal["openai", "standard"] = "openai"
    """Endpoint: `"openai"` is POST /chat/{name}/chat/completions; `"standard"` is POST /chat/{name}, which has structured
    citations, highlights and context options. Structured output always uses the latter: only it can answer in JSON."""

    include_highlights: bool = False
    """Standard interface: whether to request the passages that support each citation."""

    context_options: dict[str, Any] | None = None
    """Standard interface: how much context the answer reads, such as `{"top_k": 16, "snippet_size": 2048}`."""

    strip_references: bool = False
    """Whether to remove the list of expiring links that the service appends to its answers. Citations stay."""

    strip_citations: bool = False
    """Whether to remove citation marks, such as `[1, pp. 2]`, and the list of links from the text. Citations stay as values."""


ANSWER_OPTIONS = tuple(name for name in AnswerOptions.model_fields if name not in AssistantConnection.model_fields)


logger = logging.getLogger("langchain_pinecone_assistant")

_NOTICES = {
    "max_tokens": "max_tokens is accepted for compatibility and has no effect: the service has no such limit",
    "strict": "strict has no effect: the assistant is steered towards the schema and its answer is checked here, "
    "but the service enforces no schema",
    "function_calling": "method='function_calling' falls back to 'json_schema': an assistant calls no functions",
}
_given: set[str] = set()


def notice(option: str) -> None:
    """Log that an option has no effect, once per process."""
    if option not in _given:
        _given.add(option)
        logger.warning(_NOTICES[option])
