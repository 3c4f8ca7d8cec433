"""`pinecone-assistant-local serve DIR`: the local assistant as a process of its own."""

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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pinecone_assistant_local import LocalAssistant, UploadError
from pinecone_assistant_local.addresses import parse_address
from pinecone_assistant_local.folders import documents_in, put_document, remove_other_documents

DEFAULT_PORT = 8790


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    if not folder.is_dir():
        return _refuse(f"{folder} is not a folder")
    api_key = options.api_key or os.environ.get("PINECONE_API_KEY") or f"local-{secrets.token_urlsafe(18)}"
    try:
        if not options.api_key and not parse_address(options.bind).is_loopback:
            return _refuse(f"--bind {options.bind} lets other machines in: choose a key for them with --api-key")
    except ValueError as error:
        return _refuse(str(error))
    with _Stop() as stop:
        try:
            local = LocalAssistant(
                api_key=api_key,
                name=options.name or assistant_name(folder),
                port=options.port,
                data_dir=options.data_dir,
                allowed_models=options.allow_model,
                bind=options.bind,
                allowed_hosts=options.allow_host,
            ).start()
        except (OSError, ValueError) as error:
            return _refuse(str(error))
        with closing(local):
            _serve(local, folder, stop)
    return 0


def _serve(local: LocalAssistant, folder: Path, stop: _Stop) -> None:
    console = Console(stderr=True)
    if not _upload_all(local, folder, console, stop):
        return
    for name, value in local.environ.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    message = f"Serving {folder} as assistant {local.name!r} on {local.host}. Stop with Ctrl-C."
    console.print(message, style="bold", markup=False, highlight=False)
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
    serve.add_argument("folder", type=Path, metavar="DIR", help="the folder; its subfolders are included")
    serve.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}; 0 takes a free one")
    serve.add_argument("--api-key", help="the key to accept; else PINECONE_API_KEY, else a random one")
    serve.add_argument("--name", help="the assistant's name; else the folder's")
    serve.add_argument("--allow-model", action="append", default=[], metavar="NAME", help="accept one more model name")
    serve.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="keep the files there; else they are gone at the end"
    )
    serve.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="the IP address to listen on")
    serve.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="accept one more name in the Host header"
    )
    return parser


def _upload_all(local: LocalAssistant, folder: Path, console: Console, stop: _Stop) -> bool:
    """Uploads the files and says which could not be; False if it was asked to stop meanwhile."""
    service = local._running.service
    files = list(documents_in(folder))
    remove_other_documents(service, local.name, {path.relative_to(folder).as_posix() for path in files})
    refused = []
    columns = (TextColumn("Uploading"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[name]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Uploading", total=len(files), name="")
        for path in files:
            if stop.is_asked():
                return False
            name = path.relative_to(folder).as_posix()
            progress.update(task, name=name)
            try:
                put_document(service, local.name, name, path.read_bytes())
            except (UploadError, OSError) as error:
                refused.append(str(error))
            progress.advance(task)
    for reason in refused:
        console.print(f"Left out {reason}", style="yellow", markup=False)
    console.print(f"{len(files) - len(refused)} of {len(files)} files uploaded.", markup=False)
    return True


class _Stop:
    """Waits for Ctrl-C or SIGTERM, and puts the signal handlers back at the end."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> _Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, lambda _number, _frame: self._asked.set())
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned fits signal()

    def is_asked(self) -> bool:
        """Whether a signal has come."""
        return self._asked.is_set()

    def wait(self) -> None:
        """Returns when a signal comes."""
        # In short waits, because on Windows a signal does not end a wait without a limit.
        while not self._asked.wait(0.5):
            pass


if __name__ == "__main__":
    sys.exit(main())
