"""Progress bars, on standard error, and only in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .terminal import err, to_line


@contextmanager
def file_progress(title: str, total: int | None) -> Iterator[Callable[[int, int | None, str], None]]:
    """Show a bar for files; yields the `on_progress` callback of the client."""
    with bar("{task.fields[name]}") as progress:
        task = progress.add_task(title, total=total, name="")

        def report(done: int, of: int | None, name: str) -> None:
            progress.update(task, completed=done, total=of, name=to_line(name)[-30:])

        yield report


def bar(last_column: str) -> Progress:
    """Return a progress bar with one more column; in a pipe it shows nothing."""
    console = err()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn(last_column, markup=False),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
