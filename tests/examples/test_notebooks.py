"""The notebooks run from the first cell to the last, and are stored with the outputs of a local run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

# Runs the code cells like Jupyter, without Jupyter: in one namespace, inside a running event loop, with top-level await.
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
    """Return the cells of a notebook."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def outputs_of(notebook: Path) -> str:
    """Return the text of all stored outputs."""
    cells = [cell for cell in cells_of(notebook) if cell["cell_type"] == "code"]
    return "".join("".join(output.get("text", [json.dumps(output)])) for cell in cells for output in cell["outputs"])


def run(notebook: Path) -> str:
    """Run a notebook in its folder, without any PINECONE_* variable, and return its output."""
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
    """Otherwise the tests below would pass without any notebook."""
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
        "'num_skipped': 1" if notebook.stem == "langchain" else "[False, True]",
        "1.0",
    ):
        assert text in shown
    assert "[1] -> ['red_pine.md']" in shown
    assert "http" not in shown


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_stored_with_its_outputs(notebook: Path) -> None:
    """Each printing cell is stored with its output, from one run of all cells in order, without an error."""
    code = [cell for cell in cells_of(notebook) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        prints = "print(" in "".join(cell["source"])
        assert [output["output_type"] for output in cell["outputs"]] == ["stream"] * prints, cell["id"]
        assert not cell["metadata"], "a run leaves its times here"
    shown = outputs_of(notebook)
    for text in ("43.8 meters", "1,642 meters", "nursery_delivery.md", "est in burrows.", "1.0"):
        assert text in shown


PRIVATE = re.compile(
    r"""(?:^|[\s'"(=:\[])~?/\w[\w.-]*/  # an absolute path
    |\b[A-Za-z]:[\\/]\w                 # one of Windows
    |://|127\.0\.0\.1|localhost       # an address, a signed link
    |pcsk_|api.?key""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_no_output_holds_a_path_an_address_or_a_key(notebook: Path) -> None:
    assert PRIVATE.search(outputs_of(notebook)) is None


@pytest.mark.parametrize(
    "text",
    [
        "read /home/ada/pines.md",
        "'/tmp/x/y'",
        "in C:\\Users\\ada",
        "https://x.example/?sig=1",
        "{'api_key': 'x'}",
        "pcsk_1",
    ],
)
def test_what_must_not_be_published_is_recognised(text: str) -> None:
    """Otherwise the test above could not fail."""
    assert PRIVATE.search(text)
