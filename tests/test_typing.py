"""Type checkers in users' code: no error for right code, and an error naming the option in each wrong line."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from langchain_pinecone_assistant import ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool
from langchain_pinecone_assistant import option_types as words
from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant

HERE = Path(__file__).parent
FILES = ("ok.py", "wrong.py")
Reports = dict[str, dict[int, list[str]]]
"""File name to line number to messages of errors."""


def _run(folder: Path, *command: str) -> str:
    """Run a checker like in a user's project: in another folder, without our settings and folders on its path."""
    for name in FILES:
        shutil.copy(HERE / "typing_users" / name, folder)
    kept = {key: value for key, value in os.environ.items() if key not in ("MYPYPATH", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-m", *command, *FILES],
        capture_output=True,
        text=True,
        cwd=folder,
        env=kept,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr  # 1 is "there are errors": wrong.py has them
    return done.stdout


def _mypy(folder: Path) -> Reports:
    found: Reports = defaultdict(lambda: defaultdict(list))
    cache = HERE.parent / ".mypy_cache" / "users"  # the frameworks take half a minute to read, once
    for line in _run(folder, "mypy", "--strict", f"--cache-dir={cache}", "--no-error-summary").splitlines():
        match = re.match(r"(\w+\.py):(\d+): (error|note): (.*)", line)
        assert match, f"not understood: {line}"
        if match[3] == "error":
            found[match[1]][int(match[2])].append(match[4])
    return found


def _pyright(folder: Path) -> Reports:
    found: Reports = defaultdict(lambda: defaultdict(list))
    output: dict[str, Any] = json.loads(_run(folder, "pyright", "--outputjson", f"--pythonpath={sys.executable}"))
    assert output["summary"]["filesAnalyzed"] == len(FILES)
    for report in output["generalDiagnostics"]:
        if report["severity"] == "error":
            line = report["range"]["start"]["line"] + 1
            found[Path(report["file"]).name][line].append(report["message"])
    return found


@pytest.fixture(scope="module", params=[_mypy, _pyright], ids=["mypy", "pyright"])
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Return a checker's errors for both files."""
    found: Reports = request.param(tmp_path_factory.mktemp("checker"))
    return found


def test_typical_user_code_is_accepted(reports: Reports) -> None:
    assert dict(reports["ok.py"]) == {}


def test_each_wrong_use_is_reported_by_name_and_nothing_else_is(reports: Reports) -> None:
    lines = (HERE / "typing_users" / "wrong.py").read_text(encoding="utf-8").splitlines()
    expected = {
        number: match[1] for number, line in enumerate(lines, 1) if (match := re.search(r"# reported: (.+)", line))
    }
    found = reports["wrong.py"]
    assert len(expected) > 40
    missing = {
        number: (word, found.get(number))
        for number, word in expected.items()
        if word.lower() not in " ".join(found.get(number, [])).lower()
    }
    assert missing == {}
    assert {number: said for number, said in found.items() if number not in expected} == {}


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (ChatPineconeAssistant, words.ChatWords),
        (PineconeAssistantRetriever, words.RetrieverWords),
        (PineconeAssistantTool, words.ToolWords),
        (PineconeAssistant, AssistantOptions),
    ],
)
def test_the_words_that_checkers_know_are_the_fields(kind: Any, typed: Any) -> None:
    fields = kind.model_fields
    aliases = {str(field.validation_alias) for field in fields.values() if field.validation_alias}
    # An option that views take with another type is a separate argument.
    named = {"guard_filter"} & set(inspect.signature(kind.__init__).parameters)
    assert set(typed.__annotations__) | named == set(fields) | aliases
