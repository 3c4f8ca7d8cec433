"""The entry point: `explain` needs no extra; everything else imports the command line, or reports which extra to install."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

_COMES_WITH_CLI = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 something failed, 2 wrong use, 130 Ctrl-C."""
    _prepare_streams()
    try:
        code = _run(sys.argv[1:] if arguments is None else [*arguments])
        sys.stdout.flush()
    except KeyboardInterrupt:  # Ctrl-C while the command line is imported; later, typer handles it
        return 130
    except BrokenPipeError:  # the reader of the pipe, such as `head`, has ended
        _drop_unwritable()
        return 1
    except OSError as error:  # such as a full disk behind `>`
        _drop_unwritable()
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return code


def _prepare_streams() -> None:
    """Make every text writable: after `>&-` there is no stream, and some terminals do not use UTF-8."""
    if sys.stdin is None:  # after `<&-`: nothing can be read, and nobody can be asked
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open as long as the process
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = io.FileIO(os.open(os.devnull, os.O_WRONLY), "w", closefd=False)
            setattr(sys, name, io.TextIOWrapper(nowhere, encoding="utf-8", write_through=True))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _drop_unwritable() -> None:
    """Drop output that a stream could not write; otherwise the interpreter retries at exit and prints an error."""
    for stream in (sys.stdout, sys.stderr):
        if not _is_writable(stream):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_writable(stream: TextIO) -> bool:
    try:
        stream.flush()
    except OSError:
        return False
    return True


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["explain"]:
        from .explain import explain  # noqa: PLC0415 - without the imports of the other commands

        return explain(arguments[1:])
    try:
        from .app import run  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _COMES_WITH_CLI:
            raise
        sys.stderr.write(
            f"pinecone-assistant needs {error.name}, which comes with the extra 'cli': install it with"
            " pip install 'pinecone-assistant-integrations[cli]', or pip install '.[cli]' in a clone\n"
        )
        return 2
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
