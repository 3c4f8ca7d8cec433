"""`files.sync`: bring the files of an owner in line with a source.

`sync_plan.py` decides; this module lists, hashes, sends and deletes. Each file is hashed, compared and, if it differs, sent
by PUT under an identifier made of owner and path. So if a sync is killed at any moment, the next one completes it. Deletions
come last, and only if nothing failed.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import AssistantError, InvalidRequestError
from ..redaction import without_secrets
from .calls import delete_file, files_page
from .contents import FileContent
from .decoding import Tokens
from .effects import Call, Steps, Together
from .many import OnProgress, checked_concurrency, pipeline_of, raise_first, settle_together
from .metadata import MetadataRules, checked_metadata
from .sources import Listing, Patterns, SourceFile, default_owner, from_uploads, list_source
from .sync_plan import (
    OWNER,
    PATH,
    RESERVED,
    Action,
    Wanted,
    action_for,
    check_deletions,
    deletions,
    is_owned,
    sync_file_id,
    sync_metadata,
)
from .target import Target
from .uploads import Prepared, send_file
from .values import AssistantFile, Operation, SyncReport, Upload

Source = str | os.PathLike[str] | Iterable[Upload]
MetadataOption = Mapping[str, Any] | Callable[[str], Mapping[str, Any] | None] | str | os.PathLike[str] | None
"""A dict for all files, rules by path (a dict of dicts, or a JSON file with one), or a function of the path."""


def sync_files(
    target: Target,
    source: Source,
    *,
    owner: str | None,
    patterns: str | Iterable[str],
    exclude: str | Iterable[str],
    metadata: MetadataOption,
    delete: bool,
    max_delete: int | None,
    dry_run: bool,
    concurrency: int,
    on_progress: OnProgress | None,
    raise_on_error: bool,
) -> Steps[SyncReport]:
    """Bring an owner's files in line with a source. See `Files.sync`."""
    target.need_operations("files.sync")
    checked_concurrency(concurrency)
    _check_source(source)
    owner = _checked_owner(owner, source, delete=delete, max_delete=max_delete)
    wanted = Patterns(patterns, exclude)
    metadata_of, rules, rules_file = yield Call(lambda: _metadata_option(metadata))
    sync = _Sync(target, owner, metadata_of, on_progress, dry_run=dry_run)
    if isinstance(source, (str, os.PathLike)):
        listing: Listing = yield Call(lambda: list_source(source, wanted, skip=rules_file))
        _check_listing(source, listing, rules)
        files = iter(listing.files)
        sync.total, sync.failed = len(listing.files), list(listing.failed)
    else:
        listing = Listing()
        files = _checked_iterable(source)

    yield from sync.look()
    if delete and not dry_run and sync.total is not None and not sync.failed:
        sync.check_deletions([file.path for file in listing.files], max_delete)  # before anything is sent
    pipeline = pipeline_of(target, sync.procedures(files), concurrency=concurrency, on_end=sync.on_end)
    yield Together(pipeline)
    refusal = None
    if delete and not sync.failed and pipeline.source_error is None:
        try:
            if not dry_run:
                sync.check_deletions(sync.actions, max_delete)  # the files of an iterable are known only now
            yield from sync.delete(concurrency)
        except InvalidRequestError as error:
            refusal = error
    report = sync.report(listing.ignored)
    errors = [refusal] if refusal is not None else [error for _, error in report.failed] if raise_on_error else []
    raise_first(report, errors, pipeline)
    return report


