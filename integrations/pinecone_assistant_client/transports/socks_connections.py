"""Connections through a SOCKS proxy, by PySocks (the extra `socks`); imported only if a proxy needs it."""

from __future__ import annotations

from typing import Any

import urllib3
from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

from .urllib3_connections import Fresh, Pools, Response


class _SocksHTTPConnection(Fresh, SOCKSConnection):
    response_class: Any = Response


class _SocksHTTPSConnection(Fresh, SOCKSHTTPSConnection):
    response_class: Any = Response


class _SocksHTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _SocksHTTPConnection


class _SocksHTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SocksHTTPSConnection


SOCKS_POOLS: Pools = {"http": _SocksHTTPPool, "https": _SocksHTTPSPool}
