"""Print as JSON the behaviour of one release line of Pinecone's SDK for each row of docs/migration.md.

test_migration.py runs this in one process per release line, with the page's "before" program on standard input.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pinecone_assistant_local import LocalAssistant

QUESTION = "What is the maximum height of a red pine?"
DATA = Path(__file__).parents[2] / "examples" / "data"


def _asking() -> Callable[..., Any]:
    """Call `chat_completions` of the installed release line with a list of (role, content)."""
    pinecone = importlib.import_module("pinecone").Pinecone()
    if os.environ["SDK_LINE"] == "plugin":
        message = importlib.import_module("pinecone_plugins.assistant.models.chat").Message
        assistant = pinecone.assistant.Assistant(assistant_name="docs")
        return lambda turns, **options: assistant.chat_completions(
            messages=[message(role=role, content=content) for role, content in turns], **options
        )
    return lambda turns, **options: pinecone.assistants.chat_completions(
        assistant_name="docs", messages=[{"role": role, "content": content} for role, content in turns], **options
    )


def main() -> None:
    """Ask in every way that the tables list."""
    time.sleep = lambda _seconds: None  # nobody sleeps for real between retries
    with LocalAssistant(name="docs") as local:
        local.upload(DATA / "red_pine.md", metadata={"resource": "encyclopedia"})
        local.upload(DATA / "red_pine_nursery.md", metadata={"resource": "nursery"})
        os.environ.update(local.environ)
        shown = io.StringIO()
        with redirect_stdout(shown):
            exec(sys.stdin.read(), {"question": QUESTION})
        ask = _asking()
        results: dict[str, Any] = {"before": shown.getvalue()}

        def text(**options: Any) -> str:
            chunks = ask([("user", QUESTION)], stream=True, **options)
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

        def note(row: str, call: Callable[[], str]) -> None:
            before = len(local.requests)
            try:
                said: dict[str, Any] = {"text": call()}
            except Exception as error:  # noqa: BLE001 - reports whatever is raised
                said = {"error": f"{type(error).__module__}.{type(error).__name__}: {error}"}
            results[row] = said | {"requests": len(local.requests) - before}

        note("whole", text)
        old: Any = importlib.import_module("pinecone").Pinecone()
        note("old form", lambda: str(old.assistant.Assistant(assistant_name="docs")))
        note("wrong filter", lambda: str(ask([("user", QUESTION)], filter={"resource": ["nursery"]})))
        note("system", lambda: str(ask([("system", "Be brief."), ("user", QUESTION)])))
        with local.faults.add(omit_finish=True):
            note("no finish", text)
        with local.faults.add(error_after_events=5):
            note("error inside", text)
        with local.faults.add(cut_after_events=5):
            note("cut", text)
        if os.environ["SDK_LINE"] == "10.x":  # the only release line with a timeout per call
            with local.faults.add(stall=True):
                note("read timeout", lambda: str(ask([("user", QUESTION)], timeout=0.3)))
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
