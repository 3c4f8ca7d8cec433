"""Which assistant a command talks to. The key comes from the environment only: arguments show in `ps` and histories."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from pinecone_assistant_client import AssistantClient, Assistants, AsyncAssistantClient

SOURCE_TAG = "pinecone_assistant_cli"

Assistant = Annotated[
    Optional[str],
    typer.Option(
        "--assistant", "-a", metavar="NAME", help="The assistant. Default: PINECONE_ASSISTANT_NAME.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, one object a line.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def client(assistant: str | None, **options: Any) -> AssistantClient:
    """Return a client for the assistant, or for the one that the environment names."""
    return AssistantClient(assistant, source_tag=SOURCE_TAG, **options)


def async_client(assistant: str | None, **options: Any) -> AsyncAssistantClient:
    """Async version of `client`."""
    return AsyncAssistantClient(assistant, source_tag=SOURCE_TAG, **options)


def assistants() -> Assistants:
    """Return the client of the control plane."""
    return Assistants(source_tag=SOURCE_TAG)
