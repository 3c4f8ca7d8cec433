"""The code of the LangChain pages of docs/ runs, block by block, in the order of each page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("langchain*.md"))
# What the blocks of a page print, in addition to the maximum height of a red pine.
SHOWN = {
    "langchain.md": ["[1] red_pine.md None", "False True"],
    "langchain_agents.md": [
        "[{'resource': 'nursery'}, {'resource': 'nursery'}]",
        "1. red_pine.md\n2. red_pine_nursery.md\n",
        "maximum_height=",
    ],
    "langchain_filters.md": ["{'$and': [{'resource': 'encyclopedia'}, {'year': {'$gte': 2022}}]}"],
    "langchain_options.md": ["False 401", "total_tokens"],
    "langchain_passages.md": ["red_pine.md", "'num_skipped': 1"],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs_and_prints_what_the_page_says(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    text = page.read_text("utf-8")
    names: dict[str, Any] = {"__name__": "langchain_docs"}
    try:
        for block in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
            line = text[: block.start(1)].count("\n")
            exec(compile("\n" * line + block[1], str(page), "exec"), names)
    finally:
        names["local"].close()
    shown = capsys.readouterr().out
    for expected in [*SHOWN[page.name], *re.findall(r"print\(error\)  # (.*)", text)]:
        assert expected in shown
    assert "43.8" in shown or page.name == "langchain_passages.md", "passages are cut for the page"


def test_the_filters_page_opens_with_the_warning() -> None:
    """A filter that is lost in a chain leaks files between tenants."""
    text = (DOCS / "langchain_filters.md").read_text("utf-8").partition("\n\n")[2]
    assert text.startswith("**Only the first part of a chain gets the options of `invoke`.**")


def test_no_code_of_ours_passes_a_filter_to_a_chain() -> None:
    """Docs and examples bind or configure the filter; the only place that shows the loss says DON'T."""
    pattern = re.compile(r"\b(chain|bound|per_user|\(prompt \|.*\))\.(a?invoke|a?stream|a?batch)\([^)]*filter=")
    for path in [*PAGES, ROOT / "README.md", *(ROOT / "examples").glob("*langchain*.py")]:
        text = path.read_text("utf-8")
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if path.suffix == ".md" else [text]:
            for found in pattern.finditer(block):
                assert "DON'T" in block[max(0, found.start() - 400) : found.start()]
