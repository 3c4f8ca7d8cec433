"""The error tree: one root, one class per action that a caller can take.

Every message says what happened, with what, and what to do next, and ends with a pointer to the docs.
Pure; `wire/error_mapping.py` chooses one for an answer of the service.
"""

from __future__ import annotations

import copy
import difflib
import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import msgspec
from typing_extensions import ParamSpec

from .redaction import cleaned, excerpt, printable, without_secrets, words_of

_PACKAGE = f"{__name__.rpartition('.')[0]}."
DOCS = "docs/errors.md"
"""Where every error is explained. A published site would change this one line."""


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The part of an HTTP answer that is safe to keep: status, harmless headers and the text.

    `headers` holds an allow-list only (lower-case names); `text` has signed URLs and the API key cut out.
    """

    status_code: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """Return the text parsed as JSON. Raises ValueError if it is not JSON."""
        try:
            return msgspec.json.decode(self.text)
        except msgspec.DecodeError as error:
            raise ValueError(f"the body is not JSON: {error}") from error


def _rebuild(cls: type[AssistantError], args: tuple[Any, ...], state: dict[str, Any]) -> AssistantError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def _explained(message: str, slug: str) -> str:
    return printable(f"{message.rstrip('. ')}; see {DOCS}#{slug}")


class AssistantError(Exception):
    """Root of everything that this package raises.

    Attributes:
        message: What happened, with what, and what to do.
        code: The service's own code (`"INVALID_ARGUMENT"`), or None.
        body: The decoded body of the answer, or None.
        request_id: The service's id of the request, for its support, or None.
        response: Status, harmless headers and text of the answer, or None where there was none.
        is_retryable: True if the same request may succeed later and retrying it cannot bill twice.
        may_have_been_processed: True if the request was written and no status came back.
        report: The outcome for all files (`UploadReport`, `SyncReport`), on an error that `upload_many` or `sync` raises.
    """

    is_retryable: bool = False
    may_have_been_processed: bool = False
    report: Any = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        body: Any = None,
        request_id: str | None = None,
        response: ErrorResponse | None = None,
    ) -> None:
        self.message = _explained(message, self.slug())
        super().__init__(self.message)
        self.code = None if code is None else printable(code)
        self.body = body
        self.request_id = None if request_id is None else printable(request_id)
        self.response = response

    @classmethod
    def slug(cls) -> str:
        """The heading in the error docs that explains this class."""
        return next(c.__name__ for c in cls.__mro__ if c.__module__ == __name__).lower()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class InvalidRequestError(AssistantError, ValueError):
    """The call itself is wrong; nothing was sent. Change the arguments that the message names."""


class APIConnectionError(AssistantError):
    """The connection failed, or broke before a status came back. Check the host, the network and the proxy."""

    is_retryable = True

    def __init__(self, message: str, *, may_have_been_processed: bool = False, **attributes: Any) -> None:
        super().__init__(message, **attributes)
        self.may_have_been_processed = may_have_been_processed
        self.is_retryable = not may_have_been_processed


class APITimeoutError(APIConnectionError):
    """Connecting, or waiting for bytes, took longer than `timeout`.

    Attributes:
        text: What had arrived of a streamed answer.
    """

    text: str = ""


class APIStatusError(AssistantError):
    """The service answered with an error status.

    Attributes:
        status_code: The HTTP status.
        retry_after: Seconds that the service asked to wait, or None.
    """

    def __init__(self, message: str, *, status_code: int, retry_after: float | None = None, **attributes: Any) -> None:
        super().__init__(message, **attributes)
        self.status_code = status_code
        self.retry_after = retry_after


class BadRequestError(APIStatusError):
    """The service refused the request as it is (400, 409, 412, 413, 422, other 4xx). Change the request."""


class AuthenticationError(APIStatusError):
    """The API key was refused (401). Check the key."""


class PermissionDeniedError(APIStatusError):
    """The key is known but may not do this: billing (402), quota or rights (403)."""


class NotFoundError(APIStatusError):
    """No such assistant (404), or no such file or operation. Check the name, the key's project and the host."""

    @property
    def is_about_assistant(self) -> bool:
        """True if the service says that there is no such assistant, not that there is no such file or operation."""
        body = self.body if isinstance(self.body, dict) else {}
        found = body.get("error", body)
        message = found.get("message") if isinstance(found, dict) else found
        return isinstance(message, str) and message.lstrip().lower().startswith("assistant ")


