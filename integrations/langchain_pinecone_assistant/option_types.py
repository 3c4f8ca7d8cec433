"""The constructors' options for type checkers. At run time the fields decide, and this module is not imported.

A signature derived from the fields would require SecretStr where a str is accepted, and refuse the alias `stop_sequences`. A test
compares these options with the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import aiohttp
import requests
from langchain_core.caches import BaseCache
from langchain_core.callbacks import Callbacks
from langchain_core.language_models import ModelProfile
from langchain_core.rate_limiters import BaseRateLimiter
from pydantic import SecretStr
from typing_extensions import TypedDict


class ConnectionWords(TypedDict, total=False):
    """Connection options."""

    assistant_name: str | None
    api_key: str | SecretStr | None
    host: str | None
    timeout: float | tuple[float, float] | None
    total_timeout: float | None
    max_retries: int
    retry_on_timeout: bool
    api_version: str
    default_headers: Mapping[str, str] | None
    source_tag: str | None
    proxies: Mapping[str, str] | None
    verify: bool | str
    cert: str | tuple[str, str] | None
    max_connections: int
    http_session: requests.Session | None
    async_http_session: aiohttp.ClientSession | None


class AnswerWords(ConnectionWords, total=False):
    """Options of answers."""

    model: str | None
    temperature: float | None
    filter: Mapping[str, Any] | None
    guard_filter: Mapping[str, Any] | None
    interface: Literal["openai", "standard"]
    include_highlights: bool
    context_options: Mapping[str, Any] | None
    strip_references: bool
    strip_citations: bool


class ChatWords(AnswerWords, total=False):
    """Options of `ChatPineconeAssistant`: ours, then the framework's."""

    stop: list[str] | str | None
    stop_sequences: list[str] | str | None
    max_tokens: int | None
    streaming: bool
    system_messages: Literal["merge", "error"]
    tool_messages: Literal["error", "as_user", "drop"]
    name: str | None
    cache: BaseCache | bool | None
    verbose: bool
    callbacks: Callbacks
    tags: list[str] | None
    metadata: dict[str, Any] | None
    custom_get_token_ids: Callable[[str], list[int]] | None
    rate_limiter: BaseRateLimiter | None
    disable_streaming: bool | Literal["tool_calling"]
    output_version: str | None
    profile: ModelProfile | None


class RetrieverWords(ConnectionWords, total=False):
    """Options of `PineconeAssistantRetriever`."""

    k: int | None
    filter: Mapping[str, Any] | None
    guard_filter: Mapping[str, Any] | None
    snippet_size: int | None
    multimodal: bool | None
    include_binary_content: bool
    min_score: float | None
    name: str | None
    tags: list[str] | None
    metadata: dict[str, Any] | None


class ToolWords(AnswerWords, total=False):
    """Options of `PineconeAssistantTool`."""

    name: str
    description: str
    args_schema: Any
    choose_filter: bool
    response_format: Literal["content", "content_and_artifact"]
    return_direct: bool
    verbose: bool
    callbacks: Callbacks
    tags: list[str] | None
    metadata: dict[str, Any] | None
    handle_tool_error: Any
    handle_validation_error: Any
    extras: dict[str, Any] | None
