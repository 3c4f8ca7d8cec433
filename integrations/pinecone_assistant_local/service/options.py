"""Options of a local assistant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from ..answers.models import Generate

DEFAULT_NAME = "local-assistant"
DEFAULT_API_KEY = "local"


@dataclass(eq=False, repr=False)
class Options:
    """The options of a local assistant; `LocalAssistant` inherits and documents them."""

    api_key: str = DEFAULT_API_KEY
    name: str = DEFAULT_NAME
    data_dir: str | Path | None = None
    port: int = 0
    generate: Generate | None = None
    _: KW_ONLY
    references: bool = True
    allowed_models: Iterable[str] = ()
    heartbeat_seconds: float = 15.0
    token_delay_seconds: float = 0.0
    bind: str = "127.0.0.1"
    allowed_hosts: Iterable[str] = ()
    serve_faults: bool = False
    on_request: Callable[[str], None] | None = None
