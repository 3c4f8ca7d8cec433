"""Connection settings: arguments first, then the environment, checked before anything is sent."""

from __future__ import annotations

import base64
import functools
import ipaddress
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from .errors import InvalidRequestError, keeps_no_arguments

if TYPE_CHECKING:
    import aiohttp
    import requests

DEFAULT_API_VERSION = "2026-04"
DEFAULT_CONTROLLER_HOST = "https://api.pinecone.io"
DEFAULT_TIMEOUT: tuple[float, float] = (10.0, 300.0)
DEFAULT_MAX_RETRIES = 2
DEFAULT_MAX_CONNECTIONS = 200
DEFAULT_MODEL = "gpt-4o"
"""The model that the service takes when a request names none."""
VARIABLES = {
    "assistant_name": "PINECONE_ASSISTANT_NAME",
    "api_key": "PINECONE_API_KEY",
    "host": "PINECONE_ASSISTANT_HOST",
    "controller_host": "PINECONE_CONTROLLER_HOST",
}
"""The environment variable that an option falls back to."""
__version__ = "0.1.0"

Timeout = float | tuple[float, float] | None
Certificate = str | tuple[str, str] | None
"""The path of a client's certificate with its key, or the paths of both."""

_KEY = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
_HOST_NAME = re.compile(r"[a-z0-9._-]+|[0-9a-f]*:[0-9a-f:.]*(%[a-z0-9]+)?")
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SOURCE_TAG = re.compile(r"[a-z0-9_:]+")
_PROXIED = ("http", "https", "all")
_API_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}")
_LONG_ENOUGH_ALONE = 12
"""Shortest header part or proxy user that is treated as a secret; a shorter one may be ordinary text in a message."""
_OURS = (
    "api-key",
    "x-pinecone-api-version",
    "user-agent",
    "content-type",
    "content-length",
    "host",
    "transfer-encoding",
)


def environment(option: str) -> str | None:
    """The value of the environment variable that an option falls back to; None where it is not set or empty."""
    return os.environ.get(VARIABLES[option]) or None


def is_loopback(hostname: str | None) -> bool:
    """Return whether a name or address is of this machine."""
    if hostname is None:
        return False
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False  # 127.0.0.1.example.com is a name like any other


