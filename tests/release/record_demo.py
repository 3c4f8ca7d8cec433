"""Record `make demo` as docs/demo.svg, the picture in the README: `python tests/release/record_demo.py`.

The text is the output of a real run; only the colours are added here. `tests/docs/test_readme.py` fails if the demo's output
differs from the picture.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "demo.svg"
COLUMNS = 104
# rich's own template loads a font from a CDN. This one uses installed fonts, so nothing is fetched. rich sets the width of
# every piece of text, so any monospaced font fits.
TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {height}" role="img">
<title>make demo: LangChain and LlamaIndex answer from a local assistant, with citations, under two filters</title>
<!-- Made from a real run by tests/release/record_demo.py -->
<style>
.{unique_id}-matrix {{
  font: {char_height}px/{line_height}px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-variant-ligatures: none; white-space: pre;
}}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="10" fill="#1b2430"/>
<g transform="translate({terminal_x}, 20)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def styled(line: str) -> Text:
    """Return a line of the run, coloured by its kind."""
    if line.startswith("$ "):
        return Text(line, "bold green")
    if line.startswith(("LangChain:", "LlamaIndex:")):
        return Text(line, "bold")
    if line.startswith("filter="):
        return Text(line, "cyan")
    if line.startswith("  ["):
        return Text(line, "yellow")
    return Text(line)


def main() -> None:
    """Run the demo and write the picture."""
    # -s suppresses the folder names that make prints inside another make.
    done = subprocess.run(["make", "-s", "demo"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in ["$ make demo", *done.stdout.splitlines()]:
        console.print(styled(line))
    PICTURE.write_text(console.export_svg(title="make demo", code_format=TEMPLATE, unique_id="demo"), "utf-8")
    print(f"Wrote {PICTURE.relative_to(ROOT)} from {len(done.stdout.splitlines())} lines.")


if __name__ == "__main__":
    main()
