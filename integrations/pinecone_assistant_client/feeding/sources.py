"""Sources of a sync: a folder, a URL that fsspec can list, or an iterable of uploads."""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import AssistantError, InvalidRequestError
from ..redaction import excerpt, without_secrets
from .contents import FileContent, checked_name, extension_of, open_content, reading, spooled
from .values import Upload

_IGNORED_FOLDERS = ("node_modules", "__pycache__")
_SECRET_NAMES = (
    (re.compile(r"credential", re.IGNORECASE), "credential"),
    (re.compile(r"secret", re.IGNORECASE), "secret"),
    (re.compile(r"^service[-_ ]?account.*\.json$", re.IGNORECASE), "service"),
)
"""Patterns of names that look like secrets, and the text that a pattern must contain to include them."""
_SCHEMES_WITH_A_COLON = ("github", "git")
"""Drivers with an owner and a branch in the URL where others have a user and a password: github://org:repo@main/docs."""
_LOGIN = re.compile(r"//[^/@]*:[^/]*@")
_EXTRA = 'pip install "pinecone-assistant-integrations[cloud]"'


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source.

    Attributes:
        path: Its posix path below the source.
        open: Opens its content, checked as an upload's is.
        metadata: Metadata of its own, in addition to the metadata that the sync assigns.
        multimodal: Whether to process its images.
    """

    path: str
    open: Callable[[], FileContent]
    metadata: Mapping[str, Any] | None = None
    multimodal: bool = False


@dataclass(slots=True)
class Listing:
    """The files of a folder or URL.

    Attributes:
        files: The files, sorted by path.
        ignored: Paths that were left out; a folder ends in `/`.
        failed: Paths that could not be read, with their errors. If there are any, the listing is incomplete.
    """

    files: list[SourceFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    failed: list[tuple[str, AssistantError]] = field(default_factory=list)


class Patterns:
    """Globs that decide which paths are uploaded.

    `*` and `?` match within one part of a path, `**` any number of parts: `**/*.md` is every Markdown file, `*.md` those at the
    top. A pattern of `exclude` that matches a folder excludes all in it.

    Raises:
        InvalidRequestError: A pattern is not a text, or there is none.
    """

    def __init__(self, patterns: str | Iterable[str], exclude: str | Iterable[str]) -> None:
        self._texts = _texts("patterns", patterns)
        if not self._texts:
            raise InvalidRequestError('patterns is empty: pass globs such as ("**/*.md",)')
        self._wanted = [_glob(text) for text in self._texts]
        self._excluded = [_glob(text) for text in _texts("exclude", exclude)]

    def wants(self, path: str) -> bool:
        """Return whether a path matches a pattern and is not excluded."""
        return not self.excludes(path) and any(pattern.fullmatch(path) for pattern in self._wanted)

    def excludes(self, path: str) -> bool:
        """Return whether a path, or a folder that it is in, is excluded."""
        parts = path.split("/")
        prefixes = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return any(pattern.fullmatch(prefix) for pattern in self._excluded for prefix in prefixes)

    def looks_secret(self, path: str) -> bool:
        """Return whether a part of a path looks like a secret, and no matching pattern names it."""
        for name, word in _SECRET_NAMES:
            if any(name.search(part) for part in path.split("/")):
                named = any(
                    word in text.lower() and pattern.fullmatch(path)
                    for text, pattern in zip(self._texts, self._wanted, strict=True)
                )
                if not named:
                    return True
        return False


def is_url(source: Any) -> bool:
    """Return whether a source is a URL for fsspec."""
    return isinstance(source, str) and ("://" in source or "::" in source)


def default_owner(source: Any) -> str:
    """The last part of a folder or URL.

    Raises:
        InvalidRequestError: There is none, as for an iterable.
    """
    name = ""
    if is_url(source):
        first, *chained = source.split("::")
        # After `::` there may be a plain path; a first part without `://` is the name of a driver.
        paths = [first.partition("://")[2], *(part.partition("://")[2] if "://" in part else part for part in chained)]
        name = next((posixpath.basename(path.rstrip("/")) for path in paths if path.strip("/")), "")
    elif isinstance(source, (str, os.PathLike)):
        name = Path(os.path.abspath(source)).name  # a link keeps its own name, wherever it leads
    if not name:
        raise InvalidRequestError(
            "sync needs owner= for this source: a name for its files, by which later syncs find them again"
        )
    return name


def list_source(source: str | os.PathLike[str], patterns: Patterns, *, skip: Path | None = None) -> Listing:
    """The files of a folder or URL.

    Args:
        source: The folder or URL.
        patterns: Which files are wanted.
        skip: A file that is not one of them: the one with the metadata.

    Raises:
        InvalidRequestError: There is no such folder, or the URL cannot be listed.
    """
    text = os.fspath(source)
    if is_url(text):
        for scheme in ("file://", "local://"):
            if text.startswith(scheme):
                return _list_folder(Path(text.removeprefix(scheme)), patterns, skip)
        return _list_url(text, patterns)
    return _list_folder(Path(text), patterns, skip)


def from_uploads(uploads: Iterable[Upload]) -> Iterator[SourceFile]:
    """The files of an iterable. Their paths are their names, which may have folders in them.

    Raises:
        InvalidRequestError: An item is not an `Upload`.
    """
    for number, upload in enumerate(uploads):
        if not isinstance(upload, Upload):
            raise InvalidRequestError(f"source[{number}] is a {type(upload).__name__}: pass Upload values")
        yield _from_upload(upload)


def _from_upload(upload: Upload) -> SourceFile:
    if upload.name is not None:
        path = upload.name
    elif isinstance(upload.file, (str, os.PathLike)):
        path = os.path.basename(os.fspath(upload.file))
    else:
        path = f"a {type(upload.file).__name__} without a name"

    def open_() -> FileContent:
        if upload.file_id is not None:
            raise InvalidRequestError(
                f"{path!r} has file_id={upload.file_id!r}: sync makes the ids of its files by itself"
            )
        name = posixpath.basename(upload.name) if isinstance(upload.name, str) else upload.name
        return open_content(upload.file, name)

    return SourceFile(str(path), open_, upload.metadata, bool(upload.multimodal))


def _list_folder(root: Path, patterns: Patterns, skip: Path | None) -> Listing:
    shown = str(root)
    try:
        real_root = root.resolve(strict=True)
        if not real_root.is_dir():
            raise InvalidRequestError(f"{shown!r} is not a folder: for one file use client.files.upload")
        os.scandir(real_root).close()
    except OSError as error:
        raise InvalidRequestError(f"the folder {shown!r} cannot be listed ({error}): check the path") from error
    listing = Listing()
    _walk(real_root, "", (real_root,), _Walk(real_root, patterns, skip.resolve() if skip else None, listing))
    return listing


@dataclass(frozen=True, slots=True)
class _Walk:
    root: Path
    patterns: Patterns
    skip: Path | None
    listing: Listing


def _walk(folder: Path, prefix: str, above: tuple[Path, ...], walk: _Walk) -> None:
    """List a folder. `above` has the real paths of its parents: following a link to one of them would never end."""
    listing = walk.listing
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        shown = _as_text(prefix)
        listing.failed.append(
            (shown or ".", InvalidRequestError(f"the folder {shown!r} cannot be listed ({error}): check its rights"))
        )
        return
    for entry in entries:
        path = f"{prefix}{entry.name}"
        real = folder / entry.name
        try:
            if entry.is_symlink():
                real = Path(os.path.realpath(real))
                if not real.is_relative_to(walk.root) or not real.exists():
                    listing.ignored.append(_as_text(path))
                    continue
            mode = real.stat().st_mode
        except OSError as error:
            listing.failed.append((_as_text(path), _cannot_be_looked_at(path, str(error))))
            continue
        if not stat.S_ISDIR(mode):
            _take_file(path, real, walk, is_regular=stat.S_ISREG(mode))
        elif _is_ignored_name(entry.name) or real in above:
            listing.ignored.append(f"{_as_text(path)}/")
        elif not walk.patterns.excludes(path):
            _walk(real, f"{path}/", (*above, real), walk)


def _take_file(path: str, real: Path, walk: _Walk, *, is_regular: bool) -> None:
    if not walk.patterns.wants(path):
        return
    target = real.relative_to(walk.root).as_posix()  # of a link: another name does not make a secret public
    is_secret = walk.patterns.looks_secret(target)
    if _is_left_out(path, walk.patterns) or is_secret or real == walk.skip or not is_regular:
        walk.listing.ignored.append(_as_text(path))
    elif _as_text(path) != path:
        error = _cannot_be_looked_at(path, "its name is not valid text")
        walk.listing.failed.append((_as_text(path), error))
    else:
        walk.listing.files.append(SourceFile(path, lambda: open_content(real, posixpath.basename(path))))


def _as_text(path: str) -> str:
    """A path as valid text. A name in another encoding than the system's has lone surrogates, which cannot be printed."""
    return path.encode("utf-8", "backslashreplace").decode()


