"""TLS for both transports: one context with the authorities that are trusted and the client's own certificate."""

from __future__ import annotations

import os
import ssl

import certifi

from ..errors import InvalidRequestError
from ..settings import Certificate
from .environment import environment_ca


def ca_bundle(verify: bool | str) -> str | None:
    """Return the path of the authorities to trust, a file or a folder; None trusts any server (`verify=False`).

    Raises:
        InvalidRequestError: There is no such file; names the option or the variable.
    """
    if verify is False:
        return None
    name, path = ("verify", verify) if isinstance(verify, str) else environment_ca() or ("certifi", certifi.where())
    if not os.path.exists(path):
        raise InvalidRequestError(f"{name}={path!r}: there is no such CA bundle")
    return path


def tls_context(verify: bool | str, cert: Certificate) -> ssl.SSLContext:
    """The context for a transport's connections. Reading a bundle takes 30 ms and more, so a transport keeps it.

    Raises:
        InvalidRequestError: The bundle or the certificate cannot be read.
    """
    bundle = ca_bundle(verify)
    if bundle is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        try:
            is_folder = os.path.isdir(bundle)
            context = ssl.create_default_context(
                cafile=None if is_folder else bundle, capath=bundle if is_folder else None
            )
        except (OSError, ValueError) as error:
            raise InvalidRequestError(f"the CA bundle {bundle!r} cannot be read ({error})") from error
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if cert is not None:
        certificate, key = cert if isinstance(cert, tuple) else (cert, None)
        try:
            context.load_cert_chain(certificate, key, password=_refuse_password)
        except InvalidRequestError:
            raise
        except (OSError, ValueError) as error:
            raise InvalidRequestError(
                f"cert={cert!r} cannot be read ({error}): pass the path of a PEM file with certificate and key, or a pair of them"
            ) from error
    return context


def _refuse_password() -> str:
    """Refuse a key with a password: otherwise OpenSSL would ask for the password on the terminal, and wait."""
    raise InvalidRequestError("the key of cert= is encrypted: pass a key without a password")
