"""`sync`: keep an assistant in step with a folder or a URL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from pinecone_assistant_client import AssistantClient, SyncReport

from . import connection
from .progress import file_progress
from .terminal import confirm, fail, print_json, say, to_line
from .wording import to_words


def sync(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or a URL such as s3://bucket/prefix.")],
    owner: Annotated[
        Optional[str],
        typer.Option(
            help="Whose files these are in the assistant. Default: the last part of SOURCE.", show_default=False
        ),
    ] = None,
    pattern: Annotated[
        Optional[list[str]], typer.Option(help="Only paths that match; may be repeated.", show_default="**/*")
    ] = None,
    exclude: Annotated[Optional[list[str]], typer.Option(help="Leave matching paths out; may be repeated.")] = None,
    metadata: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", help='JSON: {"path or glob": {"key": "value"}}.', show_default=False),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the owner's files that the source no longer has (needs --owner).")
    ] = False,
    max_delete: Annotated[
        Optional[int], typer.Option(min=0, help="Files to delete at most.", show_default="half of the owner's")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would change.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Files at once.")] = 8,
    yes: connection.Yes = False,
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """Upload new and changed files; other files are not touched.

    \b
    Examples:
      pinecone-assistant sync docs/
      pinecone-assistant sync docs/ --owner handbook --delete --metadata meta.json
    """
    if delete and owner is None:
        raise typer.BadParameter("--delete needs --owner: only files of that owner are deleted")
    options: dict[str, Any] = {
        "owner": owner,
        "exclude": tuple(exclude or ()),
        "metadata": metadata,
        "delete": delete,
        "max_delete": max_delete,
        "raise_on_error": False,
    }
    if pattern:
        options["patterns"] = tuple(pattern)
    with connection.client(assistant) as client:
        if delete and not dry_run and not yes:
            confirm_deletions(client, source, options)
        with file_progress("Syncing", None) as report:
            done = client.files.sync(source, dry_run=dry_run, concurrency=concurrency, on_progress=report, **options)
    _show(done, as_json=as_json)
    if done.failed:
        raise typer.Exit(1)


def confirm_deletions(client: AssistantClient, source: str, options: dict[str, Any]) -> None:
    """List the files to delete and ask for confirmation. Without a terminal to ask in, nothing is sent."""
    confirm_possible()
    plan = client.files.sync(source, dry_run=True, **options)
    if not plan.deleted:
        return
    for path in plan.deleted:
        say(f"delete {to_line(path)}")
    confirm(f"{plan} Go on?", yes=False)


def confirm_possible() -> None:
    """Exit with code 2 if standard input is not a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise fail("--delete asks before it deletes, and there is no terminal: add --yes. Nothing was sent.", 2)


def _show(done: SyncReport, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {name: list(getattr(done, name)) for name in ("uploaded", "replaced", "unchanged", "deleted", "ignored")}
            | {
                "failed": [{"path": path, "error": to_words(error)} for path, error in done.failed],
                "ingestion_units": done.ingestion_units,
                "is_dry_run": done.is_dry_run,
            }
        )
    else:
        between = " " if sys.stdout.isatty() else "\t"
        for name in ("uploaded", "replaced", "deleted"):
            for path in getattr(done, name):
                sys.stdout.write(f"{name}{between}{to_line(path)}\n")
        sys.stdout.flush()
        if done.ignored:
            say(f"ignored {', '.join(map(to_line, done.ignored))}")
    for path, error in done.failed:
        say(f"Error: {to_line(path)}: {to_words(error)}")
    say(str(done))
