"""The fixture `local_assistant`, as users get it from the plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import requests

PLUGIN = "pinecone_assistant_local.pytest_plugin"
# Names the plugin that pytest would load by its entry point, so that this works whatever is installed here.
OPTIONS = ["-W", "error", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
WITHOUT_EXTRA = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("starlette", "uvicorn", "python_multipart", "rich", "watchfiles"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""


def _pytest(folder: Path, tests: str, *, before: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "test_users.py").write_text(tests)
    run = f"{before}\nimport sys, pytest\nsys.exit(pytest.main({[*OPTIONS, '--rootdir', str(folder), str(folder)]!r}))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PINECONE_", "PYTEST_"))}
    # Other plugins of this environment are not under test, and some of them import network modules when loaded.
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUGIN}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", run],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_plugin_is_registered_for_pytest() -> None:
    registered = {entry.value for entry in entry_points(group="pytest11")}
    assert PLUGIN in registered, "install the project again: pip install -e ."


def test_each_test_gets_an_empty_assistant_on_one_server(tmp_path: Path) -> None:
    tests = """
import os
import pytest

hosts = []

@pytest.mark.parametrize("turn", [1, 2])
def test_it_is_empty(local_assistant, turn):
    hosts.append(local_assistant.host)
    assert local_assistant.requests == [] and local_assistant.faults.fired == 0
    assert os.environ["PINECONE_ASSISTANT_HOST"] == local_assistant.host
    assert os.environ["PINECONE_API_KEY"] == local_assistant.api_key
    file = local_assistant.upload_text("pine.md", "A red pine grows up to 25 meters high.")
    local_assistant.reply("Scripted.")
    local_assistant.faults.add(status=429)

def test_the_environment_is_as_before():
    assert not [name for name in os.environ if name.startswith("PINECONE_")]
    assert len(hosts) == 2 and len(set(hosts)) == 1
"""
    done = _pytest(tmp_path, tests)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_without_the_extra_only_a_test_that_asks_for_the_fixture_fails(tmp_path: Path) -> None:
    tests = "def test_without(): pass\n\ndef test_with(local_assistant): pass\n"
    done = _pytest(tmp_path, tests, before=WITHOUT_EXTRA)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed, 1 error" in done.stdout
    assert "pip install '.[local]'" in done.stdout


def test_without_the_extra_the_names_say_what_to_install(tmp_path: Path) -> None:
    code = f"{WITHOUT_EXTRA}\nimport pinecone_assistant_local\n"
    for name in ("LocalAssistant", "FoundPassage", "Faults"):
        code += (
            f"try:\n    from pinecone_assistant_local import {name}\nexcept ImportError as error:\n    print(error)\n"
        )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.count("pip install '.[local]'") == 3


def test_the_plugin_imports_nothing_but_pytest_at_load(tmp_path: Path) -> None:
    code = (
        "import pytest, sys; before = set(sys.modules)\n"
        f"import {PLUGIN}\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "['pinecone_assistant_local']"


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    import pinecone_assistant_local  # noqa: PLC0415  (this test is about its attributes)

    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = pinecone_assistant_local.Nothing
    assert "LocalAssistant" in dir(pinecone_assistant_local)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_fixture_serves_this_test_too(local_assistant: object, method: str) -> None:
    """The plugin is loaded in this run by its entry point."""
    host = os.environ["PINECONE_ASSISTANT_HOST"]
    headers = {"Api-Key": os.environ["PINECONE_API_KEY"]}
    if method == "GET":
        listed = requests.get(f"{host}/assistant/assistants", headers=headers, timeout=20).json()
        assert [one["name"] for one in listed["assistants"]] == [os.environ["PINECONE_ASSISTANT_NAME"]]
    else:
        url = f"{host}/assistant/chat/{os.environ['PINECONE_ASSISTANT_NAME']}"
        body = {"messages": [{"role": "user", "content": "Is anything there?"}]}
        assert requests.post(url, headers=headers, json=body, timeout=20).status_code == 400
