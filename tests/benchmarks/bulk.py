"""`python -m tests.benchmarks.bulk`: uploads, syncs and batches, next to the official SDK where it has the same function.

Prints a table, and writes it into docs/benchmarks.md after a whole run. Nothing is asserted about speed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.benchmarks import batch_speed, feeding_speed
from tests.benchmarks.report import BULK_HEADER, BulkRow, markdown, write_bulk


def suites(folder: Path) -> Iterator[tuple[str, Iterable[BulkRow]]]:
    """Each suite's name and its rows, which are measured as they are read."""
    yield "memory", (feeding_speed.memory(kind, folder) for kind in ("sync", "async"))
    yield "many", feeding_speed.many(0.1, 5)
    yield "many", feeding_speed.many(0.0, 1.8)
    yield "unchanged", feeding_speed.unchanged(folder)
    yield "plan", (measure() for measure in (feeding_speed.plan,))
    yield "batch", (measure() for measure in (batch_speed.batch,))
    yield "batch memory", (measure() for measure in (batch_speed.batch_memory,))


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bulk")
    parser.add_argument("--only", default="", help="memory, many, unchanged, plan or batch; the page is not written")
    only = parser.parse_args().only
    rows: list[BulkRow] = []
    sys.stdout.write(markdown(BULK_HEADER, []) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        for name, measured in suites(Path(folder)):
            for row in measured if only in name else ():
                rows.append(row)
                sys.stdout.write(markdown(BULK_HEADER, [row]).splitlines()[-1] + "\n")
                sys.stdout.flush()
    if not only:
        write_bulk(rows)


if __name__ == "__main__":
    main()
