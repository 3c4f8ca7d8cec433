"""Errors in the shape that the service answers with: `{"error": {"code", "message"}, "status"}`."""

from __future__ import annotations


class ServiceError(Exception):
    """An error response: raised anywhere below an endpoint, written to the wire in one place."""

    def __init__(self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def to_body(self) -> dict[str, object]:
        """The JSON body of this error."""
        return {"error": {"code": self.code, "message": self.message}, "status": self.status}


class StoreError(ValueError):
    """The files that are kept on disk cannot be read or written; the message says where and why."""


class DocumentError(ValueError):
    """The content does not match the file's type; the message says why and becomes the file's `error_message`."""


def invalid(message: str) -> ServiceError:
    """A 400 INVALID_ARGUMENT."""
    return ServiceError(400, "INVALID_ARGUMENT", message)


def assistant_not_found(name: str) -> ServiceError:
    """A 404 for an assistant."""
    return ServiceError(404, "NOT_FOUND", f'Assistant "{name}" not found.')


def file_not_found(file_id: str) -> ServiceError:
    """A 404 for a file; the two spaces are the service's own."""
    return ServiceError(404, "NOT_FOUND", f"File with id {file_id}  not found in provided assistant")


def operation_not_found(operation_id: str) -> ServiceError:
    """A 404 for an operation."""
    return ServiceError(404, "NOT_FOUND", f"Operation {operation_id} not found.")


def too_large(limit_bytes: int) -> ServiceError:
    """A 413: the body went past its limit while it was read."""
    return ServiceError(413, "INVALID_ARGUMENT", f"Request body exceeds the maximum of {limit_bytes} bytes")
