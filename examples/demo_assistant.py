"""Which assistant the examples ask: a local one with the files of `examples/data`, or yours with `--live`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pinecone_assistant_client import AssistantError
from pinecone_assistant_local import LocalAssistant

DATA = Path(__file__).parent / "data"
QUESTION = "What is the maximum height of a red pine?"
FILTERS: tuple[dict[str, Any], ...] = ({"resource": "encyclopedia"}, {"resource": "nursery"})


@contextmanager
def local_assistant(*, token_delay_seconds: float = 0.0) -> Iterator[LocalAssistant]:
    """A local assistant that has read every file of `examples/data`, each with its metadata."""
    metadata = json.loads((DATA / "metadata.json").read_text(encoding="utf-8"))
    with LocalAssistant(name="demo", token_delay_seconds=token_delay_seconds) as local:
        for path in sorted(DATA.glob("*.md")):
            local.upload(path, metadata=metadata[path.name])
        yield local


@contextmanager
def demo_assistant() -> Iterator[dict[str, Any]]:
    """The connection words for a model: `assistant_name`, `api_key`, `host`.

    Without `--live` nothing leaves this machine, and no key is needed. With it, the assistant is the one that
    PINECONE_API_KEY and PINECONE_ASSISTANT_NAME name, and every question is billed to it.
    """
    parser = argparse.ArgumentParser(description="Ask an assistant and show what it cites.")
    parser.add_argument(
        "--live", action="store_true", help="ask your own assistant (PINECONE_API_KEY is used and billed)"
    )
    if parser.parse_args().live:
        missing = [name for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME") if not os.environ.get(name)]
        if missing:
            sys.exit(f"--live asks a real assistant: set {' and '.join(missing)} first.")
        host = os.environ.get("PINECONE_ASSISTANT_HOST", "(looked up from the control plane)")
        print(
            f'Asking assistant "{os.environ["PINECONE_ASSISTANT_NAME"]}" at {host}. Questions are billed.', flush=True
        )
        try:
            yield {}
        except AssistantError as error:
            sys.exit(f"{type(error).__name__}: {error}")
        return
    # Real models need a moment for each token; the pause makes the streaming visible.
    with local_assistant(token_delay_seconds=0.02) as local:
        print(f'Asking the local assistant "{local.name}" at {local.host}: no key, nothing leaves this machine.')
        yield {"assistant_name": local.name, "api_key": local.api_key, "host": local.host}


def print_citations(citations: Iterable[Mapping[str, Any]]) -> None:
    """List what the markers in an answer stand for, each source once."""
    seen: dict[str, None] = {}
    for citation in citations:
        for reference in citation["references"]:
            pages = ", ".join(map(str, reference.get("pages") or ()))
            name = reference.get("file_name") or "(the answer does not name the file)"
            seen[f"  [{reference.get('number')}] {name}{f', pages {pages}' if pages else ''}"] = None
    print("\n".join(seen) or "  (no citations)")
