"""The second face of the client: names that only authors of framework adapters need.

The LangChain and LlamaIndex adapters import from here and from `pinecone_assistant_client`, and from nowhere else.
"""

from .clients import Clients
from .errors import suggestion
from .filters import check_number, checked_guard, deep_copied
from .options import NOT_GIVEN, NotGiven
from .settings import (
    CONNECTION_OPTIONS,
    DEFAULT_API_VERSION,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MODEL,
    VARIABLES,
    environment,
)
from .shaping import json_instruction, strip_code_fence
from .wire.protocol import checked_context_options

__all__ = [
    "CONNECTION_OPTIONS",
    "DEFAULT_API_VERSION",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_MODEL",
    "NOT_GIVEN",
    "VARIABLES",
    "Clients",
    "NotGiven",
    "check_number",
    "checked_context_options",
    "checked_guard",
    "deep_copied",
    "environment",
    "json_instruction",
    "strip_code_fence",
    "suggestion",
]
