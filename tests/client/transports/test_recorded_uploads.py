"""Uploads and deletes under recorders and mocks: nothing leaves the process, and recorded answers are served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests_mock
import responses
import vcr
import vcr.errors

from pinecone_assistant_client import APIConnectionError

from ..support.asking import Asking
from ..support.raw_server import RawServer, reply

FILE = {"id": "f-1", "name": "pine.md", "status": "Available", "metadata": None}
OPERATION = {"id": "op-1", "operation_type": "upsert_file", "file_id": "f-1", "status": "Completed"}


def put_and_delete(ask: Asking, asker: Any) -> None:
    files = asker.client.files
    file = ask.run(lambda: files.upload(b"A red pine.", name="pine.md", file_id="f-1"))
    assert (file.id, file.status) == ("f-1", "Available")
    ask.run(lambda: files.delete("f-1", wait=False))


def scripted(server: RawServer) -> None:
    server.script(reply(OPERATION, status=202), reply(FILE), reply(b"", status=204))


def test_vcr_records_and_serves_an_upload_and_a_delete(ask: Asking, server: RawServer, tmp_path: Path) -> None:
    scripted(server)
    recorder = vcr.VCR(match_on=["method", "uri"], filter_headers=["Api-Key"])
    asker = ask(max_retries=0)
    for _ in range(2):
        with recorder.use_cassette(str(tmp_path / "files.yaml"), record_mode="once"):
            put_and_delete(ask, asker)
    assert [request.method for request in server.requests] == ["PUT", "GET", "DELETE"]
    assert b"A red pine." in server.requests[0].body


def test_vcr_lets_no_upload_out(ask: Asking, server: RawServer, tmp_path: Path) -> None:
    asker = ask(max_retries=0)
    with (
        vcr.use_cassette(str(tmp_path / "empty.yaml"), record_mode="none"),
        pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException),
    ):
        put_and_delete(ask, asker)
    assert server.requests == []


def test_mocks_of_requests_see_uploads_and_deletes(server: RawServer) -> None:
    asking = Asking("sync", server.url)
    asker = asking(max_retries=0)
    files = f"{server.url}/assistant/files/docs/f-1"
    with responses.RequestsMock() as mock:
        mock.put(files, json=OPERATION, status=202)
        mock.get(files, json=FILE)
        mock.delete(files, status=204)
        put_and_delete(asking, asker)
    with requests_mock.Mocker() as other:
        other.put(files, json=OPERATION, status_code=202)
        other.get(files, json=FILE)
        other.delete(files, status_code=204)
        put_and_delete(asking, asker)
    with responses.RequestsMock(), pytest.raises(APIConnectionError):
        put_and_delete(asking, asker)
    assert server.requests == []
    asking.close()
