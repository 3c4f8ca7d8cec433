"""What is said where the extra `local` is not installed; imports nothing, so that it can be said."""

from __future__ import annotations

_COMES_WITH_LOCAL = ("starlette", "uvicorn", "python_multipart", "pypdfium2", "PIL", "rich", "watchfiles")


def missing_extra(error: ModuleNotFoundError) -> ImportError | None:
    """The error that names the extra to install; None if the module that is missing does not come with it."""
    name = (error.name or "").partition(".")[0]
    if name not in _COMES_WITH_LOCAL:
        return None
    return ImportError(
        f"the local assistant needs {name}, which comes with the extra 'local': in the clone of this project run"
        " pip install '.[local]'"
    )