class RateLimitError(APIStatusError):
    """Too many requests or tokens (429). Wait `retry_after` seconds, then try again."""

    is_retryable = True


class InternalServerError(APIStatusError):
    """The service failed (408, 5xx). Try again later."""

    is_retryable = True


class StreamError(AssistantError):
    """An answer came with status 200 but cannot be used: an error inside it, or no answer at all.

    Attributes:
        text: What had arrived of a streamed answer.
    """

    text: str = ""


class IncompleteStreamError(StreamError):
    """The answer was cut before its end. It may have been billed.

    Attributes:
        text: What had arrived of the answer.
    """

    def __init__(self, message: str, *, text: str = "", **attributes: Any) -> None:
        super().__init__(message, **attributes)
        self.text = text


class FileProcessingError(AssistantError):
    """The service took a file and could not process it, or an operation on it failed. The message has its reason.

    Attributes:
        reason: The service's reason.
        file_id: The file's id; it stays in the assistant in status ProcessingFailed.
        file_name: The file's name, or None where only the id is known.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        file_id: str | None = None,
        file_name: str | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(message, **attributes)
        self.reason = reason
        self.file_id = file_id
        self.file_name = file_name


class MetadataMismatchError(AssistantError):
    """A file is Available, but its metadata differs from the metadata sent. Filters may miss it, or match it wrongly.

    Attributes:
        file: The file as the service describes it (`AssistantFile`). It was left in the assistant.
        expected: The metadata that was sent.
    """

    def __init__(
        self, message: str, *, file: Any = None, expected: Mapping[str, Any] | None = None, **attributes: Any
    ) -> None:
        super().__init__(message, **attributes)
        self.file = file
        self.expected = expected


class LibraryError(Exception):
    """Text of an exception that a library raised; the `__cause__` of our errors.

    The library's own exception is not used as the cause, because it and the frames of its traceback hold the request with its
    key, the proxy with its password, and the peer's bytes. Logs and traces of an error show its causes too.
    """


_Error = TypeVar("_Error", bound=AssistantError)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def reworded(error: _Error, message: str) -> _Error:
    """An error of the same class and attributes with another message; raise it from the first one."""
    other = copy.copy(error)
    other.message = _explained(message, error.slug())
    other.args = (other.message,)
    return other


def said_by(error: AssistantError) -> str:
    """Return the message of an error without its pointer to the docs, to quote it inside another message."""
    return error.message.rpartition(f"; see {DOCS}#")[0] or error.message


def cut_secrets(error: AssistantError, *secrets: str, handled: BaseException | None = None) -> None:
    """Cut secrets out of an error and out of its causes, which may come from code that does not know the secrets.

    Args:
        error: It is changed.
        secrets: The strings to cut out.
        handled: The exception that the caller was already handling. Python makes it the context of `error`; it stays.
    """
    cause = error.__cause__
    if cause is None:
        if not isinstance(error.__context__, AssistantError):
            error.__context__ = handled
    elif isinstance(cause, AssistantError):
        cut_secrets(cause, *secrets, handled=handled)
        error.__context__ = cause
    elif not isinstance(cause, LibraryError):
        kind = type(cause)
        words = LibraryError(
            f"{kind.__module__}.{kind.__qualname__}: {excerpt(without_secrets(words_of(cause), *secrets))}"
        )
        words.__context__ = handled
        error.__cause__ = error.__context__ = words
    error.message = without_secrets(error.message, *secrets)
    error.args = (error.message,)
    error.code = cleaned(error.code, *secrets)
    error.body = cleaned(error.body, *secrets)


_HOLDING_BYTES = tuple(f"{_PACKAGE}{room}" for room in ("transports.", "wire.", "feeding.decoding"))
"""Modules whose variables hold requests, or answers that may repeat them or have signed links."""


def cut_frames(error: BaseException, traceback: TracebackType | None, handled: BaseException | None) -> None:
    """Drop the frames of transports, decoders and libraries from a traceback: their variables hold requests and answers.

    This applies to every exception, also to one that ends a call from outside: a cancelled task, Ctrl-C, an exception in a
    signal handler. If a library was handling an exception of its own at that moment, that one is dropped as well.

    Args:
        error: It is changed.
        traceback: Its traceback, from the frame that stays.
        handled: The exception that the caller was already handling.
    """
    while traceback is not None and (inner := traceback.tb_next) is not None:
        module = str(inner.tb_frame.f_globals.get("__name__"))
        if not module.startswith(_PACKAGE) or module.startswith(_HOLDING_BYTES):
            traceback.tb_next = None
        traceback = traceback.tb_next
    if not isinstance(error, AssistantError):  # cut_secrets sees to the causes of an AssistantError
        error.__context__ = handled
        cause = error.__cause__
        if cause is not None and cause is not handled:
            cut_frames(cause.with_traceback(None), None, handled)


def keeps_no_arguments(construct: Callable[_P, _T]) -> Callable[_P, _T]:
    """Drop the traceback of an error raised by a constructor or check: its frames hold the key, headers and proxies."""

    @functools.wraps(construct)
    def constructing(*args: _P.args, **options: _P.kwargs) -> _T:
        handled = sys.exc_info()[1]
        try:
            return construct(*args, **options)
        except BaseException as error:  # noqa: BLE001 - it is raised again
            del args, options
            if isinstance(error, AssistantError):
                cut_secrets(error, handled=handled)
            else:
                error.__context__ = handled
            raise error.with_traceback(None)  # noqa: B904 - the same error

    return constructing


def forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of an error and of its causes, so that a stored error does not keep its frames alive."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            current.__traceback__ = None
            waiting += [current.__cause__, current.__context__]


_OTHER_NAMES = {
    "api_base": ("host",),
    "base_url": ("host",),
    "deployment_name": ("model",),
    "endpoint": ("host",),
    "http_client": ("http_session",),
    "index": ("assistant_name",),
    "index_name": ("assistant_name",),
    "k": ("top_k", "similarity_top_k", "context_options"),
    "model_id": ("model",),
    "model_name": ("model",),
    "similarity_top_k": ("top_k", "k", "context_options"),
    "snippet_size": ("context_options",),
    "top_k": ("k", "similarity_top_k", "context_options"),
    "url": ("host",),
}
"""Option names of other packages, or of other classes here, and the names of the same options in this package."""
_MAX_NEAR = 5


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: `: did you mean 'model'?`, or a list of at most five names."""
    names = sorted(set(known))
    meant = [
        *(other for other in _OTHER_NAMES.get(name, ()) if other in names),
        *difflib.get_close_matches(name, names, n=1, cutoff=0.7),
        # Match whole parts at either end: assistant for assistant_name, pinecone_api_key for api_key. A shared first part is
        # not # enough (model_kwargs is not a model), nor is a last part that many names have (index_name, embed_model).
        *(longer for longer in names if longer.startswith(f"{name}_") or longer.endswith(f"_{name}")),
        *(shorter for shorter in names if name.endswith(f"_{shorter}") and shorter not in ("model", "name")),
    ]
    if meant:
        return f": did you mean {meant[0]!r}?"
    if len(names) <= _MAX_NEAR:
        return f": use one of {', '.join(names)}"
    near = difflib.get_close_matches(name, names, n=_MAX_NEAR, cutoff=0.4)
    return f"; names near it: {', '.join(near)}" if near else "; no other name is near it"
