"""The client's errors, each also one of LangChain's `ModelError` family.

`except` works with either name, and LangChain's retry middleware sees `is_retryable`. It retries whatever is no `ModelError`, so
nothing leaves a model, a retriever or a tool without one.
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
    """An error of the client that has no closer class here."""


class InvalidRequestError(client.InvalidRequestError, ModelInvalidRequestError):
    """The call itself is wrong; nothing was sent."""


class ToolsNotSupportedError(InvalidRequestError, NotImplementedError):
    """An assistant calls no tools."""


class APIStatusError(client.APIStatusError, ModelError):
    """An error status that has no closer class here."""


class BadRequestError(client.BadRequestError, ModelInvalidRequestError):
    """The service refused the request as it is (400, 409, 412, 413, 422)."""


class AuthenticationError(client.AuthenticationError, ModelAuthenticationError):
    """The API key was refused (401)."""


class PermissionDeniedError(client.PermissionDeniedError, ModelPermissionDeniedError):
    """Billing (402), quota or rights (403)."""


class NotFoundError(client.NotFoundError, ModelNotFoundError):
    """No such assistant (404)."""


class RateLimitError(client.RateLimitError, ModelRateLimitError):
    """Too many requests or tokens (429)."""


class InternalServerError(client.InternalServerError, ModelAPIError):
    """The service failed (408, 5xx)."""


class APIConnectionError(client.APIConnectionError, ModelConnectionError):
    """No connection, or one that broke before a status came back."""


class APITimeoutError(client.APITimeoutError, ModelTimeoutError):
    """Connecting, or waiting for bytes, took longer than `timeout`."""


class StreamError(client.StreamError, ModelAPIError):
    """An answer came with status 200 but cannot be used."""


class IncompleteStreamError(client.IncompleteStreamError, ModelAPIError):
    """The answer was cut before its end; `.text` has what came."""


class FileProcessingError(client.FileProcessingError, ModelError):
    """The service could not process a file."""


class MetadataMismatchError(client.MetadataMismatchError, ModelError):
    """A file has other metadata than was sent."""


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
    """The same error as one of LangChain's family; one that is of it already comes back as it is.

    Args:
        error: What the client raised.
        retry_on_timeout: The user accepts that what may have been processed, and billed, is sent again.
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
    """`with ModelErrors(...)`: the client's errors come out as LangChain's.

    Args:
        retry_on_timeout: As for `to_model_error`.
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
