"""`serve_folder`: serves the files of a folder until the process is asked to stop."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from rich.console import Console
from watchfiles import watch

from ..answers.openai_api import OpenAIServer
from ..api.server import parse_address
from ..local_assistant import LocalAssistant
from .folder import shown
from .sync import FolderSync

DEFAULT_PORT = 8790
# Editors write a file in several steps; all writes within this time are one change.
_DEBOUNCE_MS = 300


def serve_folder(
    folder: Path,
    *,
    port: int = DEFAULT_PORT,
    api_key: str | None = None,
    name: str | None = None,
    metadata: Path | None = None,
    data_dir: Path | None = None,
    watch: bool = False,
    allowed_models: Iterable[str] = (),
    faults: bool = False,
    bind: str = "127.0.0.1",
    allowed_hosts: Iterable[str] = (),
    llm_url: str | None = None,
    llm_model: str | None = None,
) -> None:
    """Serve the files of a folder until Ctrl-C or SIGTERM; to be called in the main thread.

    Writes `export` lines for a shell to stdout, and progress and a line for each request to stderr.

    Args:
        folder: The folder; its subfolders are included.
        port: 0 takes a free one.
        api_key: The key to accept; falls back to PINECONE_API_KEY, then to a random one.
        name: The assistant's name; falls back to the folder's.
        metadata: A JSON file with metadata of the files: `{"relative path or glob": {"key": "value"}}`.
        data_dir: Keep the files there; without it they are gone at the end.
        watch: Follow changes in the folder.
        allowed_models: Model names to accept in addition to the documented ones.
        faults: Let clients set faults on demand at `/_faults`.
        bind: The IP address to listen on; one that other machines can reach needs an `api_key`.
        allowed_hosts: Names to accept in the Host header in addition to those of this machine.
        llm_url: The base URL of a server with OpenAI's chat API, such as `http://127.0.0.1:11434/v1`, whose model writes the
            answers; without it they are quoted from the files. Its key, if it needs one, is read from LLM_API_KEY.
        llm_model: The name of the model there.

    Raises:
        ValueError: An option is invalid.
        StoreError: The store cannot be used, at the start or later, such as on a full disk; its contents stay.
        OSError: A file cannot be read, or the address cannot be listened on.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    if not api_key and not parse_address(bind).is_loopback:
        raise ValueError(f"--bind {bind} lets other machines in: choose a key for them with --api-key")
    if (llm_url is None) != (llm_model is None):
        raise ValueError(
            "--llm-url and --llm-model go together, such as --llm-url http://127.0.0.1:11434/v1 --llm-model llama3.2"
        )
    llm = None
    if llm_url is not None and llm_model is not None:
        llm = OpenAIServer(llm_url, llm_model, os.environ.get("LLM_API_KEY"))
    console = Console(stderr=True)
    sync = FolderSync(folder, console, metadata)
    with Stop() as stop:
        local = LocalAssistant(
            api_key=api_key or os.environ.get("PINECONE_API_KEY") or f"local-{secrets.token_urlsafe(18)}",
            name=name or assistant_name(folder),
            port=port,
            data_dir=data_dir,
            generate=llm,
            allowed_models=allowed_models,
            bind=bind,
            allowed_hosts=allowed_hosts,
            serve_faults=faults,
            on_request=lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
        )
        # Not healthy before the first sync: clients that wait for /healthz, such as other containers, must find the whole folder.
        local.set_ready(False)
        with closing(local.start()):
            if not sync.run(local, stop.is_asked):
                return
            local.set_ready(True)
            _announce(local, folder, console)
            if watch:
                _follow(folder, local, sync, stop)
            stop.wait()


def _announce(local: LocalAssistant, folder: Path, console: Console) -> None:
    for name, value in local.environ.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    message = f"Serving {shown(str(folder))} as assistant {local.name!r} on {local.host}. Stop with Ctrl-C."
    console.print(message, style="bold", markup=False, highlight=False)


def _follow(folder: Path, local: LocalAssistant, sync: FolderSync, stop: Stop) -> None:
    for _ in watch(folder, stop_event=stop.event, debounce=_DEBOUNCE_MS, rust_timeout=500):
        sync.run(local, stop.is_asked, with_progress=False)


def assistant_name(folder: Path) -> str:
    """A folder's name, changed into a valid name of an assistant."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name[:63].rstrip("-") or "local-assistant"


class Stop:
    """A wait for Ctrl-C or SIGTERM that restores the signal handlers at its end.

    Attributes:
        event: Set when a signal has come.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, lambda _number, _frame: self.event.set())
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # signal() accepts the handlers that it returned

    def is_asked(self) -> bool:
        """Return whether a signal has come."""
        return self.event.is_set()

    def wait(self) -> None:
        """Return when a signal comes."""
        # In short waits, because on Windows a signal does not end a wait without a limit.
        while not self.event.wait(0.5):
            pass
