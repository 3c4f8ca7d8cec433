"""`python -m tests.faults.soak --minutes 30`: run, print the report, and exit with status 1 after a failure."""

from __future__ import annotations

import argparse
import logging
import sys

from .load import soak
from .report import PLOT, check_flat, plot, report


def main() -> int:
    """Run and print the report. Return exit status 0 if there was no failure."""
    parser = argparse.ArgumentParser(description="Mixed load over a faulty local assistant.")
    parser.add_argument("--minutes", type=float, default=30.0, help="at most 120")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pause", type=float, default=0.5, help="mean seconds between two calls of a worker")
    parser.add_argument("--workers", type=int, default=3, help="threads, and as many tasks")
    parser.add_argument("--no-plot", action="store_true", help="leave docs/soak.svg alone")
    arguments = parser.parse_args()
    logging.getLogger("pinecone_assistant_client").setLevel(logging.ERROR)  # retries are expected here
    minutes = min(arguments.minutes, 120.0)
    record, samples, last = soak(minutes, arguments.seed, arguments.pause, arguments.workers)
    check_flat(record, samples)
    print(report(record, samples, last, minutes, arguments.seed))  # noqa: T201 - this is a command
    for name, calls in sorted(record.calls.items()):
        print(f"  {name}: {calls}")  # noqa: T201 - same
    if not arguments.no_plot:
        print(f"plot: {PLOT}" if plot(samples) else "no plot: matplotlib is not installed")  # noqa: T201 - same
    for failure in record.failures[:20]:
        print(f"FAILED: {failure}", file=sys.stderr)  # noqa: T201 - same
    return int(bool(record.failures))


if __name__ == "__main__":
    sys.exit(main())
