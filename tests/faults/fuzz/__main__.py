"""Fuzzing for as long as you like: `python -m tests.faults.fuzz --minutes 10`. `--minutes` is CPU time of this process."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pinecone_assistant_client.citations import extract_citations, strip_reference_list

from ..reference_decoder import Interface
from . import (
    ANSWERS,
    CUTS,
    FILTERS,
    HOSTILE,
    bodies,
    check_citations,
    check_filter,
    check_holdback,
    check_linear,
    check_stream,
    held_back,
)


def fuzz(minutes: float, first_seed: int) -> tuple[dict[str, int], float, list[str]]:
    """Run the properties in turn for some minutes of CPU. Return the examples of each, the CPU seconds, and the failures.

    SIGTERM ends it at the next property.
    """
    logging.getLogger("pinecone_assistant_client").addHandler(logging.NullHandler())  # it warns of nearly every body
    counts: dict[str, int] = {}
    failures: list[str] = []
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    begin = time.process_time()

    def counted(name: str, check: Callable[..., object], *strategies: st.SearchStrategy[Any]) -> Callable[[int], None]:
        def run(number: int) -> None:
            @seed(number)
            @settings(
                max_examples=500,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            )
            @given(st.tuples(*strategies))
            def examples(values: tuple[Any, ...]) -> None:
                counts[name] = counts.get(name, 0) + 1
                check(*values)

            try:
                examples()
            except Exception:  # noqa: BLE001 - reported at the end
                failures.append(f"{name}, seed {number}: {traceback.format_exc()[-3000:]}")

        return run

    def stream_check(interface: Interface) -> Callable[[bytes, list[int]], None]:
        return lambda body, cuts: check_stream(interface, body, cuts)

    properties = [
        counted("streams, openai", stream_check("openai"), bodies("openai"), CUTS),
        counted("streams, standard", stream_check("standard"), bodies("standard"), CUTS),
        counted("citations", check_citations, ANSWERS),
        counted("reference list held back", check_holdback, ANSWERS, CUTS),
        counted("filters", check_filter, FILTERS),
    ]
    number = first_seed
    while time.process_time() - begin < 60 * minutes and len(failures) < 5:
        for run in properties:
            number += 1
            if not stopped:
                run(number)
        if stopped:
            break
    return counts, time.process_time() - begin, failures


def main() -> int:
    """Fuzz, then print the figures. The exit status is 1 if a failure was found."""
    parser = argparse.ArgumentParser(description="Fuzz the client's pure parts.")
    parser.add_argument("--minutes", type=float, default=10.0, help="of CPU; at most 120")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--megabytes", type=float, default=1.0, help="size of the hostile texts")
    arguments = parser.parse_args()
    counts, seconds, failures = fuzz(min(arguments.minutes, 120.0), arguments.seed)
    for name, count in counts.items():
        print(f"{name}: {count:,} examples")  # noqa: T201 - this is a command
    print(f"{seconds / 60:.1f} CPU minutes")  # noqa: T201 - same
    size = int(arguments.megabytes * 1_000_000)
    works: dict[str, Callable[[str], object]] = {
        "extract_citations": extract_citations,
        "strip_reference_list": strip_reference_list,
        "held back": held_back,
    }
    for work_name, work in works.items():
        slowest = (0.0, "")
        for name in HOSTILE:
            try:
                slowest = max(slowest, (check_linear(name, work, size), name))
            except AssertionError as error:  # noqa: PERF203 - a few dozen rounds
                failures.append(f"{work_name}: {error}")
        print(f"{work_name}: {size:,} hostile characters, slowest {slowest[0]:.2f} s ({slowest[1]})")  # noqa: T201 - same
    for failure in failures:
        print(f"FOUND: {failure}", file=sys.stderr)  # noqa: T201 - same
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
