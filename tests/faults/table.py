"""The table of docs/reliability.md, printed from the very expectations that the tests assert."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .adapters import FAULTS, METHODS, expected
from .matrix import CONNECT_SECONDS, GROUPS, READ_SECONDS, Row

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- fault matrix: written by `python -m tests.faults --write`; do not edit between these lines -->"
END = "<!-- end of the fault matrix -->"
_ABOUT_CLIENTS = """Each row is asserted for `AssistantClient` and `AsyncAssistantClient`, for both interfaces, whole and
streamed, in each framing that it names: {cells} cells, with a connect timeout of {connect:g} s, or a read timeout of {read:g} s,
where a timeout ends the wait. After each cell no connection, task or descriptor is left, and nothing was warned of."""
_ABOUT_ADAPTERS = """Each cell has the result and the number of requests that reached the server. Streams deliver the text that
came before the fault. LangChain's errors are also of its own `ModelError` family."""


def _requests(row: Row) -> str:
    cell = row.plain
    if cell.requests:
        return str(cell.requests)
    return f"0 ({cell.tries} {'try' if cell.tries == 1 else 'tries'})"


def _wait(row: Row) -> str:
    return {"connect": "connect timeout", "read": "read timeout", "": "-"}[row.wait]


def _clients() -> Iterator[str]:
    yield "| fault | framing | whole answer | streamed answer | requests at the server | longest wait |"
    yield "|---|---|---|---|---|---|"
    for group, rows in GROUPS.items():
        yield f"| **{group}** | | | | | |"
        for row in rows:
            framings = "any" if len(row.framings) > 2 else ", ".join(row.framings) if "Bodies" in group else "-"
            yield (
                f"| {row.name} | {framings} | {row.plain.shown(streams=False)} | {row.streamed.shown(streams=True)} "
                f"| {_requests(row)} | {_wait(row)} |"
            )


def _adapters() -> Iterator[str]:
    yield "| method | " + " | ".join(fault.name for fault in FAULTS) + " |"
    yield "|---|" + "---|" * len(FAULTS)
    rows: dict[tuple[str, ...], list[str]] = {}
    for method in METHODS:
        cells = tuple(expected(method, fault).shown(streams=False) for fault in FAULTS)
        rows.setdefault(cells, []).append(method.name)
    for cells, names in rows.items():
        yield f"| {'; '.join(names)} | " + " | ".join(cells) + " |"


def table() -> str:
    """Both matrices as Markdown."""
    cells = 8 * sum(len(row.framings) for rows in GROUPS.values() for row in rows)
    return "\n".join(
        [
            "### Clients",
            "",
            _ABOUT_CLIENTS.format(cells=cells, connect=CONNECT_SECONDS, read=READ_SECONDS),
            "",
            *_clients(),
            "",
            "### Adapters",
            "",
            _ABOUT_ADAPTERS,
            "",
            *_adapters(),
        ]
    )


def written(document: str) -> str:
    """The document with the table of today in it."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
