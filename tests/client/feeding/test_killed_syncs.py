"""The sync after a killed one completes it. `DURABILITY_ROUNDS` is the number of kills, 3 by default."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from pinecone_assistant_client import AssistantClient
from pinecone_assistant_local import LocalAssistant

from ..support.feeding import files_of

ROUNDS = int(os.environ.get("DURABILITY_ROUNDS", "3"))
PROGRAM = """
import asyncio, sys
from pinecone_assistant_client import AssistantClient, AsyncAssistantClient
kind, name, host, folder = sys.argv[1:]
async def main():
    async with AsyncAssistantClient(name, host=host, api_key="local") as client:
        await client.files.sync(folder, owner="docs", delete=True, max_delete=1000)
print("begins", flush=True)
if kind == "async":
    asyncio.run(main())
else:
    AssistantClient(name, host=host, api_key="local").files.sync(folder, owner="docs", delete=True, max_delete=1000)
"""


def _changed(folder: Path, chooser: random.Random) -> None:
    """New, changed and deleted files."""
    for number in range(24):
        path = folder / f"part{number % 3}" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        if chooser.random() < 0.3:
            path.unlink(missing_ok=True)
        elif chooser.random() < 0.7:
            path.write_text(f"The mark is {chooser.randrange(10**9)}. " * chooser.randrange(1, 400))
    (folder / "always.md").write_text("always")


def test_a_killed_sync_is_mended_by_the_next(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    chooser = random.Random(seed)
    folder = tmp_path / "docs"
    with LocalAssistant(api_key="local") as local:
        local.faults.add(on=("PUT", "/assistant/files/*"), delay_seconds=0.02)
        client = AssistantClient(local.name, host=local.host, api_key="local")
        client.files.upload(b"by hand", name="hand.md", file_id="by-hand")
        for round_ in range(ROUNDS):
            _changed(folder, chooser)
            kind = chooser.choice(["sync", "async"])
            with subprocess.Popen(
                [sys.executable, "-c", PROGRAM, kind, local.name, local.host, str(folder)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as process:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(chooser.random() * 0.3)
                process.send_signal(signal.SIGKILL)
            client.files.sync(folder, owner="docs", delete=True, max_delete=1000)
            expected = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.md")}
            held = {
                str((found.metadata or {}).get("sync_path", found.id)): found.content
                for found in files_of(local).values()
            }
            assert held == expected | {"by-hand": b"by hand"}, f"round {round_} of seed {seed}"
            assert not [found for found in client.files.list() if found.status != "Available"]
        client.close()
