"""One interface to ask with either client, so that one test covers sync and async."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Literal, TypeVar

from pinecone_assistant_client import (
    AssistantClient,
    AsyncAssistantClient,
    ChatCompletion,
    ChatCompletionChunk,
    Context,
)
from pinecone_assistant_client.retries import Retries

from .bodies import QUESTION

Kind = Literal["sync", "async"]
KEY = "pcsk_local_0123456789_secret"
_T = TypeVar("_T")


def text_of(chunks: Iterable[ChatCompletionChunk]) -> str:
    """The text of a stream."""
    return "".join(chunk.content for chunk in chunks)


class Steps(Iterator[ChatCompletionChunk]):
    """A sync or async stream, read step by step with sync calls."""

    def __init__(self, asking: Asking, stream: Any) -> None:
        self._asking = asking
        self.stream = stream

    def __next__(self) -> ChatCompletionChunk:
        try:
            step = self.stream.__next__ if self._asking.kind == "sync" else self.stream.__anext__
            chunk: ChatCompletionChunk = self._asking.run(step)
        except StopAsyncIteration:
            raise StopIteration from None
        return chunk

    def close(self) -> None:
        """Close the stream before its end."""
        self._asking.run(self.stream.close if self._asking.kind == "sync" else self.stream.aclose)


class Asker:
    """A client of either kind behind sync methods; `waits` are the seconds that its retries would have slept."""

    def __init__(self, asking: Asking, client: AssistantClient | AsyncAssistantClient) -> None:
        self._asking = asking
        self.client = client
        self.waits: list[float] = []
        self.jitter = 1.0

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        client._retries = Retries(
            client._retries.policy, sleep=self.waits.append, async_sleep=sleep, jitter=lambda: self.jitter
        )

    def chat_completion(self, *args: Any, **options: Any) -> ChatCompletion:
        return self._asking.run(lambda: self.client.chat_completion(*args, **options))

    def chat(self, *args: Any, **options: Any) -> ChatCompletion:
        return self._asking.run(lambda: self.client.chat(*args, **options))

    def answer(self, *args: Any, **options: Any) -> ChatCompletion:
        return self._asking.run(lambda: self.client.answer(*args, **options))

    def context(self, *args: Any, **options: Any) -> Context:
        return self._asking.run(lambda: self.client.context(*args, **options))

    def stream_chat_completion(self, *args: Any, **options: Any) -> Steps:
        return Steps(self._asking, self.client.stream_chat_completion(*args, **options))

    def stream_chat(self, *args: Any, **options: Any) -> Steps:
        return Steps(self._asking, self.client.stream_chat(*args, **options))

    def stream_answer(self, *args: Any, **options: Any) -> Steps:
        return Steps(self._asking, self.client.stream_answer(*args, **options))

    def close(self) -> None:
        self._asking.run(self.client.close)


def put(asker: Asker, is_streamed: bool) -> str:
    """Ask, and read the whole answer, in one piece or streamed."""
    return text_of(asker.stream_chat_completion(QUESTION)) if is_streamed else asker.chat_completion(QUESTION).content


class Asking:
    """Makes askers of one kind; the async ones share one event loop of their own."""

    def __init__(self, kind: Kind, host: str | None, **defaults: Any) -> None:
        self.kind: Kind = kind
        self._defaults: dict[str, Any] = {"assistant_name": "docs", "api_key": KEY, "host": host, "timeout": 5.0}
        self._defaults |= defaults
        self._loop: asyncio.AbstractEventLoop | None = None
        self._askers: list[Asker] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the async askers."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop

    def __call__(self, **options: Any) -> Asker:
        """An asker; the options are the client's."""
        options = self._defaults | options
        return self.over(AssistantClient(**options) if self.kind == "sync" else AsyncAssistantClient(**options))

    def over(self, client: Any) -> Asker:
        """An asker over a client that exists."""
        asker = Asker(self, client)
        self._askers.append(asker)
        return asker

    def run(self, call: Callable[[], Awaitable[_T] | _T]) -> _T:
        """The result of a call, sync or async."""
        if self.kind == "sync":
            return call()  # type: ignore[return-value] # a sync client's call awaits nothing

        async def awaited() -> _T:
            result = call()
            return await result if inspect.isawaitable(result) else result

        return self.loop.run_until_complete(awaited())

    def close(self) -> None:
        """Close the askers and the loop, as asyncio.run would."""
        for asker in self._askers:
            asker.close()
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
