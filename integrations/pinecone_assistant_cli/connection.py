"""The assistant of a command. The key is read only from the environment: arguments show in `ps` and in histories."""

from __future__ import annotations

import os
from typing import Annotated, Any, Optional

import typer

from pinecone_assistant_client import AssistantClient, Assistants, AsyncAssistantClient

from .terminal import fail

SOURCE_TAG = "pinecone_assistant_cli"

Assistant = Annotated[
    Optional[str],
    typer.Option(
        "--assistant", "-a", metavar="NAME", help="The assistant. Default: PINECONE_ASSISTANT_NAME.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, one object a line.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def check_environment(*, assistant: str | None = None, is_assistant_needed: bool = True) -> None:
    """Exit with 2 where the key or the assistant's name is missing; the client's message would name its own options."""
    if not os.environ.get("PINECONE_API_KEY", "").strip():
        raise fail("no API key: set PINECONE_API_KEY (it is not an option: arguments show in `ps` and in histories)", 2)
    # An unset variable of a shell; the client would take the assistant of the environment.
    if assistant is not None and not assistant.strip():
        raise fail("--assistant is empty: pass a name, or leave it out to use PINECONE_ASSISTANT_NAME", 2)
    if is_assistant_needed and assistant is None and not os.environ.get("PINECONE_ASSISTANT_NAME", "").strip():
        raise fail("no assistant: pass --assistant NAME, or set PINECONE_ASSISTANT_NAME", 2)


def client(assistant: str | None, **options: Any) -> AssistantClient:
    """Return a client for the assistant; without a name, for the one in the environment."""
    check_environment(assistant=assistant)
    return AssistantClient(assistant, source_tag=SOURCE_TAG, **options)


def async_client(assistant: str | None, **options: Any) -> AsyncAssistantClient:
    """Async version of `client`."""
    check_environment(assistant=assistant)
    return AsyncAssistantClient(assistant, source_tag=SOURCE_TAG, **options)


def assistants() -> Assistants:
    """Return the client of the control plane."""
    check_environment(is_assistant_needed=False)
    return Assistants(source_tag=SOURCE_TAG)
