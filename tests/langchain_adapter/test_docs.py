"""The code of docs/langchain.md runs, block by block, in the order of the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "langchain.md"
CHAPTERS = (
    "Setup, Instantiate, Invoke, Stream, Async, Filters, Citations, Structured output, Retriever, Index, Tool and agents, "
    "Callbacks, Errors and retries, Limits of the service"
)


def test_every_block_runs_and_says_what_the_page_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    text = PAGE.read_text("utf-8")
    names: dict[str, Any] = {"__name__": "langchain_docs"}
    try:
        for block in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
            line = text[: block.start(1)].count("\n")
            exec(compile("\n" * line + block[1], str(PAGE), "exec"), names)
    finally:
        names["local"].close()
    shown = capsys.readouterr().out
    assert shown.count("43.8") > 5
    assert "[1] red_pine.md None" in shown
    for printed in re.findall(r"print\(error\)  # (.*)", text):
        assert printed in shown


def test_chapters_are_in_the_promised_order() -> None:
    found = re.findall(r"^## (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert ", ".join(found) == CHAPTERS


def test_the_filters_chapter_opens_with_the_warning() -> None:
    """A filter that is lost in a chain leaks files between tenants."""
    chapter = PAGE.read_text("utf-8").partition("## Filters\n\n")[2]
    assert chapter.startswith("**Only the first part of a chain gets the options of `invoke`.**")


def test_no_code_of_ours_passes_a_filter_to_a_chain() -> None:
    """Docs and examples bind or configure the filter; the only place that shows the loss says DON'T."""
    pattern = re.compile(r"\b(chain|bound|per_user|\(prompt \|.*\))\.(a?invoke|a?stream|a?batch)\([^)]*filter=")
    for path in [PAGE, ROOT / "README.md", *(ROOT / "examples").glob("*langchain*.py")]:
        text = path.read_text("utf-8")
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if path.suffix == ".md" else [text]:
            for found in pattern.finditer(block):
                assert "DON'T" in block[max(0, found.start() - 400) : found.start()]
