"""Where the server listens, and the names by which it may be called."""

from __future__ import annotations

import ipaddress
import re

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


def parse_address(text: str) -> IPAddress:
    """The IP address to listen on.

    Raises:
        ValueError: It is none.
    """
    try:
        return ipaddress.ip_address("127.0.0.1" if text == "localhost" else text.strip("[]"))
    except ValueError as error:
        raise ValueError(f"not an IP address to listen on, such as 127.0.0.1 or 0.0.0.0: {text!r}") from error


def parse_host(text: str) -> str:
    """A name that clients may send in the Host header, as it is compared: lower case, no port.

    Raises:
        ValueError: It has a port or a wildcard, or is no host name.
    """
    if _NAME.fullmatch(text):
        return text.lower()
    try:
        return _bracketed(ipaddress.ip_address(text.strip("[]")))
    except ValueError as error:
        raise ValueError(f"not a host name without a port, such as assistant.internal: {text!r}") from error


def own_hosts(address: IPAddress) -> tuple[str, ...]:
    """What clients send in the Host header if they call the address itself; nothing for "all addresses"."""
    return () if address.is_unspecified else (_bracketed(address),)


def url_host(address: IPAddress) -> str:
    """The host of a URL by which this machine reaches the server."""
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return _bracketed(address)


def _bracketed(address: IPAddress) -> str:
    return str(address) if address.version == 4 else f"[{address}]"
