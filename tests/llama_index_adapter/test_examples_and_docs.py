"""The LlamaIndex examples and the code of the pages docs/llama_index*.md run unchanged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

import llama_index.indices.managed.pinecone_assistant as managed
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_local import LocalAssistant

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("llama_index*.md"))
EXAMPLES = {
    "llama_index_streaming.py": ["1,642 meters", "[1] lake_baikal.md", "tokens"],
    "llama_index_chat_engine.py": ["95 meters", "3,200 years", "giant_sequoia.md: ", "remembers 4 messages"],
    "llama_index_agent_tool.py": ["12 dollars", "Sources:\n- nursery_delivery.md"],
    "llama_index_retriever.py": ["three to five", "honey_bee.md"],
    "llama_index_index.py": [
        "7 documents are in",
        "43.8 meters",
        "  red_pine.md (trees): ",
        "sends 0 documents,\nand 1 after a change.\n6 documents are left",
    ],
    "llama_index_structured.py": ['"maximum_depth_meters":1642.0'],
}


def test_every_example_is_here() -> None:
    assert {path.name for path in (ROOT / "examples").glob("llama_index_*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs_and_shows_what_it_is_for(name: str) -> None:
    """Run an example in a new process without a key, like a user does."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    strict = [] if "agent" in name else ["-W", "error"]  # LlamaIndex's agents use deprecated names of pydantic
    done = subprocess.run(
        [sys.executable, *strict, str(ROOT / "examples" / name)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for shown in EXAMPLES[name]:
        assert shown in done.stdout
    assert "http" not in done.stdout, "no expiring link"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_one_after_another(
    page: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comment after a `print(...)` shows its output."""
    monkeypatch.chdir(ROOT)
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "docs"}
    checked = 0
    try:
        for match in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
            line = text[: match.start(1)].count("\n")
            code = compile("\n" * line + match[1], str(page), "exec")
            with warnings.catch_warnings():
                if "FunctionAgent" in match[1]:
                    warnings.simplefilter("ignore", DeprecationWarning)
                exec(code, namespace)
            printed = capsys.readouterr().out
            for said in re.findall(r"print\(.*\)  # (.+)", match[1]):
                assert said in printed, f"{page.name}, block at line {line}"
                checked += 1
    finally:
        namespace["local"].close()
    assert checked > 0


@pytest.mark.parametrize(
    "thing",
    [
        PineconeAssistant,
        managed.PineconeAssistantRetriever,
        managed.PineconeAssistantQueryEngine,
        managed.PineconeAssistantChatEngine,
        managed.PineconeAssistantTool,
        managed.PineconeAssistantToolSpec,
    ],
    ids=lambda thing: thing.__name__,
)
def test_the_example_of_a_public_class_runs(thing: type, monkeypatch: pytest.MonkeyPatch) -> None:
    match = re.search(r"```python\n(.*?)```", thing.__doc__ or "", re.DOTALL)
    assert match is not None
    with LocalAssistant(name="docs") as local:
        local.upload(ROOT / "examples/data/red_pine.md", metadata={"resource": "encyclopedia"})
        for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_HOST"):
            monkeypatch.setenv(name, local.environ[name])
        names = {"ChatMessage": ChatMessage, "PineconeAssistant": PineconeAssistant, **vars(managed)}
        exec(textwrap.dedent(match[1]), names)