class _Sync:
    """One sync: its procedures, and the outcome of each path so far.

    Attributes:
        total: How many files the source has, or None.
        actions: The action taken for each path.
        failed: The paths that failed, with their errors.
    """

    def __init__(
        self,
        target: Target,
        owner: str,
        metadata_of: Callable[[str], Mapping[str, Any] | None],
        on_progress: OnProgress | None,
        *,
        dry_run: bool,
    ) -> None:
        self.total: int | None = None
        self.actions: dict[str, Action] = {}
        self.failed: list[tuple[str, AssistantError]] = []
        self._target = target
        self._owner = owner
        self._metadata_of = metadata_of
        self._on_progress = on_progress
        self._dry_run = dry_run
        self._present: dict[str, AssistantFile] = {}
        self._deleted: list[str] = []
        self._ingestion_units = 0.0
        self._paths: dict[int, str] = {}
        self._done = 0

    def look(self) -> Steps[None]:
        """List the owner's files in the assistant, before anything is sent."""
        token, tokens = None, Tokens("files")
        while True:
            page = yield from files_page(self._target, {OWNER: self._owner}, token)
            self._present.update((file.id, file) for file in page.items)
            token = tokens.after(page)
            if token is None:
                return

    def procedures(self, files: Iterator[SourceFile]) -> Iterator[Steps[Action]]:
        """Yield a procedure for each file of the source."""
        seen: set[str] = set()
        for number, file in enumerate(files):
            is_first = file.path not in seen
            seen.add(file.path)
            self._paths[number] = file.path
            yield self._sync_file(file, is_first=is_first)

    def on_end(self, number: int, outcome: Action | AssistantError) -> None:
        """Record the outcome of a file, and report progress."""
        path = self._paths.pop(number)
        if isinstance(outcome, AssistantError):
            self.failed.append((path, outcome))
        else:
            self.actions[path] = outcome
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(self._done, self.total, path)

    def check_deletions(self, paths: Iterable[str], max_delete: int | None) -> None:
        """Raise InvalidRequestError if a source with these paths would delete too many files."""
        owned = sum(is_owned(file, self._owner) for file in self._present.values())
        check_deletions(len(self._gone(paths)), owned, self._owner, max_delete)

    def delete(self, concurrency: int) -> Steps[None]:
        """Delete the owner's files that the source does not have."""
        gone = self._gone(self.actions)
        paths = [str((file.metadata or {})[PATH]) for file in gone]
        if self._dry_run:
            self._deleted.extend(paths)
            return

        def on_end(number: int, outcome: AssistantError | None) -> None:
            if isinstance(outcome, AssistantError):
                self.failed.append((paths[number], outcome))
            else:
                self._deleted.append(paths[number])

        procedures = (delete_file(self._target, file.id, missing_ok=True) for file in gone)
        yield Together(pipeline_of(self._target, procedures, concurrency=concurrency, on_end=on_end))

    def report(self, ignored: Iterable[str]) -> SyncReport:
        """Return the report, with each list sorted by path."""

        def done(action: Action) -> tuple[str, ...]:
            return tuple(sorted(path for path, found in self.actions.items() if found == action))

        return SyncReport(
            uploaded=done("uploaded"),
            replaced=done("replaced"),
            unchanged=done("unchanged"),
            deleted=tuple(sorted(self._deleted)),
            ignored=tuple(sorted(ignored)),
            failed=tuple(sorted(self.failed, key=lambda failure: failure[0])),
            ingestion_units=self._ingestion_units,
            is_dry_run=self._dry_run,
        )

    def _gone(self, paths: Iterable[str]) -> list[AssistantFile]:
        wanted = (sync_file_id(self._owner, path) for path in paths)
        return deletions(wanted, self._present.values(), self._owner)

    def _sync_file(self, file: SourceFile, *, is_first: bool) -> Steps[Action]:
        if not is_first:
            raise InvalidRequestError(f"{file.path!r} is twice in the source: give each file a name of its own")
        given = checked_metadata(self._metadata_of(file.path), f"metadata of {file.path!r}")
        metadata = {**(given or {}), **(checked_metadata(file.metadata, f"metadata of {file.path!r}") or {})}
        content, sha256 = yield Call(lambda: _read(file))
        try:
            wanted = Wanted(file.path, sha256, metadata, multimodal=file.multimodal)
            sent = checked_metadata(sync_metadata(self._owner, wanted), f"metadata of {file.path!r}")
            file_id = sync_file_id(self._owner, file.path)
            action = action_for(wanted, self._present.get(file_id), self._owner)
            if action == "unchanged" or self._dry_run:
                return action
            content.expected_sha256 = sha256
            uploaded = yield from send_file(
                self._target,
                Prepared(content, file_id, sent, file.multimodal or None),
                wait=True,
                patience=self._target.patience(),
                settle_with=self._settle,
            )
            self._ingestion_units += uploaded.ingestion_units or 0.0
            return action
        finally:
            content.close()

    def _settle(self, operation: Operation, _name: str) -> Steps[Operation]:
        return settle_together(self._target, operation)


