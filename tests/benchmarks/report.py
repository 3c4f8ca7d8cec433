"""The report: tables on the terminal, docs/benchmarks.md, and plots that can be read without the table."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tests.benchmarks.__main__ import Results

DOCS = Path(__file__).parent.parent.parent / "docs"
PACKAGES = (
    "langchain-core",
    "langchain-openai",
    "llama-index-core",
    "llama-index-llms-openai-like",
    "openai",
    "pinecone",
    "requests",
    "urllib3",
    "aiohttp",
    "msgspec",
)
NOTES = Path(__file__).parent / "notes.md"
"""Written by hand: what the figures mean, and the profile behind each bar that was missed."""
HTTP = "HTTP alone"
LC, OPENAI, LC_FLOOR = "ChatPineconeAssistant", "ChatOpenAI", "LangChain floor"
LI, LIKE, LI_FLOOR = "PineconeAssistant", "OpenAILike", "LlamaIndex floor"
TOKEN, STREAMS = "token, one event a chunk", "200 streams at once"
IDEAL_STREAMS_SECONDS = 1.03
"""103 events, 10 ms apart."""


@dataclass(frozen=True)
class Bar:
    """A promised limit on the ratio of two medians."""

    what: str
    suite: str
    figure: str
    subject: str
    over: str
    limit: float


BARS = (
    Bar("call, CPU over ChatOpenAI", "call", "cpu", LC, OPENAI, 0.40),
    Bar("call, CPU over OpenAILike", "call", "cpu", LI, LIKE, 0.35),
    Bar("streamed token, CPU over ChatOpenAI", TOKEN, "cpu", LC, OPENAI, 0.16),
    Bar("streamed token, CPU over LangChain's floor", TOKEN, "cpu", LC, LC_FLOOR, 1.35),
    Bar("streamed token, CPU over OpenAILike", TOKEN, "cpu", LI, LIKE, 0.16),
    Bar("streamed token, CPU over LlamaIndex's floor", TOKEN, "cpu", LI, LI_FLOOR, 1.45),
    Bar("200 calls at once, CPU over ChatOpenAI", "200 calls at once", "cpu", LC, OPENAI, 0.10),
    Bar("200 calls at once, CPU over OpenAILike", "200 calls at once", "cpu", LI, LIKE, 0.10),
    Bar("1,000 calls at once, CPU over ChatOpenAI", "1,000 calls at once", "cpu", LC, OPENAI, 0.10),
    Bar("1,000 calls at once, CPU over OpenAILike", "1,000 calls at once", "cpu", LI, LIKE, 0.10),
    Bar("200 streams at once, CPU over ChatOpenAI", STREAMS, "cpu", LC, OPENAI, 0.25),
    Bar("200 streams at once, CPU over OpenAILike", STREAMS, "cpu", LI, LIKE, 0.25),
    Bar("200 streams at once, wall over the ideal, LangChain", STREAMS, "wall", LC, "ideal", 1.3),
    Bar("200 streams at once, wall over the ideal, LlamaIndex", STREAMS, "wall", LI, "ideal", 1.3),
    Bar("cold import over BaseChatModel", "cold import", "cpu", LC, "langchain_core BaseChatModel", 1.15),
    Bar("cold import over LLM", "cold import", "cpu", LI, "llama_index LLM", 1.15),
)
_UNITS: dict[str, tuple[str, Callable[[float], str]]] = {
    "us": ("us", lambda seconds: f"{seconds * 1e6:,.0f}"),
    "ms": ("ms", lambda seconds: f"{seconds * 1e3:,.2f}"),
    "s": ("s", lambda seconds: f"{seconds:,.3f}"),
    "MB": ("MB", lambda size: f"{size / 1e6:,.1f}"),
}


def _unit(suite: str, figure: str) -> str:
    if figure in ("peak", "grown", "text"):
        return "MB"
    if suite == "call" or suite.startswith("token"):
        return "us"
    return "ms" if suite.startswith("delay") else "s"


def _rows(results: Results, suite: str) -> tuple[list[str], list[list[str]]]:
    subjects = results.values[suite]
    figures = list(next(iter(subjects.values())))
    header = ["subject", *(f"{figure} ({_UNITS[_unit(suite, figure)][0]})" for figure in figures)]
    rows = []
    for subject, values in subjects.items():
        cells = [
            _UNITS[_unit(suite, figure)][1](results.median(suite, subject, figure)) if figure in values else "-"
            for figure in figures
        ]
        rows.append([subject, *cells])
    return header, rows


def bar_rows(results: Results) -> list[list[str]]:
    """Each bar with its measured ratio and whether it is met."""
    rows = []
    for bar in BARS:
        if bar.subject not in results.values.get(bar.suite, {}):
            continue
        base = IDEAL_STREAMS_SECONDS if bar.over == "ideal" else results.median(bar.suite, bar.over, bar.figure)
        ratio = results.median(bar.suite, bar.subject, bar.figure) / base
        rows.append([bar.what, f"{ratio:.3f}", f"{bar.limit:g}", "met" if ratio <= bar.limit else "MISSED"])
    for suite in results.values:
        if suite.startswith("delay"):
            for subject in (LC, LI):
                late = results.median(suite, subject, "max") * 1e3
                added = late - results.median(suite, "raw socket", "max") * 1e3
                what = f"{suite}, max added over a raw socket, ms: {subject}"
                rows.append([what, f"{added:.2f}", "2", "met" if added <= 2 else "MISSED"])
    return rows


def floor_rows(results: Results) -> list[list[str]]:
    """For calls: what the framework and the HTTP library cost without us, and what we add."""
    rows = []
    for suite in ("call", "200 calls at once", "1,000 calls at once"):
        for subject, floor, peer in ((LC, LC_FLOOR, OPENAI), (LI, LI_FLOOR, LIKE)):
            if not {subject, floor, peer, HTTP} <= results.values.get(suite, {}).keys():
                continue
            ours, base, other = (results.median(suite, name, "cpu") for name in (subject, floor, peer))
            alone = base + results.median(suite, HTTP, "cpu")
            rows.append([suite, subject, f"{alone / other:.3f}", f"{ours / other:.3f}", f"{ours / alone:.2f}"])
    return rows


class BulkRow(NamedTuple):
    """A row of the table of uploads, syncs and batches."""

    what: str
    ours: str
    sdk: str = "-"
    bar: str = "-"


BULK_HEADER = ("work", "ours", "official SDK", "bar")
BULK_TITLE = "## Uploads, syncs and batches"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def with_bulk(page: str, section: str) -> str:
    """Return the page with this section at its end, in place of an older one."""
    rest = page.partition(BULK_TITLE)[0].rstrip("\n")
    return f"{rest}\n\n{section.strip()}\n" if section else f"{rest}\n"


def write_bulk(rows: Sequence[BulkRow]) -> None:
    """Write the table of uploads, syncs and batches into docs/benchmarks.md; the rest of the page stays."""
    page = DOCS / "benchmarks.md"
    how = (
        f"Measured once, on {datetime.date.today():%Y-%m-%d} with `make bench`: the client, the official SDK "
        f"{_version('pinecone')} and the server each in a process of its own. Where the SDK has no such call, "
        "the row says what it does instead."
    )
    section = f"{BULK_TITLE}\n\n{how}\n\n{markdown(BULK_HEADER, rows)}"
    page.write_text(with_bulk(page.read_text(encoding="utf-8"), section), encoding="utf-8")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def write_report(results: Results, *, is_whole: bool, rounds: int, seconds: float) -> None:
    """Print the tables; after a whole run also write docs/benchmarks.md and its plots."""
    console = Console()
    tables = [(suite, *_rows(results, suite)) for suite in results.values]
    bars = (["bar", "measured", "at most", ""], bar_rows(results))
    floors = (["work", "subject", "floor / peer", "ours / peer", "ours / floor"], floor_rows(results))
    for title, header, rows in [
        *tables,
        ("bars (ratios of medians in this run)", *bars),
        ("floors of a call", *floors),
    ]:
        table = Table(*header, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print(f"{seconds:.0f} s, {rounds} rounds")
    if not is_whole:
        return
    for suite, name, figure, title in (
        ("call", "benchmark_call", "cpu", "CPU of one call (us)"),
        (TOKEN, "benchmark_token", "cpu", "CPU of one streamed token (us)"),
        (STREAMS, "benchmark_streams", "wall", "200 streams of 100 tokens, 10 ms apart: wall (s), ideal 1.03"),
    ):
        _plot(results, suite, figure, title, DOCS / f"{name}.svg")
    memory = f"{(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')) / 2**30:.0f} GiB"
    how = (
        f"Measured on {datetime.date.today():%Y-%m-%d} with `make bench` in {seconds:.0f} s: {rounds} rounds, each measurement "
        "in a fresh process, forked after the imports, against a stub server in another one, subjects taking turns, garbage "
        "collection as users have it, medians. CPU is user and system time of the client process."
    )
    versions = ", ".join(f"{package} {_version(package)}" for package in PACKAGES)
    who = (
        "The floors are minimal models of the frameworks that yield ready text: what they cost, no adapter can avoid. "
        "`ChatOpenAI` and `OpenAILike` are pointed at the assistant's OpenAI-compatible endpoint."
    )
    what_floor = (
        "A call of ours is one pass through the framework over one request of an HTTP library: requests, or aiohttp for calls "
        "at once. The floor is these two measured alone in the same run; a bar below it cannot be met by an adapter."
    )
    parts = [
        "# Benchmarks",
        how,
        f"Machine: {os.cpu_count()} cores, {memory}, {platform.system()}, Python {platform.python_version()}.",
        f"Versions: {versions}.",
        who,
        "![CPU of one call](benchmark_call.svg)",
        "![CPU of one streamed token](benchmark_token.svg)",
        "![200 streams at once](benchmark_streams.svg)",
        "## Bars",
        markdown(*bars),
        "## What a call cannot go below",
        what_floor,
        markdown(*floors),
        NOTES.read_text(encoding="utf-8").strip(),
        *(f"## {suite[0].upper()}{suite[1:]}\n\n{markdown(header, rows)}" for suite, header, rows in tables),
    ]
    page = DOCS / "benchmarks.md"
    _, title, bulk = page.read_text(encoding="utf-8").partition(BULK_TITLE) if page.exists() else ("", "", "")
    page.write_text(with_bulk("\n\n".join(parts), title + bulk), encoding="utf-8")


def _plot(results: Results, suite: str, figure: str, title: str, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only a whole run draws

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    subjects = list(results.values[suite])
    scale = 1e6 if _unit(suite, figure) == "us" else 1.0
    values = [results.median(suite, subject, figure) * scale for subject in subjects]
    order = sorted(range(len(subjects)), key=lambda index: -values[index])
    picture, axes = plt.subplots(figsize=(8, 0.5 + 0.45 * len(subjects)))
    bars = axes.barh(
        [subjects[index] for index in order],
        [values[index] for index in order],
        color=["#1f6feb" if subjects[index] in (LC, LI) else "#a0a8b0" for index in order],
    )
    axes.bar_label(
        bars,
        labels=[f"{values[index]:,.3g}" if scale == 1.0 else f"{values[index]:,.0f}" for index in order],
        padding=3,
    )
    axes.set_title(title, loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])
    picture.tight_layout()
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)
