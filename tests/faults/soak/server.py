"""The faulty server: a local assistant in a process of its own."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil

FILES = Path(__file__).parents[3] / "examples" / "data"
API_KEY = "soak-key"
FAULTS: tuple[dict[str, object], ...] = (
    {"status": 429, "retry_after": 0.2},
    {"status": 429},
    {"status": 500},
    {"status": 503, "body": "<html>upstream is away</html>"},
    {"status": 401},
    {"html": True},
    {"reset": True},
    {"reset": True, "cut_after_events": 2},
    {"cut_after_events": 0},
    {"cut_after_events": 3},
    {"error_after_events": 2},
    {"malformed_after_events": 2},
    {"omit_finish": True},
    {"omit_usage": True},
    {"wrapped": True},
    {"stall_after_events": 2},
    {"stall": True},
    {"delay_seconds": 0.5},
    {"token_delay_seconds": 0.05, "heartbeats": 2},
)


class Server:
    """A local assistant in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "pinecone_assistant_cli", "serve", str(FILES)]
        command += ["--port", "0", "--faults", "--api-key", API_KEY, "--name", "soak", "--data-dir", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        host = None
        for line in self._process.stdout:
            host = re.match(r"export PINECONE_ASSISTANT_HOST='?(http://127\.0\.0\.1:\d+)", line)
            if host:
                break
        if host is None:
            raise RuntimeError("the local assistant did not start")
        self.host = host[1]
        self.memory = psutil.Process(self._process.pid)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate(timeout=30)

    def fault(self, options: dict[str, object] | None) -> None:
        """Clear the faults, and set this one unless it is None. Uses a connection of its own, not the tested client's."""
        connection = http.client.HTTPConnection(urlsplit(self.host).netloc, timeout=30)
        headers = {"Api-Key": API_KEY, "Content-Type": "application/json"}
        try:
            for method, body in [("DELETE", None), *([("POST", json.dumps(options))] if options else [])]:
                connection.request(method, "/_faults", body, headers)
                answer = connection.getresponse()
                if answer.status >= 300:
                    raise RuntimeError(f"the fault {options} was refused: {answer.read()!r}")
                answer.read()
        finally:
            connection.close()
