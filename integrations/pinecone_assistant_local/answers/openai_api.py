"""A model behind OpenAI's chat API, which Ollama, llama.cpp, vLLM and others speak."""

from __future__ import annotations

import http.client
import ipaddress
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..errors import ServiceError
from .models import Message

TIMEOUT_SECONDS = 300.0
_MAX_ERROR_BYTES = 4_096
_TRANSIENT = (408, 409, 425, 429)


class OpenAIServer:
    """A server that answers `POST {url}/chat/completions`.

    Args:
        url: Its base, such as `http://127.0.0.1:11434/v1`.
        model: The model's name there.
        api_key: Its key, if it needs one; never shown.

    Raises:
        ValueError: The URL is invalid, or contains a password.
    """

    def __init__(self, url: str, model: str, api_key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the URL of a model must be such as http://127.0.0.1:11434/v1, not {url!r}")
        if parts.username or parts.password:
            raise ValueError("the URL of a model must not hold a user name or password")
        if not model.strip():
            raise ValueError("the name of the model is empty")
        self._url = url.rstrip("/")
        self._model = model
        self._api_key = api_key
        proxies: dict[str, str] | None = {} if _is_this_machine(parts.hostname) else None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _NoRedirects())

    def __repr__(self) -> str:
        return f"OpenAIServer({self._url!r}, {self._model!r})"

    def stream_chat(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the pieces of the answer as they come.

        Raises:
            ServiceError: 503 if the model cannot be reached, is busy or breaks off, 400 if it refuses; with its own message.
        """
        body = {
            "model": self._model,
            "messages": [{"role": role, "content": text} for role, text in messages],
            "stream": True,
        }
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        # The scheme was checked: http or https.
        request = urllib.request.Request(f"{self._url}/chat/completions", msgspec.json.encode(body), headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                yield from self._pieces(response)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, error.read(_MAX_ERROR_BYTES)) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise self._unavailable(f"cannot be reached: {reason}") from None

    def _pieces(self, response: http.client.HTTPResponse) -> Iterator[str]:
        said_something = has_ended = False
        for data in _events(response):
            if data == b"[DONE]":
                has_ended = True
                break
            text, is_last = self._read(data)
            said_something, has_ended = said_something or bool(text.strip()), has_ended or is_last
            yield text
        if not has_ended:
            raise self._unavailable("broke off before the end of its answer")
        if not said_something:
            raise self._unavailable("gave an empty answer")

    def _read(self, data: bytes) -> tuple[str, bool]:
        """Return the text of an event or of a whole answer, and whether the answer ends with it.

        The text is without the thoughts of a reasoning model, which are in other fields.
        """
        try:
            body: Any = msgspec.json.decode(data)
            if error := body.get("error"):
                raise self._refusal(500, msgspec.json.encode({"error": error}))
            choice = (body.get("choices") or [{}])[0]
            message = choice.get("delta") or choice.get("message") or {}
            text = message.get("content") or message.get("refusal") or ""
            if not isinstance(text, str):
                raise TypeError
        except (ValueError, AttributeError, LookupError, TypeError) as error:
            raise self._unavailable("sent something that is not an answer of OpenAI's chat API") from error
        return text, bool(choice.get("finish_reason")) or "message" in choice

    def _refusal(self, status: int, body: bytes) -> ServiceError:
        said = body.decode("utf-8", "replace")
        try:
            found: Any = msgspec.json.decode(body)
            found = found.get("error", found)
            said = found if isinstance(found, str) else str(found["message"])
        except (ValueError, AttributeError, LookupError, TypeError):
            pass  # not JSON: used unchanged
        said = " ".join(said.split())[:300] or "nothing"
        if self._api_key:
            said = said.replace(self._api_key, "[key]")
        if status >= 500 or status in _TRANSIENT:
            return self._unavailable(f"answered {status}: {said}")
        return ServiceError(
            400, "FAILED_PRECONDITION", f"The model {self._model!r} at {self._url} answered {status}: {said}"
        )

    def _unavailable(self, what: str) -> ServiceError:
        return ServiceError(503, "UNAVAILABLE", f"The model {self._model!r} at {self._url} {what}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are errors, like any other status: following one would send the key and the passages elsewhere."""

    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """Follow none."""


def _events(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield the data of each event, or the whole body of an answer that is not streamed."""
    if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
        yield response.read()
        return
    while line := response.readline():
        if line.startswith(b"data:"):
            yield line[len(b"data:") :].strip()


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
