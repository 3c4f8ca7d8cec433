"""Plan a sync: compare the wanted files with the present ones. Pure.

A file of a sync is known by its identifier, which is made of the owner and the path. Its metadata has its owner, its path,
and the hash of its content. Modification times are not used, because a fresh clone of a repository changes all of them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ..errors import InvalidRequestError
from .metadata import same_json
from .values import AssistantFile

OWNER, PATH, SHA256 = "sync_owner", "sync_path", "sync_sha256"
RESERVED = (OWNER, PATH, SHA256)
_ID_CHARACTERS = 52  # 256 bits, five per character
_JSON = msgspec.json.Encoder()
Action = Literal["uploaded", "replaced", "unchanged"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that the assistant is to have.

    Attributes:
        path: Its posix path below the source.
        sha256: The hash of its content, in hexadecimal.
        metadata: The user's own metadata.
        multimodal: Whether its images are to be processed.
    """

    path: str
    sha256: str
    metadata: Mapping[str, Any] | None = None
    multimodal: bool = False


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """The actions of a sync, by path.

    Attributes:
        uploaded: New files.
        replaced: Files that differ from the present ones.
        unchanged: Files that need no upload.
        deleted: Files of the owner that are no longer wanted.
    """

    uploaded: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    deleted: tuple[AssistantFile, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return not (self.uploaded or self.replaced or self.deleted)


def sync_file_id(owner: str, path: str) -> str:
    """The identifier of an owner's file: lower-case base32 of sha256 over the JSON `[owner, path]`."""
    digest = hashlib.sha256(_JSON.encode([owner, path])).digest()
    return base64.b32encode(digest)[:_ID_CHARACTERS].decode().lower()


def sync_metadata(owner: str, wanted: Wanted) -> dict[str, Any]:
    """Return the metadata to send: the user's own, and the file's owner, path and content hash.

    Raises:
        InvalidRequestError: The user's metadata has one of these names.
    """
    own = dict(wanted.metadata or {})
    for name in RESERVED:
        if name in own:
            raise InvalidRequestError(
                f"metadata.{name} of {wanted.path!r}: this name is sync's own, so use another one"
            )
    return own | {OWNER: owner, PATH: wanted.path, SHA256: wanted.sha256}


def is_owned(file: AssistantFile, owner: str) -> bool:
    """Return whether a sync of this owner made a file. Its metadata alone does not prove it, because it may have been copied."""
    metadata = file.metadata or {}
    path = metadata.get(PATH)
    return metadata.get(OWNER) == owner and isinstance(path, str) and file.id == sync_file_id(owner, path)


def action_for(wanted: Wanted, present: AssistantFile | None, owner: str) -> Action:
    """Return the action for a file, given the file that the assistant has under its identifier."""
    if present is None or present.status == "Deleting":
        return "uploaded"
    found = present.metadata or {}
    is_same = (
        found.get(SHA256) == wanted.sha256
        and present.status in ("Available", "Processing")
        and same_json(sync_metadata(owner, wanted), found)
        and bool(present.multimodal) == wanted.multimodal
    )
    return "unchanged" if is_same else "replaced"


def deletions(wanted_ids: Iterable[str], present: Iterable[AssistantFile], owner: str) -> list[AssistantFile]:
    """The owner's files that are no longer wanted."""
    ids = set(wanted_ids)
    return [file for file in present if file.id not in ids and file.status != "Deleting" and is_owned(file, owner)]


def check_deletions(count: int, owned: int, owner: str, max_delete: int | None) -> None:
    """Refuse to delete more than `max_delete` files, or more than half of the owner's without it.

    Raises:
        InvalidRequestError: Nothing is deleted.
    """
    if max_delete is not None and count > max_delete:
        raise InvalidRequestError(
            f"the sync would delete {count} of the {owned} files of owner {owner!r}, and max_delete is {max_delete}: nothing "
            "was deleted. Look with dry_run=True, then raise max_delete if that is meant"
        )
    if max_delete is None and count * 2 > owned:
        raise InvalidRequestError(
            f"the sync would delete {count} of the {owned} files of owner {owner!r}, more than half: nothing was deleted. Look "
            f"with dry_run=True, and pass max_delete={count} if that is meant"
        )


def plan_sync(wanted: Iterable[Wanted], present: Iterable[AssistantFile], owner: str, delete: bool = False) -> SyncPlan:
    """Compare the files that are wanted with those of the assistant.

    Args:
        wanted: The files of the source. Of two with the same path the first counts.
        present: The files of the assistant, of all owners.
        owner: The owner of the files; files of other owners are not touched.
        delete: Whether to delete the owner's files that are no longer wanted.
    """
    found = {file.id: file for file in present}
    plan: dict[str, list[str]] = {"uploaded": [], "replaced": [], "unchanged": []}
    ids: set[str] = set()
    for file in wanted:
        file_id = sync_file_id(owner, file.path)
        if file_id not in ids:
            ids.add(file_id)
            plan[action_for(file, found.get(file_id), owner)].append(file.path)
    gone = deletions(ids, found.values(), owner) if delete else []
    return SyncPlan(**{name: tuple(paths) for name, paths in plan.items()}, deleted=tuple(gone))
