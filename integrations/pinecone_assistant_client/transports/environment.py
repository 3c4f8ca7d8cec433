"""Proxies and CA bundle as requests resolves them, for both transports. Never netrc, never a proxy to this machine."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import requests.utils

from ..settings import is_loopback


def environment_ca() -> str | None:
    """The CA bundle that the environment names for requests, or None."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


def proxies_for(url: str, configured: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The proxies for a URL: the configured ones, else the environment's, and none for a loopback host."""
    if configured:
        return dict(configured)
    if is_loopback(urlsplit(url).hostname):
        return {}
    return dict(requests.utils.get_environ_proxies(url, no_proxy=None))


def proxy_for(url: str, configured: tuple[tuple[str, str], ...]) -> str | None:
    """The one proxy for a URL, or None."""
    return requests.utils.select_proxy(url, proxies_for(url, configured))
