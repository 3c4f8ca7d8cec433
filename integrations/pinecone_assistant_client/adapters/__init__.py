"""Names of the client that only authors of framework adapters need.

The LangChain and LlamaIndex adapters import from here and from `pinecone_assistant_client`, and from nowhere else. The local
assistant's `serve` takes `MetadataRules` from here.
"""

from collections.abc import Sequence
from typing import Any

from ..errors import keeps_no_arguments, suggestion
from ..feeding.metadata import MetadataRules
from ..filters import check_number, checked_guard, deep_copied
from ..messages import Message
from ..options import NOT_GIVEN, ChatOptions, NotGiven
from ..settings import (
    CONNECTION_OPTIONS,
    DEFAULT_API_VERSION,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MODEL,
    VARIABLES,
    Timeout,
    checked_limits,
    environment,
)
from ..shaping import checked_stop, json_instruction, strip_code_fence
from ..wire.protocol import checked_context_options
from .clients import Clients
from .documents import HASH_KEY as DOCUMENT_HASH_KEY
from .documents import document_file_id, document_hash, document_id, document_upload, user_metadata

__all__ = [
    "CONNECTION_OPTIONS",
    "DEFAULT_API_VERSION",
    "DEFAULT_MAX_CONNECTIONS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_MODEL",
    "DOCUMENT_HASH_KEY",
    "NOT_GIVEN",
    "VARIABLES",
    "Clients",
    "MetadataRules",
    "NotGiven",
    "check_number",
    "check_options",
    "checked_context_options",
    "checked_guard",
    "deep_copied",
    "document_file_id",
    "document_hash",
    "document_id",
    "document_upload",
    "environment",
    "json_instruction",
    "keeps_no_arguments",
    "strip_code_fence",
    "suggestion",
    "user_metadata",
]


def check_options(
    *,
    timeout: Timeout = None,
    total_timeout: float | None = None,
    stop: str | Sequence[str] | None = None,
    **options: Any,
) -> None:
    """Check the options of a later call, for adapters that store them.

    A request is built and discarded, so this refuses exactly the options that the call would refuse.

    Args:
        timeout: As for a call.
        total_timeout: As for a call.
        stop: As for a call.
        options: `model`, `temperature`, `filter`, `include_highlights`, `context_options`.

    Raises:
        InvalidRequestError: A value cannot be sent; the message names it.
    """
    checked_stop(stop)
    checked_limits(timeout, total_timeout)
    ChatOptions().changed(**options, interface="standard").build("checked", [Message("user", "checked")], stream=False)
