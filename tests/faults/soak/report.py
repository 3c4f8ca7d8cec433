"""Figures of a soak run: samples, the check that they stayed flat, the table and the plot."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from .record import Record

PLOT = Path(__file__).parents[3] / "docs" / "soak.svg"


@dataclasses.dataclass(frozen=True)
class Sample:
    """Memory and descriptors of this process at one moment."""

    seconds: float
    mebibytes: float
    descriptors: int
    threads: int
    server_mebibytes: float


def growth(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the second and of the last fifth of the values. The first fifth is the warm-up."""
    fifth = max(1, len(values) // 5)
    return median(values[fifth : 2 * fifth] or values), median(values[-fifth:])


def check_flat(record: Record, samples: Sequence[Sample]) -> None:
    """Fail the run if after the warm-up memory grew by more than a tenth, or descriptors by more than eight."""
    before, after = growth([sample.mebibytes for sample in samples])
    if after > before * 1.1:
        record.fail(f"memory grew from {before:.1f} to {after:.1f} MiB")
    before, after = growth([sample.descriptors for sample in samples])
    if after > before + 8:
        record.fail(f"descriptors grew from {before:.0f} to {after:.0f}")


def report(record: Record, samples: Sequence[Sample], last: Sample, minutes: float, seed: int) -> str:
    """The figures as Markdown."""
    lines = [
        (
            f"{minutes:g} minutes, seed {seed}, {record.calls.total():,} calls of {len(record.calls)} kinds, "
            f"Python {sys.version.split()[0]}, {os.cpu_count()} cores."
        ),
        "",
        "| outcome | calls |",
        "|---|---:|",
        *(f"| {outcome} | {calls:,} |" for outcome, calls in record.outcomes.most_common()),
        f"| **anything else** | **{len(record.failures)}** |",
        "",
        "| | start | after the warm-up | end | peak | everything closed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows: tuple[tuple[str, Callable[[Sample], float], str], ...] = (
        ("memory (RSS, MiB)", lambda s: s.mebibytes, ".1f"),
        ("descriptors", lambda s: s.descriptors, ".0f"),
        ("threads", lambda s: s.threads, ".0f"),
    )
    for name, value, form in rows:
        values = [value(sample) for sample in samples]
        figures = (values[0], *growth(values), max(values), value(last))
        lines.append(f"| {name} | " + " | ".join(format(figure, form) for figure in figures) + " |")
    lines += ["", "After the warm-up and end: medians of the second and of the last fifth of the samples."]
    return "\n".join(lines)


def plot(samples: Sequence[Sample]) -> bool:
    """Write docs/soak.svg; False if matplotlib is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - of the bench group only
    except ModuleNotFoundError:
        return False
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "soak"
    from matplotlib import pyplot  # noqa: PLC0415 - after the backend is chosen

    figure, (upper, lower) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 4.5), layout="constrained")
    minutes = [sample.seconds / 60 for sample in samples]
    upper.plot(minutes, [sample.mebibytes for sample in samples], color="#1f5fa8")
    upper.set_ylabel("memory (RSS), MiB")
    lower.plot(minutes, [sample.descriptors for sample in samples], color="#b3541e")
    lower.set_ylabel("open descriptors")
    lower.set_xlabel("minutes under mixed load with faults")
    for axes in (upper, lower):
        axes.set_ylim(bottom=0, top=1.25 * axes.get_ylim()[1])
        axes.grid(alpha=0.3)
    figure.savefig(PLOT, metadata={"Date": None})
    return True