def _cannot_be_looked_at(path: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{_as_text(path)!r} cannot be looked at: {problem}")


def _is_ignored_name(name: str) -> bool:
    return name.startswith(".") or name in _IGNORED_FOLDERS


def _is_left_out(path: str, patterns: Patterns) -> bool:
    name = posixpath.basename(path)
    return _is_ignored_name(name) or extension_of(name) is None or patterns.looks_secret(path)


def _list_url(url: str, patterns: Patterns) -> Listing:
    shown = excerpt(without_secrets(url))
    filesystem, root = _open_filesystem(url, shown)
    listing = Listing()
    errors: list[Exception] = []
    try:
        if filesystem.isfile(root):
            raise InvalidRequestError(f"{shown!r} is a file, not a folder: read it and use client.files.upload")
        found = _find(filesystem, root, errors)
        if errors and not found:
            raise errors[0]
    except AssistantError:
        raise
    except Exception as error:
        reason = excerpt(without_secrets(str(error))) or type(error).__name__
        raise InvalidRequestError(
            f"{shown!r} cannot be listed ({reason}): check the URL and its credentials"
        ) from error
    for problem in errors:
        reason = excerpt(without_secrets(str(problem))) or type(problem).__name__
        failure = InvalidRequestError(
            f"a folder in {shown!r} cannot be listed ({reason}): check its rights, and try again"
        )
        listing.failed.append((".", failure))
    ignored: set[str] = set()
    for name in sorted(found):
        path = name.removeprefix(root).lstrip("/")
        folder = _ignored_folder(path)
        if folder is not None:
            ignored.add(folder)
        elif not patterns.wants(path):
            continue
        elif _is_left_out(path, patterns):
            ignored.add(path)
        else:
            size = found[name].get("size")
            listing.files.append(SourceFile(path, _opener(filesystem, name, posixpath.basename(path), size)))
    listing.ignored.extend(sorted(ignored))
    return listing


def _find(filesystem: Any, root: str, errors: list[Exception]) -> dict[str, Any]:
    """All files below a root by their names. `errors` gets those of folders that cannot be listed.

    fsspec's own `find` leaves such folders out silently, and its `on_error` does not reach the folders below the root. Without
    the error, a sync would take their files for deleted ones. Drivers such as s3fs have a `find` of their own, which raises.
    """
    from fsspec.asyn import AsyncFileSystem  # noqa: PLC0415 - of an extra
    from fsspec.spec import AbstractFileSystem  # noqa: PLC0415 - of an extra

    is_async = isinstance(filesystem, AsyncFileSystem)
    own: Any = AsyncFileSystem._find if is_async else AbstractFileSystem.find
    find: Any = filesystem._find if is_async else filesystem.find
    if getattr(find, "__func__", None) is not own:
        return dict(filesystem.find(root, detail=True))
    found: dict[str, Any] = {}
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = filesystem.ls(folder, detail=True)
        except OSError as error:
            errors.append(error)
            continue
        for entry in entries:
            if entry["type"] != "directory":
                found[entry["name"]] = entry
            elif entry["name"].strip("/") != folder.strip("/"):
                folders.append(entry["name"])
    return found


def _ignored_folder(path: str) -> str | None:
    """Return the outermost folder in a path that is always ignored, or None."""
    parts = path.split("/")
    for count, part in enumerate(parts[:-1], start=1):
        if _is_ignored_name(part):
            return "/".join(parts[:count]) + "/"
    return None


def _opener(filesystem: Any, location: str, name: str, size: int | None) -> Callable[[], FileContent]:
    def open_() -> FileContent:
        with reading(name):
            checked_name(name)
            if size is None:  # some servers do not report it
                with filesystem.open(location, "rb") as stream:
                    return spooled(stream, name)
            return FileContent(name, size, lambda: filesystem.open(location, "rb"))

    return open_


def _open_filesystem(url: str, shown: str) -> tuple[Any, str]:
    for part in url.split("::"):
        scheme = part.partition("://")[0].lower()
        if scheme not in _SCHEMES_WITH_A_COLON and _has_password(part):
            raise InvalidRequestError(
                f"the source {shown!r} has a password in its URL, which would end in logs and histories: take it out, and "
                "give the credentials as the URL's driver reads them (environment or configuration file)"
            )
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise InvalidRequestError(f"the source {shown!r} is a URL, which needs fsspec: {_EXTRA}") from error
    try:
        filesystem, root = url_to_fs(url)
    except ImportError as error:
        raise InvalidRequestError(f"the source {shown!r} needs a driver of its own: {excerpt(str(error))}") from error
    except Exception as error:
        reason = excerpt(without_secrets(str(error))) or type(error).__name__
        raise InvalidRequestError(f"the source {shown!r} cannot be opened ({reason}): check the URL") from error
    return filesystem, root


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None or _LOGIN.search(url) is not None
    except ValueError:
        return _LOGIN.search(url) is not None


def _texts(option: str, value: Any) -> list[str]:
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise InvalidRequestError(f"{option} is {value!r}: pass globs such as ('**/*.md',)")
    texts = [value] if isinstance(value, str) else list(value)
    for text in texts:
        if not isinstance(text, str) or not text:
            raise InvalidRequestError(f"{option} has {text!r} in it: pass globs such as '**/*.md'")
    return [text.removeprefix("./").rstrip("/") or "/" for text in texts]


def _glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` do not match `/`, `**` does."""
    # glob.translate does this from Python 3.13 on; to be removed with Python 3.12.
    expression = ""
    parts = pattern.split("/")
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "**":
            expression += ".*" if is_last else "(?:[^/]+/)*"
            continue
        expression += _part(part) + ("" if is_last else "/")
    try:
        return re.compile(expression)
    except re.error as error:
        raise InvalidRequestError(f"the pattern {pattern!r} is not a glob: {error.msg}") from error


def _part(part: str) -> str:
    expression, rest = "", part
    while rest:
        match = re.match(r"\[(!?)(\]?[^\]]*)\]", rest)
        if rest[0] == "*":
            expression, rest = f"{expression}[^/]*", rest.lstrip("*")
        elif rest[0] == "?":
            expression, rest = f"{expression}[^/]", rest[1:]
        elif match is not None and match[2]:
            inside = re.sub(r"([\\\[^&|~])", r"\\\1", match[2])
            if inside.startswith("]"):
                inside = "\\" + inside
            expression, rest = f"{expression}[{'^/' if match[1] else ''}{inside}]", rest[match.end() :]
        else:
            expression, rest = expression + re.escape(rest[0]), rest[1:]
    return expression
