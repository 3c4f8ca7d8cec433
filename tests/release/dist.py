"""Build a release in dist/, check it, and try it like a user: `make dist`. Nothing is uploaded.

The sdist and the wheel are built and checked. Then the wheel is installed with each extra alone into a clean environment, where
that extra's quick start runs. If the extra has no local assistant, it asks one in this process. Last, each install line of docs/
gets a clean environment, where the blocks of the pages with that line run, and `pinecone-assistant explain` prints every slug.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from importlib import import_module
from pathlib import Path

from pinecone_assistant_client import AssistantError, __version__
from pinecone_assistant_local import LocalAssistant

from .pages import ROOT, install_lines

DIST = ROOT / "dist"
QUESTION = "How tall is a red pine?"
ANSWER = "43.8 meters"
FACT = f"A red pine grows up to {ANSWER} high."

CLIENT = f"""
from pinecone_assistant_client import AssistantClient
with AssistantClient() as client:
    for chunk in client.stream_chat_completion([{{"role": "user", "content": "{QUESTION}"}}]):
        print(chunk.content, end="")
"""
LANGCHAIN = f"""
from langchain_pinecone_assistant import ChatPineconeAssistant
for chunk in ChatPineconeAssistant().stream("{QUESTION}"):
    print(chunk.text, end="")
"""
LLAMA_INDEX = f"""
from llama_index.indices.managed.pinecone_assistant import PineconeAssistantQueryEngine
response = PineconeAssistantQueryEngine().query("{QUESTION}")
print(response, [node.metadata["file_name"] for node in response.source_nodes])
"""
LOCAL = f"""
import os
from pinecone_assistant_local import LocalAssistant
with LocalAssistant() as local:
    local.upload_text("red_pine.md", "{FACT}")
    os.environ |= local.environ
    {CLIENT.strip().replace(chr(10), chr(10) + "    ")}
"""
QUICK_STARTS = {"": CLIENT, "langchain": LANGCHAIN, "llama-index": LLAMA_INDEX, "local": LOCAL}


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command with only the given PINECONE_* variables and return its output; exits if it fails."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PINECONE_", "PYTHONPATH"))}
    parts = [str(part) for part in command]
    done = subprocess.run(
        parts, capture_output=True, text=True, cwd=cwd, env=kept | (environment or {}), timeout=900, check=False
    )
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(parts)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def build() -> Path:
    """Build and check sdist and wheel; returns the wheel. It is built from the sdist, to prove that the sdist is complete."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ROOT, cwd=ROOT)
    wheel, sdist = next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))
    for file in (wheel, sdist):
        if f"-{__version__}" not in file.name:
            sys.exit(f"FAILED: {file.name} is not version {__version__} of pinecone_assistant_client")
    if f"## [{__version__}]" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        sys.exit(f"FAILED: CHANGELOG.md has no section [{__version__}]")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist, cwd=ROOT)
    run(Path(sys.executable).parent / "check-wheel-contents", wheel, cwd=ROOT)
    return wheel


def install(folder: Path, *requirements: str | Path) -> Path:
    """Return the python of a clean environment in a folder, with these requirements."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", *requirements, cwd=folder)
    return python


def slugs(kind: type[AssistantError] = AssistantError) -> set[str]:
    """Return the slugs of an error class and of all classes below it: all that a message can name."""
    return {kind.slug()}.union(*map(slugs, kind.__subclasses__()))


def explain(python: Path, folder: Path) -> None:
    """Check that the installed command prints the section of every slug."""
    for package in ("langchain_pinecone_assistant", "llama_index.indices.managed.pinecone_assistant"):
        import_module(package)  # which have error classes of their own
    command = python.parent / "pinecone-assistant"
    for slug in sorted(slugs()):
        heading = run(command, "explain", slug, cwd=folder).partition("\n")[0]
        if heading.lower() != f"## {slug}":
            sys.exit(f"FAILED: explain {slug} prints {heading!r}")


def try_line(folder: Path, wheel: Path, line: str, pages: list[str], environment: dict[str, str]) -> Path:
    """Install what a line of the docs says, from the wheel, and run the blocks of its pages. Returns the environment's python."""
    for part in ("docs", "examples"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "tests" / "release" / "pages.py", folder)
    python = install(folder, *(re.sub(r"^\.(?=\[)", str(wheel), part) for part in shlex.split(line)))
    run(python, "pages.py", *(f"docs/{page}" for page in pages), cwd=folder, environment=environment)
    return python


def main() -> None:
    """Build, check, install and try the release; prints one line for each step that passed."""
    wheel = build()
    print(f"built and checked: {', '.join(sorted(file.name for file in DIST.iterdir()))}", flush=True)
    with tempfile.TemporaryDirectory() as name, LocalAssistant() as local:
        local.upload_text("red_pine.md", FACT)
        for extra, code in QUICK_STARTS.items():
            folder = Path(name) / (extra or "base")
            folder.mkdir()
            python = install(folder, f"{wheel}[{extra}]" if extra else wheel)
            printed = run(python, "-c", code, cwd=folder, environment=None if extra == "local" else local.environ)
            if ANSWER not in printed:
                sys.exit(f"FAILED: the quick start of [{extra}] printed {printed!r}")
            print(f"pip install pinecone-assistant-integrations[{extra}]: its quick start answers", flush=True)
        for number, (line, pages) in enumerate(install_lines().items()):
            folder = Path(name) / f"docs-{number}"
            folder.mkdir()
            python = try_line(folder, wheel, line, pages, local.environ)
            print(f"pip install {line}: the blocks of {', '.join(pages)} run", flush=True)
            if line == "'.[all]'":
                explain(python, folder)
                for example in ("quickstart_langchain.py", "quickstart_llama_index.py"):
                    if ANSWER not in run(python, f"examples/{example}", cwd=folder):
                        sys.exit(f"FAILED: {example} does not give the answer")
                print(
                    f"pip install {line}: both quick starts of the demo run, and `explain` has every slug", flush=True
                )


if __name__ == "__main__":
    main()
