"""Rows to the JSON of the API. All differences in JSON between the API versions are decided here."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Literal

from ..answers.pieces import Source
from ..answers.rendering import PlacedCitation
from ..documents.contents import PdfImage
from ..documents.file_types import has_pages, reference_type
from ..search.scoring import Hit
from ..store.assistants import Assistant
from ..store.files import StoredFile
from ..store.operations import Operation
from .versions import has_float_size, has_operations

Json = dict[str, object]
AssistantStatus = Literal["Initializing", "Ready", "Terminating"]


def timestamp(ns: int) -> str:
    """RFC 3339 with nanoseconds."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}Z"


def assistant_json(assistant: Assistant, version: str, *, host: str | None, status: AssistantStatus = "Ready") -> Json:
    """An `Assistant`; a newly created one has no host."""
    body: Json = {
        "name": assistant.name,
        "instructions": assistant.instructions,
        "metadata": assistant.metadata,
        "status": status,
        "created_at": timestamp(assistant.created_at),
        "updated_at": timestamp(assistant.updated_at),
    }
    if host is not None:
        body["host"] = host
    if has_operations(version):
        body["region"] = assistant.region
    return body


def file_json(file: StoredFile, version: str, *, signed_url: str | None = None) -> Json:
    """An `AssistantFileModel`."""
    body: Json = {
        "name": file.name,
        "id": file.id,
        "metadata": file.metadata,
        "created_on": timestamp(file.created_on),
        "updated_on": timestamp(file.updated_on),
        "status": file.status,
        "signed_url": signed_url,
        "multimodal": file.multimodal,
    }
    if file.crc32c is not None:
        body["crc32c_hash"] = file.crc32c
    body["size"] = float(file.size) if has_float_size(version) else file.size
    if not has_operations(version):
        body["percent_done"] = 0.0 if file.status == "Processing" else 1.0
        body["error_message"] = file.error
    return body


def operation_json(operation: Operation) -> Json:
    """An `OperationModel`; fields that are not known yet are left out."""
    body: Json = {
        "id": operation.id,
        "operation_type": operation.operation_type,
        "file_id": operation.file_id,
        "status": operation.status,
        "created_on": timestamp(operation.created_on),
        "percent_complete": 0 if operation.status == "Processing" else 100,
    }
    if operation.completed_on is not None:
        body["completed_on"] = timestamp(operation.completed_on)
    if operation.error is not None:
        body["error_message"] = operation.error
    if operation.ingestion_units is not None:
        body["ingestion_units"] = operation.ingestion_units
    return body


def usage_json(prompt_tokens: int, completion_tokens: int) -> Json:
    """A `UsageModel`."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def citation_json(citation: PlacedCitation, files: dict[str, Json], *, highlights: bool) -> Json:
    """A `CitationModel`.

    Args:
        citation: The cited sources, and the place in the text.
        files: The JSON of each cited file by its identifier.
        highlights: Whether the references include the words that they cite.
    """
    return {
        "position": citation.position,
        "references": [_reference_json(source, files, highlights=highlights) for source in citation.sources],
    }


def snippet_json(hit: Hit, text: str, file: Json, images: Sequence[Json] = ()) -> Json:
    """A `TextSnippetModel`, or with image blocks a `MultiModalSnippetModel`."""
    reference: Json = {"type": reference_type(hit.file.name), "file": file}
    if has_pages(hit.file.name):
        reference["pages"] = [] if hit.page is None else [hit.page]
    score = round(hit.score, 6)
    if images:
        content = [{"type": "text", "text": text}, *images]
        return {"type": "multimodal", "content": content, "score": score, "reference": reference}
    return {"type": "text", "content": text, "score": score, "reference": reference}


def image_json(image: PdfImage, *, with_data: bool) -> Json:
    """An image block: its caption and, if requested, its data in base64."""
    block: Json = {"type": "image", "caption": f"image on page {image.page}"}
    if with_data and image.data is not None:
        data = base64.b64encode(image.data).decode()
        block["image"] = {"type": "base64", "mime_type": image.mime_type, "data": data}
    return block


def cited_files(sources: Sequence[Source]) -> list[StoredFile]:
    """Each cited file once."""
    return list({source.file.id: source.file for source in sources}.values())


def _reference_json(source: Source, files: dict[str, Json], *, highlights: bool) -> Json:
    highlight = {"type": "text", "content": source.highlight} if highlights and source.highlight else None
    return {"file": files[source.file.id], "pages": list(source.pages), "highlight": highlight}
