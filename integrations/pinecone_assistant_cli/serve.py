"""`serve`: the local assistant over a folder. This module has the options; `pinecone_assistant_local.serve` has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .terminal import fail

_DEFAULT_PORT = 8790


def serve(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder; its subfolders are included.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = _DEFAULT_PORT,
    api_key: Annotated[
        Optional[str],
        typer.Option(metavar="KEY", help="The key to accept.", show_default="PINECONE_API_KEY, or a random one"),
    ] = None,
    name: Annotated[Optional[str], typer.Option(help="The assistant's name.", show_default="the folder's")] = None,
    metadata: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", help='JSON: {"path or glob": {"key": "value"}}.', show_default=False),
    ] = None,
    data_dir: Annotated[
        Optional[Path], typer.Option(metavar="DIR", help="Keep the files there.", show_default="gone at the end")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow changes in the folder.")] = False,
    allow_model: Annotated[
        Optional[list[str]], typer.Option(metavar="NAME", help="Accept one more model name.")
    ] = None,
    faults: Annotated[bool, typer.Option("--faults", help="Let clients set faults at /_faults.")] = False,
    bind: Annotated[str, typer.Option(metavar="ADDRESS", help="The IP address to listen on.")] = "127.0.0.1",
    allow_host: Annotated[
        Optional[list[str]], typer.Option(metavar="NAME", help="Accept one more name in the Host header.")
    ] = None,
    llm_url: Annotated[
        Optional[str],
        typer.Option(
            metavar="URL", help="A server with OpenAI's chat API writes the answers: Ollama, llama.cpp, vLLM."
        ),
    ] = None,
    llm_model: Annotated[
        Optional[str], typer.Option(metavar="NAME", help="Its model; a key, if it needs one, is read from LLM_API_KEY.")
    ] = None,
) -> None:
    """Serve the files of a folder as a local assistant: no account, no network.

    Prints `export` lines for a shell. Needs the extra `local`.

    \b
    Example:
      pinecone-assistant serve docs/ --watch
    """
    try:
        from pinecone_assistant_local.errors import StoreError  # noqa: PLC0415 - needs another extra
        from pinecone_assistant_local.serve.serving import serve_folder  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise fail(
            f"serve needs {error.name}, which comes with the extra 'local': install it with"
            " pip install 'pinecone-assistant-integrations[local]', or pip install '.[local]' in a clone",
            2,
        ) from error
    try:
        serve_folder(
            folder,
            port=port,
            api_key=api_key,
            name=name,
            metadata=metadata,
            data_dir=data_dir,
            watch=watch,
            allowed_models=allow_model or [],
            faults=faults,
            bind=bind,
            allowed_hosts=allow_host or [],
            llm_url=llm_url,
            llm_model=llm_model,
        )
    except (OSError, ValueError) as error:
        raise fail(str(error), 1 if isinstance(error, StoreError) else 2) from error
