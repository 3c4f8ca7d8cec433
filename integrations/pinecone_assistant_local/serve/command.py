"""The command line of `pinecone-assistant-local`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import StoreError
from .folder import shown
from .serving import DEFAULT_PORT, serve_folder


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = vars(_parser().parse_args(arguments))
    try:
        serve_folder(options.pop("folder"), **options)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{shown(str(error))}\n")
        return 1 if isinstance(error, StoreError) else 2
    return 0


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
    add(
        "--allow-model",
        dest="allowed_models",
        action="append",
        default=[],
        metavar="NAME",
        help="accept one more model name",
    )
    add("--faults", action="store_true", help="let clients set faults on demand at /_faults")
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="the IP address to listen on")
    add(
        "--allow-host",
        dest="allowed_hosts",
        action="append",
        default=[],
        metavar="NAME",
        help="accept one more name in the Host header",
    )
    add(
        "--llm-url",
        metavar="URL",
        help="a server with OpenAI's chat API writes the answers: Ollama, llama.cpp, vLLM, ...",
    )
    add("--llm-model", metavar="NAME", help="its model; a key, if it needs one, in LLM_API_KEY")
    return parser
