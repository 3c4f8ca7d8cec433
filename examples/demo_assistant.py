"""Assistant for the examples: a local one with the files of `examples/data`, or your own with `--live`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pinecone_assistant_client import AssistantClient, AssistantError
from pinecone_assistant_local import LocalAssistant

DATA = Path(__file__).parent / "data"
QUESTION = "What is the maximum height of a red pine?"
FILTERS: tuple[dict[str, Any], ...] = ({"resource": "encyclopedia"}, {"resource": "nursery"})


def feed(client: AssistantClient) -> None:
    """Put every file of `examples/data` into an assistant, each with its metadata."""
    metadata = json.loads((DATA / "metadata.json").read_text(encoding="utf-8"))
    for path in sorted(DATA.glob("*.md")):
        client.files.upload(path, metadata=metadata[path.name])


@contextmanager
def local_assistant(*, token_delay_seconds: float = 0.0) -> Iterator[LocalAssistant]:
    """A local assistant that has read the files."""
    with LocalAssistant(name="demo", token_delay_seconds=token_delay_seconds) as local:
        with AssistantClient(**local.connection) as client:  # your own assistant: AssistantClient()
            feed(client)
        yield local


@contextmanager
def connect(*, live: bool, purpose: str = "Questions are billed.") -> Iterator[dict[str, Any]]:
    """Return connection options: `assistant_name`, `api_key`, `host`.

    With `live` there are none: PINECONE_API_KEY and PINECONE_ASSISTANT_NAME name the assistant, and nothing is uploaded
    to it. Otherwise nothing leaves this machine, and no key is needed.
    """
    if live:
        missing = [name for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME") if not os.environ.get(name)]
        if missing:
            sys.exit(f"--live asks a real assistant: set {' and '.join(missing)} first.")
        host = os.environ.get("PINECONE_ASSISTANT_HOST", "(looked up from the control plane)")
        print(f'Asking assistant "{os.environ["PINECONE_ASSISTANT_NAME"]}" at {host}. {purpose}', flush=True)
        try:
            yield {}
        except AssistantError as error:
            sys.exit(f"{type(error).__name__}: {error}")
        return
    # Real models need a moment for each token; the pause makes the streaming visible.
    with local_assistant(token_delay_seconds=0.02) as local:
        print(f'Asking the local assistant "{local.name}" at {local.host}: no key, nothing leaves this machine.')
        yield local.connection


@dataclass(frozen=True)
class Demo:
    """A question for an assistant, and the filters to ask it with."""

    connection: dict[str, Any]
    question: str
    filters: tuple[dict[str, Any] | None, ...]


@contextmanager
def demo() -> Iterator[Demo]:
    """Read the demo's command line: a local assistant, or your own with `--live QUESTION`.

    `--live` without a question costs nothing: it lists your assistant's files and exits.
    """
    parser = argparse.ArgumentParser(description="Ask an assistant and show what it cites.")
    parser.add_argument("--live", action="store_true", help="your own assistant (PINECONE_API_KEY is used and billed)")
    parser.add_argument("question", nargs="?", default="", help="what to ask your own assistant")
    options = parser.parse_args()
    if not options.live:
        with connect(live=False) as connection:
            yield Demo(connection, options.question or QUESTION, FILTERS)
    elif options.question.strip():
        with connect(live=True) as connection:
            yield Demo(connection, options.question, (None,))
    else:
        with connect(live=True, purpose="It is not asked anything yet, and nothing is billed.") as connection:
            list_files(connection)
        sys.exit()


def list_files(connection: Mapping[str, Any]) -> None:
    """Print the files of an assistant, and how to ask it."""
    with AssistantClient(**connection) as client:
        names = [f"  {file.name} ({file.status})" for file in client.files.list()]
    print(
        "\n".join(["Its files:", *names])
        if names
        else "It has no files yet: put some in with client.files.upload(...)."
    )
    print(f'To ask it, which is billed: make demo-live QUESTION="{QUESTION}"')


def print_citations(citations: Iterable[Mapping[str, Any]]) -> None:
    """Print the sources of the marks in an answer, each source once."""
    seen: dict[str, None] = {}
    for citation in citations:
        for reference in citation["references"]:
            pages = ", ".join(map(str, reference.get("pages") or ()))
            name = reference.get("file_name") or "(the answer does not name the file)"
            seen[f"  [{reference.get('number')}] {name}{f', pages {pages}' if pages else ''}"] = None
    print("\n".join(seen) or "  (no citations)")
