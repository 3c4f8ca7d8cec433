"""`files`: list, show, upload and delete the files of an assistant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from pinecone_assistant_client import AssistantClient, AssistantError, AssistantFile, Upload, UploadReport

from . import connection
from .progress import file_progress
from .terminal import confirm, print_record, print_records, read_json_object, say, to_line
from .wording import to_words

app = typer.Typer(
    help="The files of an assistant.\n\n\b\nExample:\n  pinecone-assistant files list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(
    filter_: Annotated[
        Optional[str], typer.Option("--filter", metavar="JSON", help="Only files with this metadata.")
    ] = None,
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """List the files.

    \b
    Example:
      pinecone-assistant files list --filter '{"resource": "nursery"}'
    """
    with connection.client(assistant) as client:
        files = client.files.list(filter=read_json_object(filter_, "--filter"))
        columns = ("name", "id", "status", "size", "metadata")
        print_records(columns, map(_to_json, files), as_json=as_json)


@app.command()
def show(
    file_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the file; `files list` shows it.")],
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """Show one file.

    \b
    Example:
      pinecone-assistant files show 6f1c2d3e
    """
    with connection.client(assistant) as client:
        print_record(_to_json(client.files.get(file_id)), as_json=as_json)


@app.command()
def upload(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help=".txt, .md, .json, .pdf or .docx.")],
    metadata: Annotated[
        Optional[str], typer.Option(metavar="JSON", help="Metadata of every file, for filters.", show_default=False)
    ] = None,
    file_id: Annotated[
        Optional[str], typer.Option("--id", help="The id of the one file; a file of this id is replaced.")
    ] = None,
    multimodal: Annotated[bool, typer.Option("--multimodal", help="PDF: also read images and charts.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Files at once.")] = 8,
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """Upload files and wait until they can answer. To keep a folder in step, use `sync`.

    \b
    Example:
      pinecone-assistant files upload report.pdf --metadata '{"year": 2026}'
    """
    if file_id is not None and len(paths) > 1:
        raise typer.BadParameter("--id names one file: upload one, or leave it out")
    given = read_json_object(metadata, "--metadata")
    uploads = [Upload(path, file_id=file_id, metadata=given, multimodal=True if multimodal else None) for path in paths]
    with connection.client(assistant) as client, file_progress("Uploading", len(uploads)) as report:
        done = client.files.upload_many(uploads, concurrency=concurrency, on_progress=report, raise_on_error=False)
    _print_report(done, as_json=as_json)


@app.command()
def delete(
    file_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The ids of the files.")],
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="A missing file is not an error.")] = False,
    yes: connection.Yes = False,
    assistant: connection.Assistant = None,
) -> None:
    """Delete files. This cannot be undone.

    \b
    Example:
      pinecone-assistant files delete 6f1c2d3e --yes
    """
    confirm(f"Delete {_count(len(file_ids))}: {', '.join(file_ids)}?", yes=yes)
    with connection.client(assistant) as client:
        deleted = [_delete(client, file_id, missing_ok=missing_ok) for file_id in dict.fromkeys(file_ids)]
    if not all(deleted):
        raise typer.Exit(1)


def _delete(client: AssistantClient, file_id: str, *, missing_ok: bool) -> bool:
    """Delete a file and return whether that worked; a failure does not stop the other deletions."""
    try:
        client.files.delete(file_id, missing_ok=missing_ok)
    except AssistantError as error:
        say(f"Error: {to_line(file_id)}: {to_words(error)}")
        return False
    say(f"Deleted {to_line(file_id)}.")
    return True


def _print_report(done: UploadReport, *, as_json: bool) -> None:
    print_records(("name", "id", "status", "size"), map(_to_json, done.uploaded), as_json=as_json)
    for failed, error in done.failed:
        say(f"Error: {to_line(failed.name or str(failed.file))}: {to_words(error)}")
    units = f", {done.ingestion_units} ingestion units" if done.ingestion_units is not None else ""
    say(f"{_count(len(done.uploaded))} uploaded, {len(done.failed)} failed{units}.")
    if done.failed:
        raise typer.Exit(1)


def _count(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def _to_json(file: AssistantFile) -> dict[str, Any]:
    names = ("name", "id", "status", "size", "metadata", "multimodal", "created_at", "updated_at")
    return {name: getattr(file, name) for name in names}
