"""docs/ci.md: its workflow is YAML that GitHub would take, and its commands work as the page says."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

from pinecone_assistant_local import LocalAssistant

from .conftest import Command

yaml: Any = importlib.import_module("yaml")  # it comes with mkdocs, without types
PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text("utf-8")


def block(language: str) -> str:
    """The page's block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def commands(job: str) -> list[list[str]]:
    """The commands of a job that are ours."""
    steps: list[dict[str, Any]] = yaml.safe_load(block("yaml"))["jobs"][job]["steps"]
    runs = [shlex.split(step["run"]) for step in steps if "run" in step]
    return [words[1:] for words in runs if words[0] == "pinecone-assistant"]


def test_the_workflow_runs_on_push_and_on_pull_requests() -> None:
    workflow = yaml.safe_load(block("yaml"))
    assert set(workflow[True]) == {"push", "pull_request"}, "YAML reads `on` as true"
    assert all(job["runs-on"] and job["steps"] for job in workflow["jobs"].values())


def test_its_commands_sync_ask_and_evaluate(local: LocalAssistant, command: Command, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text("# Leave\n\nYou have 30 days of leave a year.\n", "utf-8")
    (tmp_path / "questions.jsonl").write_text(block("json"), "utf-8")
    for words in [*commands("sync"), *commands("evaluate")]:
        done = command(*words, cwd=tmp_path)
        assert done.code == 0, (words, done.err)
    (docs / "leave.md").write_text("# Leave\n\nAsk your manager about leave.\n", "utf-8")
    (tmp_path / "answers.jsonl").unlink()
    codes = [command(*words, cwd=tmp_path).code for words in [*commands("sync"), *commands("evaluate")]]
    assert codes == [0, 0, 1], "the answers are worse"


def nightly(night: str) -> list[list[str]]:
    """The commands of the nightly script, with the answers of that night."""
    script = block("sh").replace("$(date +%F)", night)
    return [shlex.split(line)[1:] for line in script.splitlines() if line.startswith("pinecone-assistant")]


def test_the_nightly_script_fails_in_the_night_that_the_answers_get_worse(
    local: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("leave", "hours", "laptops"):
        (docs / f"{name}.md").write_text("You have 30 days of leave a year.\n" if name == "leave" else name, "utf-8")
    (tmp_path / "questions.jsonl").write_text(block("json"), "utf-8")
    assert [command(*words, cwd=tmp_path).code for words in nightly("1")] == [0, 0, 0]
    (docs / "leave.md").write_text("Ask your manager about leave.\n", "utf-8")
    assert [command(*words, cwd=tmp_path).code for words in nightly("2")] == [0, 0, 1]
    (docs / "hours.md").unlink()
    (docs / "laptops.md").unlink()
    (docs / "new.md").write_text("A new file.\n", "utf-8")
    sync, *_ = nightly("3")
    before = {file.id for file in local.files.list()}
    assert command(*sync, cwd=tmp_path).code == 2, "most files are gone"
    assert {file.id for file in local.files.list()} == before, "nothing is uploaded either"
    assert command(*sync, "--max-delete", "2", cwd=tmp_path).code == 0
    assert sorted(file.name for file in local.files.list()) == ["leave.md", "new.md"]


def test_a_file_that_no_sync_uploaded_is_stored_a_second_time(
    local: LocalAssistant, command: Command, tmp_path: Path
) -> None:
    """So the page serves an empty folder; the same holds for the files that `serve` uploads."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text("You have 30 days of leave a year.\n", "utf-8")
    local.upload(docs / "leave.md")
    sync, *_ = nightly("1")
    assert command(*sync, cwd=tmp_path).code == 0
    assert [file.name for file in local.files.list()] == ["leave.md", "leave.md"]
