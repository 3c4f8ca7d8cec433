"""What was meant by a name that does not exist. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses a name: `: did you mean 'model'?`, or `: use one of filter, model, stop`."""
    names = sorted(set(known))
    meant = [
        *difflib.get_close_matches(name, names, n=1, cutoff=0.7),
        *(part for part in name.split("_") if part in names),  # model_name, top_k for k
        *(longer for longer in names if longer.startswith(f"{name}_") or longer.endswith(f"_{name}")),
    ]
    return f": did you mean {meant[0]!r}?" if meant else f": use one of {', '.join(names)}"
