"""Base of both clients, without I/O: options, settings, and the meaning of answers and failures."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from .answers import ChatCompletion, ChatCompletionChunk
from .errors import (
    APIConnectionError,
    APITimeoutError,
    AssistantError,
    IncompleteStreamError,
    InvalidRequestError,
    NotFoundError,
    StreamError,
    cut_frames,
    cut_secrets,
    keeps_no_arguments,
    suggestion,
)
from .filters import checked_guard, deep_copied, guarded
from .hosts import forget_host, known_host
from .messages import SystemMessages
from .options import NOT_GIVEN, ChatOptions, Interface, MessageLike, NotGiven, given
from .redaction import excerpt, without_secrets, words_of
from .retries import Retries, RetryPolicy, logger
from .settings import (
    DEFAULT_API_VERSION,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    Certificate,
    ConnectionSettings,
    Limits,
    Timeout,
    __version__,
    checked_limits,
)
from .shaping import AnswerDecoder, AnswerShaper, ShapedDecoder
from .transports.base import AsyncHTTPResponse, HTTPRequest, HTTPResponse
from .transports.connections import SharedConnections, connections_for
from .wire.decoding import MAX_BODY_BYTES, decode_chat, decode_chat_completion
from .wire.error_mapping import error_from_response
from .wire.protocol import WireRequest
from .wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder

if TYPE_CHECKING:
    import aiohttp
    import requests

MAX_ERROR_BYTES = 64 * 1024
CHANGEABLE = tuple(option.name for option in fields(ChatOptions) if option.name != "guard_filter")
"""The options that a view or a call may change."""
Self_ = TypeVar("Self_", bound="BaseClient")
_T = TypeVar("_T")


class BaseClient:
    """Everything but I/O. Construction reads the environment and does no work; settings are checked at the first use."""

    _needs_assistant = True

    @keeps_no_arguments
    def __init__(
        self,
        assistant_name: str | None = None,
        *,
        api_key: str | None = None,
        host: str | None = None,
        model: str | None = None,
        temperature: float | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the API's name
        interface: Interface = "openai",
        timeout: Timeout = DEFAULT_TIMEOUT,
        total_timeout: float | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        retry_on_timeout: bool = False,
        api_version: str = DEFAULT_API_VERSION,
        default_headers: Mapping[str, str] | None = None,
        source_tag: str | None = None,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        cert: Certificate = None,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        http_session: requests.Session | None = None,
        async_http_session: aiohttp.ClientSession | None = None,
        include_highlights: bool = False,
        context_options: Mapping[str, Any] | None = None,
        guard_filter: Mapping[str, Any] | None = None,
        controller_host: str | None = None,
    ) -> None:
        self._settings = ConnectionSettings.read(
            assistant_name=assistant_name,
            api_key=api_key,
            host=host,
            controller_host=controller_host,
            default_headers=default_headers,
            proxies=proxies,
            api_version=api_version,
            source_tag=source_tag,
            verify=verify,
            cert=cert,
            max_connections=max_connections,
            http_session=http_session,
            async_http_session=async_http_session,
        )
        self._options = ChatOptions(
            model=model,
            temperature=temperature,
            filter=deep_copied(filter),
            interface=interface,
            include_highlights=include_highlights,
            context_options=deep_copied(context_options, name="context_options"),
            guard_filter=checked_guard(guard_filter),
        )
        self._timeout = timeout
        self._total_timeout = total_timeout
        self._retries = Retries(RetryPolicy(max_retries=max_retries, retry_on_timeout=retry_on_timeout))
        self._reset()

    def _reset(self) -> None:
        self._connections: SharedConnections | None = None

    @property
    def assistant_name(self) -> str | None:
        """The assistant that is asked."""
        return self._settings.assistant_name

    @property
    def host(self) -> str | None:
        """The data plane's base URL; None until it is known."""
        return known_host(self._settings)

    def with_options(self: Self_, **options: Any) -> Self_:
        """A view with other default options (`model`, `temperature`, `filter`, `interface`, ...) over the same connections."""
        view = copy.copy(self)
        view._options = self._changed("with_options", options)
        return view

    @property
    def is_guarded(self) -> bool:
        """True if the client was made with a `guard_filter`."""
        return self._options.guard_filter is not None

    def guarded_by(self: Self_, guard_filter: Mapping[str, Any] | None) -> Self_:
        """Return a view over the same connections with one more guard, in addition to the client's own; for adapters.

        Raises:
            InvalidRequestError: As for `guard_filter=` of the constructor.
        """
        guard = checked_guard(guard_filter)
        view = copy.copy(self)
        view._options = replace(self._options, guard_filter=guarded(guard, self._options.guard_filter))
        return view

    def _changed(self, where: str, options: Mapping[str, Any]) -> ChatOptions:
        """The options of a call or a view.

        Raises:
            InvalidRequestError: A name that is not an option there.
        """
        for name in options:
            if name == "guard_filter":
                raise InvalidRequestError(
                    f"{where} cannot set guard_filter: it is an option of the constructor only, so that no call loosens it; "
                    "make another client, or narrow with filter="
                )
            if name not in CHANGEABLE:
                raise InvalidRequestError(f"{where} has no option {name!r}{suggestion(name, CHANGEABLE)}")
        return self._options.changed(**options)

    def __repr__(self) -> str:
        shown = {"assistant_name": self.assistant_name, "host": self._settings.host, **self._options.given()}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __getstate__(self) -> dict[str, Any]:
        """Drop live connections and injected sessions. The pickle holds the API key."""
        state = dict(self.__dict__)
        state["_settings"] = replace(self._settings, http_session=None, async_http_session=None)
        state["_retries"] = self._retries.policy
        return state | {"_connections": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._retries = Retries(state["_retries"])

    @classmethod
    def like(cls: type[Self_], client: BaseClient) -> Self_:
        """A client with the settings and options of another one, sync or async, over the same connections."""
        twin = object.__new__(cls)
        twin.__dict__.update(client.__dict__)
        twin._reset()
        return twin

    def __copy__(self: Self_) -> Self_:
        return type(self).like(self)

    def __deepcopy__(self: Self_, memo: dict[int, Any]) -> Self_:
        return copy.copy(self)

    def _start(self) -> SharedConnections:
        """The shared connections; at the first use the settings are checked."""
        if self._connections is None or not self._connections.is_of_this_process:
            policy = self._retries.policy
            if (
                isinstance(policy.max_retries, bool)
                or not isinstance(policy.max_retries, int)
                or policy.max_retries < 0
            ):
                raise InvalidRequestError(f"max_retries is {policy.max_retries!r}: pass a number from 0")
            self._settings.check(needs_assistant=self._needs_assistant)
            self._connections = connections_for(self._settings, self)
        return self._connections

    def _assistant(self) -> str:
        name = self._settings.assistant_name
        if not name:
            self._settings.check()
        return name or ""

    def _http_request(self, wire: WireRequest, base_url: str, limits: Limits) -> HTTPRequest:
        # Made for each request and never stored: `vars(client)` ends up in logs and crash reports.
        is_billed = not (wire.repeatable or wire.is_sent_once)
        return HTTPRequest(
            wire.method, base_url + wire.path, self._settings.headers(), wire.body, limits, is_billed=is_billed
        )

    def _status_error(
        self,
        response: HTTPResponse | AsyncHTTPResponse,
        request: HTTPRequest,
        body: bytes,
        subject: str | None = None,
    ) -> AssistantError:
        error = error_from_response(
            response.status,
            response.headers,
            body,
            assistant=self._settings.assistant_name or "",
            host=request.host,
            subject=subject,
            secrets=self._settings.secrets(),
            now=time.time(),
        )
        if isinstance(error, NotFoundError):
            forget_host(self._settings)
        return error

    def _decoder(self, wire: WireRequest, shaper: AnswerShaper | None) -> AnswerDecoder:
        is_openai = wire.path.endswith("/chat/completions")
        decoder = ChatCompletionStreamDecoder() if is_openai else ChatStreamDecoder()
        return decoder if shaper is None else ShapedDecoder(decoder, shaper)

    def _decode(self, wire: WireRequest, body: bytes) -> ChatCompletion:
        is_openai = wire.path.endswith("/chat/completions")
        return self._decoded(decode_chat_completion if is_openai else decode_chat, body)

    def _decoded(self, decode: Callable[[bytes], _T], body: bytes) -> _T:
        with self._secrets_cut():
            return decode(body)

    def _secrets_cut(self) -> SecretsCut:
        return SecretsCut(self._settings)

    def _prepare(
        self,
        messages: Iterable[MessageLike],
        options: ChatOptions,
        timeout: Timeout | NotGiven,
        total_timeout: float | NotGiven | None,
        *,
        stream: bool,
        json_response: bool = False,
        system_messages: SystemMessages = "merge",
    ) -> tuple[WireRequest, Limits]:
        self._start()
        wire = options.build(
            self._assistant(), messages, stream=stream, json_response=json_response, system_messages=system_messages
        )
        return wire, self._limits(timeout, total_timeout)

    def _limits(self, timeout: Timeout | NotGiven, total_timeout: float | NotGiven | None = NOT_GIVEN) -> Limits:
        return checked_limits(given(timeout, self._timeout), given(total_timeout, self._total_timeout))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a client that `feeding/` and `control_plane.py` need; no attributes of the client, which users would see."""

    settings: ConnectionSettings
    options: ChatOptions
    retries: Retries


def parts_of(client: BaseClient) -> Parts:
    """Return the parts of a client as they are, unchecked."""
    return Parts(client._settings, client._options, client._retries)


def checked_parts(client: BaseClient) -> Parts:
    """Return the parts of a client after its settings were checked, before any traffic."""
    client._start()
    return parts_of(client)


def with_retries(client: Self_, retries: Retries) -> Self_:
    """Return a view of a client with other retries."""
    view = copy.copy(client)
    view._retries = retries
    return view


def with_assistant(client: Self_, name: str | None) -> Self_:
    """Return a view of a client for another assistant; with None, for requests about the whole project."""
    view = copy.copy(client)
    view._settings = replace(client._settings, assistant_name=name)
    if name is None:
        view._needs_assistant = False
    return view


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer with a status of 2xx. Its body may have signed links in it, so the repr does not show it."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link to the content of a file: whoever has it can read the file, so the repr does not show it.

    Attributes:
        url: The link.
        subject: The file, for messages.
        max_bytes: A larger content is an error.
    """

    url: str = field(repr=False)
    subject: str
    max_bytes: int


def signed_request(link: SignedLink, limits: Limits) -> HTTPRequest:
    """Return the request for a signed link. It has none of our headers, because the link leads to another host.

    Raises:
        StreamError: The service sent something that is not a link.
    """
    try:
        is_link = urlsplit(link.url).scheme in ("http", "https") and bool(urlsplit(link.url).hostname)
    except ValueError:
        is_link = False
    if not is_link:
        raise StreamError("the service gave a link to the file that is not an http(s) URL")
    headers = {
        "User-Agent": f"pinecone-assistant-integrations/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    return HTTPRequest("GET", link.url, headers, None, limits, is_signed=True)


class SecretsCut:
    """Cut the secrets out of every error raised inside: out of its message and its traceback.

    A peer may echo a request with its key, which would then be in the message. Error reporters also record the variables of a
    traceback's frames, which hold the key as well.
    """

    __slots__ = ("_handled", "_settings")

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        self._handled = sys.exc_info()[1]

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is None:
            return
        if isinstance(error, AssistantError):
            cut_secrets(error, *self._settings.secrets(), handled=self._handled)
        cut_frames(error, traceback, self._handled)


def after_a_cut(
    decoder: AnswerDecoder, error: AssistantError, settings: ConnectionSettings
) -> list[ChatCompletionChunk]:
    """Return the last chunks if the body broke after the whole answer; otherwise raise an error with the text so far."""
    is_of_the_connection = isinstance(error, (IncompleteStreamError, APIConnectionError))
    reason = without_secrets(
        words_of(error.__cause__) if error.__cause__ else "the connection broke", *settings.secrets()
    )
    if decoder.is_whole and is_of_the_connection:
        logger.warning("the connection broke after the answer was whole; its usage may be missing: %s", excerpt(reason))
        return decoder.rest() if isinstance(decoder, ShapedDecoder) else []
    if isinstance(error, IncompleteStreamError):
        raise decoder.cut(excerpt(reason)) from error
    if isinstance(error, (StreamError, APITimeoutError)):
        error.text = decoder.text
    raise error


class BodyBuffer:
    """Collect the bytes of a whole body, up to a bound."""

    def __init__(self, max_bytes: int | None = None) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._max_bytes = MAX_BODY_BYTES if max_bytes is None else max_bytes

    def add(self, data: bytes) -> None:
        """Take the next bytes. Raises StreamError past the bound."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._max_bytes:
            raise StreamError(
                f"the answer is larger than {self._max_bytes:,} bytes: this is not an answer of the service"
            )

    def is_enough_of_an_error(self, data: bytes) -> bool:
        """Take the next bytes. Return True once there are enough for an error's message."""
        self._pieces.append(data[:MAX_ERROR_BYTES])
        self._size += len(data)
        return self._size >= MAX_ERROR_BYTES

    def joined(self) -> bytes:
        """The body."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
