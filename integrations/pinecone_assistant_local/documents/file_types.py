"""Files that can be uploaded: types by the extension of the name, size limits, names of the types."""

from __future__ import annotations

from ..errors import invalid, too_large

MEGABYTE = 1024 * 1024
# These formats are packed and complex: they are read in a child process.
_CHILD_TYPES = ("pdf", "docx")
TYPES = ("txt", "md", "json", *_CHILD_TYPES)
_SIZE_LIMITS = {"pdf": 100 * MEGABYTE}
_REFERENCE_TYPES = {"txt": "text", "md": "markdown", "json": "json", "pdf": "pdf", "docx": "doc_x"}
_CONTENT_TYPES = {
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
PAGED_TYPES = frozenset({"pdf", "doc_x"})
MAX_FILE_BYTES = max([10 * MEGABYTE, *_SIZE_LIMITS.values()])


def file_type(name: str) -> str:
    """Return the type of a file by its name, such as "md".

    Raises:
        ServiceError: 400 for a name without a known extension.
    """
    _, dot, extension = name.rpartition(".")
    extension = extension.lower() if dot else ""
    if extension not in TYPES:
        accepted = ", ".join(f".{known}" for known in TYPES)
        raise invalid(f"Unsupported file type of {name!r}: the file name must end in one of {accepted}")
    return extension


def is_known_type(name: str) -> bool:
    """Return whether a file of that name can be uploaded."""
    _, dot, extension = name.rpartition(".")
    return bool(dot) and extension.lower() in TYPES


def size_limit(name: str) -> int:
    """Return the largest content of a file of that name, in bytes."""
    return _SIZE_LIMITS.get(file_type(name), 10 * MEGABYTE)


def reference_type(name: str) -> str:
    """Return the type of a reference to the file in context snippets: text, markdown, json, pdf or doc_x."""
    return _REFERENCE_TYPES[name.rpartition(".")[2].lower()]


def has_pages(name: str) -> bool:
    """Return whether citations of the file name its pages."""
    return _REFERENCE_TYPES.get(name.rpartition(".")[2].lower()) in PAGED_TYPES


def content_type(name: str) -> str:
    """Return the media type of a file by its name."""
    return _CONTENT_TYPES[file_type(name)]


def is_read_by_child(name: str) -> bool:
    """Return whether files of that name are read in a child process."""
    return file_type(name) in _CHILD_TYPES


MAX_NAME_CHARACTERS = 1024


def check_name(name: str) -> str:
    """Return the name if it is valid for a file; it is kept as text and never used as a path."""
    if not name.strip() or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise invalid("Invalid file name: must be 1-1024 printable characters")
    file_type(name)
    return name


def check_size(name: str, size: int) -> None:
    """Raise 413 if this size is above the limit for a file of that name."""
    if size > size_limit(name):
        raise too_large(size_limit(name))
