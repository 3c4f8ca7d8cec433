"""The command line: its subcommands, and the exit codes of errors."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Optional

import typer

from pinecone_assistant_client import AssistantError, InvalidRequestError, __version__

from . import assistants, files
from .asking import ask, context
from .batch import batch
from .chat import chat
from .evaluate import evaluate
from .explain import explain
from .serve import serve
from .sync import sync
from .terminal import say, to_line
from .wording import to_words

# rich_markup_mode=None: typer would take the brackets of JSON examples for markup.
app = typer.Typer(
    name="pinecone-assistant", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.add_typer(assistants.app, name="assistants")
app.add_typer(files.app, name="files")
for command in (sync, ask, chat, context, batch, evaluate, serve):
    app.command()(command)


@app.command("explain")
def explain_(
    slug: Annotated[
        Optional[str], typer.Argument(metavar="[SLUG]", help="The slug at the end of an error message.")
    ] = None,
) -> None:
    """Explain an error.

    \b
    Example:
      pinecone-assistant explain notfounderror
    """
    raise typer.Exit(explain([] if slug is None else [slug]))


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"pinecone-assistant {__version__}\n")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version.")
    ] = False,
) -> None:
    """Feed a Pinecone Assistant, ask it, and check its answers.

    The key is read from PINECONE_API_KEY, the assistant's name from PINECONE_ASSISTANT_NAME or --assistant.

    \b
    Exit codes: 0 done, 1 something failed, 2 wrong use, 130 Ctrl-C.

    \b
    Example:
      pinecone-assistant sync docs/ && pinecone-assistant ask "How do I start?"
    """


class _Retries(logging.Handler):
    """Write what the client logs, such as its retries, in the words of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            with suppress(OSError):  # standard error cannot be written; that must not fail the call
                say(to_line(to_words(record.getMessage())))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    logger = logging.getLogger("pinecone_assistant_client")
    if not logger.handlers:
        logger.addHandler(_Retries())
    try:
        app([*arguments], prog_name="pinecone-assistant")
    except InvalidRequestError as error:
        say(f"Error: {to_words(error)}")
        return 2
    except AssistantError as error:
        say(f"Error: {to_words(error)}")
        return 1
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0
