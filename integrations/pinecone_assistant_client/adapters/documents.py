"""Map a framework's documents (text, id, metadata) to files, one `.md` file each. Pure; used by the index classes.

A file's id has at most 128 letters, digits, `_` and `-`; a document's id can be any text, such as a path or a URL. So an id
that is not legal is replaced by its hash, and the original is kept in the file's metadata. The metadata also keeps a hash of
the document, so that a refresh finds the changed ones. Files with these two metadata keys were written by an index.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequestError
from ..feeding.metadata import checked_metadata
from ..feeding.values import AssistantFile, Upload

ID_KEY = "doc_id"
HASH_KEY = "doc_sha256"

_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def document_file_id(document_id: str) -> str:
    """Return the id of a document's file: the document's own id if it is legal, otherwise base32(sha256(id)) in lower case.

    Raises:
        InvalidRequestError: The id is not text, or empty.
    """
    if not isinstance(document_id, str) or not document_id:
        raise InvalidRequestError(f"the id of a document is {document_id!r}: it must be text that is not empty")
    if _FILE_ID.fullmatch(document_id):
        return document_id
    digest = hashlib.sha256(document_id.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def document_hash(text: str, metadata: Mapping[str, Any]) -> str:
    """Return the hash of a document's text and metadata; a refresh uploads a document again if its hash changed."""
    kept = {name: value for name, value in metadata.items() if value is not None}
    content = json.dumps([text, kept], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def document_upload(document_id: str, text: str, metadata: Mapping[str, Any]) -> Upload:
    """Return the upload of a document. Metadata with the value None is left out: the service has no null.

    Raises:
        InvalidRequestError: The text is blank or not valid, the id is not text, or the metadata is not what the service takes
            or uses a key of ours. The message names the document.
    """
    file_id = document_file_id(document_id)
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequestError(f"document {document_id!r} has no text: leave it out, or upload its file as it is")
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidRequestError(
            f"document {document_id!r} has a lone surrogate in its text, which is not valid text: read it again with the right "
            'encoding, or replace it with text.encode("utf-8", "replace").decode()'
        ) from None
    for name in metadata:
        if not isinstance(name, str):
            raise InvalidRequestError(f"document {document_id!r} has metadata under {name!r}: names are text")
    for key in (ID_KEY, HASH_KEY):
        if key in metadata:
            raise InvalidRequestError(
                f"document {document_id!r} has metadata {key!r}, which the index keeps for itself: rename that key"
            )
    kept = {name: value for name, value in metadata.items() if value is not None}
    # Checked before anything of a batch is sent. The check of a single upload comes too late, and does not name the document.
    origin = f"document {_shortened(document_id)!r}, metadata"
    checked = checked_metadata(kept, origin) or {}
    ours = {ID_KEY: document_id, HASH_KEY: document_hash(text, metadata)}
    whole = checked_metadata({**checked, **ours}, origin)
    file_name = _NOT_IN_A_NAME.sub("_", document_id)[-100:].strip("._") or file_id
    return Upload(content, name=f"{file_name}.md", file_id=file_id, metadata=whole)


def _shortened(document_id: str) -> str:
    return document_id if len(document_id) <= 200 else f"{document_id[:200]}..."


def document_id(file: AssistantFile) -> str | None:
    """Return the id of the document that a file was made of, or None if it is not of a document."""
    metadata = file.metadata or {}
    found = metadata.get(ID_KEY)
    return found if isinstance(found, str) and HASH_KEY in metadata else None


def user_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the user's own metadata of a document's file."""
    return {name: value for name, value in (metadata or {}).items() if name not in (ID_KEY, HASH_KEY)}
