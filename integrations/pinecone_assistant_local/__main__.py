"""`pinecone-assistant-local serve DIR`: the local assistant as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from . import missing_extra


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    try:
        from .serve.command import run  # noqa: PLC0415  (it needs the extra)
    except ModuleNotFoundError as error:
        named = missing_extra(error)
        if named is None:
            raise
        sys.stderr.write(f"{named}\n")
        return 2
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
