"""The plan of a sync: empty once it is carried out, and never about another owner's files."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import AssistantFile, InvalidRequestError
from pinecone_assistant_client.feeding.sync_plan import (
    SyncPlan,
    Wanted,
    check_deletions,
    is_owned,
    plan_sync,
    sync_file_id,
    sync_metadata,
)

OWNERS = ("docs", "other", "")
paths = st.sampled_from(["a.md", "b/c.md", "b/d.txt", "é €.md", "a", "b/c.md "])
metadata = st.dictionaries(
    st.sampled_from(["genre", "year", "tags"]),
    st.one_of(st.text(max_size=2), st.integers(0, 2), st.booleans()),
    max_size=2,
)
wanted_files = st.builds(
    Wanted, path=paths, sha256=st.sampled_from(["1" * 64, "2" * 64]), metadata=metadata, multimodal=st.booleans()
)
wanted_lists = st.lists(wanted_files, max_size=6, unique_by=lambda file: file.path)
statuses = st.sampled_from(["Available", "Processing", "ProcessingFailed", "Deleting", None])


def present_file(owner: str, wanted: Wanted, status: str | None = "Available", **others: Any) -> AssistantFile:
    """The file that a sync of an owner makes."""
    name = wanted.path.rpartition("/")[2]
    file = AssistantFile(
        sync_file_id(owner, wanted.path), name, status, sync_metadata(owner, wanted), multimodal=wanted.multimodal
    )
    return dataclasses.replace(file, **others)


@st.composite
def present_files(draw: st.DrawFn) -> list[AssistantFile]:
    """Files of several owners, files without an owner, and files with copied or invented metadata."""
    files = [
        present_file(draw(st.sampled_from(["docs", "other"])), draw(wanted_files), draw(statuses))
        for _ in range(draw(st.integers(0, 8)))
    ]
    for _ in range(draw(st.integers(0, 3))):
        copied = present_file("docs", draw(wanted_files)).metadata
        made_up: Any = draw(
            st.sampled_from([copied, None, {}, {"sync_owner": "docs"}, {"sync_owner": "docs", "sync_path": 3}])
        )
        files.append(AssistantFile(f"by-hand-{len(files)}", "x.md", "Available", made_up))
    return list({file.id: file for file in files}.values())


def carried_out(plan: SyncPlan, wanted: list[Wanted], present: list[AssistantFile], owner: str) -> list[AssistantFile]:
    """The files of the assistant after a plan."""
    files = {file.id: file for file in present}
    for gone in plan.deleted:
        del files[gone.id]
    for file in wanted:
        if file.path in (*plan.uploaded, *plan.replaced):
            made = present_file(owner, file)
            files[made.id] = made
    return list(files.values())


@given(wanted_lists, present_files(), st.booleans())
def test_the_plan_of_the_planned_state_is_empty(
    wanted: list[Wanted], present: list[AssistantFile], delete: bool
) -> None:
    after = carried_out(plan_sync(wanted, present, "docs", delete), wanted, present, "docs")
    assert plan_sync(wanted, after, "docs", delete).is_empty
    assert sorted(plan_sync(wanted, after, "docs", delete).unchanged) == sorted(file.path for file in wanted)


@given(wanted_lists, present_files(), st.booleans())
def test_only_the_owners_files_are_ever_deleted(
    wanted: list[Wanted], present: list[AssistantFile], delete: bool
) -> None:
    plan = plan_sync(wanted, present, "docs", delete)
    kept = {sync_file_id("docs", file.path) for file in wanted}
    for file in plan.deleted:
        assert delete
        assert file in present
        assert file.id not in kept
        found = file.metadata or {}
        assert (found["sync_owner"], file.id) == ("docs", sync_file_id("docs", found["sync_path"]))


@given(wanted_lists, present_files())
def test_after_a_plan_with_deletions_the_owner_has_exactly_what_is_wanted(
    wanted: list[Wanted], present: list[AssistantFile]
) -> None:
    after = carried_out(plan_sync(wanted, present, "docs", delete=True), wanted, present, "docs")
    owned = [file for file in after if is_owned(file, "docs") and file.status != "Deleting"]
    assert sorted(str((file.metadata or {})["sync_path"]) for file in owned) == sorted(file.path for file in wanted)


@given(wanted_lists, present_files(), st.booleans())
def test_what_others_have_changes_no_plan(wanted: list[Wanted], present: list[AssistantFile], delete: bool) -> None:
    own = [file for file in present if is_owned(file, "docs")]
    assert plan_sync(wanted, present, "docs", delete) == plan_sync(wanted, own, "docs", delete)


@given(wanted_lists, present_files())
def test_every_path_is_in_exactly_one_place(wanted: list[Wanted], present: list[AssistantFile]) -> None:
    plan = plan_sync(wanted, present, "docs", delete=True)
    placed = [*plan.uploaded, *plan.replaced, *plan.unchanged]
    assert sorted(placed) == sorted(file.path for file in wanted)


ONE = Wanted("a.md", "1" * 64, {"year": 1, "tall": True, "tags": ["a", "b"]})


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (None, "uploaded"),
        (present_file("docs", ONE), "unchanged"),
        (present_file("docs", ONE, "Processing"), "unchanged"),
        (present_file("docs", ONE, "ProcessingFailed"), "replaced"),
        (present_file("docs", ONE, "Deleting"), "uploaded"),
        (present_file("docs", ONE, multimodal=None), "unchanged"),
        (present_file("docs", ONE, multimodal=True), "replaced"),
        (present_file("docs", dataclasses.replace(ONE, sha256="2" * 64)), "replaced"),
        (
            present_file("docs", dataclasses.replace(ONE, metadata={"year": 1.0, "tall": True, "tags": ["a", "b"]})),
            "unchanged",
        ),
        (
            present_file("docs", dataclasses.replace(ONE, metadata={"year": 1, "tall": 1, "tags": ["a", "b"]})),
            "replaced",
        ),
        (
            present_file("docs", dataclasses.replace(ONE, metadata={"year": 1, "tall": True, "tags": ["b", "a"]})),
            "replaced",
        ),
        (present_file("docs", dataclasses.replace(ONE, metadata=None)), "replaced"),
        (present_file("docs", ONE, metadata=None), "replaced"),
        (present_file("docs", ONE, updated_at="2001-01-01T00:00:00Z"), "unchanged"),
        (present_file("other", ONE), "uploaded"),
    ],
)
def test_what_makes_a_file_unchanged(present: AssistantFile | None, expected: str) -> None:
    plan = plan_sync([ONE], [present] if present else [], "docs", delete=False)
    assert getattr(plan, expected) == ("a.md",)


def test_identifiers_are_legal_and_differ_by_owner_and_path() -> None:
    ids = {sync_file_id(owner, path) for owner in ("a", "b", "é", 'a","b') for path in ("a.md", "b/a.md", '","a.md')}
    assert len(ids) == 12
    for id_ in ids:
        assert len(id_) == 52
        assert set(id_) <= set("abcdefghijklmnopqrstuvwxyz234567")


@given(st.sampled_from(OWNERS), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_an_identifier_is_the_hash_of_owner_and_path_in_base32(owner: str, path: str) -> None:
    digest = hashlib.sha256(json.dumps([owner, path], ensure_ascii=False, separators=(",", ":")).encode()).digest()
    if "\x7f" not in path:  # which of the two ways to write it in JSON is not the question
        assert sync_file_id(owner, path) == base64.b32encode(digest).decode().rstrip("=").lower()


def test_metadata_of_ones_own_must_not_have_the_names_of_sync() -> None:
    with pytest.raises(InvalidRequestError, match=r"metadata\.sync_owner of 'a\.md'"):
        sync_metadata("docs", Wanted("a.md", "1", {"sync_owner": "other"}))


@pytest.mark.parametrize(
    ("count", "owned", "max_delete"), [(1, 2, None), (0, 0, None), (5, 10, None), (10, 10, 10), (3, 10, 3), (0, 3, 0)]
)
def test_deletions_within_the_bounds_pass(count: int, owned: int, max_delete: int | None) -> None:
    check_deletions(count, owned, "docs", max_delete)


@pytest.mark.parametrize(
    ("count", "owned", "max_delete", "pattern"),
    [
        (6, 10, None, r"delete 6 of the 10 files of owner 'docs', more than half.*max_delete=6"),
        (1, 1, None, "more than half"),
        (4, 10, 3, "max_delete is 3"),
        (1, 10, 0, "max_delete is 0"),
    ],
)
def test_too_many_deletions_are_refused(count: int, owned: int, max_delete: int | None, pattern: str) -> None:
    with pytest.raises(InvalidRequestError, match=pattern):
        check_deletions(count, owned, "docs", max_delete)
