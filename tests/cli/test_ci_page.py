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
