"""The client's errors as subclasses of LangChain's `ModelError` too, so that `except` works with either name.

LangChain's retry middleware reads `is_retryable` of a `ModelError` and retries every other exception. So models, retrievers and
tools raise these classes only.
"""

from __future__ import annotations

from types import TracebackType

from langchain_core.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

import pinecone_assistant_client as client
from pinecone_assistant_client import AssistantError


class OtherError(AssistantError, ModelError):
    """A client error that has no more specific class here."""


class InvalidRequestError(client.InvalidRequestError, ModelInvalidRequestError):
    """The arguments of the call are wrong; nothing was sent."""


class ToolsNotSupportedError(InvalidRequestError, NotImplementedError):
    """An assistant calls no tools."""


class APIStatusError(client.APIStatusError, ModelError):
    """An HTTP error status that has no more specific class here."""


class BadRequestError(client.BadRequestError, ModelInvalidRequestError):
    """The service refused the request; sending it again unchanged fails too (400, 409, 412, 413, 422)."""


class AuthenticationError(client.AuthenticationError, ModelAuthenticationError):
    """The API key was refused (401)."""


class PermissionDeniedError(client.PermissionDeniedError, ModelPermissionDeniedError):
    """Billing (402), or quota and permissions (403)."""


class NotFoundError(client.NotFoundError, ModelNotFoundError):
    """No such assistant (404)."""


class RateLimitError(client.RateLimitError, ModelRateLimitError):
    """Too many requests or tokens (429)."""


class InternalServerError(client.InternalServerError, ModelAPIError):
    """The service failed (408, 5xx)."""


class APIConnectionError(client.APIConnectionError, ModelConnectionError):
    """The connection failed, or broke before a status arrived."""


class APITimeoutError(client.APITimeoutError, ModelTimeoutError):
    """Connecting, or waiting for bytes, took longer than `timeout`."""


class StreamError(client.StreamError, ModelAPIError):
    """The answer has status 200 but cannot be used."""


class IncompleteStreamError(client.IncompleteStreamError, ModelAPIError):
    """The answer ended early; `.text` has the part that arrived."""


class FileProcessingError(client.FileProcessingError, ModelError):
    """The service could not process a file."""


class MetadataMismatchError(client.MetadataMismatchError, ModelError):
    """The service stored other metadata for a file than was sent."""


_MODEL_ERRORS: dict[type[AssistantError], type[AssistantError]] = {
    AssistantError: OtherError,
    client.APIStatusError: APIStatusError,
    client.InvalidRequestError: InvalidRequestError,
    client.BadRequestError: BadRequestError,
    client.AuthenticationError: AuthenticationError,
    client.PermissionDeniedError: PermissionDeniedError,
    client.NotFoundError: NotFoundError,
    client.RateLimitError: RateLimitError,
    client.InternalServerError: InternalServerError,
    client.APIConnectionError: APIConnectionError,
    client.APITimeoutError: APITimeoutError,
    client.StreamError: StreamError,
    client.IncompleteStreamError: IncompleteStreamError,
    client.FileProcessingError: FileProcessingError,
    client.MetadataMismatchError: MetadataMismatchError,
}


def to_model_error(error: AssistantError, *, retry_on_timeout: bool = False) -> AssistantError:
    """Return the client's error as the matching class of this module; an error of this module is returned unchanged.

    Args:
        error: The error that the client raised.
        retry_on_timeout: Whether requests that may have been processed count as retryable, although that can bill twice.
    """
    if isinstance(error, ModelError):
        return error
    cls = next(_MODEL_ERRORS[base] for base in type(error).__mro__ if base in _MODEL_ERRORS)
    twin = cls.__new__(cls, *error.args)
    twin.__dict__.update(error.__dict__)
    if retry_on_timeout and (error.may_have_been_processed or isinstance(error, client.StreamError)):
        twin.is_retryable = True
    return twin.with_traceback(error.__traceback__)


class ModelErrors:
    """Context manager that converts the client's errors with `to_model_error`.

    Args:
        retry_on_timeout: Same as for `to_model_error`.
    """

    __slots__ = ("_retry_on_timeout",)

    def __init__(self, *, retry_on_timeout: bool = False) -> None:
        self._retry_on_timeout = retry_on_timeout

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, AssistantError) and not isinstance(error, ModelError):
            raise to_model_error(error, retry_on_timeout=self._retry_on_timeout) from error.__cause__
