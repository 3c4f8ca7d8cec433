"""Errors in the words of the command: no message advises an argument of Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pinecone_assistant_cli.wording import to_words
from pinecone_assistant_client import AssistantClient, InvalidRequestError
from pinecone_assistant_client.settings import Limits
from pinecone_assistant_client.transports.base import HTTPRequest, connection_timed_out, read_timed_out
from pinecone_assistant_client.wire.error_mapping import _explain
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Command

PYTHON = re.compile(
    r"\b[a-z]+(_[a-z]+)*=|\b(client|assistants)\.[a-z]|\bNone\b|\b(max_delete|file_id|max_retries)\b|messages\["
)


@pytest.fixture
def synced(local: LocalAssistant, command: Command, tmp_path: Path) -> Path:
    """A folder that was synced and has lost three of its four files."""
    folder = tmp_path / "handbook"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.md").write_text(f"# {name}", "utf-8")
    assert command("sync", folder, "--owner", "handbook").code == 0
    for name in "abc":
        (folder / f"{name}.md").unlink()
    return folder


@pytest.mark.parametrize(
    ("options", "advice"),
    [([], "pass --max-delete 3 if"), (["--max-delete", "1"], "and --max-delete is 1: nothing was deleted")],
)
def test_too_many_deletions_are_refused_with_the_options_that_help(
    command: Command, synced: Path, options: list[str], advice: str
) -> None:
    done = command("sync", synced, "--owner", "handbook", "--delete", "--yes", *options)
    assert done.code == 2
    assert advice in done.err
    assert "Look with --dry-run" in done.err
    assert not PYTHON.search(done.err), done.err


def test_advice_names_options_and_subcommands(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "one.md").write_text("# One", "utf-8")
    for arguments, code, advice in (
        (["sync", tmp_path / "empty"], 2, "--pattern and --exclude"),
        (["sync", tmp_path / "one.md"], 2, "use `files upload`"),
        (["sync", tmp_path, "--owner", " "], 2, "--owner is"),
        (["files", "upload", tmp_path / "empty"], 1, "use `sync`"),
        (["files", "show", "no id!"], 2, "the id 'no id!'"),
        (["ask", " "], 2, "the question is empty"),
        (["ask", "?", "--model", ""], 2, "or leave it out"),
        (["ask", "?", "--assistant", " "], 2, "--assistant is empty"),
    ):
        done = command(*arguments)
        assert (done.code, advice in done.err) == (code, True), done.err
        assert not PYTHON.search(done.err), done.err
    assert not [request for request in local.requests if request.method != "GET"]


def test_a_wrong_key_and_a_retry_name_no_argument(pines: LocalAssistant, command: Command) -> None:
    wrong = command("ask", QUESTION, PINECONE_API_KEY="wrong")
    assert (wrong.code, "check PINECONE_API_KEY." in wrong.err) == (1, True)
    pines.faults.add(status=429, retry_after=0, times=1)
    again = command("ask", QUESTION)
    assert (again.code, "retry 1 of 2" in again.err) == (0, True)
    pines.faults.add(reset=True, times=1)
    lost = command("ask", QUESTION)
    assert (lost.code, "ask again if a second bill is acceptable" in lost.err) == (1, True)
    for done in (wrong, again, lost):
        assert not PYTHON.search(done.err), done.err


def test_errors_that_are_hard_to_cause_name_no_argument() -> None:
    request = HTTPRequest("POST", "https://host.example/chat", {}, b"", Limits(10.0, 300.0, None, None), is_billed=True)
    errors: list[object] = [connection_timed_out(request), read_timed_out(request)]
    errors += [
        _explain(status, assistant="docs", host="https://host.example", subject=None) for status in (302, 401, 429)
    ]
    for error in errors:
        assert PYTHON.search(str(error)), f"reword nothing where the client names no argument: {error}"
        assert not PYTHON.search(to_words(error)), to_words(error)


def test_what_a_message_quotes_stays_as_it_is() -> None:
    client = AssistantClient("docs", api_key="k", host="http://127.0.0.1:9")
    with pytest.raises(InvalidRequestError) as raised:
        client.files.upload("folder/max_delete=3 client.files.get('x').md")
    assert "max_delete=3 client.files.get('x').md" in to_words(raised.value)
