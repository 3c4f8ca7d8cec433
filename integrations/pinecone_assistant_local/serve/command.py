"""What `pinecone-assistant-local serve DIR` does: a folder's files served until it is stopped."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from watchfiles import watch

from ..api.server import parse_address
from ..local_assistant import LocalAssistant
from .sync import FolderSync

DEFAULT_PORT = 8790
# Editors write a file in several steps; what happens within this time is one change.
_DEBOUNCE_MS = 300


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    if not folder.is_dir():
        return _refuse(f"{folder} is not a folder")
    api_key = options.api_key or os.environ.get("PINECONE_API_KEY") or f"local-{secrets.token_urlsafe(18)}"
    console = Console(stderr=True)
    try:
        if not options.api_key and not parse_address(options.bind).is_loopback:
            return _refuse(f"--bind {options.bind} lets other machines in: choose a key for them with --api-key")
        sync = FolderSync(folder, console, options.metadata)
    except (OSError, ValueError) as error:
        return _refuse(str(error))
    with Stop() as stop:
        try:
            local = LocalAssistant(
                api_key=api_key,
                name=options.name or assistant_name(folder),
                port=options.port,
                data_dir=options.data_dir,
                allowed_models=options.allow_model,
                bind=options.bind,
                allowed_hosts=options.allow_host,
                serve_faults=options.faults,
                on_request=lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
            )
            # What waits for /healthz before it asks, such as a container's neighbours, must not find half a folder.
            local._is_ready.clear()
            local.start()
        except (OSError, ValueError) as error:
            return _refuse(str(error))
        with closing(local):
            _serve(local, sync, stop, options)
    return 0


def _serve(local: LocalAssistant, sync: FolderSync, stop: Stop, options: argparse.Namespace) -> None:
    if not sync.run(local, stop.is_asked):
        return
    local._is_ready.set()
    for name, value in local.environ.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    message = f"Serving {options.folder} as assistant {local.name!r} on {local.host}. Stop with Ctrl-C."
    sync.console.print(message, style="bold", markup=False, highlight=False)
    if options.watch:
        changes = watch(options.folder, stop_event=stop.event, debounce=_DEBOUNCE_MS, rust_timeout=500)
        for _ in changes:
            sync.run(local, stop.is_asked, with_progress=False)
    stop.wait()


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 2


def assistant_name(folder: Path) -> str:
    """A folder's name, made a valid name of an assistant."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name[:63].rstrip("-") or "local-assistant"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pinecone-assistant-local", description="A Pinecone Assistant on your machine."
    )
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="answer from the files in a folder")
    add = serve.add_argument
    add("folder", type=Path, metavar="DIR", help="the folder; its subfolders are included")
    add("--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}; 0 takes a free one")
    add("--api-key", help="the key to accept; else PINECONE_API_KEY, else a random one")
    add("--name", help="the assistant's name; else the folder's")
    add(
        "--metadata",
        type=Path,
        metavar="FILE",
        help='JSON with metadata of the files: {"relative path or glob": {"key": "value"}}',
    )
    add("--data-dir", type=Path, metavar="DIR", help="keep the files there; else they are gone at the end")
    add("--watch", action="store_true", help="follow changes in the folder")
    add("--allow-model", action="append", default=[], metavar="NAME", help="accept one more model name")
    add("--faults", action="store_true", help="let clients set faults on demand at /_faults")
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="the IP address to listen on")
    add("--allow-host", action="append", default=[], metavar="NAME", help="accept one more name in the Host header")
    return parser


class Stop:
    """Waits for Ctrl-C or SIGTERM, and puts the signal handlers back at the end.

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
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned fits signal()

    def is_asked(self) -> bool:
        """Whether a signal has come."""
        return self.event.is_set()

    def wait(self) -> None:
        """Returns when a signal comes."""
        # In short waits, because on Windows a signal does not end a wait without a limit.
        while not self.event.wait(0.5):
            pass
