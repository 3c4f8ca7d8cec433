"""Complete settings, settings with one value changed, and the reason why settings are refused."""

from __future__ import annotations

from typing import Any

import pytest

from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.settings import ConnectionSettings

VARIABLES = {
    "assistant_name": "PINECONE_ASSISTANT_NAME",
    "api_key": "PINECONE_API_KEY",
    "host": "PINECONE_ASSISTANT_HOST",
    "controller_host": "PINECONE_CONTROLLER_HOST",
}
KEY = "pcsk_SECRETKEY"


def read(**changes: Any) -> ConnectionSettings:
    arguments: dict[str, Any] = dict.fromkeys((*VARIABLES, "default_headers", "proxies"))
    return ConnectionSettings.read(**arguments | changes)


def good(**changes: Any) -> ConnectionSettings:
    return read(**{"assistant_name": "docs", "api_key": KEY, "host": "https://a.example"} | changes)


def said(call: Any, *args: Any, **options: Any) -> str:
    """Why a call is refused, without the pointer to the docs."""
    with pytest.raises(InvalidRequestError) as caught:
        call(*args, **options)
    return str(caught.value).removesuffix("; see docs/errors.md#invalidrequesterror")