def _read(file: SourceFile) -> tuple[FileContent, str]:
    """Return a file's open content and its hash."""
    content = file.open()
    try:
        return content, content.sha256()
    except BaseException:
        content.close()
        raise


def _checked_owner(owner: str | None, source: Source, *, delete: bool, max_delete: int | None) -> str:
    if delete and owner is None:
        raise InvalidRequestError(
            "delete=True needs owner= spelled out: it deletes the files of that owner that the source does not have"
        )
    if max_delete is not None and (isinstance(max_delete, bool) or not isinstance(max_delete, int) or max_delete < 0):
        raise InvalidRequestError(f"max_delete is {max_delete!r}: pass the most files to delete, from 0")
    owner = default_owner(source) if owner is None else owner
    if not isinstance(owner, str) or not owner.strip():
        raise InvalidRequestError(f"owner is {owner!r}: pass a name for the files of this source")
    checked_metadata({OWNER: owner}, "owner")
    return owner


def _metadata_option(
    metadata: MetadataOption,
) -> tuple[Callable[[str], Mapping[str, Any] | None], MetadataRules | None, Path | None]:
    """Return a function from path to metadata, the rules behind it (or None), and the file with the rules (or None)."""
    if isinstance(metadata, (str, os.PathLike)):
        rules = MetadataRules.read(Path(metadata))
        return rules.of, rules, Path(metadata)
    if callable(metadata):
        return metadata, None, None
    if isinstance(metadata, Mapping) and any(isinstance(value, Mapping) for value in metadata.values()):
        rules = MetadataRules(metadata)
        return rules.of, rules, None
    for_all = checked_metadata(metadata)
    for name in RESERVED:
        if name in (for_all or {}):
            raise InvalidRequestError(f"metadata.{name}: this name is sync's own, so use another one")
    return (lambda _path: for_all), None, None


def _check_listing(source: str | os.PathLike[str], listing: Listing, rules: MetadataRules | None) -> None:
    """Raise InvalidRequestError, before any traffic, if the source has no files or a rule matches none of them."""
    shown = without_secrets(os.fspath(source))
    if not listing.files and not listing.failed:
        left_out = (
            f" ({len(listing.ignored)} were left out: {', '.join(listing.ignored[:5])})" if listing.ignored else ""
        )
        raise InvalidRequestError(
            f"no file in {shown!r} matches the patterns{left_out}: nothing was changed. Check the folder, patterns= and exclude="
        )
    unmatched = rules.unmatched([file.path for file in listing.files]) if rules is not None else []
    if unmatched:
        raise InvalidRequestError(
            f"{rules.origin if rules else ''}: no file in {shown!r} matches {', '.join(map(repr, unmatched))}. Nothing was "
            "changed: check the rules"
        )


def _check_source(source: Any) -> None:
    """Raise InvalidRequestError if the source is not a folder, a URL or an iterable."""
    if isinstance(source, (bytes, Upload)) or not isinstance(source, (str, os.PathLike, Iterable)):
        raise InvalidRequestError(
            f"source is a {type(source).__name__}: pass a folder, a URL, or an iterable of Upload values"
        )
    if isinstance(source, str) and not source:
        raise InvalidRequestError('source is an empty text: pass a folder; "." is the one you are in')


def _checked_iterable(source: Iterable[Upload]) -> Iterator[SourceFile]:
    """Return the files of an iterable. Raises InvalidRequestError, before any traffic, if it is empty."""
    files = from_uploads(source)
    first = next(files, None)
    if first is None:
        raise InvalidRequestError("the source has no files in it: nothing was changed")
    return itertools.chain([first], files)
