"""Run the quick starts and the tests on every other supported Python of this machine: `make pythons`.

Each Python has its own environment under `.venv-others/`, which is reused until its requirements change. The oldest Python
gets the lowest versions that pyproject.toml allows, the others the newest. All run the client's tests. The oldest and the
newest also run the adapters' tests, so that both ends of each range are tested, and the oldest runs the fault matrix.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # mypy and pytest bring it on Python 3.10

ROOT = Path(__file__).parent.parent
SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")
OLDEST = SUPPORTED[0]
TOOLS = ["pytest", "pytest-asyncio", "pytest-socket", "pytest-xdist", "hypothesis", "trustme", "psutil"]
TOOLS += ["requests-mock", "responses", "trio", "vcrpy"]
# Other packages of the adapters' suites. pip finds the versions that fit the lowest frameworks.
ADAPTER_TOOLS = ["jsonschema", "langchain", "langchain-tests", "langgraph", "langgraph-supervisor", "syrupy"]
NEWEST_TOOLS = ["openinference-instrumentation-llama-index", "opentelemetry-sdk"]
# llama-index-core 0.14.0 is older than pydantic 2.12, which warns about its fields at import.
FLOOR_CONSTRAINTS = ["pydantic<2.12"]
ADAPTERS = ["tests/langchain_adapter", "tests/llama_index_adapter"]
FAULTS = ["tests/faults/test_client_faults.py", "tests/faults/test_ways.py"]
# Tests that cannot pass with the lowest versions, each with its reason. All others of these suites run there.
LEFT_OUT = {
    "tests/client/transports/test_size_bounds.py::test_a_body_that_unpacks_to_gigabytes_is_not_unpacked": (
        "urllib3 before 2.6 unpacks a packed body whole, see docs/SECURITY.md"
    ),
    "tests/langchain_adapter/documents/test_evaluators.py::test_langsmith_evaluates_with_it_sync_and_async": (
        "LangSmith's aevaluate has no value of an async evaluator there"
    ),
    "tests/llama_index_adapter/test_events.py": "OpenInference needs llama-index-core 0.14.19",
    "tests/llama_index_adapter/test_agents.py": "core 0.14.0 has no ToolCallBlock and no MockFunctionCallingLLM",
    "tests/llama_index_adapter/test_examples_and_docs.py::test_example_runs_and_shows_what_it_is_for"
    "[llama_index_agent_tool.py]": "as test_agents.py",
    "tests/llama_index_adapter/test_examples_and_docs.py::test_the_blocks_of_a_page_run_one_after_another"
    "[llama_index_agents.md]": "as test_agents.py",
    "tests/llama_index_adapter/test_options.py::test_the_options_are_the_fields": "core 0.14.0 has no rate_limiter",
    "tests/llama_index_adapter/test_options.py::test_secrets_are_in_no_dump_and_no_repr": "nor to_payload",
    "tests/llama_index_adapter/test_structured.py::test_program_mode_llm_restores_the_way_of_core[stream]": (
        "core 0.14.0 has no stream_call"
    ),
    "tests/llama_index_adapter/test_structured.py::test_program_mode_llm_restores_the_way_of_core[astream]": (
        "core 0.14.0 has no stream_call"
    ),
    "tests/langchain_adapter/test_tool_and_agents.py::test_the_model_is_a_node_of_a_graph_that_streams[async]": (
        "LangGraph finds its stream in a task of asyncio from Python 3.11 on"
    ),
}


def find(version: str) -> str | None:
    """Return a working Python of this version, or None. A pyenv shim may be on the PATH without a Python behind it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))]
    for path in filter(None, candidates):
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and f" {version}." in done.stdout:
            return path
    return None


def project() -> dict[str, Any]:
    """Return the table [project] of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def requirements() -> list[str]:
    """Return the requirements of the package and its extras."""
    package = project()
    extras = package["optional-dependencies"].values()
    return [*package["dependencies"], *(requirement for extra in extras for requirement in extra)]


def floors() -> list[str]:
    """Return the lowest version of each requirement of the package, as constraints for pip."""
    return [re.sub(r">=([^,]+).*", r"==\1", requirement) for requirement in requirements() if ">=" in requirement]


def prepare(version: str, path: str, tools: list[str]) -> Path:
    """Create an environment with the package, its extras and the test tools; returns its python."""
    folder = ROOT / ".venv-others" / version
    python = folder / "bin" / "python"
    stamp = folder / ".stamp"
    constraints = [*floors(), *FLOOR_CONSTRAINTS] if version == OLDEST else []
    wanted = hashlib.sha256(json.dumps([project(), path, tools, constraints]).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        # This environment's pip installs into the other one, which saves installing a pip there. Not compiling saves time too.
        subprocess.run([path, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
        (folder / "constraints.txt").write_text("\n".join(constraints), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--no-compile"]
        constrained = ["--constraint", str(folder / "constraints.txt")]
        subprocess.run([*pip, *constrained, "--editable", f"{ROOT}[all]", *tools], check=True)
        stamp.write_text(wanted)
    return python


def pytest_arguments(version: str, *, adapters: bool) -> list[str]:
    """Return pytest's arguments for a Python."""
    arguments = ["-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider", "tests/client"]
    if adapters:
        arguments += ADAPTERS
        if version == OLDEST:
            arguments += FAULTS
            arguments += [f"--{'deselect' if '::' in test else 'ignore'}={test}" for test in LEFT_OUT]
    return arguments


def run(python: Path, version: str, *, adapters: bool) -> list[str]:
    """Run the commands and return those that failed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    commands = [
        ["examples/quickstart_langchain.py"],
        ["examples/quickstart_llama_index.py"],
        ["-m", "pytest", *pytest_arguments(version, adapters=adapters)],
    ]
    return [
        " ".join(command)
        for command in commands
        if subprocess.run([str(python), *command], cwd=ROOT, env=environment, check=False).returncode
    ]


def main() -> int:
    """Run the tests on each version, print one line for each, and return exit status 0 if all found versions passed."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    # The oldest always gets an environment, because the development environment has the newest versions.
    found = {version: find(version) for version in SUPPORTED if version != here or version == OLDEST}
    paths = {version: path for version, path in found.items() if path is not None}
    newest = max(paths, key=SUPPORTED.index, default=None)
    tools = dict.fromkeys(paths, TOOLS) | {newest: [*TOOLS, *ADAPTER_TOOLS, *NEWEST_TOOLS]}
    tools |= {OLDEST: [*TOOLS, *ADAPTER_TOOLS]}
    start = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        pythons = dict(zip(paths, pool.map(lambda v: prepare(v, paths[v], tools[v]), paths), strict=True))
    results = dict.fromkeys(found, "not found on this machine, not tested")
    results[here] = results.get(here, "the development environment, see `make test`")
    print(f"environments ready after {time.monotonic() - start:.0f} s", flush=True)  # noqa: T201 - this is a command
    for version, python in pythons.items():
        start = time.monotonic()
        print(f"Python {version} ...", flush=True)  # noqa: T201 - same
        failed = run(python, version, adapters=version in (OLDEST, newest))
        results[version] = (
            f"{'FAILED: ' + '; '.join(failed) if failed else 'passed'} ({time.monotonic() - start:.0f} s)"
        )
    for version in SUPPORTED:
        print(f"Python {version}: {results[version]}")  # noqa: T201 - same
    return int(any(result.startswith("FAILED") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
