"""Reading an uploaded file: a multipart body, whose limits are checked while it is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ..documents.file_types import MAX_FILE_BYTES, check_name, check_size, file_type, is_known_type, size_limit
from ..errors import ServiceError, invalid, too_large
from ..store.files import NewFile
from ..store.metadata import MAX_BYTES, Metadata, decode_metadata, validate_file_metadata
from .call import Call
from .versions import has_multimodal, has_operations

# The boundaries, the part headers and the metadata field, in addition to the file itself.
ENVELOPE_BYTES = 64 * 1024


async def read_upload(call: Call) -> NewFile:
    """The file in the body of a request, with its metadata.

    Raises:
        ServiceError: 400 if the body is malformed, 413 if the file is too large for its type.
    """
    in_query = call.query("metadata")
    if in_query is not None and has_operations(call.version):
        raise invalid("metadata must be sent as a multipart form field, not as a query parameter")
    multimodal = call.query_flag("multimodal") and has_multimodal(call.version)
    form = await _read_form(call)
    try:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise invalid("The multipart field 'file' with a file is required")
        name = check_name(upload.filename or "")
        if multimodal and file_type(name) != "pdf":
            raise invalid("multimodal is only supported for PDF files")
        content = await upload.read()
        check_size(name, len(content))
        metadata = await _metadata_of(call, in_query, form)
    finally:
        await form.close()
    call.record.body = {"file": name, "size": len(content), "metadata": metadata}
    call.service.requests.grow(call.record, len(msgspec.json.encode(call.record.body)))
    return NewFile(name, content, metadata, multimodal)


class _PartTooLarge(MultiPartException):
    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.message)
        self.error = error


class _Parser(MultiPartParser):
    """A parser that stops as soon as a part is too large: the limit of the file depends on its type."""

    _part_bytes = 0

    def on_part_begin(self) -> None:
        """The beginning of a part."""
        self._part_bytes = 0
        super().on_part_begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Some bytes of a part."""
        self._part_bytes += end - start
        part = self._current_part
        if part.field_name == "metadata":
            if self._part_bytes > ENVELOPE_BYTES:
                raise _PartTooLarge(invalid(f"Metadata exceeds maximum length of {MAX_BYTES} bytes"))
        elif part.file is not None:
            name = part.file.filename or ""
            if is_known_type(name) and self._part_bytes > size_limit(name):
                raise _PartTooLarge(too_large(size_limit(name)))
        super().on_part_data(data, start, end)


async def _read_form(call: Call) -> FormData:
    content_type = call.request.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        raise invalid("Content-Type must be multipart/form-data")
    # The file, and the metadata where a client sends it as a file of its own.
    parser = _Parser(call.request.headers, _limited(call), max_files=2, max_fields=8)
    try:
        return await parser.parse()
    except _PartTooLarge as error:
        raise error.error from error
    except MultiPartException as error:
        raise invalid(f"Invalid multipart body: {error.message}") from error


async def _limited(call: Call) -> AsyncGenerator[bytes, None]:
    """The body as it arrives; reading stops as soon as it is too large for every file type."""
    limit = MAX_FILE_BYTES + ENVELOPE_BYTES
    if int(call.request.headers.get("content-length", "0")) > limit:
        raise too_large(limit)
    size = 0
    async for chunk in call.request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


async def _metadata_of(call: Call, in_query: str | None, form: FormData) -> Metadata | None:
    field = form.get("metadata")
    if field is None:
        return validate_file_metadata(decode_metadata(in_query, "metadata")) if in_query else None
    if not has_operations(call.version):
        raise invalid(f"metadata must be a query parameter in API version {call.version}")
    # JavaScript's FormData gives every part that has a type a file name too: `filename="blob"`.
    text = await field.read() if isinstance(field, UploadFile) else field
    return validate_file_metadata(decode_metadata(text, "metadata"))
