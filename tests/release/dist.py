"""Build a release in dist/, check it, and try it like a user: `make dist`. Nothing is uploaded.

The sdist and the wheel are built and checked. Then the wheel is installed with each extra alone, and with `all`, into a clean
environment, where that extra's quick start runs. If the extra has no local assistant, it asks one in this process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from pinecone_assistant_client import __version__
from pinecone_assistant_local import LocalAssistant

ROOT = Path(__file__).parents[2]
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


def install(folder: Path, wheel: Path, extra: str) -> Path:
    """Create a clean environment with the wheel and one extra; returns its python."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[{extra}]" if extra else wheel, cwd=folder)
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
            python = install(folder, wheel, extra)
            printed = run(python, "-c", code, cwd=folder, environment=None if extra == "local" else local.environ)
            if ANSWER not in printed:
                sys.exit(f"FAILED: the quick start of [{extra}] printed {printed!r}")
            print(f"pip install pinecone-assistant-integrations[{extra}]: its quick start answers", flush=True)
        folder = Path(name) / "all"
        shutil.copytree(ROOT / "examples", folder / "examples")
        python = install(folder, wheel, "all")
        for example in ("quickstart_langchain.py", "quickstart_llama_index.py"):
            if ANSWER not in run(python, f"examples/{example}", cwd=folder):
                sys.exit(f"FAILED: {example} does not give the answer")
        print("pip install pinecone-assistant-integrations[all]: both quick starts of the demo run", flush=True)


if __name__ == "__main__":
    main()
