"""The tables of docs/reliability.md, printed from the expectations that the tests assert."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .adapters import FAULTS, METHODS, expected
from .matrix import CONNECT_SECONDS, GROUPS, READ_SECONDS, TOTAL_SECONDS, Row
from .ways import COLUMNS, WAY_GROUPS, WAY_ROWS, WayRow

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- fault matrix: written by `python -m tests.faults --write`; do not edit between these lines -->"
END = "<!-- end of the fault matrix -->"
_ABOUT_CLIENTS = """Each row is asserted for `AssistantClient` and `AsyncAssistantClient`, for both interfaces, whole and
streamed, in each framing that it names: {cells} cells. Where one of them ends the wait, the connect timeout is {connect:g} s, the
read timeout {read:g} s and `total_timeout` {total:g} s. After each cell no connection, task or descriptor is left, and nothing
was warned of."""
_ABOUT_WAYS = """Each cell is asserted sync and async, whole and streamed, over the client's own connections and over a
`requests.Session` or an `aiohttp.ClientSession` that it was given: {cells} cells. Proxies come from `proxies=`, and where the
table says so from the environment. After each fault the next question over the same client gets its own answer, or fails where
the last column says so."""
_ABOUT_ADAPTERS = """Each cell has the result and the number of requests that reached the server. Streams deliver the text that
came before the fault. LangChain's errors are also of its own `ModelError` family."""


def _requests(row: Row) -> str:
    cell = row.plain
    if cell.requests:
        return str(cell.requests)
    return f"0 ({cell.tries} {'try' if cell.tries == 1 else 'tries'})"


def _wait(row: Row) -> str:
    return {"connect": "connect timeout", "read": "read timeout", "total": "`total_timeout`", "": "-"}[row.wait]


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


def _ways() -> Iterator[str]:
    yield f"| fault | {' | '.join(COLUMNS)} | questions sent | may have been processed | a session of yours |"
    yield "|---" * (len(COLUMNS) + 4) + "|"
    for group, rows in WAY_GROUPS.items():
        yield f"| **{group}** {'| ' * (len(COLUMNS) + 4)}|".replace("  ", " ")
        for row in rows:
            cells = [_way_cell(row, column) for column in COLUMNS]
            sent = str(row.expect.requests) if row.expect.requests else f"0 ({row.expect.tries} tries)"
            processed = "-" if row.expect.result == "answer" else "yes" if row.is_processed else "no"
            yield f"| {row.name} | {' | '.join(cells)} | {sent} | {processed} | {_own_session(row)} |"


def _way_cell(row: WayRow, column: str) -> str:
    ways = [way for way in COLUMNS[column] if way in row.ways]
    if not ways:
        return "-"
    return row.expect.shown(streams=False) + (", environment too" if len(ways) > 1 else "")


def _own_session(row: WayRow) -> str:
    if row.sync_injected is not None:
        return f"`requests`: `{row.sync_injected.result}`, sent once, may have been processed"
    if row.is_lost_on_async_injected:
        return "`aiohttp`: the next question is sent once, and its answer is lost: `APIConnectionError`"
    return "the same"


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
    """The matrices as Markdown."""
    cells = 8 * sum(len(row.framings) for rows in GROUPS.values() for row in rows)
    way_cells = 8 * sum(len(row.ways) for row in WAY_ROWS)
    return "\n".join(
        [
            "### Clients",
            "",
            _ABOUT_CLIENTS.format(cells=cells, connect=CONNECT_SECONDS, read=READ_SECONDS, total=TOTAL_SECONDS),
            "",
            *_clients(),
            "",
            "### The way to the server",
            "",
            _ABOUT_WAYS.format(cells=way_cells),
            "",
            *_ways(),
            "",
            "### Adapters",
            "",
            _ABOUT_ADAPTERS,
            "",
            *_adapters(),
        ]
    )


def written(document: str) -> str:
    """Return the document with its tables replaced by the current ones."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
