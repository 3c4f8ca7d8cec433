"""Fuzzing of the client's pure parts: generated inputs, and the properties that must hold.

Streams are compared with the reference decoder; the citation parser, the reference list and the filter validator have
invariants. `python -m tests.faults.fuzz` runs them for as long as you like; `make test` runs a short round.
"""

from .bodies import bodies
from .citations import ANSWERS, check_citations, check_holdback
from .filters import FILTERS, check_filter
from .hostile import HOSTILE, check_linear, held_back
from .splitting import CUTS
from .streams import DECODERS, check_stream, read

__all__ = [
    "ANSWERS",
    "CUTS",
    "DECODERS",
    "FILTERS",
    "HOSTILE",
    "bodies",
    "check_citations",
    "check_filter",
    "check_holdback",
    "check_linear",
    "check_stream",
    "held_back",
    "read",
]
