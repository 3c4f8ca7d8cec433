"""`upload_many`: bounded concurrency, lazy consumption, independent failures, a shared Retry-After and a shared poller."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_client import (
    AssistantError,
    FileProcessingError,
    InternalServerError,
    InvalidRequestError,
    MetadataMismatchError,
    RateLimitError,
    Upload,
    UploadReport,
)
from pinecone_assistant_local import LocalAssistant

from ..support.asking import Asking
from ..support.feeding import Feeder, files_of, methods
from ..support.file_service import FileService


def texts(count: int) -> list[Upload]:
    return [Upload(f"text {number}".encode(), f"{number}.md", metadata={"n": number}) for number in range(count)]


def test_all_files_arrive_and_are_reported_in_their_order(
    feeder: Feeder, local: LocalAssistant, tmp_path: Path
) -> None:
    (tmp_path / "path.md").write_text("a path")
    uploads = [*texts(20), Upload(tmp_path / "path.md", file_id="mine"), Upload(io.BytesIO(b"a stream"), "stream.txt")]
    report = feeder.files.upload_many(uploads)
    assert isinstance(report, UploadReport)
    assert [found.name for found in report.uploaded] == [*[f"{n}.md" for n in range(20)], "path.md", "stream.txt"]
    assert report.uploaded[20].id == "mine"
    assert report.failed == ()
    assert report.ingestion_units == 22
    stored = files_of(local)
    assert {stored[found.id].content for found in report.uploaded} >= {b"text 0", b"text 19", b"a path", b"a stream"}


def test_nothing_to_upload_is_an_empty_report(feeder: Feeder, local: LocalAssistant) -> None:
    assert feeder.files.upload_many([]) == UploadReport()
    assert feeder.files.upload_many(iter(())) == UploadReport()
    assert local.requests == []


def test_one_bad_file_is_reported_and_the_others_go_through(feeder: Feeder, local: LocalAssistant) -> None:
    uploads = [
        *texts(5),
        Upload(b"x", "a.xyz"),
        Upload("missing.md"),
        Upload(b"%PDF broken", "broken.pdf"),
        Upload(b"x", "a.md", metadata={"a": None}),
        *texts(5),
    ]
    report = feeder.files.upload_many(uploads, raise_on_error=False)
    assert len(report.uploaded) == 10
    assert [upload for upload, _ in report.failed] == uploads[5:9]
    assert [type(error) for _, error in report.failed] == [
        InvalidRequestError,
        InvalidRequestError,
        FileProcessingError,
        InvalidRequestError,
    ]


def test_the_first_error_is_raised_after_the_others_and_has_the_report(feeder: Feeder, local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match=r"'second\.xyz'") as caught:
        feeder.files.upload_many([Upload(b"x", "0.md"), Upload(b"x", "second.xyz"), Upload("missing.md"), *texts(9)])
    report = caught.value.report
    assert isinstance(report, UploadReport)
    assert (len(report.uploaded), len(report.failed)) == (10, 2)
    assert len(files_of(local)) == 10


def test_progress_is_told_after_each_file_in_the_callers_thread(feeder: Feeder) -> None:
    told: list[Any] = []

    def on_progress(done: int, total: int | None, name: str) -> None:
        told.append((done, total, name, threading.current_thread()))

    feeder.files.upload_many([*texts(5), Upload(b"x", "bad.xyz")], on_progress=on_progress, raise_on_error=False)
    assert [done for done, *_ in told] == [1, 2, 3, 4, 5, 6]
    assert {total for _, total, *_ in told} == {6}
    assert {name for _, _, name, _ in told} == {"0.md", "1.md", "2.md", "3.md", "4.md", "bad.xyz"}
    assert {thread for *_, thread in told} == {threading.current_thread()}
    told.clear()
    feeder.files.upload_many(iter(texts(2)), on_progress=on_progress)
    assert [(done, total) for done, total, *_ in told] == [(1, None), (2, None)]


def test_an_error_of_the_callback_ends_the_call(feeder: Feeder, local: LocalAssistant) -> None:
    def on_progress(done: int, total: int | None, name: str) -> None:
        raise LookupError("of the caller")

    with pytest.raises(LookupError, match="of the caller"):
        feeder.files.upload_many(texts(50), on_progress=on_progress)
    assert len(files_of(local)) < 50
    feeder.files.upload(b"still usable", name="a.md")


def test_an_error_of_the_iterable_lets_what_was_begun_end_and_has_the_report(
    feeder: Feeder, local: LocalAssistant
) -> None:
    def uploads() -> Iterator[Upload]:
        yield from texts(10)
        raise LookupError("of the caller")

    with pytest.raises(LookupError, match="of the caller") as caught:
        feeder.files.upload_many(uploads())
    assert len(caught.value.report.uploaded) == 10  # type: ignore[attr-defined] # it is set on the raised error
    assert len(files_of(local)) == 10


async def _uploads() -> AsyncIterator[Upload]:
    yield Upload(b"x", "a.md")


@pytest.mark.parametrize("uploads", ["docs", b"docs", Path("docs"), Upload(b"x", "a.md"), None, 3, _uploads()])
def test_what_is_no_iterable_of_uploads_is_named(feeder: Feeder, local: LocalAssistant, uploads: Any) -> None:
    with pytest.raises(InvalidRequestError, match="uploads is a"):
        feeder.files.upload_many(uploads)
    assert local.requests == []


def test_an_item_that_is_no_upload_is_named(feeder: Feeder) -> None:
    with pytest.raises(InvalidRequestError, match=r"uploads\[1\] is a str"):
        feeder.files.upload_many([Upload(b"x", "a.md"), "b.md"])


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "8", True, None])
def test_a_concurrency_that_is_no_number_is_refused(feeder: Feeder, local: LocalAssistant, concurrency: Any) -> None:
    with pytest.raises(InvalidRequestError, match="concurrency is"):
        feeder.files.upload_many(texts(1), concurrency=concurrency)
    assert local.requests == []


def test_an_upload_shows_no_content(tmp_path: Path) -> None:
    assert repr(Upload(b"x" * 10_000, "a.md", metadata={"n": 1})) == "Upload('a.md', metadata={'n': 1})"
    assert repr(Upload(Path("docs/a.md"))) == "Upload('docs/a.md')"
    assert repr(Upload(io.BytesIO(b"x"))) == "Upload('a BytesIO')"


@pytest.fixture
def service() -> Iterator[FileService]:
    """A service that processes files as long as the test wants."""
    with FileService() as running:
        yield running


@pytest.fixture
def feeder_of(ask: Asking, service: FileService) -> Callable[..., Feeder]:
    """Feeds that service with either client."""
    return lambda **options: Feeder(ask, host=service.url, **options)


def test_no_more_than_concurrency_files_are_between_reading_and_available(
    feeder_of: Callable[..., Feeder], service: FileService
) -> None:
    read: list[int] = []
    ended = [0]
    most = [0]

    def uploads() -> Iterator[Upload]:
        for number in range(30):
            read.append(number)
            most[0] = max(most[0], len(read) - ended[0])
            yield Upload(f"{number}".encode(), f"{number}.md")

    def on_progress(done: int, total: int | None, name: str) -> None:
        ended[0] = done

    service.polls_until_done = 2
    report = feeder_of().files.upload_many(uploads(), concurrency=4, on_progress=on_progress)
    assert len(report.uploaded) == 30
    assert most[0] <= 5  # four at work, and the one that is read next
    assert service.most_processing <= 4


def test_many_uploads_share_one_poller(feeder_of: Callable[..., Feeder], service: FileService) -> None:
    service.polls_until_done = 5
    feeder = feeder_of()
    feeder.files.upload_many(texts(8), concurrency=8)
    assert service.count("GET operations") <= 20  # lists, while eight are Processing: 40 if each looked for itself
    assert service.count("GET operation") == 8  # each once, when it is no longer in the list
    assert all(target.endswith("?status=Processing&limit=100") for target in service.targets("GET operations"))


def test_a_poller_that_sees_only_a_part_lets_each_look_for_itself(
    feeder_of: Callable[..., Feeder], service: FileService
) -> None:
    service.polls_until_done = 3
    service.has_more_operations = True
    assert len(feeder_of().files.upload_many(texts(8)).uploaded) == 8


def test_a_poller_that_fails_lets_each_look_for_itself(feeder_of: Callable[..., Feeder], service: FileService) -> None:
    service.polls_until_done = 3
    service.lists_fail = True
    assert len(feeder_of().files.upload_many(texts(3)).uploaded) == 3


def test_a_wait_that_fails_says_that_the_files_were_sent(
    feeder_of: Callable[..., Feeder], service: FileService
) -> None:
    service.polls_until_done = 3
    service.lists_fail = service.looks_fail = True
    report = feeder_of().files.upload_many(texts(3), raise_on_error=False)
    assert len(report.failed) == 3
    for upload, error in report.failed:
        assert isinstance(error, InternalServerError)
        assert f"'{upload.name}' was sent as file" in str(error)


def test_a_failed_operation_among_many_is_the_error_of_its_file(
    feeder_of: Callable[..., Feeder], service: FileService
) -> None:
    service.polls_until_done = 2
    service.failing = {"2.md"}
    report = feeder_of().files.upload_many(texts(4), raise_on_error=False)
    assert [(upload.name, type(error)) for upload, error in report.failed] == [("2.md", FileProcessingError)]


def test_metadata_that_a_service_drops_is_an_error_of_each_file(
    feeder_of: Callable[..., Feeder], service: FileService
) -> None:
    service.drops_metadata = True
    report = feeder_of().files.upload_many([*texts(2), Upload(b"x", "none.md")], raise_on_error=False)
    assert [type(error) for _, error in report.failed] == [MetadataMismatchError] * 2
    assert [found.name for found in report.uploaded] == ["none.md"]


@pytest.mark.parametrize("max_retries", [2, 0])
def test_retry_after_holds_back_all_workers(
    feeder_of: Callable[..., Feeder], service: FileService, max_retries: int
) -> None:
    """The clock is frozen here, so each request after the refusal has to wait for the whole time first."""
    feeder = feeder_of(max_retries=max_retries)
    feeder.client._retries = dataclasses.replace(feeder.client._retries, clock=lambda: 1000.0)
    service.turn_away_at, service.retry_after = 5, 7.0
    report = feeder.files.upload_many(texts(24), concurrency=4, raise_on_error=False)
    later = len(service.arrivals) - 5
    assert later > 35
    assert later - 15 <= feeder.waits.seconds.count(7.0) <= later  # some were sent before the refusal came
    assert len(report.uploaded) == (24 if max_retries else 23)
    assert [type(error) for _, error in report.failed] == ([] if max_retries else [RateLimitError])


def test_a_retry_after_that_is_too_long_to_obey_holds_nobody(
    feeder_of: Callable[..., Feeder], service: FileService
) -> None:
    feeder = feeder_of()
    service.turn_away_at, service.retry_after = 5, 3600.0
    report = feeder.files.upload_many(texts(8), concurrency=2, raise_on_error=False)
    assert (len(report.uploaded), len(report.failed)) == (7, 1)
    assert feeder.waits.seconds == []


def test_uploads_of_an_old_version_are_many_posts(ask_local: Asking, local: LocalAssistant) -> None:
    feeder = Feeder(ask_local, api_version="2025-10")
    report = feeder.files.upload_many(texts(6))
    assert len(report.uploaded) == 6
    assert report.uploaded[0].metadata == {"n": 0}
    assert methods(local).count("POST files") == 6


def test_faults_among_many_leave_each_file_once(feeder: Feeder, local: LocalAssistant) -> None:
    """There are at most as many faults of a kind as a request has retries, because all of them may hit the same file."""
    local.faults.add(on=("PUT", "/assistant/files/*"), times=1, status=503)
    local.faults.add(on=("PUT", "/assistant/files/*"), times=1, cut_after_events=0)
    local.faults.add(on=("GET", "/assistant/files/*"), times=2, reset=True)
    report = feeder.files.upload_many(texts(20))
    assert len(report.uploaded) == 20
    assert sorted(found.content for found in files_of(local).values()) == sorted(
        f"text {number}".encode() for number in range(20)
    )


def test_an_interrupt_ends_the_call_at_once(server: Any, service: FileService) -> None:
    """Ctrl-C does not wait for uploads: sync only, because an event loop cancels tasks by itself."""
    asking = Asking("sync", service.url)
    feeder = Feeder(asking, timeout=30.0)
    service.stalls = True

    def interrupt(done: int, total: int | None, name: str) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        feeder.files.upload_many([Upload(b"x", "bad.xyz"), *texts(4)], on_progress=interrupt)
    assert time.monotonic() - began < 5
    asking.close()


@pytest.mark.parametrize("way", ["upload_many", "sync"])
def test_a_cancelled_call_ends_with_its_tasks_and_leaves_a_usable_client(
    server: Any, service: FileService, way: str
) -> None:
    """Async only: nobody can cancel a thread."""
    asking = Asking("async", service.url)
    files: Any = Feeder(asking, timeout=30.0).client.files
    service.polls_until_done = 1_000_000

    def cancel(done: int, total: int | None, name: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def whole() -> Any:
        uploads = [Upload(b"x", "bad.xyz"), *texts(10)]
        owner = {"owner": "docs"} if way == "sync" else {}
        call = getattr(files, way)(uploads, concurrency=2, on_progress=cancel, **owner)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(call)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        service.polls_until_done = 0
        return (await files.upload(b"x", name="after.md")).status

    status: Any = asking.run(whole)
    assert status == "Available"
    assert service.count("PUT file") <= 3  # the two that were begun, and the one after
    asking.close()


def test_an_error_is_never_only_a_report(feeder: Feeder) -> None:
    with pytest.raises(AssistantError):
        feeder.files.upload_many(iter([Upload("missing.md")]))
