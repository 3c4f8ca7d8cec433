"""`assistants`: list, create, show, update and delete the assistants of a project."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from pinecone_assistant_client import Assistant, NotFoundError
from pinecone_assistant_client.adapters import NOT_GIVEN

from . import connection
from .terminal import confirm, print_record, print_records, read_json_object, say

app = typer.Typer(
    help="The assistants of your project.\n\n\b\nExample:\n  pinecone-assistant assistants list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the assistant.")]
Instructions = Annotated[Optional[str], typer.Option(help="How the assistant should answer.", show_default=False)]
Metadata = Annotated[Optional[str], typer.Option(metavar="JSON", help="Metadata of the assistant.", show_default=False)]


@app.command("list")
def list_(as_json: connection.Json = False) -> None:
    """List the assistants.

    \b
    Example:
      pinecone-assistant assistants list
    """
    with connection.assistants() as assistants:
        print_records(("name", "status", "region", "host"), map(_to_json, assistants.list()), as_json=as_json)


@app.command()
def create(
    name: Name,
    instructions: Instructions = None,
    metadata: Metadata = None,
    region: Annotated[Optional[str], typer.Option(help="us or eu.", show_default=False)] = None,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="An assistant of this name is not an error.")] = False,
    as_json: connection.Json = False,
) -> None:
    """Create an assistant and wait until it is ready.

    \b
    Example:
      pinecone-assistant assistants create docs --region eu --exist-ok
    """
    with connection.assistants() as assistants:
        made = assistants.create(
            name,
            instructions=instructions,
            metadata=read_json_object(metadata, "--metadata"),
            region=region,
            exist_ok=exist_ok,
        )
    print_record(_to_json(made), as_json=as_json)


@app.command()
def show(name: Name, as_json: connection.Json = False) -> None:
    """Show one assistant.

    \b
    Example:
      pinecone-assistant assistants show docs
    """
    with connection.assistants() as assistants:
        print_record(_to_json(assistants.get(name)), as_json=as_json)


@app.command()
def update(
    name: Name, instructions: Instructions = None, metadata: Metadata = None, as_json: connection.Json = False
) -> None:
    """Change the instructions or the metadata; metadata is replaced, not merged.

    \b
    Example:
      pinecone-assistant assistants update docs --instructions "Be brief."
    """
    changes: dict[str, Any] = {
        "instructions": NOT_GIVEN if instructions is None else instructions,
        "metadata": NOT_GIVEN if metadata is None else read_json_object(metadata, "--metadata"),
    }
    if all(value is NOT_GIVEN for value in changes.values()):
        raise typer.BadParameter("nothing to change: pass --instructions or --metadata")
    with connection.assistants() as assistants:
        print_record(_to_json(assistants.update(name, **changes)), as_json=as_json)


@app.command()
def delete(
    name: Name,
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="A missing assistant is not an error.")] = False,
    yes: connection.Yes = False,
) -> None:
    """Delete an assistant with all its files. This cannot be undone.

    \b
    Example:
      pinecone-assistant assistants delete docs
    """
    confirm(f"Delete the assistant {name!r} with all its files?", yes=yes)
    with connection.assistants() as assistants:
        try:
            assistants.delete(name)
        except NotFoundError:
            if not missing_ok:
                raise
            say(f"There is no assistant {name!r}.")
            return
    say(f"Deleted the assistant {name!r}.")


def _to_json(assistant: Assistant) -> dict[str, Any]:
    names = ("name", "status", "region", "host", "instructions", "metadata", "created_at", "updated_at")
    return {name: getattr(assistant, name) for name in names}
