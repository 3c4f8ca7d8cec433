"""Run the quick starts and the client's tests on every other supported Python of this machine: `make pythons`.

Each gets an environment of its own under `.venv-others/`, reused as long as pyproject.toml does not change. The oldest Python
gets the lowest versions that pyproject.toml allows, the others the newest: so both ends of each range are tested.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")
# llama-index-core 0.14.0, the lowest allowed, says this with today's pydantic when it is imported.
IGNORED = ("-W", "ignore:The 'validate_default' attribute")
TOOLS = ("pytest", "pytest-asyncio", "pytest-socket", "hypothesis", "trustme", "psutil")


def find(version: str) -> str | None:
    """A Python of this version that starts, or None. A pyenv shim may stand on the PATH without one behind it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))]
    for path in filter(None, candidates):
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and f" {version}." in done.stdout:
            return path
    return None


def floors() -> list[str]:
    """The lowest version of each requirement of the package, as constraints for pip."""
    # Python 3.11 has it; mypy reads this as 3.10, the lowest version of the package.
    import tomllib  # type: ignore[import-not-found]  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    return [re.sub(r">=([^,]+).*", r"==\1", requirement) for requirement in requirements if ">=" in requirement]


def prepare(version: str, path: str) -> Path:
    """The environment's python, with the package, its extras and the test tools."""
    folder = ROOT / ".venv-others" / version
    stamp = folder / ".stamp"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + path.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([path, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(floors() if version == SUPPORTED[0] else []), encoding="utf-8")
        subprocess.run([*pip, "--constraint", str(constraints), "--editable", f"{ROOT}[all]", *TOOLS], check=True)
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def main() -> int:
    """Run all, print one line for each version, and tell by the exit status whether all that were found passed."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
    results: dict[str, str] = {}
    for version in SUPPORTED:
        if version == here:
            results[version] = "the development environment, see `make test`"
            continue
        path = find(version)
        if path is None:
            results[version] = "not found on this machine, not tested"
            continue
        python = prepare(version, path)
        commands = [
            [str(python), "examples/quickstart_langchain.py"],
            [str(python), "examples/quickstart_llama_index.py"],
            [str(python), "-m", "pytest", "-q", *IGNORED, "tests/client"],
        ]
        failed = [
            command
            for command in commands
            if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        ]
        results[version] = f"FAILED: {' '.join(failed[0][1:])}" if failed else "passed"
    for version, result in results.items():
        print(f"Python {version}: {result}")  # noqa: T201 - this is a command
    return int(any(result.startswith("FAILED") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
