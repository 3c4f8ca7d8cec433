"""The assistants of a project: `Assistants` and `AsyncAssistants`, over the control plane."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .async_client import AsyncAssistantClient
from .async_exchange import AsyncExchange
from .client import AssistantClient
from .client_base import BaseClient, parts_of, with_assistant
from .errors import InvalidRequestError, keeps_no_arguments, suggestion
from .exchange import Exchange
from .feeding.assistants import (
    assistants_page,
    create_assistant,
    delete_assistant,
    get_assistant,
    update_assistant,
)
from .feeding.decoding import Tokens
from .feeding.driving import arun, run
from .feeding.target import Target
from .feeding.values import Assistant
from .options import NOT_GIVEN, NotGiven
from .settings import CONNECTION_OPTIONS

_OPTIONS = frozenset({*CONNECTION_OPTIONS, "controller_host"} - {"assistant_name", "api_key"})
_Exchange = TypeVar("_Exchange", bound=BaseClient)


@dataclass(frozen=True, slots=True, repr=False)
class _Given:
    """The options of the constructor, hidden from `vars` and `repr` because they hold the key and the headers."""

    options: dict[str, Any]

    @classmethod
    def checked(cls, api_key: str | None, options: Mapping[str, Any]) -> _Given:
        """The options. Raises InvalidRequestError for an unknown one."""
        for name in options:
            if name not in _OPTIONS:
                raise InvalidRequestError(f"Assistants has no option {name!r}{suggestion(name, _OPTIONS)}")
        return cls({**options, "api_key": api_key})


def _about(exchange: _Exchange, name: str) -> _Exchange:
    """Return a view of an exchange for requests about one assistant, so that errors name it."""
    return with_assistant(exchange, _given_name(name))


def _given_name(name: str) -> str:
    """Return a name that is one, because where there is none a client takes that of the environment."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequestError(f"{name!r} cannot be the name of an assistant: pass a text such as 'docs'")
    return name


