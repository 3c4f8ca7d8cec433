"""`assistants`: list, create, show, update, delete."""

from __future__ import annotations

from pinecone_assistant_local import LocalAssistant

from .conftest import Command


def test_create_show_update_delete(local: LocalAssistant, command: Command) -> None:
    (made,) = command("assistants", "create", "handbook", "--metadata", '{"team": "docs"}', "--json").objects
    assert (made["name"], made["status"], made["metadata"]) == ("handbook", "Ready", {"team": "docs"})
    assert len(command("assistants", "list").lines) == 2
    done = command("assistants", "update", "handbook", "--instructions", "Be brief.", "--json")
    assert (done.objects[0]["instructions"], done.objects[0]["metadata"]) == ("Be brief.", {"team": "docs"})
    assert "instructions: Be brief." in command("assistants", "show", "handbook").lines
    assert command("assistants", "delete", "handbook", "--yes").code == 0
    assert command("assistants", "show", "handbook").code == 1


def test_an_assistant_that_exists_is_1_unless_that_is_fine(local: LocalAssistant, command: Command) -> None:
    assert command("assistants", "create", "docs").code == 1
    assert command("assistants", "create", "docs", "--exist-ok").code == 0


def test_a_name_that_cannot_be_is_2(local: LocalAssistant, command: Command) -> None:
    assert command("assistants", "create", "x" * 100).code == 2


def test_nothing_to_change_is_2(command: Command) -> None:
    assert command("assistants", "update", "docs").code == 2


def test_deleting_asks_first(local: LocalAssistant, command: Command) -> None:
    sent = len(local.requests)
    done = command("assistants", "delete", "docs")
    assert (done.code, "--yes" in done.err, len(local.requests)) == (2, True, sent)


def test_a_missing_assistant_can_be_fine(local: LocalAssistant, command: Command) -> None:
    assert command("assistants", "delete", "none", "--yes").code == 1
    assert command("assistants", "delete", "none", "--yes", "--missing-ok").code == 0