@functools.lru_cache(maxsize=256)  # asked on every call: 0.1 us instead of 20 (measured)
def normalise_host(host: str, *, option: str = "host") -> str:
    """The base URL of a host: scheme, name, port and a path before `/assistant`, without a trailing slash.

    `http://` is kept, a bare name gets `https://`, `/assistant...` at the end is dropped.

    Raises:
        InvalidRequestError: No usable URL; names the option.
    """
    if not isinstance(host, str) or not host.strip():
        raise InvalidRequestError(f"{option} is empty: pass a URL such as https://prod-1-data.ke.pinecone.io")
    if any(not 32 < ord(character) < 127 for character in host):
        raise InvalidRequestError(f"{option} {host!r} has white space or other characters that no URL has")
    url = host if "://" in host else f"https://{host}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequestError(f"{option} {host!r} is not a URL ({error})") from error
    if parts.username or parts.password:
        raise InvalidRequestError(f"{option} has a user name or password in it: pass the key with api_key= only")
    hostname = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not _HOST_NAME.fullmatch(hostname) or parts.query or parts.fragment:
        raise InvalidRequestError(
            f"{option} {host!r} is not an http(s) URL: pass one such as https://prod-1-data.ke.pinecone.io"
        )
    name = f"[{hostname}]" if ":" in hostname else hostname
    path = re.sub(r"/assistant(/.*)?$", "", parts.path.rstrip("/"))
    if ".." in path:
        raise InvalidRequestError(f"{option} {host!r} has '..' in its path")
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{path.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, in seconds.

    Attributes:
        connect: For a connection.
        read: For each wait for bytes.
        total: For the whole call with its retries, to the last byte; None means no bound.
        deadline: When the total time is over, by `time.monotonic`; None until the call starts.
    """

    connect: float
    read: float
    total: float | None = None
    deadline: float | None = None

    def started(self, now: float) -> Limits:
        """Return these limits for a call that starts now."""
        return self if self.total is None else replace(self, deadline=now + self.total)


def checked_limits(timeout: Timeout, total_timeout: float | None) -> Limits:
    """Return the limits of a call.

    Raises:
        InvalidRequestError: `timeout` is not a positive number or a pair of them, or `total_timeout` not a positive number.
    """
    connect, read = checked_timeout(timeout)
    if total_timeout is not None and (
        isinstance(total_timeout, bool) or not isinstance(total_timeout, (int, float)) or not total_timeout > 0
    ):
        raise InvalidRequestError(f"total_timeout is {total_timeout!r}: pass seconds > 0, or None for no bound")
    return Limits(connect, read, None if total_timeout == math.inf else total_timeout)


def checked_timeout(timeout: Timeout) -> tuple[float, float]:
    """Return (connect, read) in seconds; None is replaced by the default.

    Raises:
        InvalidRequestError: No positive number, or a pair of them.
    """
    if timeout is None:
        return DEFAULT_TIMEOUT
    pair = tuple(timeout) if isinstance(timeout, (tuple, list)) else (timeout, timeout)
    if len(pair) != 2 or any(
        isinstance(part, bool) or not isinstance(part, (int, float)) or math.isnan(part) or part <= 0 for part in pair
    ):
        raise InvalidRequestError(
            f"timeout is {timeout!r}: pass seconds > 0, or a pair (connect seconds, read seconds)"
        )
    return float(pair[0]), float(pair[1])


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Everything that decides where a request goes and how. The repr has neither the key nor the headers."""

    assistant_name: str | None = None
    api_key: str | None = field(default=None, repr=False)
    host: str | None = None
    controller_host: str = DEFAULT_CONTROLLER_HOST
    api_version: str = DEFAULT_API_VERSION
    default_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    source_tag: str | None = None
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    verify: bool | str = True
    cert: Certificate = None
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    http_session: requests.Session | None = field(default=None, repr=False)
    async_http_session: aiohttp.ClientSession | None = field(default=None, repr=False)

    @classmethod
    def read(
        cls,
        *,
        assistant_name: str | None,
        api_key: str | None,
        host: str | None,
        controller_host: str | None = None,
        default_headers: Mapping[str, str] | None,
        proxies: Mapping[str, str] | None,
        cert: Certificate = None,
        **others: Any,
    ) -> ConnectionSettings:
        """Return settings from arguments, falling back to the environment. No I/O; a missing key is not an error yet.

        Raises:
            InvalidRequestError: `default_headers` or `proxies` is not a mapping.
        """
        for option, value in (("default_headers", default_headers), ("proxies", proxies)):
            if value is not None and not isinstance(value, Mapping):
                raise InvalidRequestError(f"{option} is a {type(value).__name__}: pass a dict")
        return cls(
            assistant_name=assistant_name or environment("assistant_name"),
            api_key=api_key or environment("api_key"),
            host=host or environment("host"),
            controller_host=controller_host or environment("controller_host") or DEFAULT_CONTROLLER_HOST,
            default_headers=tuple((default_headers or {}).items()),
            proxies=tuple((proxies or {}).items()),
            cert=cast("Certificate", tuple(cert)) if isinstance(cert, list) else cert,  # JSON has lists for pairs
            **others,
        )

    @keeps_no_arguments
    def check(self, *, needs_assistant: bool = True) -> None:
        """Raise InvalidRequestError before any traffic for a setting that cannot work. Never shows a key or header."""
        for option in ("assistant_name", "api_key", "source_tag"):
            value = getattr(self, option)
            if value is not None and not isinstance(value, str):
                raise InvalidRequestError(f"{option} is a {type(value).__name__}: pass text")
        if needs_assistant and (not self.assistant_name or not self.assistant_name.strip()):
            raise InvalidRequestError("no assistant name: pass assistant_name= or set PINECONE_ASSISTANT_NAME")
        if self.assistant_name in (".", "..") or _NO_NAME.search(self.assistant_name or ""):
            raise InvalidRequestError(f"assistant_name {self.assistant_name!r} cannot be the name of an assistant")
        if not self.api_key:
            raise InvalidRequestError("no API key: pass api_key= or set PINECONE_API_KEY")
        if not _KEY.fullmatch(self.api_key):
            raise InvalidRequestError(
                "the API key has white space, a line break or a character outside ASCII in it: copy it again "
                "(api_key= or PINECONE_API_KEY)"
            )
        if not isinstance(self.api_version, str) or not _API_VERSION.fullmatch(self.api_version):
            raise InvalidRequestError(
                f'api_version is {self.api_version!r}: pass "YYYY-MM", such as "{DEFAULT_API_VERSION}"'
            )
        if self.source_tag is not None and not _SOURCE_TAG.fullmatch(self.source_tag):
            raise InvalidRequestError(f"source_tag {self.source_tag!r}: use lower-case letters, digits, _ and : only")
        for name, value in self.default_headers:
            if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
                raise InvalidRequestError(f"default_headers has a name that no HTTP header can have: {name!r}")
            if name.lower() in _OURS:
                raise InvalidRequestError(f"default_headers must not set {name}: it has its own option or is computed")
            if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
                raise InvalidRequestError(f"default_headers[{name!r}] has a line break or a character outside ASCII")
        for scheme, proxy in self.proxies:
            if not isinstance(scheme, str) or not isinstance(proxy, str) or "://" not in proxy:
                raise InvalidRequestError('proxies needs URLs, such as {"https": "http://proxy.example:3128"}')
            if scheme.partition("://")[0] not in _PROXIED:
                raise InvalidRequestError(
                    f"proxies has {scheme!r}, which no request would use: pass {', '.join(map(repr, _PROXIED))}, or one of "
                    'them with a host, such as "https://assistant.example"'
                )
        if not isinstance(self.verify, (bool, str)):
            raise InvalidRequestError("verify is True, False or the path of a CA bundle")
        if isinstance(self.verify, str) and not os.path.exists(self.verify):
            raise InvalidRequestError(f"verify={self.verify!r}: there is no such CA bundle")
        self._check_certificate()
        if type(self.max_connections) is not int or self.max_connections < 1:
            raise InvalidRequestError(f"max_connections is {self.max_connections!r}: pass a number from 1")
        for option, module, wanted in (
            ("http_session", "requests", "Session"),
            ("async_http_session", "aiohttp", "ClientSession"),
        ):
            session = getattr(self, option)
            # The caller who made a session has imported its library; importing aiohttp here would cost sync users 214 ms.
            library = sys.modules.get(module)
            if session is not None and (library is None or not isinstance(session, getattr(library, wanted))):
                raise InvalidRequestError(
                    f"{option} is a {type(session).__name__}: pass a {module}.{wanted}, or leave it out"
                )

    def _check_certificate(self) -> None:
        paths = self.cert if isinstance(self.cert, tuple) else () if self.cert is None else (self.cert,)
        if self.cert is not None and (not 1 <= len(paths) <= 2 or not all(isinstance(path, str) for path in paths)):
            raise InvalidRequestError(
                "cert is the path of a PEM file with certificate and key, or a pair of paths (certificate, key)"
            )
        for path in paths:
            if not os.path.exists(path):
                raise InvalidRequestError(f"cert={path!r}: there is no such file")

    @property
    def base_url(self) -> str | None:
        """The data plane's base URL, or None if the control plane has to be asked."""
        return normalise_host(self.host) if self.host else None

    @property
    def controller_url(self) -> str:
        """The control plane's base URL."""
        return normalise_host(self.controller_host, option="PINECONE_CONTROLLER_HOST")

    def headers(self) -> dict[str, str]:
        """The headers of every request. Holds the key: never log it."""
        agent = f"pinecone-assistant-integrations/{__version__}"
        return {
            **dict(self.default_headers),
            "Api-Key": self.api_key or "",
            "X-Pinecone-Api-Version": self.api_version,
            "User-Agent": f"{agent}; source_tag={self.source_tag}" if self.source_tag else agent,
            "Accept-Encoding": "gzip, deflate",
            "Accept": "*/*",
        }

    def secrets(self) -> tuple[str, ...]:
        """Strings that must never be shown: the key, the values of injected headers, and the logins of all proxies."""
        values = [value for _, value in self.default_headers if len(value) > 3]
        proxies = [*(proxy for _, proxy in self.proxies), *getproxies_environment().values()]
        return (
            self.api_key or "",
            *values,
            # A gateway may repeat only the token of `Bearer token`.
            *(part for value in values for part in re.split(r"[\s;,=]+", value) if len(part) >= _LONG_ENOUGH_ALONE),
            *(secret for proxy in proxies for secret in _proxy_secrets(proxy)),
        )


def _proxy_secrets(proxy: str) -> Iterator[str]:
    """Yield the password of a proxy's URL as written, percent-decoded, and as `Proxy-Authorization` has it."""
    login = (proxy.partition("://")[2] or proxy).rpartition("@")[0]  # HTTP_PROXY may lack its scheme
    user, _, password = login.partition(":")
    if password or len(user) >= _LONG_ENOUGH_ALONE:
        yield from (password or user, unquote(password or user))
        yield base64.b64encode(unquote(login).encode()).decode()


CONNECTION_OPTIONS = (
    *(option.name for option in fields(ConnectionSettings) if option.name != "controller_host"),
    "timeout",
    "total_timeout",
    "max_retries",
    "retry_on_timeout",
)
"""Constructor options that do not shape an answer. The adapters take them too, and make a new client if one changes."""
