"""Public names of the client: one module for users, and one for authors of adapters."""

from __future__ import annotations

from importlib import import_module

import pinecone_assistant_client
from pinecone_assistant_client import adapters


def test_the_face_of_the_users_has_clients_values_and_errors_and_no_tool_of_adapters() -> None:
    users, authors = set(pinecone_assistant_client.__all__), set(adapters.__all__)
    assert not users & authors
    assert users > {
        "AssistantClient",
        "AsyncAssistantClient",
        "ErrorResponse",
        "InvalidRequestError",
        "SnippetImage",
        "extract_citations",
        "strip_reference_list",
        "validate_filter",
        "__version__",
    }
    assert not [name for name in authors if hasattr(pinecone_assistant_client, name)]


def test_every_error_is_on_the_face_of_the_users() -> None:
    errors = import_module("pinecone_assistant_client.errors")
    public = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.AssistantError)
    }
    assert public <= set(pinecone_assistant_client.__all__)
