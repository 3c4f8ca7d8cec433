"""Proxies and CA bundle of the environment, for both transports. netrc is never read; this machine is reached directly."""

from __future__ import annotations

import os
from collections.abc import Collection
from urllib.parse import urlsplit

import requests.utils

from ..errors import InvalidRequestError
from ..redaction import without_secrets
from ..settings import is_loopback

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def environment_ca() -> tuple[str, str] | None:
    """Return the variable that names a CA bundle, and the bundle, or None. The first two variables are those of requests."""
    return next(((name, path) for name in _CA_VARIABLES if (path := os.environ.get(name))), None)


def proxy_for(url: str, configured: tuple[tuple[str, str], ...], schemes: Collection[str]) -> str | None:
    """Return the proxy for a URL: the configured one, otherwise the environment's. None, as for loopback hosts: no proxy.

    Args:
        url: The URL of the request.
        configured: The option `proxies`.
        schemes: The kinds of proxies that the transport can use.

    Raises:
        InvalidRequestError: A proxy of another kind, or without a host.
    """
    if configured:
        proxies, source = dict(configured), "proxies="
    elif is_loopback(urlsplit(url).hostname):
        return None
    else:
        proxies, source = dict(requests.utils.get_environ_proxies(url, no_proxy=None)), "the environment"
    proxy = requests.utils.select_proxy(url, proxies)
    if not proxy:
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"  # HTTP_PROXY=host:port, as curl takes it
    scheme, _, rest = proxy.partition("://")
    proxy = f"{scheme.lower()}://{rest}"
    check_proxy(proxy, source, schemes)
    return proxy


def is_socks(proxy: str) -> bool:
    """Return whether a proxy speaks SOCKS."""
    return proxy.lower().startswith("socks")


def check_proxy(proxy: str, source: str, schemes: Collection[str]) -> None:
    """Raise InvalidRequestError for a proxy of a kind that is not among these, or without a host; its login is not shown."""
    shown = without_secrets(proxy)
    try:
        parts = urlsplit(proxy)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise InvalidRequestError(f"the proxy {shown} (from {source}) is not a URL with a host")
    if parts.scheme in schemes:
        return
    if is_socks(proxy) and not any(map(is_socks, schemes)):
        raise InvalidRequestError(
            f"the proxy {shown} (from {source}) is a SOCKS proxy, which async clients cannot use: pass an HTTP proxy "
            "with proxies=, use the sync client, or pass an async_http_session= with a connector for SOCKS"
        )
    raise InvalidRequestError(f"the proxy {shown} (from {source}) is not of a kind that is known: {', '.join(schemes)}")
