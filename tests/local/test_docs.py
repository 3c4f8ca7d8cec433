"""The code of the pages docs/local*.md runs unchanged, and its tables match the measurements."""

from __future__ import annotations

import importlib
import json
import re
import types
from pathlib import Path
from typing import Any

import pytest
import requests
import typer

from pinecone_assistant_cli.app import app
from pinecone_assistant_local.api.assistants import ROUTES as ASSISTANT_ROUTES
from pinecone_assistant_local.api.chat import ROUTES as CHAT_ROUTES
from pinecone_assistant_local.api.evaluation import ROUTES as EVALUATION_ROUTES
from pinecone_assistant_local.api.files import ROUTES as FILE_ROUTES
from pinecone_assistant_local.api.gate import HEALTH_PATH
from pinecone_assistant_local.faults.fault import FaultOptions
from pinecone_assistant_local.serve.serving import assistant_name

from .conftest import Api

ROOT = Path(__file__).parents[2]
TEXTS = {page.name: page.read_text("utf-8") for page in sorted((ROOT / "docs").glob("local*.md"))}
_BLOCK = re.compile(r"(<!-- test: (?P<by>[^>]*) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)
BLOCKS = [block for text in TEXTS.values() for block in _BLOCK.finditer(text)]


@pytest.mark.parametrize(
    "code", [block["code"] for block in BLOCKS if not block["by"]], ids=lambda code: f"block of {len(code)} characters"
)
def test_each_block_runs_alone(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(code, "docs/local*.md", "exec"), {"__name__": "docs"})


def test_the_example_of_the_fixture_is_a_test(request: pytest.FixtureRequest) -> None:
    """Its function is called with the fixture, and an application that asks the assistant."""
    import os  # noqa: PLC0415  (what a user's application would do)

    import requests  # noqa: PLC0415  (as above)

    def my_application(question: str) -> str:
        url = f"{os.environ['PINECONE_ASSISTANT_HOST']}/assistant/chat/{os.environ['PINECONE_ASSISTANT_NAME']}"
        body = {"messages": [{"role": "user", "content": question}]}
        headers = {"Api-Key": os.environ["PINECONE_API_KEY"]}
        return str(requests.post(url, json=body, headers=headers, timeout=20).json()["message"]["content"])

    [code] = [block["code"] for block in BLOCKS if block["by"]]
    names: dict[str, object] = {"my_application": my_application}
    exec(compile(code, "docs/local*.md", "exec"), names)
    test = names["test_my_answer"]
    assert callable(test)
    test(request.getfixturevalue("local_assistant"))


_ROUTES = [*ASSISTANT_ROUTES, *FILE_ROUTES, *CHAT_ROUTES, *EVALUATION_ROUTES]
_COLUMNS = (("2025-01", "2025-04"), ("2025-10",), ("2026-04", "2026-07"))


def _coverage() -> list[tuple[str, str, list[str]]]:
    """The table of endpoints: method, path, and the text of each column."""
    table = TEXTS["local_limits.md"].partition("| endpoint |")[2].partition("\n\n")[0]
    rows = []
    for line in table.splitlines()[2:]:
        endpoint, *columns = [cell.strip() for cell in line.strip("|").split("|")]
        for methods, path in re.findall(r"`([A-Z ]+) (/[^`]*)`", endpoint):
            rows += [(method, path, columns) for method in methods.split()]
    return rows


def test_the_coverage_table_has_every_route_and_no_other() -> None:
    """Starlette adds HEAD to every GET."""
    routes = {
        (method, re.sub(r"{(?!assistant})\w+}", "{id}", route.path).replace("{assistant}", "{name}"))
        for route in _ROUTES
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(method, path) for method, path, _ in _coverage()} == routes | {("GET", "/healthz")}


@pytest.mark.parametrize(("method", "path", "columns"), _coverage(), ids=lambda value: str(value)[:60])
def test_an_endpoint_is_there_in_the_versions_that_the_table_says(
    api: Api, method: str, path: str, columns: list[str]
) -> None:
    """A version refuses the paths that it lacks; other errors of the empty request do not count."""
    for versions, says in zip(_COLUMNS, columns, strict=True):
        for version in versions:
            response = requests.request(
                method,
                f"{api.local.host}{path.replace('{name}', api.local.name).replace('{id}', 'x')}",
                headers={"Api-Key": api.local.api_key, "X-Pinecone-Api-Version": version},
                timeout=20,
            )
            is_missing = response.status_code in {404, 405} and re.search(
                r"Path .* not found|not supported", response.text
            )
            assert bool(is_missing) == (says == "-"), (version, response.text)


def test_every_option_of_serve_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["serve", "--help"])
    options = set(re.findall(r"(?<!\w)--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) > 8
    assert [option for option in sorted(options) if f"`{option}" not in TEXTS["local_serve.md"]] == []


def test_every_option_of_a_fault_is_explained() -> None:
    section = TEXTS["local_faults.md"].partition("## Faults on demand")[2].partition("\n## ")[0]
    assert [option for option in FaultOptions.__annotations__ if not re.search(rf"\b{option}\b", section)] == []


def _fenced(language: str) -> str:
    """The only block of a language."""
    [code] = re.findall(rf"```{language}\n(.*?)```", TEXTS["local_serve.md"], re.DOTALL)
    return str(code)


def _recipe() -> dict[str, list[str]]:
    """The Dockerfile's instructions by name."""
    recipe: dict[str, list[str]] = {}
    for line in _fenced("dockerfile").replace("\\\n", "").splitlines():
        name, _, rest = line.partition(" ")
        recipe.setdefault(name, []).append(rest)
    return recipe


def test_the_container_is_made_of_what_exists() -> None:
    """All that the build backend reads is copied, the extra exists, and the base image has a Python that is supported."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    recipe = _recipe()
    [base] = recipe["FROM"]
    assert f'"Programming Language :: Python :: {base.removeprefix("python:").removesuffix("-slim")}"' in project
    copied = {source for line in recipe["COPY"] if "my-docs" not in line for source in line.split()[:-1]}
    assert copied == {"pyproject.toml", "README.md", "LICENSE", "integrations"}
    assert all((ROOT / source).exists() for source in copied)
    packages = project.partition("[tool.hatch.build.targets.wheel]")[2].partition("]")[0]
    read = re.findall(r'^(?:readme = |license-files = \[)"([^"]+)"', project, re.MULTILINE) + re.findall(
        r'"([^"]+)",', packages
    )
    assert len(read) >= 6
    assert [path for path in read if path.partition("/")[0] not in copied] == []
    assert re.search(r"^local = \[", project, re.MULTILINE)
    assert "'.[local,cli]'" in recipe["RUN"][0]


def test_the_container_starts_with_options_that_exist_and_its_neighbour_finds_it() -> None:
    """The Dockerfile's command with the compose file's is parsed by the real command line; ports, names and keys agree."""
    yaml: Any = importlib.import_module("yaml")
    services = yaml.safe_load(_fenced("yaml"))["services"]
    recipe = _recipe()
    program, *arguments = json.loads(recipe["ENTRYPOINT"][0])
    given: list[str] = [*arguments, *services["assistant"]["command"]]
    commands: Any = typer.main.get_command(app)
    options = types.SimpleNamespace(**commands.commands[given[0]].make_context(given[0], given[1:]).params)
    assert program == "pinecone-assistant"
    assert (options.bind, options.port) == ("0.0.0.0", int(recipe["EXPOSE"][0]))
    assert f"127.0.0.1:{options.port}{HEALTH_PATH}" in recipe["HEALTHCHECK"][0]
    assert recipe["COPY"][-1].split()[-1] == str(options.folder)

    environment = services["app"]["environment"]
    assert environment["PINECONE_API_KEY"] == options.api_key
    assert environment["PINECONE_ASSISTANT_NAME"] == assistant_name(options.folder)
    hosts = {environment[name] for name in environment if name.endswith("_HOST")}
    assert hosts == {f"http://assistant:{options.port}"}
    assert "assistant" in services
    assert "assistant" in options.allow_host