class Assistants:
    """The assistants of a project: create, get, list, update, delete. It needs a key and no assistant.

    Args:
        api_key: The key; defaults to `PINECONE_API_KEY`.
        options: The connection options of `AssistantClient`: `controller_host`, `timeout`, `max_retries`, `api_version`,
            `default_headers`, `proxies`, `verify`, `cert`, `http_session`, ... `client` passes them on.

    Example:
        ```python
        with Assistants() as assistants:
            assistants.create("docs", instructions="Answer briefly.", exist_ok=True)
            with assistants.client("docs") as client:
                client.files.upload("examples/data/red_pine.md")
        ```
    """

    @keeps_no_arguments
    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        self._given = _Given.checked(api_key, options)
        self._exchange = with_assistant(Exchange(**self._given.options), None)

    def __enter__(self) -> Assistants:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(controller_host={parts_of(self._exchange).settings.controller_host!r})"

    def close(self) -> None:
        """Release the connections. Later use opens them again."""
        self._exchange.close()

    def create(
        self,
        name: str,
        *,
        instructions: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        region: str | None = None,
        exist_ok: bool = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> Assistant:
        """Create an assistant and return it once it is Ready.

        Args:
            name: 1 to 63 letters, digits and `-`.
            instructions: Guidance for all of its answers, at most 16 KB.
            metadata: A JSON object of at most 16 KB.
            region: `"us"` or `"eu"`; None is the service's default.
            exist_ok: Return the assistant of that name, as it is, if there is one.
            wait: Wait until it is Ready.
            timeout: Seconds of that wait; None waits without limit.

        Raises:
            BadRequestError: There is an assistant of that name (409).
            APITimeoutError: The time is up; the service continues its work.

        Source: POST /assistants, assistant_control 2026-04.
        """
        exchange = _about(self._exchange, name)
        steps = create_assistant(
            Target.of(exchange),
            parts_of(exchange).retries.policy,
            instructions=instructions,
            metadata=metadata,
            region=region,
            exist_ok=exist_ok,
            wait=wait,
            timeout=timeout,
        )
        return run(exchange, steps)

    def get(self, name: str) -> Assistant:
        """Return an assistant.

        Raises:
            NotFoundError: There is none of that name.

        Source: GET /assistants/{assistant_name}, assistant_control 2026-04.
        """
        exchange = _about(self._exchange, name)
        return run(exchange, get_assistant(Target.of(exchange).assistant))

    def list(self) -> Iterator[Assistant]:
        """Yield the assistants of the project; pages are fetched as they are needed.

        Source: GET /assistants, assistant_control 2026-04.
        """
        target = Target.of(self._exchange)

        def pages() -> Iterator[Assistant]:
            token, tokens = None, Tokens("assistants")
            while True:
                page = run(self._exchange, assistants_page(token, target.api_version))
                yield from page.items
                token = tokens.after(page)
                if token is None:
                    return

        return pages()

    def update(
        self,
        name: str,
        *,
        instructions: str | NotGiven | None = NOT_GIVEN,
        metadata: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> Assistant:
        """Replace instructions or metadata, and return the assistant. An argument left out changes nothing; None clears it.

        Args:
            name: The assistant.
            instructions: Guidance for all of its answers.
            metadata: The whole metadata: it is replaced, not merged.

        Source: PATCH /assistants/{assistant_name}, assistant_control 2026-04.
        """
        exchange = _about(self._exchange, name)
        target = Target.of(exchange)
        return run(exchange, update_assistant(target.assistant, instructions=instructions, metadata=metadata))

    def delete(self, name: str, *, missing_ok: bool = False, wait: bool = True, timeout: float | None = None) -> None:
        """Delete an assistant with all of its files, and return once it is gone.

        Args:
            name: The assistant.
            missing_ok: Return normally if there is no such assistant.
            wait: Wait until it is deleted.
            timeout: Seconds of that wait; None waits without limit.

        Raises:
            NotFoundError: There is none of that name.
            APITimeoutError: The time is up; the service continues its work.

        Source: DELETE /assistants/{assistant_name}, assistant_control 2026-04.
        """
        exchange = _about(self._exchange, name)
        run(exchange, delete_assistant(Target.of(exchange), missing_ok=missing_ok, wait=wait, timeout=timeout))

    def client(self, name: str, **options: Any) -> AssistantClient:
        """Return a client of one assistant, with these connection options and those of the call."""
        return AssistantClient(_given_name(name), **{**self._given.options, **options})


class AsyncAssistants:
    """Async version of `Assistants`."""

    @keeps_no_arguments
    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        self._given = _Given.checked(api_key, options)
        self._exchange = with_assistant(AsyncExchange(**self._given.options), None)

    async def __aenter__(self) -> AsyncAssistants:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(controller_host={parts_of(self._exchange).settings.controller_host!r})"

    async def close(self) -> None:
        """Async version of `Assistants.close`."""
        await self._exchange.close()

    async def create(
        self,
        name: str,
        *,
        instructions: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        region: str | None = None,
        exist_ok: bool = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> Assistant:
        """Async version of `Assistants.create`."""
        exchange = _about(self._exchange, name)
        steps = create_assistant(
            Target.of(exchange),
            parts_of(exchange).retries.policy,
            instructions=instructions,
            metadata=metadata,
            region=region,
            exist_ok=exist_ok,
            wait=wait,
            timeout=timeout,
        )
        return await arun(exchange, steps)

    async def get(self, name: str) -> Assistant:
        """Async version of `Assistants.get`."""
        exchange = _about(self._exchange, name)
        return await arun(exchange, get_assistant(Target.of(exchange).assistant))

    def list(self) -> AsyncIterator[Assistant]:
        """Async version of `Assistants.list`: `async for assistant in assistants.list()`."""
        target = Target.of(self._exchange)

        async def pages() -> AsyncIterator[Assistant]:
            token, tokens = None, Tokens("assistants")
            while True:
                page = await arun(self._exchange, assistants_page(token, target.api_version))
                for assistant in page.items:
                    yield assistant
                token = tokens.after(page)
                if token is None:
                    return

        return pages()

    async def update(
        self,
        name: str,
        *,
        instructions: str | NotGiven | None = NOT_GIVEN,
        metadata: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> Assistant:
        """Async version of `Assistants.update`."""
        exchange = _about(self._exchange, name)
        target = Target.of(exchange)
        return await arun(exchange, update_assistant(target.assistant, instructions=instructions, metadata=metadata))

    async def delete(
        self,
        name: str,
        *,
        missing_ok: bool = False,
        wait: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Async version of `Assistants.delete`."""
        exchange = _about(self._exchange, name)
        await arun(exchange, delete_assistant(Target.of(exchange), missing_ok=missing_ok, wait=wait, timeout=timeout))

    def client(self, name: str, **options: Any) -> AsyncAssistantClient:
        """Return an async client of one assistant, with these connection options and those of the call."""
        return AsyncAssistantClient(_given_name(name), **{**self._given.options, **options})
