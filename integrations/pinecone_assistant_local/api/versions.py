"""The supported API versions, and the differences between them."""

from __future__ import annotations

from ..errors import invalid

SUPPORTED = ("2025-01", "2025-04", "2025-10", "2026-04", "2026-07")


def resolve_version(header: str | None) -> str:
    """The API version of a request; without the header it is the oldest one.

    Versions are `YYYY-MM` strings, so their order as text is their order in time.
    """
    if header is None:
        return SUPPORTED[0]
    if header not in SUPPORTED:
        raise invalid(f"Invalid API version {header!r}: valid versions are {', '.join(SUPPORTED)}")
    return header


def has_operations(version: str) -> bool:
    """Return whether file changes answer 202 with an Operation, lists are paginated and PUT exists (2026-04 and later)."""
    return version >= "2026-04"


def has_float_size(version: str) -> bool:
    """Return whether the size of a file is written as a float.

    The descriptions name a size from 2026-04 on, but recordings of the service from early 2025 have it, as a float. The
    SDK 9.x, which sends 2025-10, takes only an integer.
    """
    return version < "2025-10"


def has_multimodal(version: str) -> bool:
    """Return whether images of PDF files can be requested (2025-10 and later)."""
    return version >= "2025-10"


def has_fact_reasoning(version: str) -> bool:
    """Return whether each evaluated fact carries its reasoning; the descriptions up to 2026-04 forbid it."""
    return version >= "2026-07"


def assistant_name_limit(version: str) -> int:
    """The longest assistant name, in characters."""
    return 63 if version >= "2025-10" else 45
