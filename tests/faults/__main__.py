"""`python -m tests.faults` prints the fault matrix; `--write` writes it to docs/reliability.md."""

from __future__ import annotations

import sys

from .table import DOCUMENT, table, written

if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(table() + "\n")
