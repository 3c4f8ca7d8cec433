"""Run the Python blocks of pages of docs/ as a reader does: `python tests/release/pages.py PAGE ...`, from the project's root.

It uses the standard library only, because `make dist` runs it where only the install line of these pages was run.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_INSTALL = re.compile(r"pip install ('\.\[[^\]]*\]'[^`#\n]*)")
_BLOCK = re.compile(r"(?P<mark><!-- test: [^>]* -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)


def install_line(text: str) -> str | None:
    """Return the arguments of the page's first `pip install` that has the local assistant, which all blocks ask."""
    lines = [match[1].strip() for match in _INSTALL.finditer(text)]
    return next((line for line in lines if {"local", "all"} & set(re.findall(r"\w+", line.partition("]")[0]))), None)


def blocks(text: str) -> list[str]:
    """Return the page's Python blocks without the marked ones, which need an account or more than this line installs."""
    return [
        "\n" * text[: block.start("code")].count("\n") + block["code"]
        for block in _BLOCK.finditer(text)
        if not block["mark"]
    ]


def install_lines() -> dict[str, list[str]]:
    """Return the distinct install lines of the pages with Python blocks, each with its pages; raise for a page without a line."""
    found: dict[str, list[str]] = {}
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if not _BLOCK.search(text):
            continue
        line = install_line(text)
        if line is None:
            raise ValueError(f"{page.name} has Python blocks and no line such as: pip install '.[all]'")
        found.setdefault(line, []).append(page.name)
    return found


def run_tests(code: str) -> None:
    """Run a page whose blocks are one test file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_application.py").write_text(code, encoding="utf-8")
        subprocess.run([sys.executable, "-m", "pytest", "-q", folder], cwd=folder, check=True)


def run(page: Path) -> None:
    """Run a page's blocks one after another, in one namespace."""
    parts = blocks(page.read_text(encoding="utf-8"))
    if any("\ndef test_" in part for part in parts):
        run_tests("\n\n".join(part.strip("\n") for part in parts))
        return
    names: dict[str, Any] = {"__name__": page.stem}
    try:
        for part in parts:
            exec(compile(part, str(page), "exec"), names)
    finally:
        for value in [value for value in names.values() if type(value).__name__ == "LocalAssistant"]:
            value.close()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(f"--- {argument}", flush=True)
        run(Path(argument))
