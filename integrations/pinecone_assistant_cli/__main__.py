"""The entry point: `explain` needs no extra; everything else imports the command line, or says what to install."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_COMES_WITH_CLI = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 something failed, 2 wrong use, 130 Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else [*arguments]
    if arguments[:1] == ["explain"]:
        from .explain import explain  # noqa: PLC0415 - without what the other commands import

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
