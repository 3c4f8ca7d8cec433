"""The notebooks run from the first cell to the last, and lie in git without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

# Runs the code cells in one namespace inside a running event loop, with top-level await: what Jupyter does, without Jupyter.
RUNNER = """
import ast, asyncio, inspect, json, sys

async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] == "code":
            print(f"--- cell {number}", flush=True)
            code = compile("".join(cell["source"]), f"cell {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, names)
            if inspect.iscoroutine(result):
                await result

asyncio.run(main())
"""


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def run(notebook: Path) -> str:
    """What a notebook prints, started in its folder and without any PINECONE_* variable."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER, notebook.name],
        cwd=notebook.parent,
        capture_output=True,
        text=True,
        timeout=120,
        env=kept | {"PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_tours_are_there() -> None:
    """The tests below would pass without any notebook."""
    assert [notebook.name for notebook in NOTEBOOKS] == ["langchain.ipynb", "llama_index.ipynb"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_runs_and_shows_what_it_is_for(notebook: Path) -> None:
    """Two filters give two answers, the sources are named, and no expiring link is printed."""
    shown = run(notebook)
    for text in (
        "43.8 meters",
        "3 meters",
        "1,642 meters",
        "red_pine.md",
        "red_pine_nursery.md",
        "nursery_delivery.md",
    ):
        assert text in shown
    assert "[1] -> ['red_pine.md']" in shown
    assert "http" not in shown


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_kept_without_outputs(notebook: Path) -> None:
    """Outputs would make every run a change, and could hold what nobody meant to publish."""
    code = [cell for cell in cells_of(notebook) if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
        assert not cell["metadata"], "a run leaves its times here"
