"""Pinecone's own SDKs as clients of the local assistant, each line in a process of its own.

Only the environment points them to it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pinecone_assistant_local import LocalAssistant

from .clients import FACT, FILTER, OTHER
from .lines import ROOT, install, read_pins

HERE = Path(__file__).parent
PINS = read_pins()
# Which API versions each line sends. The plugin's streams go out without the header.
VERSIONS = {
    "plugin": {"2025-01", None},
    "plugin-3": {"2025-10", None},
    "9.x": {"2025-10", "2026-04"},
    "10.x": {"2026-07"},
}


@pytest.mark.parametrize("line", [*PINS, "10.x"])
def test_the_sdk_works_against_the_local_assistant(line: str) -> None:
    paths = [str(ROOT)]
    if line in PINS:
        paths.insert(0, str(install(line, PINS[line])))
    pins = PINS.get(line) or [f"pinecone=={version('pinecone')}"]
    with LocalAssistant() as local:
        local.upload_text("pine.md", FACT, FILTER)
        local.upload_text("whale.md", OTHER, {"topic": "sea"})
        environment = {
            **os.environ,
            **local.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "NO_PROXY": "127.0.0.1",
            "SDK_PINS": " ".join(pins),
        }
        environment.pop("PYTEST_ADDOPTS", None)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-c",
                str(HERE / "child.ini"),
                f"--confcutdir={HERE}",
                str(HERE / "checks.py"),
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        # Of a request with a wrong key, only method and path are recorded.
        versions = {request.version for request in local.requests if request.headers}
    assert done.returncode == 0, f"{line}:\n{done.stdout}{done.stderr}"
    assert re.search(r"\d+ passed", done.stdout)
    assert versions == VERSIONS[line]


def test_a_line_that_cannot_be_installed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.local.sdk.lines.FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match="cannot install no-such-folder/"):
        install("none", ["no-such-folder/"])
    assert list(tmp_path.iterdir()) == []
